package monitoring

import (
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// ReportFacts are the inputs of a report.
type ReportFacts struct {
	Now time.Time
	// Day is the length of a day, Policy the policy of new trials.
	Day    time.Duration
	Policy trial.Policy
	// Tally holds the counters of Periods.
	Tally Tally
	// Calls are the API calls of the last hour (of a day of 24).
	Calls rollout.Calls
}

// Report is the present state, as the API answers and the pages show it.
type Report struct {
	At      time.Time `json:"at"`
	Figures []Figure  `json:"figures"`
	// Trials are the present numbers, by cohort and status.
	Trials map[trial.Cohort]map[trial.Status]int `json:"trials"`
	// Mails is the e-mails' funnel over WindowDays.
	Mails     Funnel    `json:"mails"`
	Responses Responses `json:"responses"`
	// Days are the last WindowDays days and today, oldest first.
	Days []Day `json:"days"`
}

// Funnel counts e-mails by outcome. Claimed, Accepted, Delayed and Unknown are
// not final.
type Funnel struct {
	Claimed    int `json:"claimed"`
	Unknown    int `json:"unknown"`
	Refused    int `json:"refused"`
	Accepted   int `json:"accepted"`
	Delayed    int `json:"delayed"`
	Delivered  int `json:"delivered"`
	Bounced    int `json:"bounced"`
	Complained int `json:"complained"`
	Rejected   int `json:"rejected"`
	// Resent counts those that may have been sent twice.
	Resent int `json:"resent"`
}

// Arrived counts those that were delivered. Arrived, Failed and Pending add up to all.
func (f Funnel) Arrived() int { return f.Delivered + f.Complained }

// Failed counts those that will not arrive.
func (f Funnel) Failed() int { return f.Refused + f.Bounced + f.Rejected }

// Pending counts those without a final report.
func (f Funnel) Pending() int { return f.Claimed + f.Unknown + f.Accepted + f.Delayed }

// Responses are the API's response times, in seconds; 0 without calls.
type Responses struct {
	P50    float64 `json:"p50"`
	P95    float64 `json:"p95"`
	P99    float64 `json:"p99"`
	Calls  int     `json:"calls"`
	Failed int     `json:"failed"`
}

// Day is what happened in one day.
type Day struct {
	From    time.Time                `json:"from"`
	Cohorts map[trial.Cohort]DayPart `json:"cohorts"`
	Mails   Funnel                   `json:"mails"`
}

// DayPart is what happened to a cohort in one day.
type DayPart struct {
	Registered   int `json:"registered"`
	Converted    int `json:"converted"`
	Expired      int `json:"expired"`
	Cancelled    int `json:"cancelled"`
	Extended     int `json:"extended"`
	StepsDone    int `json:"stepsDone"`
	StepsLate    int `json:"stepsLate"`
	StepsFailed  int `json:"stepsFailed"`
	StepsSkipped int `json:"stepsSkipped"`
}

// Periods are those whose counters a report needs.
func Periods(now time.Time, day time.Duration, policy trial.Policy) []Period {
	periods := []Period{Current}
	for back := WindowDays + matureAfter(policy); back >= 0; back-- {
		periods = append(periods, numbered("day", dayNumber(now, day)-int64(back)))
	}
	return periods
}

// matureAfter is how many days after its start an unextended trial is over.
func matureAfter(p trial.Policy) int { return p.LengthDays + p.GraceDays + 1 }

// Make makes the report.
func Make(f ReportFacts) Report {
	r := Report{
		At: f.Now, Trials: map[trial.Cohort]map[trial.Status]int{},
		Mails: f.funnel(f.recent()), Responses: f.responses(),
	}
	for _, c := range cohorts() {
		r.Trials[c] = map[trial.Status]int{}
		for _, s := range trial.Statuses() {
			r.Trials[c][s] = f.Tally[Counter{Current, c, Running(s)}]
		}
	}
	for _, d := range Definitions() {
		r.Figures = append(r.Figures, f.figures(d)...)
	}
	for _, n := range f.recent() {
		r.Days = append(r.Days, f.dayAt(n))
	}
	return r
}

func cohorts() []trial.Cohort { return []trial.Cohort{trial.Automated, trial.Control} }

func (f ReportFacts) today() int64 { return dayNumber(f.Now, f.Day) }

// recent are the numbers of today and the days before.
func (f ReportFacts) recent() []int64 { return days(f.today()-WindowDays, f.today()) }

// mature are the numbers of the days whose trials are over, unless changed.
func (f ReportFacts) mature() []int64 {
	last := f.today() - int64(matureAfter(f.Policy))
	return days(last-WindowDays+1, last)
}

func days(first, last int64) (numbers []int64) {
	for n := first; n <= last; n++ {
		numbers = append(numbers, n)
	}
	return numbers
}

func (f ReportFacts) startOfDay(day int64) time.Time { return time.Unix(0, day*int64(f.Day)).UTC() }

func (f ReportFacts) sum(days []int64, c trial.Cohort, names ...Name) (n int) {
	for _, d := range days {
		for _, name := range names {
			n += f.Tally[Counter{numbered("day", d), c, name}]
		}
	}
	return n
}

func (f ReportFacts) figures(d Definition) []Figure {
	switch d.ID {
	case ConversionRate:
		var all []Figure
		for _, c := range cohorts() {
			all = append(all, f.conversion(c).withRate(d))
		}
		return all
	case EmailDeliveryRate:
		mails := f.funnel(f.recent())
		figure := f.windowed(f.recent())
		figure.Numerator, figure.Denominator, figure.Pending = mails.Arrived(), mails.Arrived()+mails.Failed(), mails.Pending()
		return []Figure{figure.withRate(d)}
	case AutomationSuccess:
		return []Figure{f.success().withRate(d)}
	case ErrorRate:
		return []Figure{Figure{
			From: f.Now.Add(-f.Day / 24), To: f.Now, Numerator: f.Calls.Failed, Denominator: f.Calls.Count(),
		}.withRate(d)}
	case ResponseTime:
		return []Figure{f.responseTime(d)}
	}
	return nil
}

func (f ReportFacts) windowed(days []int64) Figure {
	return Figure{From: f.startOfDay(days[0]), To: earlier(f.Now, f.startOfDay(days[len(days)-1]+1))}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// conversion counts the trials that should have ended, including those that still run: while
// the expiry is held, for example, only conversions end trials, and all ended ones converted.
func (f ReportFacts) conversion(c trial.Cohort) Figure {
	days := f.mature()
	began := func(name Name) int { return f.sum(days, c, name) }
	figure := f.windowed(days)
	figure.Cohort = c
	figure.Numerator = began(BeganConverted) - began(BeganUntracked)
	figure.Denominator = began(Began) - began(BeganCancelled) - began(BeganUntracked)
	figure.Pending = began(Began) - began(BeganConverted) - began(BeganExpired) - began(BeganCancelled)
	return figure
}

// Converted is the conversion rate of both cohorts together: of how many trials, and how many of them converted.
func (f ReportFacts) Converted() (converted, trials int) {
	for _, c := range cohorts() {
		figure := f.conversion(c)
		converted, trials = converted+figure.Numerator, trials+figure.Denominator
	}
	return converted, trials
}

func (f ReportFacts) success() Figure {
	days := f.recent()
	figure := f.windowed(days)
	for _, c := range cohorts() { // vendors that a backfill automated stay in the control cohort
		done := f.sum(days, c, StepsDone)
		figure.Numerator += done
		figure.Denominator += done + f.sum(days, c, StepsFailed)
	}
	return figure
}

func (f ReportFacts) responses() Responses {
	return Responses{
		P50: f.Calls.Quantile(.50).Seconds(), P95: f.Calls.Quantile(.95).Seconds(), P99: f.Calls.Quantile(.99).Seconds(),
		Calls: f.Calls.Count(), Failed: f.Calls.Failed,
	}
}

func (f ReportFacts) responseTime(d Definition) Figure {
	figure := Figure{ID: d.ID, From: f.Now.Add(-f.Day / 24), To: f.Now, Denominator: f.Calls.Count()}
	if figure.Denominator >= d.Needed && figure.Denominator > 0 {
		p95 := f.responses().P95
		figure.Value = &p95
	}
	figure.Level = d.level(figure.Value, figure.Denominator)
	return figure
}

func (f ReportFacts) funnel(days []int64) Funnel {
	n := func(name Name) int { return f.sum(days, trial.Automated, name) }
	return Funnel{
		Claimed: n(MailClaimed), Unknown: n(MailUnknown), Refused: n(MailRefused), Accepted: n(MailAccepted), Delayed: n(MailDelayed),
		Delivered: n(MailDelivered), Bounced: n(MailBounced), Complained: n(MailComplained), Rejected: n(MailRejected), Resent: n(MailResent),
	}
}

func (f ReportFacts) dayAt(number int64) Day {
	day := Day{From: f.startOfDay(number), Cohorts: map[trial.Cohort]DayPart{}, Mails: f.funnel([]int64{number})}
	for _, c := range cohorts() {
		n := func(name Name) int { return f.sum([]int64{number}, c, name) }
		day.Cohorts[c] = DayPart{
			Registered: n(Began), Converted: n(ConvertedInTime), Expired: n(EnteredExpiry), Cancelled: n(EnteredCancelled),
			Extended: n(Extended), StepsDone: n(StepsDone), StepsLate: n(StepsLate), StepsFailed: n(StepsFailed), StepsSkipped: n(StepsSkipped),
		}
	}
	return day
}
