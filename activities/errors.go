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

// failed adds the action to an error. A refusal by the domain is not retried, any other error is.
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

// MayHaveLeft is the type of the error of a step to retry whose e-mail may have left. The history keeps the error, so that a
// restore whose database has lost the send does not send it again.
const MayHaveLeft = "may-have-left"

// mayHaveLeft is such an error. The next attempt comes after the pause; zero leaves it to the retry policy. A cause that is not
// to be retried stays as it is.
func mayHaveLeft(message string, pause time.Duration, cause error) error {
	if app, ok := errors.AsType[*sdktemporal.ApplicationError](cause); ok && app.NonRetryable() {
		return cause
	}
	return sdktemporal.NewApplicationErrorWithOptions(message, MayHaveLeft, sdktemporal.ApplicationErrorOptions{NextRetryDelay: max(pause, 0), Cause: cause})
}

// noteMayHaveLeft makes the server keep the error's type over later attempts, which may fail for another reason. The history has
// a local activity's error anyway.
func noteMayHaveLeft(ctx context.Context, err error) {
	app, ok := errors.AsType[*sdktemporal.ApplicationError](err)
	if ok && app.Type() == MayHaveLeft && activity.IsActivity(ctx) && !activity.GetInfo(ctx).IsLocalActivity {
		activity.RecordHeartbeat(ctx, MayHaveLeft)
	}
}

// Later is the type of the error of something that had no effect and is to be retried after the error's pause.
const Later = "later"

// later is such an error; a zero pause leaves it to the retry policy.
func later(message string, pause time.Duration) error {
	return sdktemporal.NewApplicationErrorWithOptions(message, Later, sdktemporal.ApplicationErrorOptions{NextRetryDelay: max(pause, 0)})
}
