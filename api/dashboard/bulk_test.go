package dashboard_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/test/sample"
)

// The bulk operations of the busy world.
const (
	endedBulk   = "bulk-20260312-102000-5f3a11c0"
	pausedBulk  = "bulk-20260313-162000-a17e0b29"
	plannedBulk = "bulk-20260314-084000-00c4d21e"
	runningBulk = "bulk-20260314-101820-7b90e6aa"
)

func TestBulkOperationsAreListedLatestFirst(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	a := s.get("/admin/bulk")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, `href="/admin/bulk" aria-current="page"`)
	require.Contains(t, a.body, `hx-get="/admin/bulk"`)
	inOrder(t, a.text(), "Extend by 3 days "+runningBulk, "admin running 1,000 of 2,400", "897 done, 33 skipped, 50 refused, 20 failed", "Payments were down on Friday",
		"Cancel "+plannedBulk, "planned looked at 45 would be: 43 done, 2 refused", "Undo "+endedBulk, "paused admin 20 of 60", "Extend by 7 days "+endedBulk, "2026-03-12 10:20:00 UTC (2 days ago)",
		"done 60 of 60 54 done, 2 skipped, 3 refused, 1 failed", "The shop was away for two days")
	require.Equal(t, 3, strings.Count(a.body, `class="part"`), "what waits to be started has no bar")
	require.Contains(t, a.body, `width="41.67"`)
	require.Contains(t, a.body, `href="/admin/bulk/`+plannedBulk+`"`)
}

func TestTheListOfBulkOperationsIsPaged(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Empty())
	for i := range 25 {
		o := bulk.Operation{ID: fmt.Sprintf("bulk-%02d", i), Action: bulk.Cancel, Reason: `<b>"why"</b>`, By: "admin", AskedAt: sample.Now, PerMinute: 60, Listed: 1}
		s.world.Operations = append(s.world.Operations, bulk.ViewOf(o, bulk.Begin(o)))
	}
	first := s.get("/admin/bulk")
	require.Equal(t, 20, strings.Count(first.body, `<tr id="operation-`))
	require.Contains(t, first.body, `<a href="/admin/bulk?cursor=bulk-05">Older operations →</a>`)
	require.NotContains(t, first.text(), "Latest operations")
	require.NotContains(t, first.body, "<b>", "what people write is shown as they wrote it")
	second := s.get("/admin/bulk?cursor=bulk-05")
	require.Equal(t, 5, strings.Count(second.body, `<tr id="operation-`))
	require.Contains(t, second.body, `<a href="/admin/bulk">← Latest operations</a>`)
	require.NotContains(t, second.text(), "Older operations")
	require.NotContains(t, second.body, "hx-get", "nothing is ever added in front of these")
	require.Contains(t, s.get("/admin/bulk?cursor=bulk-00").text(), "There is nothing older.")
	a := s.get("/admin/bulk?cursor=x.y")
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "This is not a page's address.")
}

func TestBulkOperationsWithNothingToShow(t *testing.T) {
	t.Parallel()
	text := signedIn(t, sample.Empty()).get("/admin/bulk").text()
	inOrder(t, text, "There was no bulk operation yet.", "starter bulk extend --status active")

	s := signedIn(t, sample.Broken())
	a := s.get("/admin/bulk")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	inOrder(t, a.text(), "Wrong The database does not answer", "The bulk operations cannot be shown.", "What to do: See that MongoDB runs")
	require.NotContains(t, a.text(), "no bulk operation yet")
	require.Contains(t, a.body, `hx-get="/admin/bulk"`, "it comes back by itself")

	s.world.Err = errors.New("secret words of the driver")
	a = s.get("/admin/bulk")
	require.Equal(t, http.StatusInternalServerError, a.status)
	require.NotContains(t, a.body, "secret words")
	require.Contains(t, a.text(), "What is missing: the bulk operations.")
}

func TestABulkOperationSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	a := s.get("/admin/bulk/" + runningBulk)
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, `hx-get="/admin/bulk/`+runningBulk+`"`)
	require.Contains(t, a.body, `width="41.67"`)
	inOrder(t, a.text(), "Bulk operation: Extend by 3 days", "Running: 1000 of 2400. About 2 minutes more at its full rate.", "running Pause … Stop … Operation "+runningBulk,
		"Why Payments were down on Friday", "Asked for 2026-03-14 10:18:20 UTC (1 minute ago), by admin", "Which trials status active", "Rate 600 a minute at most", "Last step", "3 seconds ago",
		"done carried out 897", "skipped no longer chosen 33", "refused status expired 50", "failed no answer 20", "Trial by trial: 20 failed, 50 refused, 33 skipped, 897 done, all 2,400")
	require.NotContains(t, a.text(), "It stands still")
	require.NotContains(t, a.text(), "Ended")
	for _, address := range []string{`"/admin/bulk/` + runningBulk + `/items?outcome=refused"`, `"/admin/bulk/` + runningBulk + `/items"`, `"/admin/audit?subject=bulk/` + runningBulk + `"`} {
		require.Contains(t, a.body, "href="+address)
	}

	s.world.Moment = s.world.Moment.Add(2 * time.Minute)
	inOrder(t, s.get("/admin/bulk/"+runningBulk).text(), "Wrong It stands still", "What to do: See that a worker runs", "Since 2026-03-14 10:19:57 UTC")
	a = s.get("/admin/bulk/nothing")
	require.Equal(t, http.StatusNotFound, a.status)
	require.Contains(t, a.text(), `there is no operation "nothing"`)
	s.world.Err = sample.ErrUnavailable
	require.Equal(t, http.StatusNotFound, s.get("/admin/bulk/not.an.id").status, "the database is not asked for it")
}

func TestABulkOperationSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	paused := s.get("/admin/bulk/" + pausedBulk)
	inOrder(t, paused.text(), "Paused (admin) after 20 of 60.", "Note It is paused", "What to do: When the reason is gone, resume it with starter bulk resume "+pausedBulk, "Which trials those of "+endedBulk,
		"What was asked of it since", "pause 2026-03-13 16:20:15 UTC (17 hours ago) admin Partners are asked first")
	require.NotContains(t, paused.text(), "more at its full rate")
	require.Contains(t, paused.body, `href="/admin/bulk/`+endedBulk+`"`)

	planned := s.get("/admin/bulk/" + plannedBulk).text()
	inOrder(t, planned, "Dry run over: 43 of 45 would be changed", "Note It waits to be started", "starter bulk start "+plannedBulk, "Which trials status grace, ends before 2026-03-13 10:20:00 UTC",
		"Nothing was changed yet.", "What the dry run saw coming", "done carried out 43", "refused already converted 2", "vendor-012 refused already converted: the trial has converted")
	inOrder(t, s.get("/admin/bulk/"+endedBulk).text(), "Done: 60 of 60.", "Wrong Some trials failed", "Of 1 nobody knows", "starter bulk resume "+endedBulk, "Which trials a list of 60", "Ended 2026-03-12 10:20:10 UTC")

	for cause, says := range map[string]string{
		bulk.CauseNoAnswer: "Wrong It is paused Several trials in a row gave no answer", "adminTools.bulkOperations": "Note It is paused The flag adminTools.bulkOperations is off. What to do: Switch it on; then resume",
	} {
		s.world.Operations[1].State.Cause = cause
		require.Contains(t, s.get("/admin/bulk/"+pausedBulk).text(), says)
	}
	s.world.Operations[1].State.Status, s.world.Operations[1].State.Cause = bulk.Stopped, bulk.CauseTooMany
	inOrder(t, s.get("/admin/bulk/"+pausedBulk).text(), "It takes too many trials", "more than 20,000. Nothing was changed.")
	fresh := bulk.Operation{ID: "fresh", Action: bulk.Cancel, AskedAt: s.world.Moment, Filter: &bulk.Filter{Cohort: "control"}, PerMinute: 60}
	s.world.Operations = append(s.world.Operations, bulk.ViewOf(fresh, bulk.Begin(fresh)))
	text := s.get("/admin/bulk/fresh").text()
	inOrder(t, text, "Choosing its trials, 0 so far.", "choosing", "Which trials cohort control", "Nothing was changed yet.")
	require.NotContains(t, text, "Trial by trial")
	require.Contains(t, s.get("/admin/bulk").text(), "choosing 0 chosen so far nothing yet")
	require.Contains(t, s.get("/admin/bulk/fresh/items").text(), "Its trials are not chosen yet, or there are none.")
}

func TestTheTrialsOfABulkOperation(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	of := func(id, query string) answer { return s.get("/admin/bulk/" + id + "/items?" + query) }
	a := of(endedBulk, "")
	require.Equal(t, 60, strings.Count(a.body, `<tr id="item-`))
	inOrder(t, a.text(), "Trials of the bulk operation: extend by 7 days", "1 vendor-001 done carried out 2026-03-26 10:20:00 UTC instead of 2026-03-19 10:20:00 UTC", "7 vendor-007 refused status expired: the trial is expired",
		"12 vendor-012 skipped no longer chosen", "41 vendor-041 failed no answer: the workflow gave no answer in time")
	require.Contains(t, a.body, `href="/admin/trials/vendor-041"`)
	require.NotContains(t, a.body, "hx-get", "looking for a few among many is not repeated by itself")
	require.NotContains(t, a.text(), "Next page")

	refused := of(endedBulk, "outcome=refused")
	require.Equal(t, 3, strings.Count(refused.body, `<tr id="item-`))
	require.Contains(t, refused.body, `<option value="refused" selected>refused`)
	require.Contains(t, of(pausedBulk, "outcome=open").text(), "21 vendor-021 none yet")
	require.Contains(t, of(pausedBulk, "outcome=failed").text(), "No trial is like that.")

	page := of(runningBulk, "outcome=done")
	require.Equal(t, 100, strings.Count(page.body, `<tr id="item-`))
	require.NotContains(t, page.text(), "First page")
	require.Contains(t, page.body, `<a href="/admin/bulk/`+runningBulk+`/items?cursor=112&amp;outcome=done">Next page →</a>`)
	require.Contains(t, of(runningBulk, "outcome=done&cursor=112").body, `<a href="/admin/bulk/`+runningBulk+`/items?outcome=done">← First page</a>`)
	none := of(runningBulk, "outcome=failed&cursor=1000")
	inOrder(t, none.text(), "None of those looked at, 1,001 to 2,000, is like that.", "Next page →")
	require.Contains(t, none.body, "cursor=2000&amp;outcome=failed")
	require.Contains(t, of(runningBulk, "outcome=failed&cursor=2000").text(), "No trial is like that.")

	for query, says := range map[string]string{
		"outcome=lost": "There is no such outcome.", "cursor=x": "This is not a page's address.", "cursor=-1": "This is not a page's address.", "cursor=1000001": "This is not a page's address.",
	} {
		a := of(endedBulk, query)
		require.Equal(t, http.StatusBadRequest, a.status, query)
		require.Contains(t, a.text(), says, query)
		require.NotContains(t, a.body, "<tr id=")
	}
	require.Equal(t, http.StatusNotFound, of("nothing", "").status)
}
