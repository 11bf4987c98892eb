package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/rollout"
)

// Report sums up a rollout in one period after its deployment. It is
// made once, when the period is over, and never changed.
type Report struct {
	RolloutID string             `json:"rolloutId"`
	ID        string             `json:"id"`
	Kind      rollout.ReportKind `json:"kind"`
	// Number, From and To are the period's.
	Number int       `json:"number"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	// At is when it was made.
	At time.Time `json:"at"`
	// Percentage is the share of new vendors that was automated then.
	Percentage float64 `json:"percentage"`
	// Summary is the period in a sentence.
	Summary string `json:"summary"`
	// Findings compare the period with the one before, in sentences.
	Findings []string `json:"findings"`
	// Tasks are the ids of the tasks that it supports.
	Tasks []string `json:"tasks"`
	Total Tally    `json:"total"`
	// Before is of the equally long time before.
	Before Tally `json:"before"`
	// Days are those of the period, in order.
	Days []Tally `json:"days"`
	// Use counts what people did to the rollout and to trials, without zeros.
	Use []Use `json:"use"`
}

// Use is how often people did something.
type Use struct {
	What  string `json:"what"`
	Times int    `json:"times"`
}

// Make makes a period's report: days are the facts of each of its days,
// before those of the equally long time before, and decisions the rollout's events.
func Make(s rollout.State, p rollout.Period, days []Facts, before Facts, decisions []rollout.Event, now time.Time) Report {
	r := Report{
		RolloutID: s.ID, ID: p.ID(), Kind: p.Kind, Number: p.Number, From: p.From, To: p.To,
		At: now.UTC().Truncate(time.Millisecond), Percentage: s.Percentage, Tasks: rollout.TasksFor(p.Kind),
		Total: TallyOf(days...), Before: TallyOf(before), Days: make([]Tally, len(days)),
	}
	for i, f := range days {
		r.Days[i] = TallyOf(f)
	}
	r.Summary = r.summary()
	r.Findings = findings(r.Total, r.Before)
	r.Use = r.use(decisions)
	return r
}

// name is what people call its period.
func (r Report) name() string { return rollout.Period{Kind: r.Kind, Number: r.Number}.Name() }

func (r Report) summary() string {
	t := r.Total
	name := r.name()
	return fmt.Sprintf("%s at %v %% of new vendors: %s admitted, %s, %s.", strings.ToUpper(name[:1])+name[1:], r.Percentage,
		counted(t.Admitted, "vendor"), inWords(t.delivered(), "of the e-mails were delivered", "no e-mail was reported on"),
		t.ends())
}

// ends says how trials ended. It is no rate: a conversion ends a trial at once, and
// a trial that does not convert is known only when trial and grace are over.
func (t Tally) ends() string {
	if t.Converted+t.Expired == 0 {
		return "no trial ended"
	}
	return fmt.Sprintf("%s and %s", counted(t.Converted, "conversion"), counted(t.Expired, "expiry"))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if stem, is := strings.CutSuffix(what, "y"); is {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// inWords writes a part as a percentage and what it is of; none if it is empty.
func inWords(p part, what, none string) string {
	if p.all == 0 {
		return none
	}
	return evidence.Percent(p.share()) + " " + what
}

// Entry is a report as lists show it.
type Entry struct {
	ID     string             `json:"id"`
	Kind   rollout.ReportKind `json:"kind"`
	Number int                `json:"number"`
	// From is included, To is not.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// At is when it was made; nil before.
	At *time.Time `json:"at"`
	// Summary is the period in a sentence; empty before.
	Summary string `json:"summary"`
}

// EntryOf is a period's entry; made is its report, nil before there is one.
func EntryOf(p rollout.Period, made *Report) Entry {
	e := Entry{ID: p.ID(), Kind: p.Kind, Number: p.Number, From: p.From, To: p.To}
	if made != nil {
		e.At, e.Summary = &made.At, made.Summary
	}
	return e
}

// findings compare a time with the one before, one figure a sentence.
func findings(now, before Tally) []string {
	return []string{
		amounts("Vendors admitted", now.Admitted, before.Admitted),
		amounts("Conversions", now.Converted, before.Converted),
		amounts("Trials that expired", now.Expired, before.Expired),
		amounts("E-mails sent", now.MailSent, before.MailSent),
		shares("E-mails delivered", now.delivered(), before.delivered(), false),
		shares("Automated steps that succeeded", now.succeeded(), before.succeeded(), false),
		shares("API calls that failed", now.failed(), before.failed(), true),
		latency(now, before),
		"“About as before” means that the difference may be chance.",
	}
}

// chance is the largest difference, in standard errors, that counts as chance.
const chance = 2

// amounts compares two counts of equally long times.
func amounts(name string, now, before int) string {
	switch difference := float64(now - before); {
	case math.Abs(difference) <= chance*math.Sqrt(float64(now+before)):
		return fmt.Sprintf("%s: %d, about as before (%d).", name, now, before)
	case difference > 0:
		return fmt.Sprintf("%s: %d, more than before (%d).", name, now, before)
	}
	return fmt.Sprintf("%s: %d, fewer than before (%d).", name, now, before)
}

// shares compares two shares; with highIsBad, less is better.
func shares(name string, now, before part, highIsBad bool) string {
	text := fmt.Sprintf("%s: %s (%d of %d)", name, evidence.Percent(now.share()), now.some, now.all)
	switch {
	case now.all == 0:
		return name + ": none in this period."
	case before.all == 0:
		return text + ", with nothing before to compare with."
	}
	both := part{now.some + before.some, now.all + before.all}.share()
	difference := now.share() - before.share()
	switch {
	case math.Abs(difference) <= chance*math.Sqrt(both*(1-both)*(1/float64(now.all)+1/float64(before.all))):
		return fmt.Sprintf("%s, about as before (%s).", text, evidence.Percent(before.share()))
	case difference > 0 == highIsBad:
		return fmt.Sprintf("%s, worse than before (%s).", text, evidence.Percent(before.share()))
	}
	return fmt.Sprintf("%s, better than before (%s).", text, evidence.Percent(before.share()))
}

// noticeable is the relative difference in latency that the report mentions.
const noticeable = 0.2

// latency compares the durations of API calls; with too few it compares nothing.
func latency(now, before Tally) string {
	text := fmt.Sprintf("API calls: half took up to %d ms, 95 %% up to %d ms (of %d)", now.MedianMS, now.P95MS, now.Calls)
	ratio := float64(now.P95MS) / float64(max(before.P95MS, 1))
	switch {
	case now.Calls == 0:
		return "API calls: none in this period."
	case now.Calls < rollout.LeastBaseline || before.Calls < rollout.LeastBaseline:
		return text + ", too few to compare with before."
	case ratio > 1+noticeable:
		return fmt.Sprintf("%s, slower than before (%d ms).", text, before.P95MS)
	case ratio < 1/(1+noticeable):
		return fmt.Sprintf("%s, faster than before (%d ms).", text, before.P95MS)
	}
	return fmt.Sprintf("%s, about as before (%d ms).", text, before.P95MS)
}

// use counts what people did in the period.
func (r Report) use(decisions []rollout.Event) []Use {
	times := map[string]int{
		"trial extended": r.Total.Extended, "trial shortened": r.Total.Shortened,
		"trial cancelled": r.Total.Cancelled, "trial revived": r.Total.Revived,
	}
	for _, e := range decisions {
		if e.By != flags.Automatic && !e.At.Before(r.From) && e.At.Before(r.To) {
			times[deeds[e.Type]]++
		}
	}
	use := []Use{}
	for _, what := range usesInOrder {
		if times[what] > 0 {
			use = append(use, Use{What: what, Times: times[what]})
		}
	}
	return use
}

// deeds name what people do to a rollout.
var deeds = map[rollout.EventType]string{
	rollout.EventPaused: "rollout paused", rollout.EventResumed: "rollout resumed", rollout.EventEntered: "rollout advanced", rollout.EventCompleted: "rollout advanced",
	rollout.EventOverridden: "percentage set by hand", rollout.EventRolledBack: "rollout rolled back", rollout.EventTicked: "criterion or task ticked",
	rollout.EventWaived: "check waived",
}

var usesInOrder = []string{
	"rollout paused", "rollout resumed", "rollout advanced", "percentage set by hand", "rollout rolled back",
	"check waived", "criterion or task ticked", "trial extended", "trial shortened", "trial cancelled", "trial revived",
}

// Message is the report as a notice to stakeholders; s is the rollout's state
// when it was made.
func (r Report) Message(s rollout.State) notice.Message {
	return notice.Message{
		Key: s.ID + "/report/" + r.ID, At: r.At, Kind: reportNotices[r.Kind],
		Subject: fmt.Sprintf("Trial rollout: %s report, %s", r.Kind, r.name()),
		Lead:    r.Summary, Lines: append([]string{fmt.Sprintf("From %s to %s, compared with the equally long time before.", s.FormatTime(r.From), s.FormatTime(r.To))}, r.Findings...),
		Sections: r.sections(s), Figures: r.figures(),
	}
}

var reportNotices = map[rollout.ReportKind]notice.Kind{
	rollout.ReportDaily: notice.NoticeDailyReport, rollout.ReportWeekly: notice.NoticeWeeklyReport, rollout.ReportMonthly: notice.NoticeMonthlyReport,
}

func (r Report) sections(s rollout.State) []notice.Section {
	var sections []notice.Section
	if len(r.Days) > 1 {
		byDay := notice.Section{Title: "Day by day"}
		for i, t := range r.Days {
			byDay.Items = append(byDay.Items, notice.Item{Label: s.FormatTime(r.From.Add(rollout.Days(float64(i), s.Times.Day))), Text: t.line()})
		}
		sections = append(sections, byDay)
	}
	done := notice.Section{Title: "What people did"}
	for _, u := range r.Use {
		done.Items = append(done.Items, notice.Item{Label: strings.ToUpper(u.What[:1]) + u.What[1:], Text: rollout.TimesInWords(u.Times)})
	}
	if len(r.Use) == 0 {
		done.Items = []notice.Item{{Label: "Nothing", Text: "nobody changed the rollout or a trial"}}
	}
	tasks := notice.Section{Title: "Tasks that this report supports"}
	for _, t := range rollout.TasksOf(s, r.At) {
		if t.Report != r.Kind {
			continue
		}
		text := "open: tick it off as " + t.ID + " when it is done"
		if t.Status == rollout.TaskDone {
			text = "done: " + t.Reason
		}
		tasks.Items = append(tasks.Items, notice.Item{Label: t.Text, Text: text})
	}
	return append(sections, done, tasks)
}

// line is a day in one line.
func (t Tally) line() string {
	return fmt.Sprintf("%d admitted, %d converted, %d expired; e-mails %d sent, %d delivered, %d failed; steps %d done, %d failed; %d API calls, 95 %% up to %d ms",
		t.Admitted, t.Converted, t.Expired, t.MailSent, t.MailDelivered, t.MailFailed, t.StepsDone, t.StepsFailed, t.Calls, t.P95MS)
}

// figures are the period's shares against the limits of the gates.
func (r Report) figures() []notice.Figure {
	t := r.Total
	return []notice.Figure{
		reviewed(notice.GateNames[rollout.GateEmail], t.delivered(), rollout.LimitEmail, false),
		reviewed(notice.GateNames[rollout.GateAutomation], t.succeeded(), rollout.LimitAutomation, false),
		reviewed(notice.GateNames[rollout.GateAPI], t.slow(), rollout.SlowShare, true),
		reviewed(notice.GateNames[rollout.GateErrors], t.failed(), rollout.LimitErrors, true),
		{
			Name: notice.GateNames[rollout.GateConversion], Use: notice.ToReview, Limit: rollout.LimitConversion, Verdict: rollout.Insufficient,
			Reason: t.ends() + "; a rate needs trials that began long enough ago to have ended",
		},
	}
}

// reviewed compares a share with its limit. It decides nothing, so chance
// is ignored.
func reviewed(name string, p part, limit float64, highIsBad bool) notice.Figure {
	f := notice.Figure{
		Name: name, Use: notice.ToReview, Estimate: p.share(), Limit: limit, HighIsBad: highIsBad, Seen: p.all,
		Verdict: rollout.Insufficient, Reason: "no data in this period",
	}
	if p.all > 0 {
		f.Verdict = rollout.VerdictOf(p.share() == limit || p.share() > limit != highIsBad)
		f.Reason = fmt.Sprintf("%d of %d", p.some, p.all)
	}
	return f
}
