package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/trial"
)

// billing is who asks in the name of the marketplace's backend.
const billing = "billing"

// RecordConversion keeps billing's word, then tells the trial. The latter may fail; the reconciler tells what was not heard. at
// is when billing says it was, nil for now. The first counts: it is returned, and created tells whether this was it.
func (a *App) RecordConversion(ctx context.Context, id string, at *time.Time) (first trial.Conversion, created bool, err error) {
	v, err := a.Store.VendorOnRecord(ctx, id)
	if err != nil {
		return first, false, err
	}
	if v.Automation == nil {
		return first, false, &trial.Error{Code: trial.CodeUnavailable, Message: "this vendor has not been taken in yet; try again in a minute"}
	}
	if known := v.Automation.Conversion; known != nil {
		first = *known
	} else {
		asked, err := a.conversion(ctx, at, v)
		if err != nil {
			return first, false, err
		}
		if first, created, err = a.Store.RecordConversion(ctx, v.ID, asked); err != nil {
			return first, false, err
		}
	}
	if !first.Recorded {
		a.signal(ctx, "conversion not delivered yet", zap.String("vendorId", v.ID), func(ctx context.Context) error {
			return a.Trials.Convert(ctx, v.ID, trial.Request{ID: first.RequestID, By: billing, At: first.At})
		})
	}
	return first, created, nil
}

func (a *App) conversion(ctx context.Context, at *time.Time, v trial.Vendor) (trial.Conversion, error) {
	c := trial.Conversion{At: a.Present(), RequestID: "conversion-" + requestID(ctx)}
	if at == nil {
		return c, nil
	}
	c.At = Millisecond(*at)
	switch {
	case c.At.After(a.Present().Add(a.tolerance())):
		return c, trial.Invalid("at", "lies in the future")
	case trial.SameTime(c.At, v.StartedAt):
		c.At = v.StartedAt
	case c.At.Before(v.StartedAt):
		return c, trial.Invalid("at", "lies before the vendor's registration, %s", v.StartedAt.Format(time.RFC3339))
	}
	return c, nil
}
