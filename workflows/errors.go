package workflows

import (
	"errors"

	sdktemporal "go.temporal.io/sdk/temporal"

	"marketplace.example/trials/internal/domain/trial"
)

// refusal carries a domain error through Temporal: its code becomes the failure's type, its field the failure's detail.
// AsRefusal reverses it.
func refusal(err error) error {
	var e *trial.Error
	if !errors.As(err, &e) {
		return err
	}
	return sdktemporal.NewNonRetryableApplicationError(e.Message, string(e.Code), nil, e.Field)
}

// AsRefusal is the domain error that a workflow's answer carries. It is false where the failure is no refusal.
func AsRefusal(err error) (*trial.Error, bool) {
	var app *sdktemporal.ApplicationError
	if !errors.As(err, &app) {
		return nil, false
	}
	e := &trial.Error{Code: trial.Code(app.Type()), Message: app.Message()}
	switch e.Code {
	case trial.CodeInvalid, trial.CodeNotFound, trial.CodeConflict, trial.CodeForbidden, trial.CodeUnavailable:
	default:
		return nil, false
	}
	if app.HasDetails() {
		_ = app.Details(&e.Field) // a detail of another type names no field
	}
	return e, true
}
