package rest

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// ExportVendor answers with everything that is kept of a vendor.
func (s *server) ExportVendor(ctx context.Context, request ExportVendorRequestObject) (ExportVendorResponseObject, error) {
	v, err := s.Store.VendorOnRecord(ctx, request.Id)
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
	emails, err := s.Store.Sends(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	export.Emails = append(export.Emails, emails...)
	if export.Suppressions, err = s.Store.Suppressions(ctx, v.ID); err != nil {
		return nil, err
	}
	if export.BulkOperations, err = s.Store.BulkParts(ctx, v.ID); err != nil {
		return nil, err
	}
	if export.Audit, err = s.auditOf(ctx, v.ID); err != nil {
		return nil, err
	}
	return ExportVendor200JSONResponse(export), nil
}

// auditOf is all that the audit record holds of a vendor and its trial, the earliest first.
func (s *server) auditOf(ctx context.Context, vendorID string) ([]audit.Entry, error) {
	const page = 200
	all := []audit.Entry{}
	for _, subject := range []string{"vendors/" + vendorID, "trials/" + vendorID} {
		for before, more := 0, true; more; more = before > 0 {
			entries, next, err := s.Store.AuditEntries(ctx, audit.Filter{Subject: subject}, before, page)
			if err != nil {
				return nil, err
			}
			all, before = append(all, entries...), next
		}
	}
	slices.SortFunc(all, func(a, b audit.Entry) int { return cmp.Compare(a.Seq, b.Seq) })
	return all, nil
}

// EraseVendor removes a vendor's name and address. Its trial goes on without
// e-mail: ending it would change the figures, and needs a worker.
func (s *server) EraseVendor(ctx context.Context, request EraseVendorRequestObject) (EraseVendorResponseObject, error) {
	v, err := s.Store.VendorOnRecord(ctx, request.Id)
	if err != nil {
		return nil, err
	}
	kept, err := s.Store.EraseVendor(ctx, v.ID, trial.Erasure{At: s.now(), By: actor(ctx), Reason: request.Body.Reason})
	if err != nil {
		return nil, err
	}
	noteChange(ctx, nil, kept)
	if v.Automation != nil { // a database that was lost and restored learns it from the trial's history
		s.signal(ctx, "an erasure is not in the trial's history", zap.String("vendorId", v.ID), func(ctx context.Context) error {
			return s.Trials.NoMail(ctx, v.ID, trial.Request{Reason: string(trial.ReasonErased), By: kept.By, At: kept.At})
		})
	}
	s.log.Info("vendor erased", zap.String("requestId", callOf(ctx).id), zap.String("vendorId", v.ID))
	return EraseVendor200JSONResponse(kept), nil
}

// checkNamesNobody refuses a reason or a key that holds an address, or the name of a
// vendor whom the request concerns: both are kept in histories and on the audit
// record, which nothing is erased from.
func checkNamesNobody(asked audit.Entry, concerned []trial.Vendor) error {
	for _, kept := range []struct{ field, text string }{{"reason", asked.Reason}, {"Idempotency-Key", asked.Key}} {
		names := trial.HoldsAddress(kept.text)
		for _, v := range concerned {
			names = names || v.NamedIn(kept.text)
		}
		if names {
			return trial.Invalid(kept.field, "must not hold a vendor's name or an address: it is kept where nothing can be erased")
		}
	}
	return nil
}

// mostConcerned bounds how many vendors of a bulk operation are looked at: whoever
// names somebody in a reason means few.
const mostConcerned = 50

// concerned are the vendors whom a request concerns: the one in its path, or the
// first of a bulk operation.
func (s *server) concerned(ctx context.Context, r *http.Request, request any) ([]trial.Vendor, error) {
	ids, err := s.concernedIDs(ctx, r, request)
	if err != nil {
		return nil, err
	}
	var vendors []trial.Vendor
	for _, id := range ids {
		v, err := s.Store.Vendor(ctx, id)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		vendors = append(vendors, v)
	}
	return vendors, nil
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
		for _, l := range list[:min(len(list), mostConcerned)] {
			ids = append(ids, l.VendorID)
		}
		return ids, nil
	}
	operation, ok := mux.Vars(r)["operationId"]
	for number := 1; ok && number <= mostConcerned; number++ {
		item, found, err := s.Store.BulkItem(ctx, operation, number)
		if err != nil || !found {
			return ids, err
		}
		ids = append(ids, item.VendorID)
	}
	return ids, nil
}
