package rest

import (
	"context"

	"go.uber.org/zap"

	"marketplace.example/trials/trial"
)

// ExportVendor answers with everything that is kept of a vendor.
func (s *server) ExportVendor(ctx context.Context, request ExportVendorRequestObject) (ExportVendorResponseObject, error) {
	v, err := s.Store.Vendor(ctx, request.Id)
	if err != nil {
		return nil, err
	}
	whole, err := s.withTrial(ctx, v)
	if err != nil {
		return nil, err
	}
	export := VendorExport{
		ExportedAt: s.now(), Vendor: whole.Vendor, Registration: v.Automation, Trial: whole.Trial, Events: []Event{}, Emails: []Email{},
	}
	if !v.CreatedAt.IsZero() {
		export.CreatedAt = &v.CreatedAt
	}
	events, err := s.Store.Events(ctx, v.ID, 1)
	if err != nil {
		return nil, err
	}
	export.Events = append(export.Events, events...)
	if whole.Trial != nil {
		if export.Emails, err = s.emails(ctx, *whole.Trial); err != nil {
			return nil, err
		}
	}
	return ExportVendor200JSONResponse(export), nil
}

// emails are what is known of a trial's e-mails: of the steps that are over, and
// of the one that is under way.
func (s *server) emails(ctx context.Context, o trial.Overview) ([]Email, error) {
	steps := make([]trial.Step, 0, len(o.Steps)+1)
	for _, r := range o.Steps {
		steps = append(steps, r.Step)
	}
	if o.Next != nil {
		steps = append(steps, *o.Next)
	}
	emails := []Email{}
	for _, step := range steps {
		send, err := s.Store.Send(ctx, step.Key(o.VendorID))
		if err != nil {
			return nil, err
		}
		if send != nil {
			emails = append(emails, *send)
		}
	}
	return emails, nil
}

// EraseVendor removes a vendor's name and address. Its trial goes on without
// e-mail: ending it would change the figures, and needs a worker.
func (s *server) EraseVendor(ctx context.Context, request EraseVendorRequestObject) (EraseVendorResponseObject, error) {
	v, err := s.Store.Vendor(ctx, request.Id)
	if err != nil {
		return nil, err
	}
	if err := checkNamesNobody(v, request.Body.Reason); err != nil {
		return nil, err
	}
	kept, err := s.Store.EraseVendor(ctx, v.ID, trial.Erasure{At: s.now(), By: actor(ctx), Reason: request.Body.Reason})
	if err != nil {
		return nil, err
	}
	noteChange(ctx, nil, kept)
	if v.Automation != nil { // a database that was lost and restored learns it from the trial's history
		s.tell(ctx, "an erasure is not in the trial's history", zap.String("vendorId", v.ID), func(ctx context.Context) error {
			return s.Trials.NoMail(ctx, v.ID, trial.Request{Reason: string(trial.ReasonErased), By: kept.By, At: kept.At})
		})
	}
	s.log.Info("vendor erased", zap.String("requestId", callOf(ctx).id), zap.String("vendorId", v.ID))
	return EraseVendor200JSONResponse(kept), nil
}

// checkNamesNobody refuses a reason that holds the vendor's name or address: it
// is kept in histories, which nothing is erased from.
func checkNamesNobody(v trial.Vendor, reason string) error {
	if v.NamedIn(reason) {
		return trial.Invalid("reason", "must not hold the vendor's name or address: it is kept where nothing can be erased")
	}
	return nil
}
