package workflows_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// A rollback that hands the trials over tells those that run. One that the worker begins later goes on unautomated as
// well, and one that it was about to take in; who was admitted after it is held like everybody.
func TestATrialThatBeginsAfterTheReleaseGoesOnUnautomated(t *testing.T) {
	t.Parallel()
	released := rollout.State{ID: "r-1", Status: rollout.RolledBack, ReleasedBefore: 5}
	w := newWorld(t, trial.Automated)
	w.flags.TrialAutomation.Enabled, w.rollout, w.vendor.Automation.FlagsVersion = false, released, 4
	require.Equal(t, trial.Expired, w.run().Status)
	require.Empty(t, w.mails)
	require.Equal(t, trial.EventReleased, w.events[1].Type)
	require.Equal(t, "r-1/"+vendorID, w.events[1].Request.ID)

	late := newWorld(t, trial.Control)
	late.flags.TrialAutomation.Enabled, late.rollout = false, released
	late.at(day, func() { send(late.env, trial.MessageAdopt, `{"id":"r-1/`+vendorID+`","by":"rollout"}`) })
	require.Equal(t, trial.Expired, late.run().Status)
	require.Empty(t, late.mails)
	require.False(t, trial.Fold(late.events).Automated)

	after := newWorld(t, trial.Automated)
	after.flags.TrialAutomation.Enabled, after.rollout, after.vendor.Automation.FlagsVersion = false, released, 5
	after.at(day, func() { after.flags.TrialAutomation.Enabled = true; send(after.env, trial.SignalWake, ``) })
	require.Equal(t, trial.Expired, after.run().Status)
	require.NotEmpty(t, after.mails)

	partly := newWorld(t, trial.Automated)
	partly.rollout, partly.vendor.Automation.FlagsVersion = rollout.State{ID: "r-1", Status: rollout.Running, ReleasedBefore: 5}, 4
	require.Equal(t, trial.Expired, partly.run().Status)
	require.Empty(t, partly.mails)
}

// A rollback above 0 % hands over as one to 0 % does: who was taken in before it goes on unautomated though the word of
// that comes after it, and so does one whom the handover has not reached.
func TestATrialIsHandedOverByARollbackThatLeavesTheAutomationEnabled(t *testing.T) {
	t.Parallel()
	released := rollout.State{ID: "r-1", Status: rollout.Running, ReleasedBefore: 5}
	adopt := func(w *world, version int) {
		w.at(day, func() {
			send(w.env, trial.MessageAdopt, fmt.Sprintf(`{"id":"r-1/%s","by":"rollout","flagsVersion":%d}`, vendorID, version))
		})
	}
	before := newWorld(t, trial.Control)
	before.rollout, before.vendor.Automation.FlagsVersion = released, 2
	adopt(before, 4)
	require.Equal(t, trial.Expired, before.run().Status)
	require.Empty(t, before.mails)
	require.False(t, trial.Fold(before.events).Automated)

	after := newWorld(t, trial.Control)
	after.rollout, after.vendor.Automation.FlagsVersion = released, 2
	adopt(after, 5)
	require.Equal(t, trial.Expired, after.run().Status)
	require.NotEmpty(t, after.mails)

	missed := newWorld(t, trial.Automated)
	missed.vendor.Automation.FlagsVersion = 4
	missed.at(day, func() { missed.rollout = released })
	require.Equal(t, trial.Expired, missed.run().Status)
	require.Equal(t, []string{"welcome"}, missed.mailedSteps())
}
