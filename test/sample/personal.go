package sample

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
)

// personalStore is the part of a store that looks at personal data need.
type personalStore struct {
	app.Store
	world *World
}

func (s personalStore) Vendor(ctx context.Context, id string) (trial.Vendor, error) {
	return s.world.Vendor(ctx, id)
}

func (s personalStore) FindVendors(ctx context.Context, search trial.VendorSearch, limit int) ([]trial.Vendor, bool, error) {
	return s.world.FindVendors(ctx, search, limit)
}

func (s personalStore) AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	if s.world.Unrecorded != nil {
		return e, s.world.Unrecorded
	}
	return s.world.AppendAudit(ctx, e)
}

// personalApp shows what is personal as the API does.
func (w *World) personalApp() *app.App {
	return app.New(app.Options{Store: personalStore{world: w}, Log: zap.NewNop(), Now: func() time.Time { return w.Moment }})
}

// ViewVendorRecorded implements dashboard.PersonalData, as FindVendorsRecorded does.
func (w *World) ViewVendorRecorded(ctx context.Context, id string) (trial.Vendor, error) {
	return w.personalApp().ViewVendorRecorded(ctx, id)
}

func (w *World) FindVendorsRecorded(ctx context.Context, s trial.VendorSearch) (trial.FoundVendors, error) {
	return w.personalApp().FindVendorsRecorded(ctx, s)
}
