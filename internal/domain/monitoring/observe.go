package monitoring

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Situation is the input of the alerts' rules.
type Situation struct {
	// Facts are those of the report, with the Tally of AlertPeriods.
	ReportFacts
	// Counted false says that the flag monitoring.trialMetrics is off, so that no
	// rule about trials and e-mails is evaluated.
	Counted bool
	Parts   Parts
	// Repairs are how many trials the reconciler had to repair, by slot.
	Repairs map[Period]int
}

// Parts are the states of parts that no counter covers. Nil fields could
// not be read.
type Parts struct {
	// Workers are how many workers poll, WorkersNeeded how many should, and WorkerSign when one last gave a sign
	// of life; zero if unknown.
	Workers       *int
	WorkersNeeded int
	WorkerSign    time.Time
	// MaySend says that the mail service lets the account send; MailRefusedSince
	// since when it has refused everything, zero if it accepts e-mails.
	MaySend          *bool
	MailRefusedSince time.Time
	// Watched is when the running rollout was last watched, or began; zero
	// if none runs.
	Watched *time.Time
	// Rollout is the state of the rollout's workflow, whether or not one should run.
	Rollout *WorkflowRun
	// BackedUp is when the last backup finished, or the running rollout began if that is later;
	// zero if no rollout runs, so that none is due. Nil also if no backups are configured.
	BackedUp *time.Time
	// Certificates are those of the API processes; empty if none uses one.
	Certificates []Validity
	// Canary is nil also if no canaries are configured.
	Canary *CanaryPart
}

// CanaryPart is what is known of canaries.
type CanaryPart struct {
	// Latest is nil for none.
	Latest *canary.Result
	// Since is when canaries were first due: when the running rollout began. Zero if none runs.
	Since time.Time
}

// Each evaluation covers everything since the one before, even with a short window.
const (
	// lookBack is the minimum time before an evaluation in which such a window may have ended, if
	// an hour is shorter.
	lookBack = 30 * time.Second
	// countedLate is how late a counter may be written.
	countedLate = 5 * time.Second
)

func hour(day time.Duration) time.Duration { return day / 24 }

// AlertPeriods are the periods whose counters the alerts need now.
func AlertPeriods(now time.Time, day time.Duration, policy trial.Policy) []Period {
	return append(Periods(now, day, policy), alertSlots(now, day)...)
}

// FindPeriods are the periods whose repairs the alerts need now.
func FindPeriods(now time.Time, day time.Duration) []Period {
	return slots(rollout.Interval(now, day)-slotsIn(hour(day), day), rollout.Interval(now, day))
}

func alertSlots(now time.Time, day time.Duration) []Period {
	last := rollout.Interval(now, day)
	most := max(slotsIn(day, day), slotsIn(hour(day)+lookBackFor(day), day))
	return slots(last-most, last)
}

// lookBackFor is how long before an evaluation a short window may have ended.
func lookBackFor(day time.Duration) time.Duration { return max(hour(day), lookBack) }

// slotsIn is how many slots cover a duration.
func slotsIn(d, day time.Duration) int64 {
	every := rollout.WatchEvery(day)
	return int64((d + every - 1) / every)
}

func slots(first, last int64) (periods []Period) {
	for n := first; n <= last; n++ {
		periods = append(periods, numbered("slot", n))
	}
	return periods
}

// Observe returns a rule's observation; before is the time of the previous evaluation.
func Observe(id RuleID, s Situation, before time.Time) Observation {
	if about := trialRules[id]; about != nil {
		if !s.Counted {
			return Observation{Text: "not measured: the flag monitoring.trialMetrics is off"}
		}
		return about(s, before)
	}
	if about := partRules[id]; about != nil {
		return about(s)
	}
	return Observation{Text: "not measured"}
}

var trialRules = map[RuleID]func(Situation, time.Time) Observation{
	ConversionRateDropped: func(s Situation, _ time.Time) Observation { return s.converted() },
	EmailDeliveryFailed:   func(s Situation, _ time.Time) Observation { return s.mailsFailed() },
	EmailDeliveryRateLow:  func(s Situation, _ time.Time) Observation { return s.mailsArrived() },
	MassTrialExpiration:   Situation.expired,
	UnknownSends:          func(s Situation, _ time.Time) Observation { return s.unknown() },
}

var partRules = map[RuleID]func(Situation) Observation{
	WatchMissed:     Situation.watched,
	RolloutStuck:    Situation.stuck,
	WorkerAway:      Situation.workers,
	SESPaused:       Situation.mailing,
	ReconcilerFinds: Situation.repaired,
	BackupLate:      Situation.backedUp,

	CertificateExpires: Situation.certificates,
	CanaryFailed:       Situation.canary,
}

func observed(value float64, seen int, format string, args ...any) Observation {
	return Observation{Value: &value, Seen: seen, Text: fmt.Sprintf(format, args...)}
}

func unmeasured(seen int, format string, args ...any) Observation {
	return Observation{Seen: seen, Text: fmt.Sprintf(format, args...)}
}

// rate is a share in percent, given a large enough sample.
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
		return unmeasured(f.Denominator, "%s began long enough ago to have ended; a rate takes at least %d",
			evidence.Counted(f.Denominator, "automated trial", "automated trials"), least)
	}
	o := rate(f.Numerator, f.Denominator, least, "automated trials that could have ended have converted")
	if f.Pending > 0 {
		o.Text += fmt.Sprintf("; %d of them still run", f.Pending)
	}
	return o
}

// lastDay adds up a counter over the slots of the last day, up to a slot more.
func (s Situation) lastDay(name Name) (n int) {
	last := rollout.Interval(s.Now, s.Day)
	for _, p := range slots(last-slotsIn(s.Day, s.Day), last) {
		for _, c := range automated() {
			n += s.Tally[Counter{p, c, name}]
		}
	}
	return n
}

func (s Situation) mailsFailed() Observation {
	failed := s.lastDay(MailFailed)
	return observed(float64(failed), failed, "%s of the last day bounced, were rejected, or refused for good",
		evidence.Counted(failed, "e-mail", "e-mails"))
}

func (s Situation) mailsArrived() Observation {
	arrived := s.lastDay(MailArrived)
	return rate(arrived, arrived+s.lastDay(MailFailed), needed(EmailDeliveryRateLow), "e-mails of the last day with a known outcome were delivered")
}

// expired is the highest count within an hour, up to a slot more, among the hours that ended
// since the previous evaluation.
func (s Situation) expired(before time.Time) Observation {
	first := before.Add(-countedLate)
	if earliest := s.Now.Add(-lookBackFor(s.Day)); first.Before(earliest) {
		first = earliest
	}
	length, most := slotsIn(hour(s.Day), s.Day), 0
	for end := rollout.Interval(first, s.Day); end <= rollout.Interval(s.Now, s.Day); end++ {
		n := 0
		for _, p := range slots(end-length, end) {
			for _, c := range trial.Cohorts() {
				n += s.Tally[Counter{p, c, EnteredExpiry}]
			}
		}
		most = max(most, n)
	}
	return observed(float64(most), most, "%s expired within an hour", evidence.Counted(most, "trial", "trials"))
}

func (s Situation) unknown() Observation {
	n := s.mails(s.recent()).Unknown
	return observed(float64(n), n, "%s may or may not have been sent", evidence.Counted(n, "e-mail", "e-mails"))
}

func (s Situation) repaired() Observation {
	n := 0
	for _, p := range FindPeriods(s.Now, s.Day) {
		n += s.Repairs[p]
	}
	return observed(float64(n), n, "the reconciler repaired %s in the last hour", evidence.Counted(n, "trial", "trials"))
}

func (s Situation) watched() Observation {
	switch last := s.Parts.Watched; {
	case last == nil:
		return unmeasured(0, "not measured: the rollout could not be read")
	case last.IsZero():
		return observed(0, 0, "no rollout runs")
	default:
		missed := max(0, int((s.Now.Sub(*last)-rollout.WatchSlack)/rollout.WatchEvery(s.Day)))
		return observed(float64(missed), missed, "%s missing; the last ran at %s",
			evidence.Counted(missed, "consecutive watch is", "consecutive watches are"), formatTime(*last))
	}
}

// stuck observes whether the running rollout cannot carry out requests, even if a worker runs.
func (s Situation) stuck() Observation {
	last, run := s.Parts.Watched, s.Parts.Rollout
	switch {
	case last == nil:
		return unmeasured(0, "not measured: the rollout could not be read")
	case last.IsZero():
		return observed(0, 0, "no rollout runs")
	case run == nil:
		return unmeasured(0, "not measured: Temporal does not report on the rollout's workflow")
	case run.Gone:
		return observed(1, 1, "the database says that a rollout runs, but its workflow is gone")
	case run.Attempts >= failingAttempts:
		return observed(1, 1, "the rollout's workflow fails its tasks, %d attempts so far", run.Attempts)
	}
	return observed(0, 1, "the rollout's workflow runs")
}

func (s Situation) workers() Observation {
	if s.Parts.Workers == nil {
		return unmeasured(0, "not measured: Temporal does not report who polls")
	}
	here := *s.Parts.Workers
	missing := max(0, s.Parts.WorkersNeeded-here)
	age := ""
	if sign := s.Parts.WorkerSign; !sign.IsZero() {
		age = fmt.Sprintf("; the last sign of life is %s old", formatDuration(max(0, s.Now.Sub(sign)))) // their clocks may be ahead
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
		return unmeasured(0, "not measured: the mail service does not report the account's status")
	}
	return observed(0, 1, "the mail service accepts e-mails")
}

// backupHours is the interval of backups. With short days, backups come less often than the days
// demand, and the alert's hours last longer accordingly.
const backupHours = 4

func (s Situation) backedUp() Observation {
	switch last := s.Parts.BackedUp; {
	case last == nil:
		return unmeasured(0, "not measured: no backups are configured here")
	case last.IsZero():
		return observed(0, 0, "no rollout runs, so none is due")
	default:
		hours := backupHours * float64(s.Now.Sub(*last)) / float64(rollout.BackupEvery(s.Day))
		return observed(hours, 1, "%.1f hours since the last backup, or since the rollout began, at %s", hours, formatTime(*last))
	}
}

// canary observes what the latest canary says, and names why none came: without an answer on who polls, Temporal is away.
func (s Situation) canary() Observation {
	c := s.Parts.Canary
	switch {
	case c == nil:
		return unmeasured(0, "not measured: no canaries are configured here, or the database does not answer")
	case c.Since.IsZero():
		return observed(0, 0, "no rollout runs, so none is due")
	}
	answers, polls := s.Parts.Workers != nil, s.Parts.Workers != nil && *s.Parts.Workers > 0
	health := canary.Assess(c.Latest, c.Since, s.Now, s.Day, canary.Reach{Temporal: &answers, Worker: &polls})
	switch {
	case health.Broken():
		return observed(1, 1, "%s", health.Reason)
	case c.Latest == nil || c.Latest.EndedAt.Before(c.Since):
		return observed(0, 0, "no canary has ended since the rollout began, at %s", formatTime(c.Since))
	}
	return observed(0, 1, "the canary that ended at %s found nothing broken", formatTime(c.Latest.EndedAt))
}

func formatTime(at time.Time) string { return at.UTC().Format("2 January 2006 15:04:05 UTC") }
