package rest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
)

// A change from a page is on record as one over the API is, and names nobody.
func TestAChangeOfATrialFromAPageIsOnRecord(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	r := trial.Request{ID: "k-1", Days: 7, Reason: "the vendor was ill"}
	for range 2 {
		require.NoError(t, a.app.ChangeTrialRecorded(t.Context(), trial.MessageExtend, "v-1", r))
	}
	first, last := a.store.Record[len(a.store.Record)-3], a.store.Record[len(a.store.Record)-1]
	require.Equal(t, audit.Done, first.Outcome)
	require.Equal(t, "extendTrial", first.Action)
	require.Equal(t, "trials/v-1", first.Subject)
	require.JSONEq(t, `{"days":7}`, string(first.Asked))
	require.JSONEq(t, `{"status":"active","revision":1,"endsAt":"2026-03-30T07:00:00Z","policy":"standard-14d"}`, string(first.After))
	require.Equal(t, "repeats an earlier request, and counts once", last.Detail)
	requireWhole(t, a.store.Record)

	entries := len(a.store.Record)
	v, err := a.store.Vendor(t.Context(), "v-1")
	require.NoError(t, err)
	for reason, code := range map[string]trial.Code{"asked by " + v.Name: trial.CodeInvalid, "asked by a@example.com": trial.CodeInvalid, "": trial.CodeInvalid} {
		err := a.app.ChangeTrialRecorded(t.Context(), trial.MessageExtend, "v-1", trial.Request{ID: "k-2", Days: 7, Reason: reason})
		require.Equal(t, code, app.ErrorOf(err).Code, reason)
	}
	err = a.app.ChangeTrialRecorded(t.Context(), trial.MessageExtend, "nobody", trial.Request{ID: "k-3", Days: 7, Reason: "ill"})
	require.Equal(t, trial.CodeNotFound, app.ErrorOf(err).Code)
	require.Len(t, a.store.Record, entries)
}
