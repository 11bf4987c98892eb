package rest

import (
	"context"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/trial"
)

// suppress stops e-mail to a vendor: in the database, which decides, and then in the trial's history, from
// which a database that was lost and restored learns it again. The hash of an address stays out of the
// latter. What is stopped already is not told twice, however often a link is followed. Nor is it told later where
// Temporal was away: each step asks the database, and a restore has people look for the line that is logged here.
// The vendor's document may be gone: what was asked for holds if it comes back.
func (s *server) suppress(ctx context.Context, vendorID string, p trial.Suppression) error {
	isNew, err := s.Store.Suppress(ctx, vendorID, p)
	if err != nil || !isNew {
		return err
	}
	s.signal(ctx, "a suppression is not in the trial's history", zap.String("vendorId", vendorID), func(ctx context.Context) error {
		return s.Trials.NoMail(ctx, vendorID, trial.Request{Reason: string(p.Reason), By: "vendor", At: p.At})
	})
	return nil
}
