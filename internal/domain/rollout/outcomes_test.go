package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

func TestAStepTellsOfTheAutomationThatItWasDoneOrFailedForGood(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cohort    trial.Cohort
		automated bool
		decision  trial.Decision
		want      rollout.OutcomeKind
	}{
		"done":                           {trial.Automated, true, trial.Decision{Reason: trial.ReasonDue}, rollout.StepDone},
		"not rendered":                   {trial.Automated, true, trial.Decision{Action: trial.Skip, Reason: trial.ReasonNotRendered}, rollout.StepFailed},
		"refused for good":               {trial.Automated, true, trial.Decision{Action: trial.Skip, Reason: trial.ReasonAddressRefused}, rollout.StepFailed},
		"skipped, overtaken":             {trial.Automated, true, trial.Decision{Action: trial.Skip, Reason: trial.ReasonOvertaken}, ""},
		"skipped, unsubscribed":          {trial.Automated, true, trial.Decision{Action: trial.Skip, Reason: trial.ReasonUnsubscribed}, ""},
		"taken in, done":                 {trial.Control, true, trial.Decision{Reason: trial.ReasonDue}, rollout.StepDone},
		"taken in, overtaken before":     {trial.Control, true, trial.Decision{Action: trial.Skip, Reason: trial.ReasonOvertaken}, ""},
		"not automated, or not any more": {trial.Automated, false, trial.Decision{Reason: trial.ReasonDue}, ""},
	} {
		all := rollout.OutcomesOf(trial.Event{Type: trial.EventStep, Step: &trial.Step{}, Decision: &c.decision}, trial.State{Cohort: c.cohort, Automated: c.automated})
		require.Equal(t, c.want != "", len(all) == 1, name)
		if len(all) == 1 {
			require.Equal(t, c.want, all[0].Kind, name)
		}
	}
	adopted := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for at, want := range map[time.Duration]bool{-time.Hour: false, 0: false, time.Millisecond: true} {
		step := trial.Step{Kind: trial.Expiry, At: adopted.Add(at)}
		all := rollout.OutcomesOf(trial.Event{Type: trial.EventStep, Step: &step, Decision: &trial.Decision{Action: trial.Run}},
			trial.State{Cohort: trial.Control, Automated: true, AdoptedAt: &adopted})
		require.Equal(t, want, len(all) == 1 && all[0].Adopted, "due %s after the adoption", at)
	}
}

// A conversion after the trial's end changes nothing, and of control trials only what admins do is told.
func TestWhatATrialsEventsTell(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event  trial.Event
		cohort trial.Cohort
		want   rollout.OutcomeKind
	}{
		"began":                     {trial.Event{Type: trial.EventStarted}, trial.Automated, rollout.Admitted},
		"began, control":            {trial.Event{Type: trial.EventStarted}, trial.Control, ""},
		"converted":                 {trial.Event{Type: trial.EventConverted}, trial.Automated, rollout.Converted},
		"converted, control":        {trial.Event{Type: trial.EventConverted}, trial.Control, ""},
		"converted late":            {trial.Event{Type: trial.EventConverted, Late: true}, trial.Automated, ""},
		"converted untracked":       {trial.Event{Type: trial.EventConverted, Untracked: true}, trial.Automated, rollout.Untracked},
		"converted late, untracked": {trial.Event{Type: trial.EventConverted, Late: true, Untracked: true}, trial.Automated, ""},
		"cancelled, control":        {trial.Event{Type: trial.EventCancelled}, trial.Control, rollout.Cancelled},
	} {
		all := rollout.OutcomesOf(c.event, trial.State{VendorID: "v", Cohort: c.cohort})
		require.Equal(t, c.want != "", len(all) == 1, name)
		if len(all) == 1 {
			require.Equal(t, c.want, all[0].Kind, name)
		}
	}
}

// A trial expires once, and what happens to its mailings later tells nothing else of it.
func TestATrialThatHasExpiredTellsSoOnce(t *testing.T) {
	t.Parallel()
	kinds := func(e trial.Event) (all []rollout.OutcomeKind) {
		for _, o := range rollout.OutcomesOf(e, trial.State{Cohort: trial.Automated, Automated: true, Status: trial.Expired}) {
			all = append(all, o.Kind)
		}
		return all
	}
	step := func(kind trial.Kind) trial.Event {
		return trial.Event{Type: trial.EventStep, Step: &trial.Step{Kind: kind}, Decision: &trial.Decision{Action: trial.Run}}
	}
	require.Equal(t, []rollout.OutcomeKind{rollout.Expired, rollout.StepDone}, kinds(step(trial.GraceEnd)))
	require.Equal(t, []rollout.OutcomeKind{rollout.StepDone}, kinds(step("win-back")))
	require.Empty(t, kinds(trial.Event{Type: trial.EventCancelled}))
}
