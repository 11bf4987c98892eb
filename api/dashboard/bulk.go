package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/gorilla/mux"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	// bulksPerPage is how many operations a page lists, itemsPerPage how many of
	// their trials.
	bulksPerPage = 20
	itemsPerPage = 100
	// maxItemCursor bounds which trial a page begins with, as in the API.
	maxItemCursor = 1_000_000
	notAnAddress  = "This is not a page's address."
)

// bulksView is what the list of bulk operations shows.
type bulksView struct {
	frame
	Problem string
	// Troubles are why nothing is shown.
	Troubles   []trouble
	Operations []bulkView
	// Next is the address of older operations, First of the latest where these are
	// not they; empty for none.
	Next, First string
	// Begins says that the reader may begin one.
	Begins bool
}

func (d *dashboard) bulks(w http.ResponseWriter, r *http.Request) {
	const address = root + "bulk"
	view, before, status := bulksView{frame: d.live(r, "Bulk operations", "bulk")}, r.URL.Query().Get("cursor"), http.StatusOK
	view.Begins = access.Of(r.Context()).Role.Covers(changesMany)
	if before != "" {
		view.First, view.Live = address, ""
	}
	if before != "" && !trial.ValidVendorID(before) { // made of the same characters
		view.Problem = notAnAddress
		d.show(w, r, http.StatusBadRequest, "bulks", view)
		return
	}
	all, next, err := d.Store.Bulks(r.Context(), before, bulksPerPage)
	if err != nil {
		status, view.Live = http.StatusInternalServerError, r.URL.RequestURI() // it comes back by itself
		t := d.troubleOf("the bulk operations", err)
		if trial.CodeOf(err) == trial.CodeUnavailable {
			status = http.StatusServiceUnavailable
			t.Text = "The bulk operations cannot be shown. One that runs waits, or pauses and says so here; no trial is changed twice by it."
		}
		view.Troubles = []trouble{t}
	}
	for _, v := range all {
		view.Operations = append(view.Operations, bulkView{v})
	}
	if next != "" {
		view.Next = address + "?cursor=" + next
	}
	d.show(w, r, status, "bulks", view)
}

// bulkPageView is what the page of one operation shows.
type bulkPageView struct {
	frame
	Bulk     bulkView
	Troubles []trouble
	Workflow string
	// Asked thanks for what was asked of it; empty for nothing. Controls are those that apply now, and that the reader may use.
	Asked    string
	Controls []controlWords
}

func (d *dashboard) bulk(w http.ResponseWriter, r *http.Request) {
	id := mux.Vars(r)["operation"]
	found, err := d.findBulk(r.Context(), id)
	if err != nil {
		d.fail(w, r, "bulk", err)
		return
	}
	view := bulkPageView{frame: d.live(r, "Bulk operation "+id, "bulk"), Bulk: found}
	view.Troubles = bulkTroubles(found.View, view.Now)
	view.Asked, view.Controls = bulkAskedFor[r.URL.Query().Get("asked")], d.controlsOfBulk(found.View, access.Of(r.Context()).Role)
	if d.WorkflowURL != nil {
		view.Workflow = d.WorkflowURL(id)
	}
	d.show(w, r, http.StatusOK, "bulk", view)
}

func (d *dashboard) findBulk(ctx context.Context, id string) (bulkView, error) {
	if !trial.ValidVendorID(id) {
		return bulkView{}, bulk.NotFound(id)
	}
	o, state, err := d.Store.Bulk(ctx, id)
	return bulkView{bulk.ViewOf(o, state)}, err
}

// bulkItemsView is what the list of an operation's trials shows. It is not live:
// finding a few among many reads up to a thousand.
type bulkItemsView struct {
	frame
	Operation bulk.Operation
	// Outcome is what was asked for, NoOutcome for trials without one.
	Outcome  bulk.ItemOutcome
	Outcomes []bulk.ItemOutcome
	Problem  string
	Items    []bulk.Item
	// Looked is which of the trials were looked at.
	Looked string
	// Next is the address of the following page, First of the first where this is
	// another one; empty for none.
	Next, First string
}

func (d *dashboard) bulkItems(w http.ResponseWriter, r *http.Request) {
	found, err := d.findBulk(r.Context(), mux.Vars(r)["operation"])
	if err != nil {
		d.fail(w, r, "bulk", err)
		return
	}
	view := bulkItemsView{
		frame: d.frame(r.Context(), "Trials of bulk operation "+found.Operation.ID, "bulk"), Operation: found.Operation, Outcome: bulk.ItemOutcome(r.URL.Query().Get("outcome")),
		Outcomes: append(bulk.Outcomes(), bulk.NoOutcome),
	}
	search, problem := searchOf(r.URL.Query())
	if problem != "" {
		view.Problem = problem
		d.show(w, r, http.StatusBadRequest, "bulkitems", view)
		return
	}
	items, next, err := search.Find(func(number int) (bulk.Item, bool, error) {
		return d.Store.BulkItem(r.Context(), found.Operation.ID, number)
	})
	if err != nil {
		d.fail(w, r, "bulk", err)
		return
	}
	view.Items = items
	if next > 0 {
		view.Looked, view.Next = grouped(search.After+1)+" to "+grouped(next), found.itemsPage(search.Outcome, next)
	}
	if search.After > 0 {
		view.First = found.itemsPage(search.Outcome, 0)
	}
	d.show(w, r, http.StatusOK, "bulkitems", view)
}

// searchOf reads which trials of an operation are wanted; problem says what is wrong
// with that.
func searchOf(q url.Values) (s bulk.Search, problem string) {
	s = bulk.Search{Outcome: bulk.ItemOutcome(q.Get("outcome")), Limit: itemsPerPage}
	if s.Outcome != "" && s.Outcome != bulk.NoOutcome && !slices.Contains(bulk.Outcomes(), s.Outcome) {
		return s, "There is no such outcome."
	}
	if cursor := q.Get("cursor"); cursor != "" {
		after, err := strconv.ParseUint(cursor, 10, 31)
		if err != nil || after > maxItemCursor {
			return s, notAnAddress
		}
		s.After = int(after)
	}
	return s, ""
}

// itemsPage is the address of an operation's trials of one outcome (empty: of all)
// after a number.
func (v bulkView) itemsPage(o bulk.ItemOutcome, after int) string {
	return narrowed("bulk/"+v.Operation.ID+"/items", map[string]string{"outcome": string(o), "cursor": cursor(after)})
}
