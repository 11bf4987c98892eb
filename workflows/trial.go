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
	// State is what an earlier run carried on; nil means to look in the database.
	State *trial.State `json:"state"`
	// Signals is how far an earlier run had counted its signals.
	Signals *SignalNumbers `json:"signals,omitempty"`
}

// Trial is one vendor's trial from registration to its end. It ends with the
// trial; a request that comes later, a revival or a late conversion, starts it
// again, and it goes on from what the database holds.
func Trial(ctx workflow.Context, in TrialInput) (trial.Overview, error) {
	t := &trialRun{}
	ctx, t.canceled = uncancelable(ctx)
	if err := t.setup(ctx, in); err != nil {
		return trial.Overview{}, err
	}
	return t.run(ctx)
}

// trialRun is the state of one run. Everything happens in its main loop, one
// thing at a time; message handlers only put their request among what is asked.
type trialRun struct {
	state trial.State
	// initialized says that state is known.
	initialized bool
	// held says that the due step is held and waits to be woken.
	held bool
	// reached is the step whose timer has fired last.
	reached trial.Step
	// asked are the requests that wait, in the order of their arrival, and queue the signals behind them.
	asked []*ask
	queue *queue
	// handled stands for the signals that were taken from asked; the queue counts those as well that wait there.
	handled string
	// resets notices them, and canceled is what is said of a cancellation.
	resets   resets
	canceled *string
	// activities names the activities; the worker has the real one.
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

// catchUp goes on from what is stored, after a reset. A database that was restored may know less than the run, or
// nothing: then the run goes on from what it has.
func (t *trialRun) catchUp(ctx workflow.Context) error {
	err := t.begin(ctx, t.state.VendorID)
	if _, refused := AsRefusal(err); !refused && err != nil {
		return err
	}
	t.resets.pending = false
	setAttributes(ctx, missingAttributes(ctx, t.state))
	t.forget()
	return nil
}

// begin reads where the trial stands, which may be at its start, unless the run knows more.
func (t *trialRun) begin(ctx workflow.Context, vendorID string) error {
	var s trial.State
	if err := t.execute(ctx, "begin", t.activities.Begin, vendorID).future.Get(ctx, &s); err != nil {
		return fmt.Errorf("beginning the trial: %w", err)
	}
	if s.Seq >= t.state.Seq {
		t.state = s
	}
	t.initialized, t.held = true, false
	return nil
}

func (t *trialRun) run(ctx workflow.Context) (trial.Overview, error) {
	for {
		reset := t.resets.check(ctx, t.queue)
		t.drain(ctx)
		workflow.SetCurrentDetails(ctx, t.state.Details()+*t.canceled)
		step, due := t.due(ctx)
		var err error
		switch {
		case reset:
			err = t.catchUp(ctx)
		case len(t.asked) > 0:
			err = t.answer(ctx, t.pop())
		case t.state.Status.Final() || workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			if err = t.settle(ctx); err == nil && !t.pending() {
				return t.leave(ctx)
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

// due is the next step, and whether its moment has come and it is not held. A
// step whose timer has fired is due whatever its moment is computed to be now: a
// change of the zone's rules must not make a replay wait where the recording went on.
func (t *trialRun) due(ctx workflow.Context) (trial.Step, bool) {
	step, ok := t.state.Next()
	reached := step.Kind == t.reached.Kind && step.Revision == t.reached.Revision
	return step, ok && !t.held && (reached || !step.At.After(workflow.Now(ctx)))
}

// wait sleeps to the next step, or to the next message. A held trial sets no
// timer: its history does not grow until it is woken.
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

// perform decides and carries out a due step. While it is being retried,
// messages are heard: they end the attempt, and what they change is decided anew.
func (t *trialRun) perform(ctx workflow.Context, step trial.Step) error {
	stepCtx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	attempt := t.execute(stepCtx, string(step.Kind), t.activities.Perform, activities.Due{State: t.current(), Step: step})
	overtaken := func() bool { return attempt.retrying && t.pending() }
	if err := workflow.Await(ctx, func() bool { return attempt.future.IsReady() || overtaken() }); err != nil {
		return err
	}
	if !attempt.future.IsReady() {
		return nil // the message is answered next, and the step decided anew
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

// apply is the only place where the state changes.
func (t *trialRun) apply(ctx workflow.Context, e trial.Event) {
	before := t.state
	t.state = before.Apply(e)
	t.held = false
	setAttributes(ctx, changedAttributes(before, t.state))
}

// setAttributes costs an event where there are any. A trial goes on without.
func setAttributes(ctx workflow.Context, changed []sdktemporal.SearchAttributeUpdate) {
	if len(changed) == 0 {
		return
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, changed...); err != nil {
		workflow.GetLogger(ctx).Error("search attributes not set", "error", err)
	}
}

// settle waits until every answer has gone out.
func (t *trialRun) settle(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool { return workflow.AllHandlersFinished(ctx) })
}

// leave ends the run: with the trial, or because the history has grown long.
func (t *trialRun) leave(ctx workflow.Context) (trial.Overview, error) {
	if t.state.Status.Final() {
		return t.state.Overview(), nil
	}
	next := TrialInput{VendorID: t.state.VendorID, State: &t.state, Signals: t.queue.numbers}
	return trial.Overview{}, workflow.NewContinueAsNewError(ctx, trial.WorkflowType, next)
}
