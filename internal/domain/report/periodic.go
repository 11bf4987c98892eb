package report

import (
	"fmt"
	"math"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/flags"
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
	// Experiment is the policy experiment of the period; nil for none, and in daily reports.
	Experiment *Experiment `json:"experiment,omitempty"`
}

// Experiment says how the arms of a policy experiment compared when the report was made.
type Experiment struct {
	Name string `json:"name"`
	// A and B are the arms' figures.
	A experiment.Figures `json:"a"`
	B experiment.Figures `json:"b"`
	// Sentence is the judgement in words.
	Sentence string `json:"sentence"`
}

// WithExperiment adds the latest experiment, if it was open in the period. Daily reports say nothing of it: a day changes little.
func (r Report) WithExperiment(v experiment.View) Report {
	if r.Kind == rollout.ReportDaily || v.Judgement == nil || !v.StartedAt.Before(r.To) || v.Ended != nil && v.Ended.At.Before(r.From) {
		return r
	}
	r.Experiment = &Experiment{Name: v.Name, A: v.Judgement.A, B: v.Judgement.B, Sentence: v.Sentence}
	return r
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
	text := fmt.Sprintf("%s at %v %% of new vendors: %s admitted, %s, %s.", strings.ToUpper(name[:1])+name[1:], r.Percentage,
		evidence.Counted(t.Admitted, "vendor", "vendors"), t.mail(), t.ends())
	if t.Adopted.any() {
		text += fmt.Sprintf(" By the backfill: %s adopted, %s, %s.", evidence.Counted(t.Adopted.Admitted, "vendor", "vendors"), t.Adopted.mail(), t.Adopted.ends())
	}
	return text
}

func (c CohortTally) mail() string {
	return inWords(c.delivered(), "of the e-mails were delivered", "no e-mail was reported on")
}

// ends says how trials ended. It is no rate: a conversion ends a trial at once, and
// a trial that does not convert is known only when trial and grace are over.
func (c CohortTally) ends() string {
	if c.Converted+c.Expired == 0 {
		return "no trial ended"
	}
	return fmt.Sprintf("%s and %s", evidence.Counted(c.Converted, "conversion", "conversions"), evidence.Counted(c.Expired, "expiry", "expiries"))
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
	all := append([]string{amounts("Vendors admitted", now.Admitted, before.Admitted)}, ofCohort("", now.CohortTally, before.CohortTally)...)
	if now.Adopted.any() || before.Adopted.any() {
		all = append(all, amounts("Vendors adopted by the backfill", now.Adopted.Admitted, before.Adopted.Admitted))
		all = append(all, ofCohort("Adopted vendors: ", now.Adopted, before.Adopted)...)
	}
	return append(all,
		answers(now.Feedback, before.Feedback),
		shares("API calls that failed", now.failed(), before.failed(), true),
		latency(now, before),
		"“About as before” means that the difference may be chance.",
	)
}

// ofCohort compares what became of one cohort's trials; who names it.
func ofCohort(who string, now, before CohortTally) []string {
	return []string{
		amounts(who+"Conversions", now.Converted, before.Converted),
		amounts(who+"Trials that expired", now.Expired, before.Expired),
		amounts(who+"E-mails sent", now.MailSent, before.MailSent),
		shares(who+"E-mails delivered", now.delivered(), before.delivered(), false),
		shares(who+"Automated steps that succeeded", now.succeeded(), before.succeeded(), false),
	}
}

// answers says what vendors answered, with the interval of the share, and how many did before.
func answers(now, before feedback.Tally) string {
	return fmt.Sprintf("Vendors' feedback: %s; %s before.", now, evidence.Counted(before.Answers, "answer", "answers"))
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
