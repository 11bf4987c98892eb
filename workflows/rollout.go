package workflows

import (
	"fmt"
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/rollout"
)

// RolloutInput starts a rollout workflow, continues one as new, or replaces a lost one.
type RolloutInput struct {
	Start *rollout.Start `json:"start"`
	// Lost is the id of a rollout whose workflow was lost. It goes on from the stored state.
	Lost string `json:"lost,omitempty"`
	// State, Judged and Recent are what an earlier run passed on, and Signals is how far it counted its signals.
	State   *rollout.State     `json:"state"`
	Judged  *rollout.Judgement `json:"judged"`
	Recent  []rollout.Event    `json:"recent"`
	Signals *SignalNumbers     `json:"signals,omitempty"`
}

// recentDecisions is how many decisions the query returns. The database has all of them.
const recentDecisions = 50

// Rollout puts the automation in front of vendors step by step. rollout.State decides what comes next; this carries it out,
// one thing at a time.
func Rollout(ctx workflow.Context, in RolloutInput) (rollout.State, error) {
	r := &rolloutRun{}
	ctx, r.canceled = uncancelable(ctx)
	if err := r.setup(ctx, in); err != nil {
		return rollout.State{}, err
	}
	return r.run(ctx)
}

// rolloutRun is the state of one run.
type rolloutRun struct {
	state  rollout.State
	judged *rollout.Judgement
	recent []rollout.Event
	queue  *queue
	resets resets
	// canceled is the note on a cancellation for the workflow's details.
	canceled *string
	// activities names the activities; it stays nil.
	activities *activities.Rollouts
	// refreshed says that the run has asked for the latest judgement since the last event.
	refreshed bool
	// notifying counts the notices whose workflows have not started yet.
	notifying int
}

func (r *rolloutRun) setup(ctx workflow.Context, in RolloutInput) error {
	r.queue = queueOf(ctx, in.Signals)
	r.resets.check(ctx, r.queue)
	known := func() bool { return r.state.ID != "" }
	if err := answer(ctx, rollout.QueryStatus, known, func() rollout.State { return r.state }); err != nil {
		return err
	}
	if err := answer(ctx, rollout.QueryDecisions, known, func() []rollout.Event { return r.recent }); err != nil {
		return err
	}
	if in.State != nil {
		r.state, r.judged, r.recent = *in.State, in.Judged, in.Recent
		return nil
	}
	if in.Lost != "" {
		return r.recover(ctx, in.Lost)
	}
	if in.Start == nil {
		return sdktemporal.NewNonRetryableApplicationError("a rollout needs a start", "invalid", nil)
	}
	start := *in.Start
	// A new variable: decoding into start.Times would keep the fields that the result omits.
	var times evidence.Times
	if err := workflow.ExecuteActivity(r.options(ctx, "earlier trials"), r.activities.Learn, start.Times).Get(ctx, &times); err != nil {
		return fmt.Errorf("looking at earlier trials: %w", err)
	}
	start.Times = times // asked once: judgements made again later must use the same
	return r.enact(ctx, rollout.Begin(start, workflow.Now(ctx)))
}

// recover reads the stored state of a rollout, which may have ended.
func (r *rolloutRun) recover(ctx workflow.Context, id string) error {
	var stored rollout.State
	if err := workflow.ExecuteActivity(r.options(ctx, "what is stored"), r.activities.Recover, id).Get(ctx, &stored); err != nil {
		return fmt.Errorf("reading the state of rollout %s: %w", id, err)
	}
	r.state = stored
	return nil
}

// catchUp goes on from the stored state, if that is newer. A restored database may know less, or nothing: then the run keeps
// its own state.
func (r *rolloutRun) catchUp(ctx workflow.Context) error {
	known := r.state
	err := r.recover(ctx, known.ID)
	if _, refused := AsRefusal(err); !refused && err != nil {
		return err
	}
	r.resets.pending = false
	if err != nil || r.state.Seq < known.Seq {
		r.state = known
	}
	r.queue.markSentBefore(r.state.HandVersion, r.queue.beforeReset) // they came before the reset
	for _, m := range r.queue.dropHandled(r.state.HandledSignals) {
		if j, err := decode[rollout.Judgement](m, judgementShape); err == nil && m.name == rollout.SignalJudged {
			r.applyJudgement(j) // no decision stores the latest judgement, and the next decision needs it
		}
	}
	return nil
}

func (r *rolloutRun) run(ctx workflow.Context) (rollout.State, error) {
	for {
		workflow.SetCurrentDetails(ctx, notice.Details(r.state, r.judged, workflow.Now(ctx))+*r.canceled)
		event, wake := r.state.Next(r.judged, workflow.Now(ctx))
		var err error
		switch {
		case r.resets.check(ctx, r.queue):
			err = r.catchUp(ctx)
		case r.queue.pending():
			err = r.handle(ctx, r.queue.pop())
		case r.state.Status.Final() || workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			if err = r.awaitNotices(ctx); err == nil && !r.queue.pending() {
				return r.finish(ctx)
			}
		case r.state.PreflightDue(workflow.Now(ctx)):
			err = r.preflight(ctx)
		case event != nil && event.Type == rollout.EventCompleted && r.state.BackfillDue():
			err = r.backfill(ctx) // once completed, nobody would adopt the rest
		case event != nil && event.WantsLatest() && !r.refreshed:
			err = r.refresh(ctx)
		case event != nil:
			err = r.enact(ctx, *event)
		case r.state.BackfillDue():
			err = r.backfill(ctx)
		default:
			err = r.wait(ctx, wake)
		}
		if err != nil {
			return r.state, err
		}
	}
}

// finish ends the run: with the rollout, or because the history has grown long. No message may wait. If one reaches the server
// meanwhile, it retries the workflow task.
func (r *rolloutRun) finish(ctx workflow.Context) (rollout.State, error) {
	if r.state.Status.Final() {
		return r.state, nil
	}
	next := RolloutInput{State: &r.state, Judged: r.judged, Recent: r.recent, Signals: r.queue.numbers}
	return r.state, workflow.NewContinueAsNewError(ctx, rollout.WorkflowType, next)
}

// awaitNotices waits until every notice's workflow has started.
func (r *rolloutRun) awaitNotices(ctx workflow.Context) error {
	return workflow.Await(ctx, func() bool { return r.notifying == 0 })
}

// wait sleeps until a moment, or until a signal arrives. A zero until waits for a signal only.
func (r *rolloutRun) wait(ctx workflow.Context, until time.Time) error {
	if until.IsZero() {
		return workflow.Await(ctx, r.queue.pending)
	}
	timerCtx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	timer := workflow.NewTimerWithOptions(timerCtx, until.Sub(workflow.Now(ctx)), workflow.TimerOptions{
		Summary: fmt.Sprintf("%s, until %s", r.state.StageName(), until.Format(time.RFC3339)),
	})
	return workflow.Await(ctx, func() bool { return timer.IsReady() || r.queue.pending() })
}

// enact carries out an event, unless another one is stored in its place. Then the run decides again.
func (r *rolloutRun) enact(ctx workflow.Context, event rollout.Event) error {
	_, err := r.tryEnact(ctx, event)
	return err
}

// tryEnact carries out an event, then notifies people, and releases trials where the event says so. overtaken says that another
// event is stored in its place: another run was faster, and this one goes on from there.
func (r *rolloutRun) tryEnact(ctx workflow.Context, event rollout.Event) (overtaken bool, err error) {
	var enacted activities.Enacted
	input := activities.EnactInput{State: r.state, Event: event}
	input.State.HandledSignals = r.queue.numbers.Handled
	if err := workflow.ExecuteActivity(r.options(ctx, string(event.Type)), r.activities.Enact, input).Get(ctx, &enacted); err != nil {
		return false, fmt.Errorf("enacting %s: %w", event.Type, err)
	}
	if enacted.Stored != nil {
		if !r.resets.pending { // otherwise catchUp does it
			r.markSentBefore(enacted.Stored.HandVersion)
		}
		r.state, r.refreshed = *enacted.Stored, false
		return true, nil
	}
	stored := enacted.Event
	r.markSentBefore(stored.HandVersion)
	r.state, r.refreshed = r.state.Apply(stored), false
	r.recent = append(r.recent, stored)
	if over := len(r.recent) - recentDecisions; over > 0 {
		r.recent = r.recent[over:]
	}
	r.notify(ctx, stored)
	if stored.InFlight == flags.Release {
		return false, r.release(ctx)
	}
	return false, nil
}

// markSentBefore notes that the waiting messages were sent before the run knew a version of the flags, if that is new.
func (r *rolloutRun) markSentBefore(version int) {
	if version > r.state.HandVersion {
		r.queue.markSentBefore(version, len(r.queue.messages))
	}
}

// notify starts the notice of an event. An unreachable recipient does not delay the rollout.
func (r *rolloutRun) notify(ctx workflow.Context, e rollout.Event) {
	message := notice.MessageFor(r.state, e)
	if message == nil {
		return
	}
	notified := startNotice(ctx, *message)
	r.notifying++
	workflow.Go(ctx, func(ctx workflow.Context) {
		defer func() { r.notifying-- }()
		if err := notified.Get(ctx, nil); err != nil {
			workflow.GetLogger(ctx).Error("stakeholders not notified", "message", message.Key, "error", err)
		}
	})
}

// refresh reads the latest judgement.
func (r *rolloutRun) refresh(ctx workflow.Context) error {
	var latest *rollout.Judgement
	if err := workflow.ExecuteActivity(r.options(ctx, "latest judgement"), r.activities.Latest, r.state.ID).Get(ctx, &latest); err != nil {
		return fmt.Errorf("asking for the latest judgement: %w", err)
	}
	if latest != nil {
		r.applyJudgement(*latest)
	}
	r.refreshed = true
	return nil
}

func (r *rolloutRun) preflight(ctx workflow.Context) error {
	var checks []rollout.Check
	if err := workflow.ExecuteActivity(r.options(ctx, "preflight"), r.activities.Preflight, r.state).Get(ctx, &checks); err != nil {
		return fmt.Errorf("making the preflight: %w", err)
	}
	event := r.state.CheckedEvent(checks, workflow.Now(ctx))
	if after := r.state.Apply(event); rollout.SameChecks(after.Checks, r.state.Checks) {
		r.state = r.state.Checked(workflow.Now(ctx))
		return nil
	}
	return r.enact(ctx, event)
}

// backfill adopts one batch of trials, and then waits for the rest of its minute.
func (r *rolloutRun) backfill(ctx workflow.Context) error {
	batch, pause := r.state.BackfillBatch()
	var handed activities.HandedOver
	err := workflow.ExecuteActivity(r.options(ctx, "backfill"), r.activities.Backfill,
		activities.Batch{RolloutID: r.state.ID, After: batch.After, Size: batch.Size, Seq: r.state.Seq}).Get(ctx, &handed)
	if err != nil {
		return fmt.Errorf("adopting running trials: %w", err)
	}
	if err := r.enact(ctx, r.state.BackfilledEvent(handed.After, handed.Count, handed.Done, workflow.Now(ctx))); err != nil || handed.Done {
		return err
	}
	return r.wait(ctx, workflow.Now(ctx).Add(pause))
}

// release makes every automated trial unautomated.
func (r *rolloutRun) release(ctx workflow.Context) error {
	batch := activities.Batch{RolloutID: r.state.ID, Size: releaseBatch}
	for {
		var handed activities.HandedOver
		if err := workflow.ExecuteActivity(r.options(ctx, "release"), r.activities.Release, batch).Get(ctx, &handed); err != nil {
			return fmt.Errorf("releasing running trials: %w", err)
		}
		if handed.Done {
			return nil
		}
		batch.After = handed.After
	}
}

// releaseBatch is how many trials one activity releases.
const releaseBatch = 500

func (r *rolloutRun) options(ctx workflow.Context, summary string) workflow.Context {
	longest := 30 * time.Second
	if r.state.Times.Day > 0 {
		longest = max(r.state.Times.Day/retriesPerDay, firstRetry)
	}
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 5 * time.Minute, HeartbeatTimeout: heartbeatTimeout, Summary: summary,
		RetryPolicy: &sdktemporal.RetryPolicy{InitialInterval: firstRetry, BackoffCoefficient: 2, MaximumInterval: longest},
	})
}
