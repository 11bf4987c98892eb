package mongodb

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/trial"
)

// experimentOf is an experiment of two policies that began at a moment.
func experimentOf(id string, began time.Time) experiment.Experiment {
	return experiment.Experiment{
		ID: id, Name: "shorter", ArmA: "week", ArmB: "month", Difference: 0.05, HorizonDays: 20, Day: trial.RealDay, Salt: "salt", StartedAt: began, StartedBy: "ada",
		Expected: experiment.Expected{PerDay: 30, Conversion: 0.1}, Formula: experiment.FormulaVersion,
		TermsA: trial.Policy{Name: "week", LengthDays: 7, ReminderDays: []int{1}}, TermsB: trial.Policy{Name: "month", LengthDays: 30, SendHour: 9},
	}
}

func TestOneExperimentIsOpenAtATime(t *testing.T) {
	t.Parallel()
	s, ctx := newTestStore(t), t.Context()
	_, found, err := s.LatestExperiment(ctx)
	require.NoError(t, err)
	require.False(t, found)

	const starts = 8
	outcomes := make([]error, starts)
	together(starts, func(i int) { outcomes[i] = s.AddExperiment(ctx, experimentOf(fmt.Sprint("x-", i), at)) })
	var added []int
	for i, err := range outcomes {
		if err == nil {
			added = append(added, i)
			continue
		}
		require.Equal(t, trial.CodeConflict, trial.CodeOf(err))
	}
	require.Len(t, added, 1, "one of all at once")
	first, found, err := s.LatestExperiment(ctx)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, experimentOf(fmt.Sprint("x-", added[0]), at), first)
	require.Equal(t, trial.CodeConflict, trial.CodeOf(s.AddExperiment(ctx, experimentOf("x-9", at))))

	ended, err := first.End(experiment.ArmB, "ada", "B sells more", at.Add(time.Hour))
	require.NoError(t, err)
	for range 2 {
		kept, err := s.EndExperiment(ctx, ended)
		require.NoError(t, err)
		require.Equal(t, ended, kept)
	}
	other, err := first.End(experiment.ArmA, "bea", "A is nicer", at.Add(2*time.Hour))
	require.NoError(t, err)
	kept, err := s.EndExperiment(ctx, other)
	require.NoError(t, err)
	require.Equal(t, ended, kept, "the first end counts")

	require.NoError(t, s.AddExperiment(ctx, experimentOf("x-10", at.Add(3*time.Hour))))
	all, err := s.Experiments(ctx)
	require.NoError(t, err)
	require.Equal(t, []experiment.Experiment{experimentOf("x-10", at.Add(3*time.Hour)), ended}, all)
	_, err = s.EndExperiment(ctx, other)
	require.Equal(t, trial.CodeConflict, trial.CodeOf(err), "it is not the latest any more")
}

// From a registration over the trial's events to the figures: the arm goes along, and survives the loss of the vendor's document
// and of the trial's, which is folded from its events.
func TestAnExperimentsArmGoesFromTheRegistrationToTheFigures(t *testing.T) {
	t.Parallel()
	s, ctx := newTestStore(t), t.Context()
	e := experimentOf("x", at.Add(-time.Hour))
	require.NoError(t, s.AddExperiment(ctx, e))
	for i, c := range []struct {
		arm       string
		day       int
		converted time.Duration
		untracked bool
	}{
		{"a", 0, 0, false}, {"a", 0, 24 * time.Hour, false}, {"b", 0, 0, false}, {"b", 2, 30 * time.Hour, false}, {"a", 2, 21 * 24 * time.Hour, false},
		{"", 2, time.Hour, false}, {"b", 0, 24 * time.Hour, true}, {"a", 2, time.Hour, true}, {"b", 2, 21 * 24 * time.Hour, true}, // beyond the horizon
	} {
		id := fmt.Sprint("v-", i)
		v := vendor(id, trial.Automated)
		v.StartedAt = at.AddDate(0, 0, c.day)
		if c.arm != "" {
			v.Automation.Experiment = &trial.Assignment{Experiment: "x", Arm: c.arm}
		}
		registered, created, err := s.RegisterVendor(ctx, v)
		require.NoError(t, err)
		require.True(t, created)
		require.Equal(t, v.Automation.Experiment, registered.Automation.Experiment)
		_, err = s.users.DeleteOne(ctx, byID(id))
		require.NoError(t, err)
		insertUser(t, s, bson.D{{Key: "_id", Value: id}, {Key: "isVendor", Value: true}, {Key: "email", Value: id + "@example.com"}})
		again, err := s.TakeIn(ctx, vendor(id, trial.Control))
		require.NoError(t, err)
		require.Equal(t, v.Automation.Experiment, again.Automation.Experiment, "the marketplace has replaced its document")

		event := trial.Start(registered.Registration(trial.DefaultPolicy(), trial.RealDay), registered.StartedAt)
		state := trial.Fold([]trial.Event{event})
		_, err = s.Append(ctx, event, state)
		require.NoError(t, err)
		if c.converted > 0 {
			when := registered.StartedAt.Add(c.converted)
			converted := trial.Event{Seq: 2, Type: trial.EventConverted, At: when, Request: &trial.Request{ID: "c", At: when}, Untracked: c.untracked}
			_, err = s.Append(ctx, converted, state.Apply(converted))
			require.NoError(t, err)
		}
		_, err = s.trials.DeleteOne(ctx, byID(id))
		require.NoError(t, err)
		_, err = s.Refold(ctx, id)
		require.NoError(t, err)
	}
	rows, err := s.ExperimentRows(ctx, e)
	require.NoError(t, err)
	require.Equal(t, []experiment.Row{
		{Day: 0, A: experiment.Count{Dealt: 2, Converted: 1}, B: experiment.Count{Dealt: 1}},
		{Day: 2, A: experiment.Count{Dealt: 1}, B: experiment.Count{Dealt: 2, Converted: 1}},
	}, rows, "untracked conversions are left out, and their trials")
	rows, err = s.ExperimentRows(ctx, experimentOf("another", at))
	require.NoError(t, err)
	require.Empty(t, rows)
}
