package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"
)

// resets notices that somebody has reset the run. What the run carries is then older than what is stored, which
// it has to go on from. The zero value is ready for a run's first look.
type resets struct {
	looks int
	// pending says that the run has not gone on from what is stored yet.
	pending bool
	// noticed is the run that noticed it last.
	noticed string
}

// check tells whether the run was reset and has to go on from what is stored, until that is done. A run that was not pays nothing for it. One that was replays
// what happened before the reset, with looks that leave no trace, and the first look after that leaves a marker.
func (r *resets) check(ctx workflow.Context, q *queue) bool {
	if r.notices(ctx) {
		r.pending, q.again = true, len(q.messages)
	}
	return r.pending
}

// notices tells once, at the first look after what is replayed.
func (r *resets) notices(ctx workflow.Context) bool {
	info := workflow.GetInfo(ctx)
	run := info.WorkflowExecution.RunID
	if info.OriginalRunID == "" || info.OriginalRunID == run || r.noticed == run {
		return false
	}
	r.looks++
	if workflow.GetVersion(ctx, fmt.Sprintf("reset-%d", r.looks), workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return false
	}
	// Reset once more, the run replays this as well, and is not the one that noticed.
	if err := workflow.SideEffect(ctx, func(workflow.Context) any { return run }).Get(&r.noticed); err != nil {
		workflow.GetLogger(ctx).Error("which run was reset cannot be read", "error", err)
	}
	return true
}

// uncancelable is a context that a cancellation of the workflow does not reach: what these workflows do is ended by
// messages, which people can be answered by, and torn off in the middle, requests would be lost. canceled is what
// the workflow's details say of it, nothing before.
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
