package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	sdktemporal "go.temporal.io/sdk/temporal"

	"marketplace.example/trials/internal/domain/trial"
)

// failed sorts an error: a refusal by the domain will not change by asking
// again, everything else may.
func failed(action string, err error) error {
	if err == nil {
		return nil
	}
	var e *trial.Error
	if errors.As(err, &e) && e.Code != trial.CodeUnavailable {
		return sdktemporal.NewNonRetryableApplicationError(action+": "+e.Message, string(e.Code), nil, e.Field)
	}
	if sdktemporal.IsApplicationError(err) {
		return err
	}
	return fmt.Errorf("%s: %w", action, err)
}

// MayHaveLeft is the type of the error of a step that has to be tried again and whose e-mail may have left. What
// the database knows of that is lost with it; the history keeps the error, and so a restored database does not
// send it again.
const MayHaveLeft = "may-have-left"

// mayHaveLeft is an error of that type, after which the next attempt comes after a pause; zero leaves the
// pause to the retry policy. What will not change by asking again stays as it is.
func mayHaveLeft(message string, pause time.Duration, cause error) error {
	if app, ok := errors.AsType[*sdktemporal.ApplicationError](cause); ok && app.NonRetryable() {
		return cause
	}
	return sdktemporal.NewApplicationErrorWithOptions(message, MayHaveLeft, sdktemporal.ApplicationErrorOptions{NextRetryDelay: max(pause, 0), Cause: cause})
}

// noteMayHaveLeft has the server remember it over later attempts, which may fail for another reason. A local
// activity's error is in the history by itself.
func noteMayHaveLeft(ctx context.Context, err error) {
	app, ok := errors.AsType[*sdktemporal.ApplicationError](err)
	if ok && app.Type() == MayHaveLeft && activity.IsActivity(ctx) && !activity.GetInfo(ctx).IsLocalActivity {
		activity.RecordHeartbeat(ctx, MayHaveLeft)
	}
}

// Later is the type of the error of what surely had no effect, and is to be tried
// again after the pause that the error names.
const Later = "later"

// later asks for the next attempt after a pause; zero leaves the pause to the
// retry policy.
func later(message string, pause time.Duration) error {
	return sdktemporal.NewApplicationErrorWithOptions(message, Later, sdktemporal.ApplicationErrorOptions{NextRetryDelay: max(pause, 0)})
}
