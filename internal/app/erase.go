package app

import (
	"context"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/trial"
)

// EraseVendor removes a vendor's name and address. Its trial goes on without e-mail: ending it would change the figures, and
// needs a worker.
func (a *App) EraseVendor(ctx context.Context, id, reason string) (trial.Erasure, error) {
	v, err := a.Store.VendorOnRecord(ctx, id)
	if err != nil {
		return trial.Erasure{}, err
	}
	kept, err := a.Store.EraseVendor(ctx, v.ID, trial.Erasure{At: a.Present(), By: actor(ctx), Reason: reason})
	if err != nil {
		return trial.Erasure{}, err
	}
	noteChange(ctx, nil, kept)
	if v.Automation != nil { // a database that was lost and restored learns it from the trial's history
		a.signal(ctx, "an erasure is not in the trial's history", zap.String("vendorId", v.ID), func(ctx context.Context) error {
			return a.Trials.NoMail(ctx, v.ID, trial.Request{Reason: string(trial.ReasonErased), By: kept.By, At: kept.At})
		})
	}
	a.Log.Info("vendor erased", zap.String("requestId", requestID(ctx)), zap.String("vendorId", v.ID))
	return kept, nil
}
