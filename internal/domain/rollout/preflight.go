package rollout

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
)

// PreflightFacts are the facts that the preflight judges.
type PreflightFacts struct {
	Now                 time.Time
	VendorsWithoutStart int64
	Flags               flags.Flags
	// Judged is the watch's last judgement, nil for none.
	Judged *Judgement
	// MailAnswers says that the mail service reports the account's status,
	// MayMail that the account may send.
	MailAnswers, MayMail bool
	// Backup is what is known of backups.
	Backup BackupFacts
	// Dashboards are the answers of those that can be asked.
	Dashboards []DashboardAnswer
	// Conversion is the conversion rate of the last weeks.
	Conversion ConversionFacts
	// Canary is nil if no canaries are configured; then there is no check of it.
	Canary *CanaryFacts
}

// CanaryFacts are the known facts about canaries.
type CanaryFacts struct {
	// Latest is nil for none.
	Latest *canary.Result
}

// ConversionFacts are of the trials of the last weeks that could have ended, but for those that were cancelled.
type ConversionFacts struct {
	// Counted says that conversions are counted.
	Counted           bool
	Converted, Trials int
}

// DashboardAnswer is what a dashboard answers when it is asked whether it works.
type DashboardAnswer struct {
	// Name is its address.
	Name string
	// Status is that of its answer over HTTP; 0 for no answer.
	Status int
}

// BackupFacts are the known facts about backups.
type BackupFacts struct {
	// Kept says that a backup location is configured, Answers that it answers.
	Kept, Answers bool
	// Full is when the last good full backup began; zero for none.
	Full time.Time
}

// leastBackupAge is how old a backup may always be, however short a day is.
const leastBackupAge = time.Hour

// mostBackupAge is how old the last full backup may be: a day, and until the backup after that has become the next full one.
func mostBackupAge(day time.Duration) time.Duration {
	return max(day+2*BackupEvery(day), leastBackupAge)
}

// BackupEvery is how often to take a backup while a rollout runs: every four hours of a day of 24,
// and not more often than every two minutes.
func BackupEvery(day time.Duration) time.Duration {
	const perDay, least = 6, 2 * time.Minute
	return max(day/perDay, least)
}

// missedWatches is how many intervals may pass without a watch before it counts
// as missing.
const missedWatches = 3

// WatchSlack is how late a watch may always run, however short a day is: a watch that died
// with its worker blocks the next one until its heartbeat times out, after
// 15 seconds.
const WatchSlack = 20 * time.Second

// WatchMissed reports whether the next watch is overdue.
func WatchMissed(last, now time.Time, day time.Duration) bool {
	return now.Sub(last) > watchPatience(day)
}

// watchPatience is how long after a watch the next one counts as missing.
func watchPatience(day time.Duration) time.Duration {
	return missedWatches*WatchEvery(day) + WatchSlack
}

// Preflight checks what must be in order before anybody is admitted.
func Preflight(s State, f PreflightFacts) []Check {
	checks := []Check{migrated(f), healthy(f), monitored(s, f), shown(s, f), flagged(s, f), backedUp(s, f), converting(s, f.Conversion)}
	if f.Canary != nil {
		checks = append(checks, canaried(s, f))
	}
	return checks
}

// converting checks that the rollout would not begin where its own trigger would end it. What is not known holds nothing up.
func converting(s State, c ConversionFacts) Check {
	rate, limit := evidence.Percents(evidence.Ratio(c.Converted, c.Trials), s.Plan.Triggers.Conversion)
	text := fmt.Sprintf("%s of the %d trials of the last weeks that could have ended converted", rate, c.Trials)
	switch {
	case !c.Counted:
		return Check{ID: CheckConversion, Verdict: Pass, Reason: "not known, which holds nothing up: the flag monitoring.trialMetrics is off"}
	case c.Trials < enoughMatured:
		return Check{ID: CheckConversion, Verdict: Pass,
			Reason: fmt.Sprintf("not known, which holds nothing up: %s of the last weeks could have ended, and a rate takes at least %d",
				evidence.Counted(c.Trials, "trial", "trials"), enoughMatured)}
	case evidence.Ratio(c.Converted, c.Trials) < s.Plan.Triggers.Conversion:
		return Check{ID: CheckConversion, Verdict: Fail,
			Reason: text + fmt.Sprintf("; below %s the rollout would switch the automation off: find out why, start with a lower limit, or waive this check", limit)}
	}
	return Check{ID: CheckConversion, Verdict: Pass, Reason: text}
}

// canaried checks that a canary has lived through the whole path since the rollout began, and lately.
func canaried(s State, f PreflightFacts) Check {
	switch c := f.Canary.Latest; {
	case c == nil || !c.EndedAt.After(s.StartedAt) || canary.Late(c.EndedAt, f.Now, s.Times.Day):
		return Check{ID: CheckCanary, Verdict: Insufficient,
			Reason: "no canary has lately lived through a trial; one is started, and takes up to " + minutes(canary.Longest(s.Times.Day))}
	case !c.Well():
		return Check{ID: CheckCanary, Verdict: Fail, Reason: c.Reason}
	default:
		return Check{ID: CheckCanary, Verdict: Pass, Reason: c.Summary()}
	}
}

// minutes says how many begun minutes a duration has.
func minutes(d time.Duration) string {
	return evidence.Counted(int(math.Ceil(d.Minutes())), "minute", "minutes")
}

func backedUp(s State, f PreflightFacts) Check {
	b := f.Backup
	switch {
	case !b.Kept:
		return Check{ID: CheckBackup, Verdict: Insufficient, Reason: "no backup is on record: take one, and waive this check with its location as the reason"}
	case !b.Answers:
		return Check{ID: CheckBackup, Verdict: Insufficient, Reason: "the backup location does not answer"}
	case b.Full.IsZero():
		return Check{ID: CheckBackup, Verdict: Fail, Reason: "there is no full backup"}
	case f.Now.Sub(b.Full) > mostBackupAge(s.Times.Day):
		return Check{ID: CheckBackup, Verdict: Fail, Reason: "the last full backup was taken at " + b.Full.UTC().Format(ClockFormat)}
	}
	return Check{ID: CheckBackup, Verdict: Pass, Reason: "a full backup was taken at " + b.Full.UTC().Format(ClockFormat)}
}

func migrated(f PreflightFacts) Check {
	if f.VendorsWithoutStart > 0 {
		return Check{ID: CheckMigration, Verdict: Fail, Reason: evidence.Counted(f.VendorsWithoutStart, "vendor has", "vendors have") + " no trialStartDate"}
	}
	return Check{ID: CheckMigration, Verdict: Pass, Reason: "every vendor has a trialStartDate"}
}

func healthy(f PreflightFacts) Check {
	switch {
	case !f.MailAnswers:
		return Check{ID: CheckHealth, Verdict: Insufficient, Reason: "the mail service does not answer"}
	case !f.MayMail:
		return Check{ID: CheckHealth, Verdict: Fail, Reason: "the mail service has paused the account"}
	}
	return Check{ID: CheckHealth, Verdict: Pass, Reason: "database, workflows and mail service answer"}
}

func monitored(s State, f PreflightFacts) Check {
	switch {
	case f.Judged == nil:
		return Check{ID: CheckMonitoring, Verdict: Insufficient, Reason: "the watch has not run yet"}
	case WatchMissed(f.Judged.At, f.Now, s.Times.Day):
		return Check{ID: CheckMonitoring, Verdict: Fail, Reason: "the watch last ran at " + f.Judged.At.UTC().Format(ClockFormat)}
	}
	return Check{ID: CheckMonitoring, Verdict: Pass, Reason: "the watch runs regularly"}
}

// shown checks that the dashboards work. A person who says that they do not has the last word; one who says that they do is asked
// for where none can be asked itself.
func shown(s State, f PreflightFacts) Check {
	tick, ticked := s.Criteria[criterionDashboards]
	if ticked && (!tick.Met || len(f.Dashboards) == 0) {
		return Check{ID: CheckDashboards, Verdict: VerdictOf(tick.Met), Reason: fmt.Sprintf("%s has judged them: %s", tick.By, tick.Reason)}
	}
	if len(f.Dashboards) == 0 {
		return Check{ID: CheckDashboards, Verdict: Insufficient,
			Reason: "DASHBOARD_URLS names no dashboard to ask: look at each of them, and tick criterion " + criterionDashboards}
	}
	var answering, failing, silent []string
	for _, d := range f.Dashboards {
		switch {
		case d.Status == 0:
			silent = append(silent, d.Name+" does not answer")
		case d.Status < 200 || d.Status > 299:
			failing = append(failing, fmt.Sprintf("%s answers with status %d", d.Name, d.Status))
		default:
			answering = append(answering, d.Name)
		}
	}
	switch wrong := strings.Join(append(failing, silent...), "; "); {
	case len(failing) > 0:
		return Check{ID: CheckDashboards, Verdict: Fail, Reason: wrong}
	case len(silent) > 0:
		return Check{ID: CheckDashboards, Verdict: Insufficient, Reason: wrong}
	}
	return Check{ID: CheckDashboards, Verdict: Pass, Reason: "these say that they work: " + strings.Join(answering, ", ")}
}

// flagged compares every flag with the deployment strategy's initial state, at the rollout's percentage. During the notice
// the two flags that the rollout sets itself are not its own yet: they stay as an earlier rollout left them.
func flagged(s State, f PreflightFacts) Check {
	wanted := flags.Initial()
	wanted.TrialAutomation.RolloutPercentage = s.Percentage
	if s.Stage.Kind == Notice {
		wanted.TrialAutomation.Enabled, wanted.TrialAutomation.RolloutPercentage = f.Flags.TrialAutomation.Enabled, f.Flags.TrialAutomation.RolloutPercentage
	}
	if deviations := f.Flags.Deviations(wanted); len(deviations) > 0 {
		return Check{ID: CheckFlags, Verdict: Fail, Reason: strings.Join(deviations, "; ")}
	}
	if s.Stage.Kind == Notice {
		return Check{ID: CheckFlags, Verdict: Pass, Reason: "every flag that the rollout does not set itself is on"}
	}
	return Check{ID: CheckFlags, Verdict: Pass, Reason: fmt.Sprintf("every flag is on, at %v %%", s.Percentage)}
}

// SameChecks reports whether two preflights tell the same. How a check passes may change every hour, and is no news.
func SameChecks(a, b []Check) bool {
	return slices.EqualFunc(a, b, func(a, b Check) bool {
		if a.Verdict == Pass && b.Verdict == Pass {
			a.Reason, b.Reason = "", ""
		}
		return a == b
	})
}

// CheckedEvent is the event of a finished preflight.
func (s State) CheckedEvent(checks []Check, now time.Time) Event {
	e := Event{Seq: s.Seq + 1, Type: EventPreflight, At: now.UTC().Truncate(time.Millisecond), By: flags.Automatic, Checks: checks, Reason: "Preflight passed."}
	after := s.Apply(e)
	if open := after.preflightOpen(); open != nil {
		e.Reason = fmt.Sprintf("Preflight: check %s is %s: %s.", open.ID, open.Verdict, open.Reason)
	}
	return e
}
