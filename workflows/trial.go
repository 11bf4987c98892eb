package workflows

import (
	"fmt"
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/trial"
)

// TrialInput starts a trial workflow, or continues one as new.
type TrialInput struct {
	VendorID string `json:"vendorId"`
	// State is what an earlier run passed on; nil means to read it from the database.
	State *trial.State `json:"state"`
	// Signals is how far an earlier run counted its signals.
	Signals *SignalNumbers `json:"signals,omitempty"`
}

// Trial is one vendor's trial from registration to its end, and to the last mailing after it. A later request, a revival or a late conversion, starts the
// workflow again, and it goes on from the database.
func Trial(ctx workflow.Context, in TrialInput) (trial.Overview, error) {
	t := &trialRun{}
	ctx, t.canceled = uncancelable(ctx)
	if err := t.setup(ctx, in); err != nil {
		return trial.Overview{}, err
	}
	return t.run(ctx)
}

// trialRun is the state of one run. Everything happens in its main loop, one thing at a time. Message handlers only add
// their requests.
type trialRun struct {
	state trial.State
	// initialized says that state has been read.
	initialized bool
	// held says that the due step is held until a wake signal.
	held bool
	// reached is the step whose timer fired last; none after a move to another policy.
	reached trial.Step
	// requests wait in their order of arrival, and queue holds the signals behind them.
	requests []*pendingRequest
	queue    *queue
	// handled is the hash over the handled signals. The queue's own counts those in requests too.
	handled string
	// resets notices resets, and canceled is the note on a cancellation for the workflow's details.
	resets   resets
	canceled *string
	// activities names the activities; it stays nil.
	activities *activities.Trials
}

func (t *trialRun) setup(ctx workflow.Context, in TrialInput) error {
	if err := t.listen(ctx, in.Signals); err != nil {
		return err
	}
	t.resets.check(ctx, t.queue)
	if in.State != nil {
		t.state, t.initialized, t.held = *in.State, true, in.State.Held != nil
		return nil
	}
	if err := t.begin(ctx, in.VendorID); err != nil {
		return err
	}
	setAttributes(ctx, missingAttributes(ctx, t.state))
	return nil
}

// catchUp goes on from the stored state after a reset. A restored database may know less than the run, or nothing: then the
// run keeps its own state.
func (t *trialRun) catchUp(ctx workflow.Context) error {
	err := t.begin(ctx, t.state.VendorID)
	if _, refused := AsRefusal(err); !refused && err != nil {
		return err
	}
	t.resets.pending = false
	setAttributes(ctx, missingAttributes(ctx, t.state))
	t.dropHandled()
	return nil
}

// begin reads the trial's state, which may be its start, unless the run knows more.
func (t *trialRun) begin(ctx workflow.Context, vendorID string) error {
	var s trial.State
	if err := t.execute(ctx, "begin", t.activities.Begin, vendorID).future.Get(ctx, &s); err != nil {
		return fmt.Errorf("beginning the trial: %w", err)
	}
	if s.Seq >= t.state.Seq {
		t.follow(s)
	}
	t.initialized, t.held = true, false
	return nil
}

func (t *trialRun) run(ctx workflow.Context) (trial.Overview, error) {
	for {
		reset := t.resets.check(ctx, t.queue)
		t.drain()
		workflow.SetCurrentDetails(ctx, t.state.Details()+*t.canceled)
		step, due := t.due(ctx)
		var err error
		switch {
		case reset:
			err = t.catchUp(ctx)
		case len(t.requests) > 0:
			err = t.handle(ctx, t.pop())
		case t.state.Over() || workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			if err = t.awaitUpdates(ctx); err == nil && !t.pending() {
				return t.finish(ctx)
			}
		case due:
			err = t.perform(ctx, step)
		default:
			err = t.wait(ctx)
		}
		if err != nil {
			return trial.Overview{}, err
		}
	}
}

// due is the next step, and whether it is due and not held. A step whose timer has fired is due, whatever its moment computes
// to now: after a change of time zone rules a replay must not wait where the recording went on.
func (t *trialRun) due(ctx workflow.Context) (trial.Step, bool) {
	step, ok := t.state.Next()
	reached := step.Kind == t.reached.Kind && step.Revision == t.reached.Revision
	return step, ok && !t.held && (reached || !step.At.After(workflow.Now(ctx)))
}

// wait sleeps until the next step or the next message. A held trial sets no timer, so its history does not grow until it is
// woken.
func (t *trialRun) wait(ctx workflow.Context) error {
	next, ok := t.state.Next()
	if !ok || t.held {
		return workflow.Await(ctx, t.pending)
	}
	timerCtx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	timer := workflow.NewTimerWithOptions(timerCtx, next.At.Sub(workflow.Now(ctx)), workflow.TimerOptions{
		Summary: fmt.Sprintf("until %s, %s", next.Kind, next.At.Format(time.RFC3339)),
	})
	err := workflow.Await(ctx, func() bool { return timer.IsReady() || t.pending() })
	if timer.IsReady() {
		t.reached = next
	}
	return err
}

// perform decides and carries out a due step. A message ends a step that is being retried: its effect may change the decision.
func (t *trialRun) perform(ctx workflow.Context, step trial.Step) error {
	stepCtx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	attempt := t.execute(stepCtx, string(step.Kind), t.activities.Perform, activities.Due{State: t.current(), Step: step})
	overtaken := func() bool { return attempt.retrying && t.pending() }
	if err := workflow.Await(ctx, func() bool { return attempt.future.IsReady() || overtaken() }); err != nil {
		return err
	}
	if !attempt.future.IsReady() {
		return nil // handle the message, then decide the step again
	}
	var p activities.Performed
	if err := attempt.future.Get(ctx, &p); err != nil {
		return fmt.Errorf("performing %s: %w", step.Kind, err)
	}
	if p.Event != nil {
		t.apply(ctx, *p.Event)
	}
	t.held = t.state.Held != nil
	return nil
}

// apply changes the state by one event.
func (t *trialRun) apply(ctx workflow.Context, e trial.Event) {
	before := t.state
	t.follow(before.Apply(e))
	t.held = false
	setAttributes(ctx, changedAttributes(before, t.state))
}

// follow takes a later state over. A move to another policy may give a step another day under the same key: a timer that fired for the
// day before it makes it no sooner due.
func (t *trialRun) follow(s trial.State) {
	if s.Moved != nil && (t.state.Moved == nil || t.state.Moved.Revision != s.Moved.Revision) {
		t.reached = trial.Step{}
	}
	t.state = s
}

// setAttributes sets search attributes, which costs an event unless there are none. A trial goes on without them.
func setAttributes(ctx workflow.Context, changed []sdktemporal.SearchAttributeUpdate) {
	if len(changed) == 0 {
		return
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, changed...); err != nil {
		workflow.GetLogger(ctx).Error("search attributes not set", "error", err)
	}
}

// awaitUpdates waits until every update is answered.
func (t *trialRun) awaitUpdates(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// finish ends the run: with the trial, or because the history has grown long.
func (t *trialRun) finish(ctx workflow.Context) (trial.Overview, error) {
	if t.state.Over() {
		return t.state.Overview(), nil
	}
	next := TrialInput{VendorID: t.state.VendorID, State: &t.state, Signals: t.queue.numbers}
	return trial.Overview{}, workflow.NewContinueAsNewError(ctx, trial.WorkflowType, next)
}
