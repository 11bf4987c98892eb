package rest

import (
	"context"
	"strconv"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
)

// ListAudit answers with a page of the audit record.
func (s *server) ListAudit(ctx context.Context, request ListAuditRequestObject) (ListAuditResponseObject, error) {
	p := request.Params
	var filter audit.Filter
	set(&filter.Actor, p.Actor)
	set(&filter.Action, p.Action)
	set(&filter.Subject, p.Subject)
	set(&filter.Outcome, p.Outcome)
	set(&filter.From, p.From)
	set(&filter.To, p.To)
	before, limit := 0, defaultPage
	set(&limit, p.Limit)
	if p.Cursor != nil {
		seq, err := strconv.Atoi(*p.Cursor)
		if err != nil {
			return nil, trial.Invalid("cursor", "is not the nextCursor of a page")
		}
		before = seq
	}
	entries, next, err := s.App.Store.AuditEntries(ctx, filter, before, limit)
	page := ListAudit200JSONResponse{Entries: append([]AuditEntry{}, entries...)}
	if next > 0 {
		page.NextCursor = strconv.Itoa(next)
	}
	return page, err
}
