package fakeapi

import (
	"fmt"
	"net/http"
	"strconv"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/bulk"
)

// handleBulk answers for bulk operations: each look at one lets it do one page more.
func (a *API) handleBulk(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/admin/bulk", a.startBulk)
	mux.HandleFunc("GET /api/admin/bulk", a.listBulk)
	mux.HandleFunc("GET /api/admin/bulk/{id}", a.getBulk)
	mux.HandleFunc("GET /api/admin/bulk/{id}/items", a.bulkItems)
	mux.HandleFunc("POST /api/admin/bulk/{id}/undo", a.undoBulk)
	for _, control := range bulk.Controls() {
		mux.HandleFunc("POST /api/admin/bulk/{id}/"+control, func(w http.ResponseWriter, r *http.Request) { a.steerBulk(w, r, control) })
	}
}

func (a *API) addBulk(w http.ResponseWriter, o bulk.Operation) {
	o.ID = fmt.Sprintf("bulk-%d", len(a.Bulks)+1)
	o.By, o.AskedAt = "admin", a.now().UTC()
	a.Bulks = append(a.Bulks, bulk.ViewOf(o, bulk.Begin(o)))
	answer(w, http.StatusAccepted, a.Bulks[len(a.Bulks)-1])
}

func (a *API) startBulk(w http.ResponseWriter, r *http.Request) {
	var body client.BulkRequest
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	o := bulk.Operation{Action: bulk.Action(body.Action), Reason: body.Reason, PerMinute: *body.PerMinute, DryRun: *body.DryRun}
	if body.Days != nil {
		o.Days = *body.Days
	}
	switch {
	case body.Ids != nil:
		o.Listed = len(*body.Ids)
	case body.Csv != nil:
		list, err := bulk.ReadCSV(*body.Csv)
		if err != nil {
			Refuse(w, http.StatusBadRequest, "csv", err.Error())
			return
		}
		o.Listed = len(list)
	default:
		o.Filter = &bulk.Filter{EndsFrom: body.Filter.EndsFrom, EndsBefore: body.Filter.EndsBefore}
	}
	a.addBulk(w, o)
}

func (a *API) listBulk(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, client.BulkPage{Operations: append([]bulk.View{}, a.Bulks...)})
}

func (a *API) bulkOf(w http.ResponseWriter, r *http.Request) *bulk.View {
	for i := range a.Bulks {
		if a.Bulks[i].Operation.ID == r.PathValue("id") {
			return &a.Bulks[i]
		}
	}
	Refuse(w, http.StatusNotFound, "operationId", bulk.NotFound(r.PathValue("id")).Error())
	return nil
}

func (a *API) getBulk(w http.ResponseWriter, r *http.Request) {
	v := a.bulkOf(w, r)
	if v == nil {
		return
	}
	a.step(v)
	answer(w, http.StatusOK, *v)
}

// step lets an operation do one page more.
func (a *API) step(v *bulk.View) {
	o, s := v.Operation, v.State
	switch page := s.Page(o); s.Status { //nolint:exhaustive // in the others nothing happens
	case bulk.Choosing:
		s = s.Chosen(o, 2, true, a.now())
	case bulk.Planning:
		end := a.now().UTC()
		examples := []bulk.Example{
			{VendorID: "v-1", Outcome: bulk.Succeeded, Reason: bulk.ReasonCarriedOut, Was: &end, Is: new(end.AddDate(0, 0, o.Days))},
			{VendorID: "v-2", Outcome: bulk.Refused, Reason: "status-expired", Detail: "the trial is expired: extend does not apply"},
		}
		seen := bulk.Tally{{Outcome: bulk.Succeeded, Reason: bulk.ReasonCarriedOut, Items: page.To - page.From}}
		s = s.Looked(page, examples, seen.Add(bulk.Refused, "status-expired"), a.now())
	case bulk.Running:
		outcome := bulk.Succeeded
		if a.BulkFails {
			outcome = bulk.Failed
		}
		s = s.Carried(page, bulk.Tally{{Outcome: outcome, Reason: bulk.ReasonCarriedOut, Items: page.To - page.From + 1}}, a.now())
	}
	*v = bulk.ViewOf(o, s)
}

func (a *API) bulkItems(w http.ResponseWriter, r *http.Request) {
	if a.bulkOf(w, r) == nil {
		return
	}
	a.calls = append(a.calls, Call{Method: r.Method, Path: r.URL.Path, Body: r.URL.RawQuery})
	page := client.BulkItems{Items: []bulk.Item{}}
	number, _ := strconv.Atoi(r.URL.Query().Get("cursor")) // none begins at the start
	if number < 2 {
		page.NextCursor = new(number + 1)
	}
	item := bulk.Item{Number: number + 1, VendorID: fmt.Sprintf("v-%d", number+1)}
	result := bulk.NewResult(bulk.Refused, "status-expired", "the trial is expired: extend does not apply", a.now())
	if number == 0 {
		result = bulk.NewResult(bulk.Succeeded, bulk.ReasonCarriedOut, "", a.now())
		result.Change = &bulk.Change{Was: a.now(), Is: a.now().AddDate(0, 0, 7), Revision: 1}
	}
	if item.Result = &result; number == 2 {
		item.Result = nil
	}
	page.Items = append(page.Items, item)
	answer(w, http.StatusOK, page)
}

func (a *API) undoBulk(w http.ResponseWriter, r *http.Request) {
	var body client.BulkReason
	v := a.bulkOf(w, r)
	if v == nil {
		return
	}
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	undo, err := bulk.UndoOf(v.Operation, v.State, "", body.Reason, "admin", a.now())
	if err != nil {
		Refuse(w, http.StatusConflict, "operationId", err.Error())
		return
	}
	a.addBulk(w, undo)
}

func (a *API) steerBulk(w http.ResponseWriter, r *http.Request, control string) {
	var body client.BulkReason
	v := a.bulkOf(w, r)
	if v == nil {
		return
	}
	if err := a.note(r, &body); err != nil {
		Refuse(w, http.StatusBadRequest, "", err.Error())
		return
	}
	before := *v // which is what the API answers with
	s, err := v.State.Request(bulk.Control{Name: control, Reason: body.Reason, By: "admin", At: a.now()})
	if err != nil {
		Refuse(w, http.StatusConflict, "operationId", err.Error())
		return
	}
	*v = bulk.ViewOf(v.Operation, s)
	answer(w, http.StatusAccepted, before)
}
