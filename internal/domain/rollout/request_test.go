package rollout_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	running := initial(t, rollout.DefaultPlan())
	running.toPhase(2)
	paused := initial(t, rollout.DefaultPlan())
	paused.toPhase(2)
	paused.ask(rollout.SignalPause, flags.Request{})
	over := initial(t, rollout.DefaultPlan())
	over.toPhase(2)
	over.ask(rollout.SignalRollback, flags.Request{})
	because := flags.Request{Reason: "because"}
	with := func(change func(*flags.Request)) flags.Request {
		r := because
		change(&r)
		return r
	}
	percentage := func(p float64) flags.Request { return with(func(r *flags.Request) { r.Percentage = p }) }
	tests := []struct {
		state   *life
		name    string
		request flags.Request
		field   string // empty for a conflict
		message string
	}{
		{running, rollout.SignalPause, flags.Request{Reason: " \n"}, "reason", "is missing"},
		{running, rollout.SignalPause, flags.Request{Reason: strings.Repeat("é", 501)}, "reason", "must be at most 500 characters"},
		{running, rollout.SignalRollback, percentage(25), "percentage", "must be below the present 25, is 25"},
		{running, rollout.SignalRollback, percentage(50), "percentage", "must be below the present 25, is 50"},
		{running, rollout.SignalRollback, percentage(-1), "percentage", "must be 0 to 100 in steps of 0.01, is -1"},
		{running, rollout.SignalRollback, percentage(math.NaN()), "percentage", "must be 0 to 100 in steps of 0.01, is NaN"},
		{running, rollout.SignalRollback, with(func(r *flags.Request) { r.InFlight = "drop" }), "inFlight", "must be keep or release"},
		{running, rollout.SignalSetPercentage, percentage(101), "percentage", "must be 0 to 100 in steps of 0.01, is 101"},
		{running, rollout.SignalSetPercentage, percentage(10.005), "percentage", "must be 0 to 100 in steps of 0.01, is 10.005"},
		{running, rollout.SignalTick, with(func(r *flags.Request) { r.Subject = "no-rollback" }), "criterion", `"no-rollback" is not one that a person judges`},
		{running, rollout.SignalWaive, with(func(r *flags.Request) { r.Subject = "luck" }), "check", `"luck" is no preflight check`},
		{running, rollout.SignalWaive, with(func(r *flags.Request) { r.Subject = rollout.CheckHealth }), "", "check health passes: there is nothing to waive"},
		{running, rollout.SignalResume, because, "", "the rollout is not paused"},
		{paused, rollout.SignalPause, because, "", "the rollout is paused already"},
		{over, rollout.SignalAdvance, because, "", "the rollout is rolled-back: advance does not apply"},
		{running, "dance", because, "message", `"dance" is not one of the rollout's`},
	}
	for _, tt := range tests {
		before := jsonOf(t, tt.state.state)
		e, err := tt.state.state.Request(tt.name, tt.request, nil, tt.state.now)
		require.Nil(t, e)
		if tt.field == "" {
			var conflict *trial.Error
			require.ErrorAs(t, err, &conflict)
			require.Equal(t, trial.CodeConflict, conflict.Code)
			require.Equal(t, tt.message, conflict.Message)
		} else {
			var field *trial.Error
			require.ErrorAs(t, err, &field)
			require.Equal(t, trial.CodeInvalid, field.Code)
			require.Equal(t, tt.field, field.Field)
			require.Equal(t, tt.message, field.Message)
		}
		require.Equal(t, before, jsonOf(t, tt.state.state), "nothing has changed")
	}
}

func TestRequestsThatAreCarriedOut(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(3)
	l.ask(rollout.SignalTick, flags.Request{Subject: "feedback-positive", Met: true})
	require.True(t, l.state.Criteria["feedback-positive"].Met)
	l.ask(rollout.SignalRollback, flags.Request{ID: "q1", Percentage: 15, InFlight: flags.Release})
	require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: 1}, l.state.Stage, "15 % fits the phase of 10 %")
	require.InDelta(t, 15, l.state.Percentage, 0)
	require.Zero(t, l.state.Epoch, "a person's rollback says nothing of the evidence")
	require.Equal(t, flags.Release, l.events[len(l.events)-1].InFlight)
	e, err := l.state.Request(rollout.SignalRollback, flags.Request{ID: "q1", Percentage: 15}, nil, l.now)
	require.NoError(t, err)
	require.Nil(t, e, "it was carried out before")
	l.ask(rollout.SignalPause, flags.Request{})
	l.days(3)
	require.InDelta(t, 15, l.state.Percentage, 0)
	l.ask(rollout.SignalAdvance, flags.Request{})
	require.Equal(t, rollout.Running, l.state.Status)
	require.InDelta(t, 25, l.state.Percentage, 0)
	for range 5 {
		l.ask(rollout.SignalAdvance, flags.Request{})
	}
	require.Equal(t, rollout.Guard, l.state.Stage.Kind)
	l.ask(rollout.SignalAdvance, flags.Request{})
	require.Equal(t, rollout.Completed, l.state.Status)
}

func TestTimePausedTwiceDoesNotCountAsSoaked(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.until(noon.Add(11 * day)) // a day of stability is over
	l.ask(rollout.SignalPause, flags.Request{})
	l.days(2)
	l.ask(rollout.SignalSetPercentage, flags.Request{Percentage: 100})
	l.days(3)
	l.ask(rollout.SignalResume, flags.Request{})
	require.Equal(t, noon.Add(15*day), l.state.EnteredAt, "five days later")
}

func TestCriteria(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	verdicts := func() map[string]rollout.Verdict {
		all := map[string]rollout.Verdict{}
		for _, a := range rollout.JudgeCriteria(l.state, l.last, l.now) {
			require.NotEmpty(t, a.Text)
			all[a.ID] = a.Verdict
		}
		return all
	}
	require.Len(t, verdicts(), 12)
	require.Equal(t, rollout.Insufficient, verdicts()["stable-at-10"])
	require.Equal(t, rollout.Insufficient, verdicts()["feedback-positive"])
	l.until(noon.Add(35 * day))
	l.state.Criteria = map[string]rollout.Tick{"feedback-positive": {Met: false}}
	require.Equal(t, rollout.Fail, verdicts()["feedback-positive"])
	for _, id := range []string{"stable-at-10", "stable-at-100", "no-rollback", "email-delivery", "all-metrics-met", "no-setup-errors"} {
		require.Equal(t, rollout.Pass, verdicts()[id], id)
	}
	l.state.Status = rollout.RolledBack
	require.Equal(t, rollout.Fail, verdicts()["no-rollback"])
}

func TestASignalThatDoesNotSayWhoseItIsCountsAllTheSame(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.apply(l.state.CheckedEvent([]rollout.Check{{ID: rollout.CheckBackup, Verdict: rollout.Insufficient, Reason: "none"}}, l.now))
	e, err := l.state.Request(rollout.SignalWaive, flags.Request{Subject: rollout.CheckBackup, Reason: "in the vault"}, nil, l.now)
	require.NoError(t, err)
	l.apply(*e)
	require.Equal(t, "signal", l.state.Checks[0].WaivedBy, "a check that nobody waived would not be waived")
}
