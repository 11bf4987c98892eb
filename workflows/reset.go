package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"
)

// resets notices that a run was reset: the run's state is then older than the stored one, from which it must go on. The zero value is ready to use.
type resets struct {
	checks int
	// pending says that the run was reset and has not read the stored state yet.
	pending bool
	// detectedIn is the run that noticed the latest reset.
	detectedIn string
}

// check tells whether the run was reset and still has to read the stored state. A run that was not reset pays nothing. One
// that was replays what came before the reset with checks that leave no trace; the first check after that leaves a marker.
func (r *resets) check(ctx workflow.Context, q *queue) bool {
	if r.detect(ctx) {
		r.pending, q.beforeReset = true, len(q.messages)
	}
	return r.pending
}

// detect is true once, at the first check that is not replayed.
func (r *resets) detect(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	run := info.WorkflowExecution.RunID
	if info.OriginalRunID == "" || info.OriginalRunID == run || r.detectedIn == run {
		return false
	}
	r.checks++
	if workflow.GetVersion(ctx, fmt.Sprintf("reset-%d", r.checks), workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return false
	}
	// After another reset the new run replays this marker, but was not the one that noticed.
	if err := workflow.SideEffect(ctx, func(workflow.Context) any { return run }).Get(&r.detectedIn); err != nil {
		workflow.GetLogger(ctx).Error("which run was reset cannot be read", "error", err)
	}
	return true
}

// uncancelable is a context that a cancellation of the workflow does not reach: these workflows end by messages, and cutting
// one off would lose requests. canceled is the note for the workflow's details, empty before.
func uncancelable(ctx workflow.Context) (inner workflow.Context, canceled *string) {
	canceled = new("")
	inner, _ = workflow.NewDisconnectedContext(ctx)
	workflow.Go(inner, func(inner workflow.Context) {
		if err := workflow.Await(inner, func() bool { return ctx.Err() != nil }); err != nil {
			return
		}
		workflow.GetLogger(inner).Warn("the workflow was asked to be canceled, and goes on: it is ended by its messages")
		*canceled = fmt.Sprintf("\n\nSomebody asked to cancel this workflow at %s. That has no effect: use its messages.\n", workflow.Now(inner).UTC().Format(time.RFC3339))
	})
	return inner, canceled
}
