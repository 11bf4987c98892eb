package workflows

import (
	"errors"
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
)

// How long one attempt may take, and how retries are spaced.
const (
	localTimeout   = 8 * time.Second
	regularTimeout = 30 * time.Second
	firstRetry     = time.Second
	// retriesPerDay bounds the pause between retries: to 15 minutes where a day has 24 hours.
	retriesPerDay = 96
	// heartbeatTimeout is how long a long activity may be silent before it counts as lost with its worker. It sends a
	// heartbeat every three seconds.
	heartbeatTimeout = 15 * time.Second
)

// attempt is a running activity.
type attempt struct {
	future workflow.Future
	// retrying says that the first try failed and the server repeats it.
	retrying bool
}

// execute runs an activity once within the workflow task, which costs one event. If that fails, it runs it as a regular
// activity, which the server repeats as long as it takes without the history growing. Only the latter ends with ctx:
// the first try is short, and must not be interrupted in the middle of an effect.
func (t *trialRun) execute(ctx workflow.Context, summary string, activity, arg any) *attempt {
	future, settable := workflow.NewFuture(ctx)
	a := &attempt{future: future}
	workflow.Go(ctx, func(ctx workflow.Context) {
		firstCtx, cancel := workflow.NewDisconnectedContext(ctx)
		defer cancel()
		first := workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(firstCtx, workflow.LocalActivityOptions{
			ScheduleToCloseTimeout: localTimeout,
			RetryPolicy:            &sdktemporal.RetryPolicy{MaximumAttempts: 1},
			Summary:                summary,
		}), activity, arg)
		err := first.Get(firstCtx, nil)
		if err == nil || final(err) {
			settable.Chain(first)
			return
		}
		a.retrying = true
		if err := backOff(ctx, summary, err); err != nil {
			settable.SetError(err)
			return
		}
		settable.Chain(workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: regularTimeout,
			RetryPolicy:         &sdktemporal.RetryPolicy{InitialInterval: firstRetry, BackoffCoefficient: 2, MaximumInterval: t.longestRetry()},
			Summary:             summary,
		}), activity, arg))
	})
	return a
}

// backOff sleeps for the delay that an activity asked for. The server keeps such a delay only between its own tries: the
// first of them would come at once.
func backOff(ctx workflow.Context, summary string, failure error) error {
	app, ok := errors.AsType[*sdktemporal.ApplicationError](failure)
	if !ok || app.Type() != activities.Later || app.NextRetryDelay() <= 0 {
		return nil
	}
	timer := workflow.NewTimerWithOptions(ctx, app.NextRetryDelay(), workflow.TimerOptions{Summary: summary + ", waits as asked"})
	return timer.Get(ctx, nil)
}

// final tells whether trying again cannot help.
func final(err error) bool {
	if _, ok := AsRefusal(err); ok {
		return true
	}
	var app *sdktemporal.ApplicationError
	return errors.As(err, &app) && app.NonRetryable()
}

// longestRetry is the longest pause between retries. It shrinks with the trial's day, so that compressed time does not
// sleep through an outage's end.
func (t *trialRun) longestRetry() time.Duration {
	if t.state.Day == 0 {
		return 30 * time.Second
	}
	return max(t.state.Day/retriesPerDay, firstRetry)
}
