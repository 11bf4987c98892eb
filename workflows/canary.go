package workflows

import (
	"crypto/rand"
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/trial"
)

// CanaryWorkflowType is the name under which Canary is registered.
const CanaryWorkflowType = "Canary"

// How long a canary's activities are tried: those that do one thing, and those that wait for its trial too.
const (
	canaryPatience = time.Minute
	canaryFollows  = 10 * time.Minute
)

// CanaryLimit is longer than a canary takes with every attempt of its activities.
const CanaryLimit = 2*canaryPatience + 3*canaryFollows + time.Minute

// Canary has a synthetic vendor live through a whole trial, and stores what that has shown. Whatever fails on the way is what it
// has shown; an error is that the result could not be stored. Where no canaries are to come it shows nothing.
func Canary(ctx workflow.Context) (canary.Result, error) {
	ctx, _ = uncancelable(ctx)
	var id string
	random := workflow.SideEffect(ctx, func(workflow.Context) any { return rand.Text() })
	if err := random.Get(&id); err != nil {
		return canary.Result{}, err //nolint:wrapcheck // of our own history
	}
	c := canaryRun{seen: canary.Seen{ID: trial.CanaryID(id), BeganAt: workflow.Now(ctx)}}
	if err := c.execute(ctx, "register", canaryPatience, c.activities.Register, c.seen.ID, &c.seen); err != nil {
		c.seen.RegistrationError = "its attempts failed for " + canaryPatience.String()
		if refused, ok := AsRefusal(err); ok && refused.Code == trial.CodeForbidden {
			return canary.Result{}, nil
		} else if ok {
			c.seen.RegistrationError = "it was refused, " + string(refused.Code)
		}
	}
	if c.seen.RegistrationError == "" {
		c.live(ctx)
	}
	c.try(ctx, "remove", canaryPatience, c.activities.Remove)
	var result canary.Result
	err := c.execute(ctx, "conclude", canaryFollows, c.activities.Conclude, c.seen, &result)
	return result, err
}

// canaryRun is the state of one canary.
type canaryRun struct {
	seen canary.Seen
	// activities names the activities; it stays nil.
	activities *activities.Canaries
}

// live follows the trial to its end, and then converts it.
func (c *canaryRun) live(ctx workflow.Context) {
	c.try(ctx, "follow", canaryFollows, c.activities.Follow)
	if c.seen.State.Status == trial.Expired {
		c.try(ctx, "convert", canaryFollows, c.activities.Convert)
	}
}

// try runs an activity that sees more. Where it fails, what was seen before stays, and is judged.
func (c *canaryRun) try(ctx workflow.Context, summary string, patience time.Duration, activity any) {
	if err := c.execute(ctx, summary, patience, activity, c.seen, &c.seen); err != nil {
		workflow.GetLogger(ctx).Error("canary: "+summary, "error", err)
	}
}

func (c *canaryRun) execute(ctx workflow.Context, summary string, patience time.Duration, activity, in, out any) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: patience, ScheduleToCloseTimeout: patience, Summary: summary,
		RetryPolicy: &sdktemporal.RetryPolicy{InitialInterval: firstRetry, BackoffCoefficient: 2, MaximumInterval: 10 * time.Second},
	})
	if patience == canaryFollows {
		ctx = workflow.WithHeartbeatTimeout(ctx, heartbeatTimeout)
	}
	return workflow.ExecuteActivity(ctx, activity, in).Get(ctx, out) //nolint:wrapcheck // the caller judges it
}
