package activities

import (
	"errors"
	"fmt"
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"

	"marketplace.example/trials/trial"
)

// failed sorts an error: a refusal by the domain will not change by asking
// again, everything else may.
func failed(doing string, err error) error {
	if err == nil {
		return nil
	}
	var e *trial.Error
	if errors.As(err, &e) && e.Code != trial.CodeUnavailable {
		return sdktemporal.NewNonRetryableApplicationError(doing+": "+e.Message, string(e.Code), nil, e.Field)
	}
	if sdktemporal.IsApplicationError(err) {
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// later asks for the next attempt after a pause; zero leaves the pause to the
// retry policy.
func later(message string, pause time.Duration) error {
	return sdktemporal.NewApplicationErrorWithOptions(message, "later", sdktemporal.ApplicationErrorOptions{NextRetryDelay: max(pause, 0)})
}
