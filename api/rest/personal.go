package rest

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/gorilla/mux"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/trial"
)

// ExportVendor answers with everything that is kept of a vendor.
func (s *server) ExportVendor(ctx context.Context, request ExportVendorRequestObject) (ExportVendorResponseObject, error) {
	v, err := s.App.Store.VendorOnRecord(ctx, request.Id)
	if err != nil {
		return nil, err
	}
	whole, err := s.withTrial(ctx, v)
	if err != nil {
		return nil, err
	}
	export := VendorExport{
		ExportedAt: s.App.Present(), Vendor: whole.Vendor, Registration: v.Automation, Trial: whole.Trial, Events: []Event{}, Emails: []Email{},
	}
	if !v.CreatedAt.IsZero() {
		export.CreatedAt = &v.CreatedAt
	}
	events, err := s.App.Store.Events(ctx, v.ID, 1)
	if err != nil {
		return nil, err
	}
	export.Events = append(export.Events, events...)
	emails, err := s.App.Store.Sends(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	export.Emails = append(export.Emails, emails...)
	answers, err := s.App.Store.Feedback(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	export.Feedback = append([]feedback.Answer{}, answers...)
	if export.Suppressions, err = s.App.Store.Suppressions(ctx, v.ID); err != nil {
		return nil, err
	}
	if export.BulkOperations, err = s.App.Store.BulkParts(ctx, v.ID); err != nil {
		return nil, err
	}
	if export.Audit, err = s.auditOf(ctx, v.ID); err != nil {
		return nil, err
	}
	if err := s.App.RecordExport(ctx, v.ID); err != nil {
		return nil, err
	}
	return ExportVendor200JSONResponse(export), nil
}

// SearchVendors finds vendors by address or name.
func (s *server) SearchVendors(ctx context.Context, r SearchVendorsRequestObject) (SearchVendorsResponseObject, error) {
	var search trial.VendorSearch
	set(&search.Email, r.Body.Email)
	set(&search.Name, r.Body.Name)
	found, err := s.App.FindVendorsRecorded(ctx, search)
	return SearchVendors200JSONResponse(found), err
}

// auditOf is all that the audit record holds of a vendor and its trial, the earliest first.
func (s *server) auditOf(ctx context.Context, vendorID string) ([]audit.Entry, error) {
	const page = 200
	all := []audit.Entry{}
	for _, subject := range []string{"vendors/" + vendorID, "trials/" + vendorID} {
		for before, more := 0, true; more; more = before > 0 {
			entries, next, err := s.App.Store.AuditEntries(ctx, audit.Filter{Subject: subject}, before, page)
			if err != nil {
				return nil, err
			}
			all, before = append(all, entries...), next
		}
	}
	slices.SortFunc(all, func(a, b audit.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	return all, nil
}

// concerned are the vendors whom a request concerns: the one in its path, or the first of a bulk operation.
func (s *server) concerned(ctx context.Context, r *http.Request, request any) ([]trial.Vendor, error) {
	ids, err := s.concernedIDs(ctx, r, request)
	if err != nil {
		return nil, err
	}
	return s.App.Concerned(ctx, ids)
}

func (s *server) concernedIDs(ctx context.Context, r *http.Request, request any) (ids []string, err error) {
	if id, ok := mux.Vars(r)["id"]; ok {
		return []string{id}, nil
	}
	if start, ok := request.(StartBulkOperationRequestObject); ok {
		list, err := bulkChosen(&bulk.Operation{}, start.Body)
		if err != nil {
			return nil, err
		}
		for _, l := range list[:min(len(list), app.MostConcerned)] {
			ids = append(ids, l.VendorID)
		}
		return ids, nil
	}
	if operation, ok := mux.Vars(r)["operationId"]; ok {
		return s.App.ConcernedByBulk(ctx, operation)
	}
	return nil, nil
}

// EraseVendor removes a vendor's name and address.
func (s *server) EraseVendor(ctx context.Context, r EraseVendorRequestObject) (EraseVendorResponseObject, error) {
	kept, err := s.App.EraseVendor(ctx, r.Id, r.Body.Reason)
	return EraseVendor200JSONResponse(kept), err
}
