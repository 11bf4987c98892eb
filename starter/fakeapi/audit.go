package fakeapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/audit"
)

func (a *API) handleAudit(mux *http.ServeMux) { mux.HandleFunc("GET /api/admin/audit", a.listAudit) }

func (a *API) listAudit(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil {
		Refuse(w, http.StatusBadRequest, "limit", "must be a whole number")
		return
	}
	means := func(name, value string) bool { return query.Get(name) == "" || query.Get(name) == value }
	page := client.AuditPage{Entries: []audit.Entry{}}
	for _, e := range slices.Backward(a.Audit) {
		subject := query.Get("subject")
		if !means("actor", e.Actor) || !means("action", e.Action) || !means("outcome", string(e.Outcome)) || !means("subject", e.Subject) && !strings.HasPrefix(e.Subject, subject+"/") {
			continue
		}
		if len(page.Entries) == limit {
			page.NextCursor = strconv.Itoa(page.Entries[limit-1].Seq)
			break
		}
		page.Entries = append(page.Entries, e)
	}
	answer(w, http.StatusOK, page)
}
