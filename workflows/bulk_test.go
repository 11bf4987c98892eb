package workflows_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/workflows"
)

// bulkWorld is the workflow of a bulk operation under skipped time, whose items
// all succeed at once.
type bulkWorld struct {
	t     require.TestingT
	env   *testsuite.TestWorkflowEnvironment
	work  activities.BulkWork
	pages []bulk.Page
	// carry replaces what a page comes to, where it is set.
	carry func(s bulk.State, p bulk.Page) bulk.State
	noted []bulk.State
	// stored is what a run that was reset finds stored, where it is set.
	stored *bulk.State
	// keep is where what is stored is kept, where it is set.
	keep *bulk.State
	// beginning is done while the operation is read, where it is set.
	beginning func()
}

func newBulkWorld(t require.TestingT, items int, change func(*bulk.Operation)) *bulkWorld {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	o := bulk.Operation{ID: "bulk-1", Action: bulk.Extend, Days: 3, Reason: "r", By: "admin", AskedAt: start, PerMinute: 600, Listed: items}
	change(&o)
	w := &bulkWorld{t: t, env: suite.NewTestWorkflowEnvironment(), work: activities.BulkWork{Operation: o, State: bulk.Begin(o)}}
	inTests(w.env)
	w.env.SetStartTime(start)
	w.env.RegisterWorkflowWithOptions(workflows.BulkOperation, workflow.RegisterOptions{Name: bulk.WorkflowType})
	bulkActivities := &activities.Bulk{}
	w.env.RegisterActivity(bulkActivities)
	w.env.OnActivity(bulkActivities.BeginBulk, mock.Anything, o.ID).Return(func(context.Context, string) (activities.BulkWork, error) {
		if w.beginning != nil {
			w.beginning()
		}
		if w.keep != nil {
			w.work.State = *w.keep
		}
		return w.work, nil
	})
	w.env.OnActivity(bulkActivities.NoteBulk, mock.Anything, mock.Anything).Return(func(_ context.Context, work activities.BulkWork) (*bulk.State, error) {
		w.noted = append(w.noted, work.State)
		if w.keep != nil {
			*w.keep = work.State
		}
		return w.stored, nil
	})
	w.env.OnActivity(bulkActivities.CarryOut, mock.Anything, mock.Anything).Return(func(_ context.Context, work activities.BulkWork) (bulk.State, error) {
		p := work.State.Page(work.Operation)
		w.pages = append(w.pages, p)
		if w.carry != nil {
			return w.carry(work.State, p), nil
		}
		after := work.State.Carried(p, succeeded(p), w.env.Now())
		if w.keep != nil {
			*w.keep = after
		}
		return after, nil
	}).After(5 * time.Second)
	w.env.OnActivity(bulkActivities.LookAtItems, mock.Anything, mock.Anything).Return(func(_ context.Context, work activities.BulkWork) (bulk.State, error) {
		p := work.State.Page(work.Operation)
		return work.State.Looked(p, nil, succeeded(p), w.env.Now()), nil
	})
	w.env.OnActivity(bulkActivities.ChooseItems, mock.Anything, mock.Anything).Return(func(_ context.Context, work activities.BulkWork) (bulk.State, error) {
		total := work.State.Total + 60
		return work.State.Chosen(work.Operation, total, total >= items, w.env.Now()), nil
	})
	return w
}

func succeeded(p bulk.Page) bulk.Tally {
	return bulk.Tally{{Outcome: bulk.Succeeded, Reason: bulk.ReasonCarriedOut, Items: p.To - p.From + 1}}
}

func (w *bulkWorld) at(after time.Duration, control string) {
	w.env.RegisterDelayedCallback(func() {
		w.env.SignalWorkflow(control, bulk.Control{Reason: "r", By: "admin"})
	}, after)
}

func (w *bulkWorld) run() bulk.State {
	w.env.ExecuteWorkflow(bulk.WorkflowType, workflows.BulkInput{ID: "bulk-1"})
	require.True(w.t, w.env.IsWorkflowCompleted())
	require.NoError(w.t, w.env.GetWorkflowError())
	var v bulk.View
	require.NoError(w.t, w.env.GetWorkflowResult(&v))
	return v.State
}

func TestABulkOperationGoesThroughItsPages(t *testing.T) {
	t.Parallel()
	w := newBulkWorld(t, 120, func(*bulk.Operation) {})
	s := w.run()
	require.Equal(t, bulk.Done, s.Status)
	require.Equal(t, []bulk.Page{{From: 1, To: 50}, {From: 51, To: 100}, {From: 101, To: 120}}, w.pages)
	require.Equal(t, 120, s.Counts.Of(bulk.Succeeded))
}

func TestABulkOperationChoosesItsTrials(t *testing.T) {
	t.Parallel()
	w := newBulkWorld(t, 120, func(o *bulk.Operation) { o.Filter, o.Listed = &bulk.Filter{Status: "active"}, 0 })
	require.Equal(t, 120, w.run().Counts.Of(bulk.Succeeded))
}

func TestADryRunChangesNothingUntilItIsStarted(t *testing.T) {
	t.Parallel()
	w := newBulkWorld(t, 1200, func(o *bulk.Operation) { o.DryRun = true })
	s := w.run()
	require.Equal(t, bulk.Planned, s.Status)
	require.Equal(t, 1200, s.Plan.Of(bulk.Succeeded))
	require.Empty(t, w.pages)

	again := newBulkWorld(t, 1200, func(o *bulk.Operation) { o.DryRun = true })
	again.work.State = s
	again.at(0, bulk.ControlStart)
	s = again.run()
	require.Equal(t, bulk.Done, s.Status)
	require.Equal(t, 1200, s.Counts.Of(bulk.Succeeded))
}

func TestABulkOperationIsPausedResumedAndStopped(t *testing.T) {
	t.Parallel()
	w := newBulkWorld(t, 1000, func(*bulk.Operation) {})
	w.at(7*time.Second, bulk.ControlPause)
	w.at(7*time.Second+time.Hour, bulk.ControlResume)
	w.at(13*time.Second+time.Hour, bulk.ControlStop)
	w.at(14*time.Second+time.Hour, bulk.ControlResume) // which does not apply any more
	s := w.run()
	require.Equal(t, bulk.Stopped, s.Status)
	require.Len(t, w.pages, 4, "two before the pause, two after it")
	var names []string
	for _, c := range s.Controls {
		names = append(names, c.Name)
	}
	require.Equal(t, []string{bulk.ControlPause, bulk.ControlResume, bulk.ControlStop}, names)
	require.Len(t, w.noted, 3)
}

func TestABulkOperationWaitsForItsFlag(t *testing.T) {
	t.Parallel()
	w := newBulkWorld(t, 100, func(*bulk.Operation) {})
	w.carry = func(s bulk.State, _ bulk.Page) bulk.State {
		w.carry = nil
		return s.Held("adminTools.bulkOperations", w.env.Now())
	}
	w.at(time.Hour, bulk.ControlResume)
	s := w.run()
	require.Equal(t, bulk.Done, s.Status)
	require.Equal(t, []bulk.Page{{From: 1, To: 50}, {From: 1, To: 50}, {From: 51, To: 100}}, w.pages)
	require.Greater(t, w.env.Now().Sub(start), time.Hour)
}

// What arrives while the operation is read is carried out as it came: sorted by name, the resume came last.
func TestABulkOperationCarriesItsMessagesOutInOrderOfArrival(t *testing.T) {
	t.Parallel()
	w := newBulkWorld(t, 50, func(*bulk.Operation) {})
	w.beginning = func() {
		send(w.env, bulk.ControlPause, `{"reason":"one","by":"ada"}`)
		send(w.env, bulk.ControlResume, `{"reason":"two","by":["x"]}`)
		send(w.env, bulk.ControlResume, `{"reason":"two"}`)
		send(w.env, bulk.ControlPause, `{"reason":"three"}`)
		send(w.env, bulk.ControlStart, ``)
		send(w.env, "halt", `{"reason":"four"}`)
		send(w.env, bulk.ControlStop, `{"reason":"five"}`)
	}
	s := w.run()
	require.Equal(t, bulk.Stopped, s.Status)
	require.Empty(t, w.pages)
	var asked []string
	for _, c := range s.Controls {
		asked = append(asked, c.Name+" "+c.Reason+" by "+c.By)
	}
	require.Equal(t, []string{"pause one by ada", "resume two by signal", "pause three by signal", "stop five by signal"}, asked)
}

// Ten thousand trials in runs of a hundred pages: no history grows long.
func TestABulkOperationContinuesAsNew(t *testing.T) {
	t.Parallel()
	state, pages, runs := bulk.State{}, 0, 1
	for ; ; runs++ {
		w := newBulkWorld(t, 10_000, func(*bulk.Operation) {})
		in := workflows.BulkInput{ID: "bulk-1"}
		if runs > 1 {
			in.Work = &activities.BulkWork{Operation: w.work.Operation, State: state}
		}
		w.env.ExecuteWorkflow(bulk.WorkflowType, in)
		pages += len(w.pages)
		require.LessOrEqual(t, len(w.pages), 100)
		var next *workflow.ContinueAsNewError
		if !errors.As(w.env.GetWorkflowError(), &next) {
			var v bulk.View
			require.NoError(t, w.env.GetWorkflowResult(&v))
			state = v.State
			break
		}
		var carried workflows.BulkInput
		require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &carried))
		state = carried.Work.State
	}
	require.Equal(t, 2, runs)
	require.Equal(t, 200, pages)
	require.Equal(t, 10_000, state.Counts.Of(bulk.Succeeded))
}
