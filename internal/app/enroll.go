package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// Enroll takes a vendor in: the vendor first, then its workflow. The latter may fail; the reconciler starts what is missing.
// terms is what it says about its policy, registered when it says it registered, nil for now. Where it was taken in before with
// the same data, created is false.
func (a *App) Enroll(ctx context.Context, asked trial.Vendor, terms policy.Asked, registered *time.Time) (v trial.Vendor, created bool, err error) {
	if trial.IsCanary(asked.ID) {
		return asked, false, trial.Invalid("id", "is reserved for canaries")
	}
	return a.enroll(ctx, asked, terms, registered)
}

// EnrollCanary takes in a synthetic vendor, in the same way. It is automated, whatever the flags say.
func (a *App) EnrollCanary(ctx context.Context, asked trial.Vendor) (trial.Vendor, error) {
	if !trial.IsCanary(asked.ID) {
		return asked, trial.Invalid("id", "is no canary's")
	}
	v, _, err := a.enroll(ctx, asked, policy.Asked{}, nil)
	return v, err
}

func (a *App) enroll(ctx context.Context, asked trial.Vendor, terms policy.Asked, registered *time.Time) (v trial.Vendor, created bool, err error) {
	if err := terms.Attributes.Validate(); err != nil {
		return asked, false, err
	}
	asked.StartedAt = a.Present()
	if registered != nil {
		asked.StartedAt = Millisecond(*registered)
	}
	known, err := a.Store.Vendor(ctx, asked.ID)
	switch {
	case err == nil && known.Automation != nil:
		return known, false, enrolledBefore(known, asked, terms, registered != nil)
	case err == nil && !sameVendor(known, asked):
		return known, false, otherData(asked.ID)
	case err != nil && trial.CodeOf(err) != trial.CodeNotFound:
		return known, false, err
	}
	chosen, by, err := a.Policies.Choose(terms)
	if err != nil {
		return asked, false, err
	}
	if err := a.checkStart(asked, chosen); err != nil {
		return asked, false, err
	}
	flags, err := a.Store.Flags(ctx)
	if err != nil {
		return asked, false, err
	}
	asked.Automation = flags.Admit(asked.ID, chosen.Name, a.Present())
	asked.Automation.PolicyBy, asked.Automation.Attributes = by, terms.Attributes
	if trial.IsCanary(asked.ID) {
		asked.Automation.Cohort = trial.Automated
	}
	running, err := Dealing(ctx, a.Store, flags)
	if err != nil {
		return asked, false, err
	}
	asked = Deal(running, flags, a.Policies, asked)
	stored, created, err := a.Store.RegisterVendor(ctx, asked)
	if err != nil {
		return stored, false, err
	}
	if !created { // somebody registered it meanwhile
		return stored, false, enrolledBefore(stored, asked, terms, registered != nil)
	}
	a.signalWithin(ctx, SignalTimeout, startTimeout, "trial not started yet", zap.String("vendorId", stored.ID), func(ctx context.Context) error {
		_, err := a.Trials.Start(ctx, a.Policies.Registration(stored, a.Day))
		return err
	})
	return stored, true, nil
}

// enrolledBefore refuses a registration of a vendor that is on record, unless it is a repeat: with the same data.
func enrolledBefore(known, asked trial.Vendor, terms policy.Asked, given bool) error {
	if !sameVendor(known, asked) || !terms.Repeats(*known.Automation) || given && !trial.SameTime(asked.StartedAt, known.StartedAt) {
		return otherData(known.ID)
	}
	return nil
}

func sameVendor(a, b trial.Vendor) bool {
	return trial.AddressHash(a.Email) == trial.AddressHash(b.Email) && a.Name == b.Name && a.Zone == b.Zone && a.Locale == b.Locale
}

func otherData(id string) error {
	const message = "is registered with other data"
	return &trial.Error{Code: trial.CodeConflict, Field: "id", Message: message, Detail: "vendor " + id + " " + message}
}

// checkStart refuses a registration of the future, and one whose trial would be over before it began.
func (a *App) checkStart(v trial.Vendor, p trial.Policy) error {
	now, calendar := a.Present(), trial.Calendar{Day: a.Day, Zone: v.Zone}
	over := calendar.AddDays(calendar.AddDays(v.StartedAt, p.LengthDays), p.GraceDays)
	switch {
	case v.StartedAt.After(now.Add(a.tolerance())):
		return trial.Invalid("registeredAt", "lies in the future")
	case !over.After(now):
		return trial.Invalid("registeredAt", "lies so far back that the trial would be over, since %s", over.Format(time.RFC3339))
	}
	return nil
}

// tolerance is how far the caller's clock may be ahead: five minutes of a day of 24 hours, and a second where days are short.
func (a *App) tolerance() time.Duration { return max(a.Day/(24*12), time.Second) }
