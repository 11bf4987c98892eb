package monitoring

import (
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// ReportFacts are the inputs of a report.
type ReportFacts struct {
	Now time.Time
	// Day is the length of a day, Policy the one whose trials last longest of those that new vendors get.
	Day    time.Duration
	Policy trial.Policy
	// Offered are all that new vendors get; empty for no figures by policy.
	Offered []trial.Policy
	// Tally holds the counters of Periods.
	Tally Tally
	// Calls are the API calls of the last hour (of a day of 24).
	Calls rollout.Calls
}

// Report is the present state of figures, trials and e-mails, as the API answers and the pages show it. It is none of the reports
// on a rollout: those are in package report.
type Report struct {
	At      time.Time `json:"at"`
	Figures []Figure  `json:"figures"`
	// Trials are the present numbers, by cohort and status.
	Trials map[trial.Cohort]map[trial.Status]int `json:"trials"`
	// Mails is the e-mails' funnel over WindowDays; AdoptedMails is the part of it that went to adopted vendors.
	Mails        Funnel    `json:"mails"`
	AdoptedMails Funnel    `json:"adoptedMails"`
	Responses    Responses `json:"responses"`
	// Policies are the figures of each policy that new vendors get, and of all others together, if there are any trials of such.
	Policies []PolicyFigures `json:"policies"`
	// Days are the last WindowDays days and today, oldest first.
	Days []Day `json:"days"`
	// ByAge is the conversion by the trials' age; empty without a trial. Only pages show it.
	ByAge []AgeConversion `json:"-"`
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

func (f Funnel) plus(o Funnel) Funnel {
	return Funnel{
		Claimed: f.Claimed + o.Claimed, Unknown: f.Unknown + o.Unknown, Refused: f.Refused + o.Refused, Accepted: f.Accepted + o.Accepted,
		Delayed: f.Delayed + o.Delayed, Delivered: f.Delivered + o.Delivered, Bounced: f.Bounced + o.Bounced,
		Complained: f.Complained + o.Complained, Rejected: f.Rejected + o.Rejected, Resent: f.Resent + o.Resent,
	}
}

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
	// Mails is of all e-mails, AdoptedMails of those to adopted vendors.
	Mails        Funnel `json:"mails"`
	AdoptedMails Funnel `json:"adoptedMails"`
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
		Mails: f.mails(f.recent()), AdoptedMails: f.funnel(trial.Adopted, f.recent()), Responses: f.responses(), Policies: f.byPolicy(), ByAge: f.byAge(),
	}
	for _, c := range trial.Cohorts() {
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

// automated are the cohorts whose steps and e-mails are automated.
func automated() []trial.Cohort { return []trial.Cohort{trial.Automated, trial.Adopted} }

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
		return f.byCohort(d, trial.Cohorts(), f.conversion)
	case EmailDeliveryRate:
		return f.byCohort(d, automated(), f.delivery)
	case AutomationSuccess:
		return f.byCohort(d, automated(), f.success)
	case ErrorRate:
		return []Figure{Figure{
			From: f.Now.Add(-f.Day / 24), To: f.Now, Numerator: f.Calls.Failed, Denominator: f.Calls.Count(),
		}.withRate(d)}
	case ResponseTime:
		return []Figure{f.responseTime(d)}
	}
	return nil
}

// byCohort is a figure of each cohort; of the adopted one only if there are adopted vendors in it.
func (f ReportFacts) byCohort(d Definition, cohorts []trial.Cohort, of func(trial.Cohort) Figure) []Figure {
	var all []Figure
	for _, c := range cohorts {
		figure := of(c)
		if c == trial.Adopted && figure.Denominator == 0 && figure.Pending == 0 {
			continue
		}
		figure.Cohort = c
		all = append(all, figure.withRate(d))
	}
	return all
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
	return f.began(f.windowed(f.mature()), c, f.ofCohort(c, f.mature()))
}

// ofCohort leaves out the days whose control cohort a backfill may have reached: it takes those out that have not converted, which would raise the rate.
func (f ReportFacts) ofCohort(c trial.Cohort, days []int64) []int64 {
	if c == trial.Control {
		return slices.DeleteFunc(days, f.backfilled)
	}
	return days
}

// began adds to a figure the trials of a cohort that began on some days.
func (f ReportFacts) began(figure Figure, c trial.Cohort, days []int64) Figure {
	return f.beganOf(figure, c, days, func(name Name) Name { return name })
}

// beganOf is began for the counters that of makes of the names.
func (f ReportFacts) beganOf(figure Figure, c trial.Cohort, days []int64, of func(Name) Name) Figure {
	began := func(name Name) int { return f.sum(days, c, of(name)) }
	figure.Numerator += began(BeganConverted) - began(BeganUntracked)
	figure.Denominator += began(Began) - began(BeganCancelled) - began(BeganUntracked)
	figure.Pending += began(Began) - began(BeganConverted) - began(BeganExpired) - began(BeganCancelled)
	return figure
}

// Converted is the conversion rate of all cohorts together: of how many trials, and how many of them converted.
func (f ReportFacts) Converted() (converted, trials int) {
	var figure Figure
	for _, c := range trial.Cohorts() {
		figure = f.began(figure, c, f.mature())
	}
	return figure.Numerator, figure.Denominator
}

// backfilled reports whether trials were adopted while those that began on a day ran, unless changed.
func (f ReportFacts) backfilled(day int64) bool {
	return f.sum(days(day, day+int64(matureAfter(f.Policy))), trial.Adopted, Adopted) > 0
}

func (f ReportFacts) delivery(c trial.Cohort) Figure {
	mails, figure := f.funnel(c, f.recent()), f.windowed(f.recent())
	figure.Numerator, figure.Denominator, figure.Pending = mails.Arrived(), mails.Arrived()+mails.Failed(), mails.Pending()
	return figure
}

func (f ReportFacts) success(c trial.Cohort) Figure {
	days := f.recent()
	figure := f.windowed(days)
	figure.Numerator = f.sum(days, c, StepsDone)
	figure.Denominator = figure.Numerator + f.sum(days, c, StepsFailed)
	return figure
}

func (f ReportFacts) responses() Responses { return responsesOf(f.Calls) }

func responsesOf(c rollout.Calls) Responses {
	return Responses{
		P50: c.Quantile(.50).Seconds(), P95: c.Quantile(.95).Seconds(), P99: c.Quantile(.99).Seconds(),
		Calls: c.Count(), Failed: c.Failed,
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

// mails is the funnel of all e-mails.
func (f ReportFacts) mails(days []int64) (all Funnel) {
	for _, c := range automated() {
		all = all.plus(f.funnel(c, days))
	}
	return all
}

func (f ReportFacts) funnel(c trial.Cohort, days []int64) Funnel {
	n := func(name Name) int { return f.sum(days, c, name) }
	return Funnel{
		Claimed: n(MailClaimed), Unknown: n(MailUnknown), Refused: n(MailRefused), Accepted: n(MailAccepted), Delayed: n(MailDelayed),
		Delivered: n(MailDelivered), Bounced: n(MailBounced), Complained: n(MailComplained), Rejected: n(MailRejected), Resent: n(MailResent),
	}
}

func (f ReportFacts) dayAt(number int64) Day {
	day := Day{From: f.startOfDay(number), Cohorts: map[trial.Cohort]DayPart{}}
	day.Mails, day.AdoptedMails = f.mails([]int64{number}), f.funnel(trial.Adopted, []int64{number})
	for _, c := range trial.Cohorts() {
		n := func(name Name) int { return f.sum([]int64{number}, c, name) }
		day.Cohorts[c] = DayPart{
			Registered: n(Began), Converted: n(ConvertedInTime), Expired: n(EnteredExpiry), Cancelled: n(EnteredCancelled),
			Extended: n(Extended), StepsDone: n(StepsDone), StepsLate: n(StepsLate), StepsFailed: n(StepsFailed), StepsSkipped: n(StepsSkipped),
		}
	}
	return day
}
