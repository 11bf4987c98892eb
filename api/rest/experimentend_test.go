package rest_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/trial"
)

// endings is a store in which something comes between an end and its answer.
type endings struct {
	app.Store
	unread error  // what reading an experiment's vendors fails with
	before func() // comes before the next end is stored; nil for nothing
}

func (s *endings) ExperimentRows(ctx context.Context, e experiment.Experiment) ([]experiment.Row, error) {
	if s.unread != nil {
		return nil, s.unread
	}
	return s.Store.ExperimentRows(ctx, e)
}

func (s *endings) EndExperiment(ctx context.Context, ended experiment.Experiment) (experiment.Experiment, error) {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.Store.EndExperiment(ctx, ended)
}

func endingAPI(t *testing.T) (*api, *endings) {
	t.Helper()
	a := makeAPI(t, options{policies: new(offered())})
	s := &endings{Store: a.app.Store}
	a.app.Store = s
	a.startExperiment()
	return a, s
}

const endWithB = `{"picked":"b","reason":"The longer one sells more"}`

// Who repeats an end whose answer was lost is told of its own end, and nobody else is.
func TestAnExperimentsEndIsRepeatedAfterALostAnswer(t *testing.T) {
	t.Parallel()
	a, s := endingAPI(t)
	s.unread = errUnavailable
	a.endExperiment("end-1", endWithB).problem(http.StatusServiceUnavailable)
	require.Equal(t, experiment.ArmB, a.store.Experimented[0].Ended.Picked, "stored all the same")
	require.Equal(t, audit.Failed, a.last().Outcome)

	s.unread = nil
	over := into[experiment.View](a.endExperiment("end-1", endWithB), http.StatusOK)
	require.Equal(t, a.store.Experimented[0].Ended, over.Ended)
	require.Equal(t, audit.Done, a.last().Outcome)
	require.Equal(t, "repeats an earlier request, and counts once", a.last().Detail)
	require.Equal(t, over, into[experiment.View](a.endExperiment("end-1", endWithB), http.StatusOK))
	a.endExperiment("end-2", endWithB).problem(http.StatusConflict)
	require.Equal(t, audit.Refused, a.last().Outcome)
}

// The same of a page's form, which shows a state that the lost end has changed.
func TestAFormThatEndsAnExperimentIsRepeatedAfterALostAnswer(t *testing.T) {
	t.Parallel()
	a, s := endingAPI(t)
	ctx := access.With(t.Context(), access.Identity{Name: "ana", Role: access.Admin})
	shown, err := a.app.Experiment(ctx, app.Latest)
	require.NoError(t, err)
	end := app.ExperimentEnd{ID: shown.ID, Key: "form-1", Seen: shown.Mark(), Picked: experiment.ArmA, Reason: "enough"}
	s.before = func() { s.unread = errUnavailable }
	require.Equal(t, trial.CodeUnavailable, app.ErrorOf(a.app.EndExperimentRecorded(ctx, end)).Code)
	s.unread = nil
	require.NoError(t, a.app.EndExperimentRecorded(ctx, end))
	require.Equal(t, audit.Done, a.last().Outcome)
	end.Key = "form-2"
	require.Equal(t, trial.CodeConflict, trial.CodeOf(a.app.EndExperimentRecorded(ctx, end)))
}

// Of two who end an experiment at the same time the second is not told that its pick counts.
func TestAnExperimentIsEndedByOneOfTwo(t *testing.T) {
	t.Parallel()
	a, s := endingAPI(t)
	bea := access.With(t.Context(), access.Identity{Name: "bea", Role: access.Admin})
	shown, err := a.app.Experiment(bea, app.Latest)
	require.NoError(t, err)
	s.before = func() {
		now, _ := a.app.Experiment(bea, app.Latest) // the other has ended the dealing by then
		err = a.app.EndExperimentRecorded(bea, app.ExperimentEnd{ID: shown.ID, Key: "form-1", Seen: now.Mark(), Picked: experiment.ArmA, Reason: "enough"})
	}
	a.endExperiment("end-1", endWithB).problem(http.StatusConflict)
	require.NoError(t, err)
	require.Equal(t, audit.Refused, a.last().Outcome)
	require.Equal(t, "bea", a.store.Experimented[0].Ended.By)
	require.Equal(t, experiment.ArmA, a.store.Experimented[0].Ended.Picked)
}
