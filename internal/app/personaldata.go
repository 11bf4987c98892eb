package app

import (
	"context"
	"crypto/rand"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
)

// The actions of who looks at personal data, on the audit record. Such an entry stands alone: nothing is carried out that could
// fail, and it says neither what was seen nor what was searched for.
const (
	actionViewed   = "personalData/viewed"
	actionSearched = "personalData/searched"
	actionExported = "personalData/exported"
)

// mostFound bounds how many vendors one search finds.
const mostFound = 20

// ViewVendorRecorded returns a vendor whose name and address may be shown to whoever asks: that they look is on record by then. Of one
// that was erased there is nothing to look at.
func (a *App) ViewVendorRecorded(ctx context.Context, id string) (trial.Vendor, error) {
	v, err := a.Store.Vendor(ctx, id)
	if err != nil {
		return trial.Vendor{}, err
	}
	if v.ErasedAt != nil {
		v.Email, v.Name = "", ""
		return v, nil
	}
	if err := a.recordLook(ctx, audit.Entry{Action: actionViewed, Subject: "vendors/" + id}); err != nil {
		return trial.Vendor{}, err
	}
	return v, nil
}

// FindVendorsRecorded finds vendors by what is personal. That somebody searched, and how many were found, is on record by then.
func (a *App) FindVendorsRecorded(ctx context.Context, s trial.VendorSearch) (trial.FoundVendors, error) {
	result := trial.FoundVendors{Vendors: []trial.FoundVendor{}}
	if err := s.Validate(); err != nil {
		return result, err
	}
	vendors, more, err := a.Store.FindVendors(ctx, s, mostFound)
	if err != nil {
		return result, err
	}
	for _, v := range vendors {
		result.Vendors = append(result.Vendors, v.Found())
	}
	result.More = more
	asked, after := "name", map[string]any{"found": len(result.Vendors), "more": more}
	if s.Email != "" {
		asked = "email"
	}
	entry := audit.Entry{
		Action: actionSearched, Subject: "vendors", Asked: audit.Document(map[string]string{"by": asked}), After: audit.Document(after),
	}
	if err := a.recordLook(ctx, entry); err != nil {
		return trial.FoundVendors{}, err
	}
	return result, nil
}

// RecordExport puts on record that somebody gets all that is kept of a vendor, which must not be handed out if that fails.
func (a *App) RecordExport(ctx context.Context, id string) error {
	return a.recordLook(ctx, audit.Entry{Action: actionExported, Subject: "vendors/" + id})
}

// recordLook puts on record that somebody looks at personal data, before they do.
func (a *App) recordLook(ctx context.Context, e audit.Entry) error {
	e.At, e.Actor, e.RequestID, e.Outcome = a.Present(), actor(ctx), requestID(ctx), audit.Done
	if e.RequestID == "" {
		e.RequestID = rand.Text() // a page's request has none
	}
	entry, err := a.Store.AppendAudit(ctx, e)
	if err != nil {
		a.Log.Error("not on the audit record", zap.String("requestId", e.RequestID), zap.String("action", e.Action), zap.Error(err))
		return &trial.Error{
			Code: trial.CodeUnavailable, Certain: true,
			Message: "that you look at this could not be put on the audit record, so nothing is shown; try again",
		}
	}
	a.logEntry(entry)
	return nil
}
