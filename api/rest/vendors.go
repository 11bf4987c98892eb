package rest

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/lanes"
	"marketplace.example/trials/internal/domain/trial"
)

// billing is who asks in the name of the marketplace's backend.
const billing = "billing"

// RegisterVendor takes a vendor in: the vendor first, then its workflow. The
// latter may fail; the reconciler starts what is missing.
func (s *server) RegisterVendor(ctx context.Context, request RegisterVendorRequestObject) (RegisterVendorResponseObject, error) {
	asked, given := s.vendorOf(*request.Body)
	known, err := s.Store.Vendor(ctx, asked.ID)
	switch {
	case err == nil && known.Automation != nil:
		return s.registeredBefore(ctx, known, asked, given)
	case err == nil && !sameVendor(known, asked):
		return nil, otherData(asked.ID)
	case err != nil && !isNotFound(err):
		return nil, err
	}
	if err := s.checkStart(asked); err != nil {
		return nil, err
	}
	flags, err := s.Store.Flags(ctx)
	if err != nil {
		return nil, err
	}
	asked.Automation = flags.Admit(asked.ID, s.Policy.Name, s.now())
	stored, created, err := s.Store.RegisterVendor(ctx, asked)
	if err != nil {
		return nil, err
	}
	if !created { // somebody registered it meanwhile
		return s.registeredBefore(ctx, stored, asked, given)
	}
	registration := stored.Registration(s.Policy, s.Day)
	s.signalWithin(ctx, signalTimeout, startTimeout, "trial not started yet", zap.String("vendorId", stored.ID), func(ctx context.Context) error {
		_, err := s.Trials.Start(ctx, registration)
		return err
	})
	overview := trial.NewState(registration).Overview()
	return RegisterVendor201JSONResponse{
		Body:    vendorTrial(stored, &overview),
		Headers: RegisterVendor201ResponseHeaders{Location: new("/api/vendors/" + stored.ID)},
	}, nil
}

// vendorOf is the vendor that a registration describes, and whether it says
// when it registered.
func (s *server) vendorOf(b VendorRegistration) (v trial.Vendor, given bool) {
	v = trial.Vendor{ID: b.Id, Email: b.Email, Name: b.Name, StartedAt: s.now()}
	if b.Timezone != nil {
		v.Zone = *b.Timezone
	}
	if b.RegisteredAt != nil {
		v.StartedAt, given = millisecond(*b.RegisteredAt), true
	}
	return v, given
}

// registeredBefore answers a registration that is on record: with the same
// data it is a repeat.
func (s *server) registeredBefore(ctx context.Context, known, asked trial.Vendor, given bool) (RegisterVendorResponseObject, error) {
	if !sameVendor(known, asked) || given && !trial.SameMoment(asked.StartedAt, known.StartedAt) {
		return nil, otherData(known.ID)
	}
	full, err := s.withTrial(ctx, known)
	if err != nil {
		return nil, err
	}
	return RegisterVendor200JSONResponse(full), nil
}

func sameVendor(a, b trial.Vendor) bool {
	return trial.AddressHash(a.Email) == trial.AddressHash(b.Email) && a.Name == b.Name && a.Zone == b.Zone
}

func otherData(id string) error {
	const message = "is registered with other data"
	return &trial.Error{Code: trial.CodeConflict, Field: "id", Message: message, Detail: "vendor " + id + " " + message}
}

// checkStart refuses a registration of the future, and one whose trial would be
// over before it began.
func (s *server) checkStart(v trial.Vendor) error {
	now, calendar := s.now(), trial.Calendar{Day: s.Day, Zone: v.Zone}
	over := calendar.AddDays(calendar.AddDays(v.StartedAt, s.Policy.LengthDays), s.Policy.GraceDays)
	switch {
	case v.StartedAt.After(now.Add(s.tolerance())):
		return trial.Invalid("registeredAt", "lies in the future")
	case !over.After(now):
		return trial.Invalid("registeredAt", "lies so far back that the trial would be over, since %s", over.Format(time.RFC3339))
	}
	return nil
}

// tolerance is how far the caller's clock may be ahead: five minutes of a day
// of 24 hours, and a second where days are short.
func (s *server) tolerance() time.Duration { return max(s.Day/(24*12), time.Second) }

// GetVendor answers with a vendor and its trial.
func (s *server) GetVendor(ctx context.Context, request GetVendorRequestObject) (GetVendorResponseObject, error) {
	v, err := s.Store.Vendor(ctx, request.Id)
	if err != nil {
		return nil, err
	}
	full, err := s.withTrial(ctx, v)
	if err != nil {
		return nil, err
	}
	return GetVendor200JSONResponse(full), nil
}

// withTrial adds a vendor's trial, if it was taken in.
func (s *server) withTrial(ctx context.Context, v trial.Vendor) (VendorTrial, error) {
	if v.Automation == nil {
		return vendorTrial(v, nil), nil
	}
	state, err := s.state(ctx, v)
	if err != nil {
		return VendorTrial{}, err
	}
	overview := state.Overview()
	return vendorTrial(v, &overview), nil
}

// state is the trial's state as stored, or what it begins with where its
// workflow has not begun yet.
func (s *server) state(ctx context.Context, v trial.Vendor) (trial.State, error) {
	state, found, err := s.Store.Trial(ctx, v.ID)
	if err == nil && !found {
		state = trial.NewState(v.Registration(s.Policy, s.Day))
	}
	return state, err
}

// vendorTrial is what callers are told of a vendor.
func vendorTrial(v trial.Vendor, t *Trial) VendorTrial {
	full := VendorTrial{Trial: t, Vendor: Vendor{Id: v.ID, Email: v.Email, Name: v.Name, Timezone: v.Zone, ErasedAt: v.ErasedAt}}
	if !v.StartedAt.IsZero() {
		full.Vendor.RegisteredAt = &v.StartedAt
	}
	if p := v.Suppression; p != nil {
		full.Vendor.Suppression = &Suppression{At: p.At, Reason: string(p.Reason)}
	}
	if v.Automation == nil {
		return full
	}
	full.Cohort = &v.Automation.Cohort
	if c := v.Automation.Conversion; c != nil {
		full.Vendor.Conversion = &Conversion{At: c.At, Recorded: c.Recorded}
	}
	return full
}

// RecordConversion keeps billing's word, then tells the trial. The latter may
// fail; the reconciler tells what was not heard.
func (s *server) RecordConversion(ctx context.Context, request RecordConversionRequestObject) (RecordConversionResponseObject, error) {
	v, err := s.Store.VendorOnRecord(ctx, request.Id)
	if err != nil {
		return nil, err
	}
	if v.Automation == nil {
		return nil, &trial.Error{Code: trial.CodeUnavailable, Message: "this vendor has not been taken in yet; try again in a minute"}
	}
	first, created := v.Automation.Conversion, false
	if first == nil {
		asked, err := s.conversionOf(ctx, request.Body, v)
		if err != nil {
			return nil, err
		}
		recorded, isNew, err := s.Store.RecordConversion(ctx, v.ID, asked)
		if err != nil {
			return nil, err
		}
		first, created = &recorded, isNew
	}
	if !first.Recorded {
		s.signal(ctx, "conversion not delivered yet", zap.String("vendorId", v.ID), func(ctx context.Context) error {
			return s.Trials.Convert(ctx, v.ID, trial.Request{ID: first.RequestID, By: billing, At: first.At})
		})
	}
	if created {
		return RecordConversion202JSONResponse{At: first.At, Recorded: first.Recorded}, nil
	}
	return RecordConversion200JSONResponse{At: first.At, Recorded: first.Recorded}, nil
}

func (s *server) conversionOf(ctx context.Context, report *ConversionReport, v trial.Vendor) (trial.Conversion, error) {
	c := trial.Conversion{At: s.now(), RequestID: "conversion-" + callOf(ctx).id}
	if report == nil || report.At == nil {
		return c, nil
	}
	c.At = millisecond(*report.At)
	switch {
	case c.At.After(s.now().Add(s.tolerance())):
		return c, trial.Invalid("at", "lies in the future")
	case trial.SameMoment(c.At, v.StartedAt):
		c.At = v.StartedAt
	case c.At.Before(v.StartedAt):
		return c, trial.Invalid("at", "lies before the vendor's registration, %s", v.StartedAt.Format(time.RFC3339))
	}
	return c, nil
}

const (
	// signalTimeout bounds letting the workflows know of what is on record already.
	signalTimeout = 1500 * time.Millisecond
	// startTimeout is how long a trial's start is tried, also behind the answer: starts that come late or twice do no harm,
	// and a welcome that waits for the reconciler is half a minute late.
	startTimeout = 5 * time.Second
	// flagPatience is how long the answer to a change of the flags, which decide, waits for that; and
	// that to whatever else stops something.
	flagPatience = 200 * time.Millisecond
)

// signal lets the workflows know of something that is on record. Where that
// fails it is noted, and the reconciler sees to it later.
func (s *server) signal(ctx context.Context, failing string, about zap.Field, fn func(context.Context) error) {
	patience := signalTimeout
	if lanes.IsUrgent(ctx) {
		patience = flagPatience
	}
	s.signalWithin(ctx, patience, signalTimeout, failing, about, fn)
}

// signalWithin goes on telling, for so long altogether, where that takes longer than the answer waits.
func (s *server) signalWithin(ctx context.Context, patience, timeout time.Duration, failing string, about zap.Field, fn func(context.Context) error) {
	telling, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	done := make(chan struct{})
	go func() { // ends with its context
		defer cancel()
		defer close(done)
		if err := fn(telling); err != nil {
			s.log.Warn(failing, zap.String("requestId", callOf(ctx).id), about, zap.Error(err))
		}
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}

func isNotFound(err error) bool {
	e, ok := errors.AsType[*trial.Error](err)
	return ok && e.Code == trial.CodeNotFound
}
