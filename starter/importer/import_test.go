package importer_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/starter/importer"
	"marketplace.example/trials/starter/vendorcsv"
	"marketplace.example/trials/test/fakeapi"
)

// Each import lives in a bubble of testing/synctest, so a day costs nothing and no machine is too slow.
const shortDay = 100 * time.Millisecond

// world is a fake API and what a import into it tells.
type world struct {
	*fakeapi.API
	state string

	mutex   sync.Mutex
	reports []string
	watched []importer.Progress
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{API: fakeapi.NewInMemory(), state: filepath.Join(t.TempDir(), "state.jsonl")}
	w.Day = shortDay
	return w
}

// run imports rows with what the options change.
func (w *world) run(ctx context.Context, t *testing.T, rows []vendorcsv.Row, options ...func(*importer.Import)) (importer.Summary, error) {
	t.Helper()
	identity := importer.Identity{File: "test", API: w.URL}
	journal, err := importer.OpenJournal(w.state, identity, false)
	require.NoError(t, err)
	defer func() { require.NoError(t, journal.Close()) }()
	authorize := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+fakeapi.ServiceToken)
		return nil
	}
	api, err := client.NewClientWithResponses(w.URL,
		client.WithHTTPClient(&http.Client{Transport: w.API}), client.WithRequestEditorFn(authorize))
	require.NoError(t, err)
	r := &importer.Import{
		API: api, Plan: importer.NewPlan(rows, importer.Selection{}), Identity: identity, Journal: journal,
		Concurrency: 4, Patience: 20 * time.Second,
		Watch:  func(p importer.Progress) { w.mutex.Lock(); w.watched = append(w.watched, p); w.mutex.Unlock() },
		Report: func(line string) { w.mutex.Lock(); w.reports = append(w.reports, line); w.mutex.Unlock() },
	}
	for _, change := range options {
		change(r)
	}
	return r.Run(ctx)
}

// paths counts the requests that were carried out, by path and vendor.
func (w *world) paths() map[string]int {
	counts := make(map[string]int)
	for _, call := range w.Calls() {
		key := call.Path
		if call.Path == "/api/vendors" {
			key = "register " + idOf(call.Body)
		}
		counts[key]++
	}
	return counts
}

// idOf is the id in a registration's body.
func idOf(body string) string {
	_, rest, _ := strings.Cut(body, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// fewDays are vendors of some days: every third converts a day and a half later.
func fewDays(days, each int) []vendorcsv.Row {
	var rows []vendorcsv.Row
	for date := 1; date <= days; date++ {
		for range each {
			r := row(len(rows)+2, fmt.Sprintf("v%03d%s", len(rows), []string{"a", "c"}[len(rows)%2]), jan(date))
			if len(rows)%3 == 0 {
				r.ConvertedAt = jan(date, 36)
			}
			rows = append(rows, r)
		}
	}
	return rows
}

func TestImportLivesThroughEverythingOnceInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rows := fewDays(4, 5)
		before := time.Now()
		summary, err := w.run(t.Context(), t, rows, func(r *importer.Import) { r.Concurrency = 1 })
		require.NoError(t, err)
		require.Equal(t, 20, summary.Registered)
		require.Equal(t, map[trial.Cohort]int{trial.Automated: 10, trial.Control: 10}, summary.Cohorts)
		require.Equal(t, 7, summary.Converted)
		require.Empty(t, summary.Refused)
		require.Equal(t, shortDay, summary.Day, "as the system says")
		require.True(t, summary.Complete)

		var order []string
		for _, call := range w.Calls() {
			if call.Path == "/api/vendors" {
				order = append(order, idOf(call.Body))
			}
		}
		require.Len(t, order, 20)
		require.True(t, slices.IsSorted(order), order)
		for key, times := range w.paths() {
			require.Equal(t, 1, times, key)
		}
		for i, r := range importer.NewPlan(rows, importer.Selection{}).Registrations {
			at, converted, ok := w.Registered(r.VendorID)
			require.True(t, ok)
			require.False(t, at.Before(before.Add(importer.Compress(r.After, shortDay)).Truncate(time.Millisecond)), "%d came before its moment", i)
			if r.Converts {
				require.NotNil(t, converted)
				require.WithinDuration(t, at.Add(importer.Compress(r.ConvertsAfter, shortDay)), *converted, time.Millisecond)
			}
		}
	})
}

func TestImportMakesUpAddressesThatReachNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		_, err := w.run(t.Context(), t, []vendorcsv.Row{row(2, "0b99dab71519032b", jan(1))})
		require.NoError(t, err)
		require.JSONEq(t, `{"id":"0b99dab71519032b","email":"0b99dab71519032b@vendors.example.com","name":"Vendor 0b99dab7"}`, w.Calls()[0].Body)
	})
}

func TestImportConvertsRightAfterARegistrationThatCameLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		summary, err := w.run(t.Context(), t, []vendorcsv.Row{row(2, "a", jan(5), jan(2))})
		require.NoError(t, err)
		require.Equal(t, 1, summary.Converted)
		calls := w.Calls()
		require.Len(t, calls, 2)
		require.Equal(t, "/api/vendors/a/conversion", calls[1].Path)
		require.JSONEq(t, `{}`, calls[1].Body, "the moment is left to the system")
	})
}

func TestImportTakesTheDayThatIsGivenAndSaysThatItIsOdd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		summary, err := w.run(t.Context(), t, fewDays(2, 3), func(r *importer.Import) { r.Day = shortDay / 2 })
		require.NoError(t, err)
		require.Equal(t, shortDay/2, summary.Day)
		require.Equal(t, []string{"A day of the system lasts 100ms, one of this import 50ms: conversions come at the wrong moments of the trials."}, w.reports)
	})
}

func TestImportAsksAgainWhileTheSystemIsAway(t *testing.T) {
	t.Parallel()
	for name, unavailable := range map[string]fakeapi.Fault{
		"unavailable": func(rw http.ResponseWriter, _ *http.Request) bool {
			fakeapi.Refuse(rw, http.StatusServiceUnavailable, "", "the database does not answer")
			return true
		},
		"too many": func(rw http.ResponseWriter, _ *http.Request) bool {
			fakeapi.Refuse(rw, http.StatusTooManyRequests, "", "slow down")
			return true
		},
		"a proxy's page": func(rw http.ResponseWriter, _ *http.Request) bool {
			http.Error(rw, "<html>", http.StatusBadGateway)
			return true
		},
		"hung up": func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				var mutex sync.Mutex
				asked := make(map[string]int)
				w.Fail(func(rw http.ResponseWriter, r *http.Request) bool {
					mutex.Lock()
					key := r.URL.Path + peek(r)
					asked[key]++
					lost := asked[key] <= 2 // each request, twice
					mutex.Unlock()
					return lost && unavailable(rw, r)
				})
				summary, err := w.run(t.Context(), t, fewDays(2, 3))
				require.NoError(t, err)
				require.Equal(t, 6, summary.Registered)
				require.Equal(t, 2, summary.Converted)
				require.True(t, slices.ContainsFunc(w.watched, func(p importer.Progress) bool { return p.Retrying }))
				for key, times := range w.paths() {
					require.Equal(t, 1, times, key)
				}
			})
		})
	}
}

func TestImportGoesOnWhereAVendorIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rows := fewDays(2, 4)
		w.Fail(func(rw http.ResponseWriter, r *http.Request) bool {
			body := peek(r)
			switch {
			case strings.Contains(body, rows[0].ID):
				fakeapi.Refuse(rw, http.StatusConflict, "id", "vendor is registered with other data")
			case strings.Contains(r.URL.Path, rows[3].ID):
				fakeapi.Refuse(rw, http.StatusNotFound, "id", "no vendor")
			default:
				return false
			}
			return true
		})
		summary, err := w.run(t.Context(), t, rows)
		require.NoError(t, err)
		require.Equal(t, 7, summary.Registered)
		require.Equal(t, 1, summary.Converted, "of three one is not registered and one is refused")
		require.Equal(t, []importer.Problem{
			{Line: 2, VendorID: "v000a", Message: "registering: vendor is registered with other data (409, request r-1)"},
			{Line: 5, VendorID: "v003c", Message: "converting: no vendor (404, request r-1)"},
		}, summary.Refused)
		require.Equal(t, []string{
			"Line 2: vendor v000a: registering: vendor is registered with other data (409, request r-1)",
			"Line 5: vendor v003c: converting: no vendor (404, request r-1)",
		}, w.reports)

		again, err := w.run(t.Context(), t, rows)
		require.NoError(t, err)
		require.Equal(t, summary.Refused, again.Refused, "what was refused is not asked again")
	})
}

func TestImportStopsWhereEveryVendorWouldBeRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer  fakeapi.Fault
		message string
	}{
		"a wrong token": {func(rw http.ResponseWriter, _ *http.Request) bool {
			fakeapi.Refuse(rw, http.StatusUnauthorized, "", "the token is wrong")
			return true
		}, "registering: the token is wrong (401, request r-1)"},
		"another server": {func(rw http.ResponseWriter, r *http.Request) bool {
			http.NotFound(rw, r)
			return true
		}, "registering: the answer was not the API's: 404 Not Found (404, request )"},
		"a web page": {func(rw http.ResponseWriter, _ *http.Request) bool {
			_, _ = rw.Write([]byte("<html>"))
			return true
		}, "registering: the answer was not the API's: is this its address?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				var asked atomic.Int64
				w.Fail(func(rw http.ResponseWriter, r *http.Request) bool { asked.Add(1); return c.answer(rw, r) })
				summary, err := w.run(t.Context(), t, fewDays(2, 4))
				require.EqualError(t, err, c.message)
				require.False(t, summary.Complete)
				require.Equal(t, int64(1), asked.Load())
			})
		})
	}
}

func TestImportLeavesTheMomentToASystemWhoseClockIsBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Now = func() time.Time {
			if len(w.Calls()) < 2 { // the registration
				return time.Now()
			}
			return time.Now().Add(-time.Hour)
		}
		summary, err := w.run(t.Context(), t, []vendorcsv.Row{row(2, "a", jan(1), jan(3))})
		require.NoError(t, err)
		require.Equal(t, 1, summary.Converted)
		require.JSONEq(t, `{}`, w.Calls()[2].Body)
	})
}

func TestImportSaysThatTheSystemFallsBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Fail(func(http.ResponseWriter, *http.Request) bool {
			time.Sleep(shortDay) //nolint:forbidigo // in a bubble: an answer takes a day
			return false
		})
		rows := fewDays(2, 6)
		summary, err := w.run(t.Context(), t, rows, func(r *importer.Import) { r.Concurrency = 1 })
		require.NoError(t, err)
		// Twelve registrations and four conversions take 16 days one after the other; the plan has 3.
		require.Greater(t, summary.BiggestLagDays(), 8.0)
		require.True(t, slices.ContainsFunc(w.watched, func(p importer.Progress) bool { return p.LagDays() > 4 }))
		for _, r := range importer.NewPlan(rows, importer.Selection{}).Registrations {
			at, converted, _ := w.Registered(r.VendorID)
			if r.Converts {
				require.WithinDuration(t, at.Add(importer.Compress(r.ConvertsAfter, shortDay)), *converted, time.Millisecond,
					"the conversion of %s comes at its moment all the same", r.VendorID)
			}
		}
	})
}

// A system may answer at once and still be late with what it does by itself.
func TestImportSaysThatStepsAreLate(t *testing.T) {
	t.Parallel()
	for name, idle := range map[string]bool{"steps are done": false, "no step is done": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.Idle = idle
				summary, err := w.run(t.Context(), t, fewDays(20, 1))
				require.NoError(t, err)
				require.Zero(t, summary.BiggestLag, "every request is answered at once")
				late := slices.ContainsFunc(w.watched, func(p importer.Progress) bool { return p.StepLag > shortDay })
				require.Equal(t, idle, late)
				require.Equal(t, idle, summary.LatestStep > shortDay)
			})
		})
	}
}
