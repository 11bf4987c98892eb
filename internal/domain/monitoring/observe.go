package monitoring

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Situation is what the alerts are judged on.
type Situation struct {
	// Facts are those of the report, their Tally that of AlertPeriods.
	Facts
	// Counted false says that the flag monitoring.trialMetrics is off, so that no
	// rule about trials and e-mails is judged.
	Counted bool
	Parts   Parts
	// Repairs are how many trials the reconciler had to mend, by slot.
	Repairs map[Period]int
}

// Parts are how the parts stand of which no counter tells. What is nil could
// not be asked.
type Parts struct {
	// Workers are how many poll for work, WorkersNeeded how many should, and WorkerSign when one last gave a sign
	// of life; zero where that is not known.
	Workers       *int
	WorkersNeeded int
	WorkerSign    time.Time
	// MaySend tells whether the mail service lets the account send; MailRefusedSince
	// since when it has accepted nothing, zero where it accepts some.
	MaySend          *bool
	MailRefusedSince time.Time
	// Watched is when the running rollout was last watched, or began; zero
	// where none runs.
	Watched *time.Time
	// Rollout is how the rollout's workflow stands, whether or not one is to run.
	Rollout *WorkflowRun
	// BackedUp is when the last backup was finished, or the running rollout began where that is later;
	// zero where no rollout runs, and so none is due. nil also where the product takes none.
	BackedUp *time.Time
	// Certificates are those that API processes show; empty where none does.
	Certificates []Validity
}

// What happened between two looks is seen by the later one, of a short window too.
const (
	// lookBack is how long before a look such a window may have ended at most, where
	// an hour is shorter.
	lookBack = 30 * time.Second
	// countedLate is how late a counter may be written.
	countedLate = 5 * time.Second
)

func hour(day time.Duration) time.Duration { return day / 24 }

// AlertPeriods are those whose counters the alerts are judged on at a moment.
func AlertPeriods(now time.Time, day time.Duration, policy trial.Policy) []Period {
	return append(Periods(now, day, policy), alertSlots(now, day)...)
}

// FindPeriods are those whose finds the alerts are judged on.
func FindPeriods(now time.Time, day time.Duration) []Period {
	return slots(rollout.Interval(now, day)-spans(hour(day), day), rollout.Interval(now, day))
}

func alertSlots(now time.Time, day time.Duration) []Period {
	last := rollout.Interval(now, day)
	most := max(spans(day, day), spans(hour(day)+looksBack(day), day))
	return slots(last-most, last)
}

// looksBack is how long before a look a short window may have ended.
func looksBack(day time.Duration) time.Duration { return max(hour(day), lookBack) }

// spans is how many slots a time lasts, rounded up.
func spans(d, day time.Duration) int64 {
	every := rollout.WatchEvery(day)
	return int64((d + every - 1) / every)
}

func slots(first, last int64) (periods []Period) {
	for n := first; n <= last; n++ {
		periods = append(periods, numbered("slot", n))
	}
	return periods
}

// Observe is what a rule is judged on; before is when it was looked at last.
func Observe(id RuleID, s Situation, before time.Time) Observation {
	if about := ofTrials[id]; about != nil {
		if !s.Counted {
			return Observation{Text: "not measured: the flag monitoring.trialMetrics is off"}
		}
		return about(s, before)
	}
	if about := ofParts[id]; about != nil {
		return about(s)
	}
	return Observation{Text: "not measured"}
}

var ofTrials = map[RuleID]func(Situation, time.Time) Observation{
	ConversionRateDropped: func(s Situation, _ time.Time) Observation { return s.converted() },
	EmailDeliveryFailed:   func(s Situation, _ time.Time) Observation { return s.mailsFailed() },
	EmailDeliveryRateLow:  func(s Situation, _ time.Time) Observation { return s.mailsArrived() },
	MassTrialExpiration:   Situation.expired,
	UnknownSends:          func(s Situation, _ time.Time) Observation { return s.unknown() },
}

var ofParts = map[RuleID]func(Situation) Observation{
	WatchMissed:     Situation.watched,
	RolloutStuck:    Situation.stuck,
	WorkerAway:      Situation.workers,
	SESPaused:       Situation.mailing,
	ReconcilerFinds: Situation.found,
	BackupLate:      Situation.backedUp,

	CertificateExpires: Situation.certified,
}

func observed(value float64, seen int, format string, args ...any) Observation {
	return Observation{Value: &value, Seen: seen, Text: fmt.Sprintf(format, args...)}
}

func unmeasured(seen int, format string, args ...any) Observation {
	return Observation{Seen: seen, Text: fmt.Sprintf(format, args...)}
}

// rate is a share in per cent, once enough was seen.
func rate(part, all, needed int, what string) Observation {
	if all < needed || all == 0 {
		return unmeasured(all, "%d of %d %s; at least %d are needed to judge", part, all, what, needed)
	}
	percent := 100 * float64(part) / float64(all)
	return observed(percent, all, "%.1f %%: %d of %d %s", percent, part, all, what)
}

func needed(id RuleID) int {
	for _, r := range Rules() {
		if r.ID == id {
			return r.Needed
		}
	}
	return 0
}

func (s Situation) converted() Observation {
	f, least := s.conversion(trial.Automated), needed(ConversionRateDropped)
	if f.Denominator < least {
		return unmeasured(f.Denominator, "%d automated trials began long enough ago to have ended; nothing is said of fewer than %d", f.Denominator, least)
	}
	o := rate(f.Numerator, f.Denominator, least, "automated trials that could have ended have converted")
	if f.Pending > 0 {
		o.Text += fmt.Sprintf("; %d of them still run", f.Pending)
	}
	return o
}

// lastDay adds up counters of the slots of the last day, up to a slot more.
func (s Situation) lastDay(name Name) (n int) {
	last := rollout.Interval(s.Now, s.Day)
	for _, p := range slots(last-spans(s.Day, s.Day), last) {
		n += s.Tally[Counter{p, trial.Automated, name}]
	}
	return n
}

func (s Situation) mailsFailed() Observation {
	failed := s.lastDay(MailFailed)
	return observed(float64(failed), failed, "%d e-mails of the last day bounced, were rejected, or refused for good", failed)
}

func (s Situation) mailsArrived() Observation {
	arrived := s.lastDay(MailArrived)
	return rate(arrived, arrived+s.lastDay(MailFailed), needed(EmailDeliveryRateLow), "e-mails of the last day with a known outcome were delivered")
}

// expired is the most within an hour, up to a slot more, of the hours that ended
// since the look before.
func (s Situation) expired(before time.Time) Observation {
	first := before.Add(-countedLate)
	if earliest := s.Now.Add(-looksBack(s.Day)); first.Before(earliest) {
		first = earliest
	}
	length, most := spans(hour(s.Day), s.Day), 0
	for end := rollout.Interval(first, s.Day); end <= rollout.Interval(s.Now, s.Day); end++ {
		n := 0
		for _, p := range slots(end-length, end) {
			for _, c := range cohorts() {
				n += s.Tally[Counter{p, c, EnteredExpiry}]
			}
		}
		most = max(most, n)
	}
	return observed(float64(most), most, "%d trials expired within an hour", most)
}

func (s Situation) unknown() Observation {
	n := s.funnel(s.recent()).Unknown
	return observed(float64(n), n, "of %d e-mails nobody knows whether they left", n)
}

func (s Situation) found() Observation {
	n := 0
	for _, p := range FindPeriods(s.Now, s.Day) {
		n += s.Repairs[p]
	}
	return observed(float64(n), n, "the reconciler mended %d trials in the last hour", n)
}

func (s Situation) watched() Observation {
	switch last := s.Parts.Watched; {
	case last == nil:
		return unmeasured(0, "not measured: the rollout could not be read")
	case last.IsZero():
		return observed(0, 0, "no rollout runs")
	default:
		missed := max(0, int((s.Now.Sub(*last)-rollout.WatchSlack)/rollout.WatchEvery(s.Day)))
		return observed(float64(missed), missed, "%d watches in a row did not come; the last was at %s", missed, formatTime(*last))
	}
}

// stuck is that what is asked of the running rollout is not carried out, though a worker may be there.
func (s Situation) stuck() Observation {
	last, run := s.Parts.Watched, s.Parts.Rollout
	switch {
	case last == nil:
		return unmeasured(0, "not measured: the rollout could not be read")
	case last.IsZero():
		return observed(0, 0, "no rollout runs")
	case run == nil:
		return unmeasured(0, "not measured: Temporal does not say how the rollout's workflow stands")
	case run.Gone:
		return observed(1, 1, "a rollout runs by what is stored, and its workflow is gone")
	case run.Attempts >= failingAttempts:
		return observed(1, 1, "the rollout's workflow fails its tasks, %d attempts so far", run.Attempts)
	}
	return observed(0, 1, "the rollout's workflow runs")
}

func (s Situation) workers() Observation {
	if s.Parts.Workers == nil {
		return unmeasured(0, "not measured: Temporal does not say who polls")
	}
	here := *s.Parts.Workers
	missing := max(0, s.Parts.WorkersNeeded-here)
	age := ""
	if sign := s.Parts.WorkerSign; !sign.IsZero() {
		age = fmt.Sprintf("; the last sign of life is %s old", length(s.Now.Sub(sign)))
	}
	return observed(float64(missing), here, "%d of %d workers poll for work%s", here, s.Parts.WorkersNeeded, age)
}

func (s Situation) mailing() Observation {
	switch may, since := s.Parts.MaySend, s.Parts.MailRefusedSince; {
	case may != nil && !*may:
		return observed(1, 1, "the mail service does not let the account send")
	case !since.IsZero():
		return observed(1, 1, "the mail service has accepted nothing since %s", formatTime(since))
	case may == nil:
		return unmeasured(0, "not measured: the mail service does not say how the account stands")
	}
	return observed(0, 1, "the mail service accepts e-mails")
}

// backupHours are from one backup to the next. Where days are short, backups do not come as often as days
// would have it, and the alert's hours last longer with that.
const backupHours = 4

func (s Situation) backedUp() Observation {
	switch last := s.Parts.BackedUp; {
	case last == nil:
		return unmeasured(0, "not measured: the product takes no backups here")
	case last.IsZero():
		return observed(0, 0, "no rollout runs, so none is due")
	default:
		hours := backupHours * float64(s.Now.Sub(*last)) / float64(rollout.BackupEvery(s.Day))
		return observed(hours, 1, "%.1f hours since the last backup, or since the rollout began, at %s", hours, formatTime(*last))
	}
}

func formatTime(at time.Time) string { return at.UTC().Format("2 January 2006 15:04:05 UTC") }
