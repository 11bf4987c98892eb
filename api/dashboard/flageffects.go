package dashboard

import (
	"fmt"
	"strconv"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// flagFacts are what is known of what a flag changes.
type flagFacts struct {
	Before      flags.Document
	RolloutRuns bool
	// Held are the first trials that wait for a flag, MoreHeld says that there are more.
	Held     []trial.State
	MoreHeld bool
	// Bulks are the latest bulk operations.
	Bulks []bulk.View
	// Report is nil where the figures are not measured.
	Report *monitoring.Report
}

// effects are what changes now where a flag is set, in sentences.
func (f flagFacts) effects(name string, to any) []string {
	on, _ := to.(bool)
	switch name {
	case flags.NameEnabled:
		if on {
			return append([]string{
				f.released(trial.ReasonAutomationDisabled) + "What is due is done at once, and reminders that have been overtaken are skipped.",
				f.admits(f.Before.FeatureFlags.TrialAutomation.RolloutPercentage),
			}, f.rollout()...)
		}
		return append([]string{"No e-mail to vendors leaves any more, nobody is admitted, and automated trials wait where they are."}, f.rollout()...)
	case flags.NamePercentage:
		share, _ := to.(float64)
		return append([]string{f.admits(share), "Vendors who are registered already keep their cohort."}, append(f.experiment(share), f.rollout()...)...)
	case "trialAutomation.autoExpiration":
		if on {
			return []string{f.released(trial.ReasonExpirationOff) + "Those that are past their end, or past their grace, end at once."}
		}
	}
	return []string{f.sentenceOf(name, on)}
}

// resumed says what becomes of bulk operations that a flag has paused.
const resumed = "Bulk operations that this has paused go on only once somebody resumes them."

// sentenceOf says what happens where a switch is turned on or off.
func (f flagFacts) sentenceOf(name string, on bool) string {
	says := map[string]struct{ on, off string }{
		"trialAutomation.emailReminders": {
			"Reminders that come due from now on are sent. Those that were skipped stay skipped.",
			"Reminders of " + f.running() + " are skipped for good as they come due. Other e-mails go out.",
		},
		"trialAutomation.autoExpiration": {off: "Ends that come due are held, of trials and of their grace: " + f.running() + " go on past them until this is on again."},
		"trialAutomation.conversionTracking": {
			"Conversions count in figures from now on. Those that came meanwhile never do.",
			"Conversions from now on end trials, and never count in figures: not for the rollout's judgement, nor for an experiment's.",
		},
		"monitoring.enabled": {
			"Alerts are evaluated again, within a minute.", "No alert is evaluated, so nobody is told of any; figures are not shown. Counting goes on.",
		},
		"monitoring.trialMetrics": {
			"Alerts about trials and e-mails are measured again, and figures are shown.",
			"Alerts about trials and e-mails are not measured, and figures are not shown. Counting goes on.",
		},
		"monitoring.alerting": {
			"Notifications that are pending are sent.", "Nobody is told of alerts. The pages go on showing them.",
		},
		"adminTools.enabled": {
			"Admins may change everything again. " + resumed,
			"Changes by admins are refused, here, over the API and by starter: only what stops something remains, and switching this on again. " +
				"Bulk operations pause. " + f.pausing(name),
		},
		"adminTools.trialExtension": {
			"Trials may be extended, shortened, revived and moved again. " + resumed,
			"Trials may no longer be extended, shortened, revived or moved to another policy. Bulk operations that do so pause. " + f.pausing(name),
		},
		"adminTools.bulkOperations": {
			"Bulk operations may begin again. " + resumed,
			"No bulk operation begins. " + f.pausing(name),
		},
	}[name]
	if on {
		return says.on
	}
	return says.off
}

// admits says how many new vendors a percentage automates.
func (f flagFacts) admits(percentage float64) string {
	share := percent(percentage / 100)
	a := f.Before.FeatureFlags.TrialAutomation
	perDay, known := f.perDay()
	switch {
	case !known:
		return fmt.Sprintf("%s of new vendors are automated. How many register a day is not known now.", share)
	case !a.Enabled:
		return fmt.Sprintf("While the automation is on, %s of about %s new vendors a day are automated: about %s.", share, tenth(perDay), tenth(perDay*percentage/100))
	}
	return fmt.Sprintf("%s of about %s new vendors a day are automated: about %s, instead of %s now.", share, tenth(perDay), tenth(perDay*percentage/100),
		tenth(perDay*a.RolloutPercentage/100))
}

// tenth is a number to a tenth.
func tenth(x float64) string {
	if x >= 10 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(float64(int(10*x+.5))/10, 'f', -1, 64)
}

// perDay is how many vendors registered a day lately, without today: days before the first may be older than the installation.
func (f flagFacts) perDay() (rate float64, known bool) {
	if f.Report == nil || len(f.Report.Days) == 0 {
		return 0, false
	}
	days, registered := 0, 0
	for _, d := range f.Report.Days[:len(f.Report.Days)-1] {
		for _, part := range d.Cohorts {
			registered += part.Registered
		}
		if registered > 0 {
			days++
		}
	}
	return float64(registered) / float64(max(1, days)), days > 0
}

// running are the automated trials that run.
func (f flagFacts) running() string {
	if f.Report == nil {
		return "automated trials"
	}
	n := 0
	for _, cohort := range []trial.Cohort{trial.Automated, trial.Adopted} {
		n += f.Report.Trials[cohort][trial.Active] + f.Report.Trials[cohort][trial.Grace]
	}
	return "the automated trials, of which " + grouped(n) + " run now,"
}

// released says how many trials wait for a flag.
func (f flagFacts) released(held trial.Reason) string {
	n := 0
	for _, s := range f.Held {
		if s.Held != nil && s.Held.Reason == held {
			n++
		}
	}
	switch {
	case f.MoreHeld:
		return fmt.Sprintf("Trials that wait for it go on: more than %d trials wait for a flag now. ", len(f.Held))
	case n == 0:
		return "No trial waits for it now. "
	case n == 1:
		return "1 trial waits for it now, and goes on. "
	}
	return fmt.Sprintf("%d trials wait for it now, and go on. ", n)
}

// rollout says what becomes of a rollout under way.
func (f flagFacts) rollout() []string {
	if !f.RolloutRuns {
		return nil
	}
	return []string{"A rollout is under way. It finds flags that it has not set, and stays at them until somebody resumes it."}
}

// experiment says that a policy experiment ends.
func (f flagFacts) experiment(percentage float64) []string {
	if f.Before.Deals() == "" || percentage == 100 {
		return nil
	}
	return []string{"The policy experiment stops dealing new vendors, for good: it does so only at 100\u00a0%."}
}

// pausing says how many bulk operations pause where a switch is turned off.
func (f flagFacts) pausing(name string) string {
	to, err := f.Before.FeatureFlags.With(name, false)
	n := 0
	for _, o := range f.Bulks {
		if err != nil || o.Operation.Against(to) == "" {
			continue
		}
		if o.State.Status == bulk.Running || o.State.Status == bulk.Planning || o.State.Status == bulk.Choosing {
			n++
		}
	}
	if n == 0 {
		return "None is under way that this would pause."
	}
	return capital(evidence.Counted(n, "operation", "operations")) + " now under way: each pauses before its next trial."
}
