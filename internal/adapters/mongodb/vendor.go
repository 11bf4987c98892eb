package mongodb

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"golang.org/x/sync/errgroup"

	"marketplace.example/trials/internal/domain/trial"
)

// Vendor is the vendor of that id: its document, and what is on record beside
// it, which counts where the two differ, since the marketplace may replace the
// document. Without one, or where the user is no vendor, it is a *trial.Error
// with CodeNotFound.
func (s *Store) Vendor(ctx context.Context, id string) (trial.Vendor, error) {
	s = s.of(id)
	_, u, err := s.findUser(ctx, id)
	switch {
	case errors.Is(err, mongo.ErrNoDocuments), err == nil && !u.isVendor:
		return trial.Vendor{}, trial.NotFound(id)
	case err != nil:
		return trial.Vendor{}, failed("reading vendor "+id, err)
	}
	kept, err := s.onRecord(ctx, id, u.vendor.Email)
	return kept.merge(u.vendor), err
}

// VendorOnRecord is Vendor, or what is on record of a vendor whose document is
// gone or says that it is none any more: no name and no address. Without either
// it is a *trial.Error with CodeNotFound.
func (s *Store) VendorOnRecord(ctx context.Context, id string) (trial.Vendor, error) {
	s = s.of(id)
	v, err := s.Vendor(ctx, id)
	if trial.CodeOf(err) != trial.CodeNotFound || !trial.ValidVendorID(id) {
		return v, err
	}
	known, knownErr := s.known(ctx, id)
	if knownErr != nil || known == nil {
		return v, errors.Join(knownErr, err)
	}
	kept, err := s.onRecord(ctx, id, "")
	return kept.merge(trial.Vendor{
		ID: id, StartedAt: known.StartedAt, Automation: &trial.Automation{Cohort: known.Cohort, RegisteredAt: known.StartedAt},
	}), err
}

// onRecord is what is kept of a vendor beside its document.
type onRecord struct {
	registration *registration
	conversion   *trial.Conversion
	erasure      *trial.Erasure
	suppressions vendorSuppressions
	// address is what is known of the present address, whichever vendor has caused it.
	address *addressSuppression
}

// onRecord reads what is kept, all at once: whoever asks waits for every answer.
func (s *Store) onRecord(ctx context.Context, id, email string) (r onRecord, err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		r.registration, err = lookUp[registration](ctx, s, registrationKey(id))
		return err
	})
	g.Go(func() (err error) {
		r.conversion, err = lookUp[trial.Conversion](ctx, s, conversionKey(id))
		return err
	})
	g.Go(func() (err error) { r.erasure, err = lookUp[trial.Erasure](ctx, s, erasureKey(id)); return err })
	g.Go(func() (err error) { r.suppressions, err = s.suppressed(ctx, id); return err })
	if email != "" {
		g.Go(func() (err error) { r.address, err = s.addressSuppressed(ctx, trial.AddressHash(email)); return err })
	}
	return r, g.Wait()
}

// merge has what is on record count over what the document says.
func (r onRecord) merge(v trial.Vendor) trial.Vendor {
	if r.registration != nil {
		v.StartedAt = r.registration.StartedAt.UTC()
		v.Automation = r.registration.over(v.Automation)
	}
	if r.conversion != nil && v.Automation != nil {
		a, c := *v.Automation, *r.conversion
		c.At = c.At.UTC()
		c.Recorded = c.Recorded || a.Conversion != nil && a.Conversion.Recorded
		a.Conversion = &c
		v.Automation = &a
	}
	if r.erasure != nil {
		at := r.erasure.At.UTC()
		v.ErasedAt = &at
	}
	if v.ErasedAt != nil && v.Automation != nil && v.Automation.Attributes != nil { // they came back, of a backup or a late writer
		a := *v.Automation
		a.Attributes, v.Automation = nil, &a
	}
	return r.suppressions.stopped(v, r.address)
}

// over is what the document says of the registration, as it was decided.
func (r registration) over(a *trial.Automation) *trial.Automation {
	decided := trial.Automation{
		Cohort: r.Cohort, Bucket: r.Bucket, RolloutPercentage: r.RolloutPercentage, FlagsVersion: r.FlagsVersion,
		Policy: r.Policy, RegisteredAt: r.RegisteredAt.UTC(), PolicyBy: r.PolicyBy, Attributes: r.Attributes,
		Experiment: r.Experiment,
	}
	if a != nil {
		decided.Status, decided.EndsAt, decided.Conversion, decided.MovedTo = a.Status, a.EndsAt, a.Conversion, a.MovedTo
	}
	return &decided
}
