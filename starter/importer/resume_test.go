package importer_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/starter/importer"
	"marketplace.example/trials/test/fakeapi"
)

// peek reads a request's body and puts it back.
func peek(r *http.Request) string {
	body, _ := io.ReadAll(r.Body) // what is missing fails later
	r.Body = io.NopCloser(bytes.NewReader(body))
	return string(body)
}

// stopAt stops a context once so many registrations are watched.
func stopAt(registered int, stop context.CancelFunc) func(*importer.Import) {
	return func(r *importer.Import) {
		watch := r.Watch
		r.Watch = func(p importer.Progress) {
			watch(p)
			if p.Registered >= registered {
				stop()
			}
		}
	}
}

// Another day would date the conversions that are still to come wrongly.
func TestImportDoesNotGoOnWithAnotherDay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rows := fewDays(4, 3)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		first, err := w.run(ctx, t, rows, stopAt(5, stop))
		require.ErrorIs(t, err, context.Canceled)
		_, err = w.run(t.Context(), t, rows, func(r *importer.Import) { r.Day = shortDay / 2 })
		require.ErrorIs(t, err, importer.ErrOtherImport)
		require.Equal(t, first.Registered, w.Vendors(), "nothing was done")
	})
}

func TestImportGoesOnWhereItWasStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rows := fewDays(4, 3)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		first, err := w.run(ctx, t, rows, stopAt(5, stop))
		require.ErrorIs(t, err, context.Canceled)
		require.False(t, first.Complete)
		require.GreaterOrEqual(t, first.Registered, 5)
		require.Less(t, first.Registered, 12)
		require.Equal(t, first.Registered, w.Vendors(), "what was under way is on record")

		time.Sleep(3 * shortDay) //nolint:forbidigo // in a bubble; the time between the runs is what is tested
		again := time.Now()
		summary, err := w.run(t.Context(), t, rows)
		require.NoError(t, err)
		require.Equal(t, 12, summary.Registered)
		require.Equal(t, map[string]int{"automated": 6, "control": 6}, map[string]int{
			"automated": summary.Cohorts["automated"], "control": summary.Cohorts["control"],
		})
		require.Equal(t, 4, summary.Converted)
		for key, times := range w.paths() {
			require.Equal(t, 1, times, key)
		}
		registrations := importer.NewPlan(rows, importer.Selection{}).Registrations
		next := registrations[first.Registered]
		for _, r := range registrations[first.Registered:] {
			at, _, _ := w.Registered(r.VendorID)
			planned := again.Add(importer.Compress(r.After-next.After, shortDay))
			require.False(t, at.Before(planned.Truncate(time.Millisecond)), "%s came before its moment: the clock had stood still", r.VendorID)
		}
		for _, r := range registrations {
			if at, converted, _ := w.Registered(r.VendorID); r.Converts {
				require.WithinDuration(t, at.Add(importer.Compress(r.ConvertsAfter, shortDay)), *converted, time.Millisecond, r.VendorID)
			}
		}
	})
}

func TestImportDoesNothingOnceItIsComplete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rows := fewDays(2, 3)
		first, err := w.run(t.Context(), t, rows)
		require.NoError(t, err)
		done := len(w.Calls())
		second, err := w.run(t.Context(), t, rows)
		require.NoError(t, err)
		require.Len(t, w.Calls(), done)
		require.True(t, second.Complete)
		require.Equal(t, first.Registered, second.Registered)
		require.Equal(t, first.Cohorts, second.Cohorts)
		require.Equal(t, first.Converted, second.Converted)
	})
}

// A process that is killed may not have written what it was just answered.
func TestImportSurvivesTheLossOfItsLastLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rows := fewDays(2, 6)
		_, err := w.run(t.Context(), t, rows)
		require.NoError(t, err)
		before := make(map[string]time.Time)
		for _, r := range rows {
			before[r.ID], _, _ = w.Registered(r.ID)
		}
		content, err := os.ReadFile(w.state)
		require.NoError(t, err)
		lines := strings.SplitAfter(string(content), "\n")
		require.NoError(t, os.WriteFile(w.state, []byte(strings.Join(lines[:4], "")+lines[4][:7]), 0o600))

		summary, err := w.run(t.Context(), t, rows)
		require.NoError(t, err)
		require.Equal(t, 12, summary.Registered)
		require.Equal(t, 4, summary.Converted)
		for _, r := range rows {
			at, _, _ := w.Registered(r.ID)
			require.Equal(t, before[r.ID], at, "%s was registered twice", r.ID)
		}
	})
}

func TestImportGivesUpAfterItsPatienceAndCanGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rows := fewDays(2, 4)
		w.Fail(func(rw http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(peek(r), rows[5].ID) {
				return false
			}
			fakeapi.Refuse(rw, http.StatusServiceUnavailable, "", "the database does not answer")
			return true
		})
		summary, err := w.run(t.Context(), t, rows, func(r *importer.Import) { r.Patience = 300 * time.Millisecond })
		require.ErrorContains(t, err, "line 7, vendor v005c: registering: given up after")
		require.ErrorContains(t, err, "the database does not answer (503, request r-1)")
		require.False(t, summary.Complete)

		w.Fail(nil)
		summary, err = w.run(t.Context(), t, rows)
		require.NoError(t, err)
		require.Equal(t, 8, summary.Registered)
		for key, times := range w.paths() {
			require.Equal(t, 1, times, key)
		}
	})
}

func TestImportBeginsAnewWhereTheSystemHasLostItsData(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		rows := fewDays(2, 3)
		_, err := w.run(t.Context(), t, rows)
		require.NoError(t, err)
		w.Forget()
		summary, err := w.run(t.Context(), t, rows)
		require.NoError(t, err)
		require.Equal(t, 6, summary.Registered)
		require.Equal(t, 6, w.Vendors())
		require.Equal(t, []string{"The system does not know vendor v000a, which was registered before: its data is new, so the import begins anew."}, w.reports)
	})
}

func TestImportStopsWhileTheSystemIsAway(t *testing.T) {
	t.Parallel()
	for name, day := range map[string]time.Duration{"at the first vendor": 0, "later": shortDay} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				w.Fail(func(rw http.ResponseWriter, _ *http.Request) bool {
					stop()
					fakeapi.Refuse(rw, http.StatusServiceUnavailable, "", "the database does not answer")
					return true
				})
				began := time.Now()
				_, err := w.run(ctx, t, fewDays(1, 2), func(r *importer.Import) { r.Day = day })
				require.ErrorIs(t, err, context.Canceled)
				require.NotContains(t, err.Error(), "vendor", "that is no failure of one")
				require.Less(t, time.Since(began), 10*time.Second, "it does not wait out its patience")
			})
		})
	}
}
