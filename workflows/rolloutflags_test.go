package workflows_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// judged is what the watch signals, of what is stored and the flags as they are.
func (w *rolloutWorld) judged(t require.TestingT, change func(*rollout.Judgement)) [2]string {
	j, err := w.LatestJudgement(nil, rolloutID) //nolint:staticcheck // the world asks nothing of its context
	require.NoError(t, err)
	change(j)
	payload, err := json.Marshal(j)
	require.NoError(t, err)
	return [2]string{rollout.SignalJudged, string(payload)}
}

// The API writes a rollback beside the flags; its signal may come after the watch, or not at all.
func TestARollbackIsCarriedOutThoughItsSignalIsLost(t *testing.T) {
	t.Parallel()
	for name, percentage := range map[string]float64{"in part": 10, "completely": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRolloutWorld(t, 1)
			w.running = []trial.State{{VendorID: "v-1", Automated: true}, {VendorID: "v-2", Automated: true}}
			asked := flags.Request{ID: "k-1", By: "ada", Reason: "slow", Percentage: percentage, InFlight: flags.Release}
			_, err := w.UpdateFlags(t.Context(), "ada", func(c *flags.Change) error {
				c.TrialAutomation.Enabled, c.TrialAutomation.RolloutPercentage = percentage > 0, percentage
				c.Rollback = &flags.RollbackRequest{RolloutID: rolloutID, Request: asked}
				return nil
			})
			require.NoError(t, err)
			env := w.prepare()
			again, err := json.Marshal(asked)
			require.NoError(t, err)
			w.arrive(w.judged(t, func(j *rollout.Judgement) { j.Rollback = w.flags.Rollback }))
			env.RegisterDelayedCallback(func() {
				if percentage > 0 { // else the workflow is gone
					send(env, rollout.SignalRollback, string(again))
				}
			}, time.Minute)
			w.run(taken, time.Hour)
			last := w.decisions[len(w.decisions)-1]
			require.Len(t, w.decisions, 4, "once")
			require.Equal(t, rollout.EventRolledBack, last.Type)
			require.Equal(t, "ada", last.By)
			require.Equal(t, []string{"k-1"}, w.state().Requests)
			require.Equal(t, []string{"v-1", "v-2"}, w.released)
		})
	}
}

// Whoever sent them cannot have seen what somebody has set since.
func TestSignalsThatWaitedWhileTheFlagsWereLoweredRaiseNothing(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]*flags.RollbackRequest{
		"by hand":          nil,
		"by a rollback":    {RolloutID: rolloutID, Request: flags.Request{ID: "k-1", By: "ada", Reason: "slow", Percentage: 10}},
		"and then a reset": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRolloutWorld(t, 1)
			_, err := w.UpdateFlags(t.Context(), "ada", func(c *flags.Change) error {
				c.TrialAutomation.RolloutPercentage, c.Rollback = 10, asked
				return nil
			})
			require.NoError(t, err)
			signals := [][2]string{
				{rollout.SignalAdvance, `{"reason":"one"}`}, {rollout.SignalAdvance, `{"reason":"two"}`},
				{rollout.SignalSetPercentage, `{"reason":"three","percentage":60}`},
			}
			w.arrive(signals...)
			w.prepare()
			w.run(taken, time.Hour)
			if name == "and then a reset" {
				inReset(w.prepare(), signals)
				w.run(taken, time.Hour)
			}
			require.InDelta(t, 10, w.percentage(), 0)
			require.InDelta(t, 10, w.state().Percentage, 0)
		})
	}
}

// Where another decision is stored first, what was asked for on the state before it counts only if it holds back.
func TestWhatIsOvertakenWhileItIsStoredCountsOnlyIfItHoldsBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		by               rollout.EventType
		message, payload string
		want             rollout.EventType
	}{
		"a pause":                     {rollout.EventEntered, rollout.SignalPause, `{"reason":"harm"}`, rollout.EventPaused},
		"the next stage":              {rollout.EventUpdate, rollout.SignalAdvance, `{"reason":"faster"}`, rollout.EventUpdate},
		"a criterion met":             {rollout.EventEntered, rollout.SignalTick, `{"reason":"asked","subject":"dashboards-operational","met":true}`, rollout.EventEntered},
		"a criterion of the stage":    {rollout.EventUpdate, rollout.SignalTick, `{"reason":"asked","subject":"dashboards-operational","met":true}`, rollout.EventTicked},
		"a waiver":                    {rollout.EventEntered, rollout.SignalWaive, `{"reason":"known","subject":"backup"}`, rollout.EventEntered},
		"a criterion that is not met": {rollout.EventEntered, rollout.SignalTick, `{"reason":"asked","subject":"dashboards-operational","met":false}`, rollout.EventTicked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRolloutWorld(t, 1)
			open := rollout.Check{ID: rollout.CheckBackup, Verdict: rollout.Fail, Reason: "none is known"}
			w.store(rollout.Event{Type: rollout.EventPreflight, At: w.startedAt, By: flags.Automatic, Checks: []rollout.Check{open}, Reason: "open"})
			env := w.prepare()
			env.RegisterDelayedCallback(func() {
				e := rollout.Event{Type: c.by, At: env.Now().Add(-time.Second), By: flags.Automatic, Reason: "by another run"}
				if c.by == rollout.EventEntered {
					e.Stage, e.Percentage, e.Enabled = &rollout.Stage{Kind: rollout.InPhase, Phase: 2}, new(100.0), new(true)
				}
				w.store(e)
				send(env, c.message, c.payload)
			}, 30*time.Minute)
			w.run(taken, time.Hour)
			require.Equal(t, c.want, w.decisions[len(w.decisions)-1].Type)
		})
	}
}

// While a person has a rollout wait it is not told that an outage is over.
func TestARolloutThatAPersonPausedInAnOutageGoesOnAfterIt(t *testing.T) {
	t.Parallel()
	w := newRolloutWorld(t, 1)
	w.prepare()
	w.arrive(
		w.judged(t, func(j *rollout.Judgement) { j.Outage = &rollout.Outage{Cause: rollout.OutageSESPaused} }),
		[2]string{rollout.SignalPause, `{"reason":"lunch"}`},
		[2]string{rollout.SignalResume, `{"reason":"it is over"}`},
	)
	w.run(taken, time.Hour)
	require.Equal(t, rollout.Running, w.state().Status)
}

// The API compares what a person had seen with what is stored. Where the rollout goes on before the message reaches it, what holds
// back applies all the same, since nobody is there to be told that it did not; what admits more, or lets a stage end, does not.
func TestWhatHoldsBackAppliesThoughTheRolloutHasGoneOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		message, payload, want string
		applies                bool
	}{
		"a pause":             {rollout.SignalPause, `{"reason":"harm"`, "paused", true},
		"a rollback":          {rollout.SignalRollback, `{"reason":"harm","percentage":0`, "rolled-back", true},
		"a lower value":       {rollout.SignalSetPercentage, `{"reason":"harm","percentage":10`, "paused", true},
		"a higher value":      {rollout.SignalSetPercentage, `{"reason":"faster","percentage":60`, "running", false},
		"the next stage":      {rollout.SignalAdvance, `{"reason":"faster"`, "running", false},
		"a criterion met":     {rollout.SignalTick, `{"reason":"asked","subject":"dashboards-operational","met":true`, "running", false},
		"a criterion not met": {rollout.SignalTick, `{"reason":"asked","subject":"dashboards-operational","met":false`, "running", true},
		"a waiver":            {rollout.SignalWaive, `{"reason":"known","subject":"backup"`, "running", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRolloutWorld(t, 1)
			open := rollout.Check{ID: rollout.CheckBackup, Verdict: rollout.Fail, Reason: "none is known"}
			w.store(rollout.Event{Type: rollout.EventPreflight, At: w.startedAt, By: flags.Automatic, Checks: []rollout.Check{open}, Reason: "open"})
			before := len(w.decisions)
			w.prepare()
			w.arrive([2]string{c.message, c.payload + `,"seen":"as it was before"}`})
			w.run(taken, time.Hour)
			require.Equal(t, c.want, string(w.state().Status))
			require.Equal(t, c.applies, len(w.decisions) > before, "whether it is carried out")
		})
	}
}
