package rest

import (
	"context"
	"time"

	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// RegisterVendor takes a vendor in.
func (s *server) RegisterVendor(ctx context.Context, request RegisterVendorRequestObject) (RegisterVendorResponseObject, error) {
	b := request.Body
	asked := trial.Vendor{ID: b.Id, Email: b.Email, Name: b.Name}
	set(&asked.Zone, b.Timezone)
	set(&asked.Locale, b.Locale)
	var terms policy.Asked
	set(&terms.Policy, b.Policy)
	set(&terms.Attributes, b.Attributes)
	v, created, err := s.App.Enroll(ctx, asked, terms, b.RegisteredAt)
	if err != nil {
		return nil, err
	}
	if created {
		state := trial.NewState(s.App.Policies.Registration(v, s.App.Day))
		return RegisterVendor201JSONResponse{
			Body: vendorTrial(v, &state), Headers: RegisterVendor201ResponseHeaders{Location: new("/api/vendors/" + v.ID)},
		}, nil
	}
	full, err := s.withTrial(ctx, v)
	return RegisterVendor200JSONResponse(full), err
}

// GetVendor answers with a vendor and its trial.
func (s *server) GetVendor(ctx context.Context, request GetVendorRequestObject) (GetVendorResponseObject, error) {
	v, err := s.App.Store.Vendor(ctx, request.Id)
	if err != nil {
		return nil, err
	}
	full, err := s.withTrial(ctx, v)
	return GetVendor200JSONResponse(full), err
}

// withTrial adds a vendor's trial, if it was taken in.
func (s *server) withTrial(ctx context.Context, v trial.Vendor) (VendorTrial, error) {
	if v.Automation == nil {
		return vendorTrial(v, nil), nil
	}
	state, err := s.App.Trial(ctx, v)
	if err != nil {
		return VendorTrial{}, err
	}
	return vendorTrial(v, &state), nil
}

// vendorTrial is what callers are told of a vendor; its trial is nil where it was not taken in.
func vendorTrial(v trial.Vendor, t *trial.State) VendorTrial {
	full := VendorTrial{Vendor: Vendor{Id: v.ID, Email: v.Email, Name: v.Name, Timezone: v.Zone, Locale: v.Locale, ErasedAt: v.ErasedAt}}
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
	if t != nil {
		overview := t.Overview()
		full.Trial = &overview
		full.Policy = &VendorPolicy{Terms: t.Policy, By: string(v.Automation.PolicyBy)}
		if a := v.Automation.Attributes; a != nil {
			full.Policy.Attributes = &a
		}
		if t.Moved != nil {
			full.Policy.Registered = &t.Moved.From
		}
	}
	if c := v.Automation.Conversion; c != nil {
		full.Vendor.Conversion = &Conversion{At: c.At, Recorded: c.Recorded}
	}
	return full
}

// RecordConversion keeps billing's word.
func (s *server) RecordConversion(ctx context.Context, request RecordConversionRequestObject) (RecordConversionResponseObject, error) {
	var at *time.Time
	if request.Body != nil {
		at = request.Body.At
	}
	first, created, err := s.App.RecordConversion(ctx, request.Id, at)
	if created {
		return RecordConversion202JSONResponse{At: first.At, Recorded: first.Recorded}, err
	}
	return RecordConversion200JSONResponse{At: first.At, Recorded: first.Recorded}, err
}
