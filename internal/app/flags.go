package app

import (
	"context"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/flags"
)

// UpdateFlags stores a change, and lets the trials know. The document decides, so the answer does not depend on whether they hear
// of it now.
func (a *App) UpdateFlags(ctx context.Context, change func(*flags.Change) error) (flags.Document, error) {
	if keyOf(ctx).done() {
		return a.Store.Flags(ctx) // somebody may have set them otherwise since
	}
	var before flags.Flags
	d, err := a.Store.UpdateFlags(ctx, actor(ctx), func(f *flags.Change) error {
		before = f.Flags
		if err := change(f); err != nil {
			return err
		}
		if !before.AdminsMaySet(f.Flags) {
			return errSwitchedOff
		}
		return nil
	})
	if err != nil {
		return d, err
	}
	noteChange(ctx, before, d.FeatureFlags)
	version := zap.Int("version", d.Version)
	a.Log.Info("flags changed", zap.String("requestId", requestID(ctx)), version)
	a.signalWithin(ctx, flagPatience, SignalTimeout, "trials not told of the flags yet", version, func(ctx context.Context) error {
		return a.flagsDelivery.Do(ctx, a.Trials.FlagsChanged)
	})
	return d, nil
}
