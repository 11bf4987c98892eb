package rest

import (
	"context"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/trial"
)

// WithCohorts is a store that notes for each call of the API the cohort of the vendor that the call reads or registers.
func WithCohorts(s app.Store) app.Store { return cohorts{s} }

type cohorts struct{ app.Store }

// Vendor is app.VendorReader's.
func (c cohorts) Vendor(ctx context.Context, id string) (trial.Vendor, error) {
	v, err := c.Store.Vendor(ctx, id)
	noteCohort(ctx, v, err)
	return v, err //nolint:wrapcheck // nothing is added
}

// VendorOnRecord is app.VendorStore's.
func (c cohorts) VendorOnRecord(ctx context.Context, id string) (trial.Vendor, error) {
	v, err := c.Store.VendorOnRecord(ctx, id)
	noteCohort(ctx, v, err)
	return v, err //nolint:wrapcheck // nothing is added
}

// RegisterVendor is app.VendorStore's.
func (c cohorts) RegisterVendor(ctx context.Context, v trial.Vendor) (stored trial.Vendor, created bool, err error) {
	noteCohort(ctx, v, nil)
	return c.Store.RegisterVendor(ctx, v) //nolint:wrapcheck // nothing is added
}

// noteCohort notes the cohort of a vendor that was read, err being why it could not. Such a call fails before it matters
// whether the vendor is automated, so it counts like those about control vendors.
func noteCohort(ctx context.Context, v trial.Vendor, err error) {
	c := callOf(ctx)
	switch {
	case err == nil && v.Automation != nil:
		c.about = v.Automation.Cohort
	case err != nil && trial.CodeOf(err) != trial.CodeNotFound && c.about == "":
		c.about = trial.Control
	}
}
