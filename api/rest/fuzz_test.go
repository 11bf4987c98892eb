package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// Whatever is sent, the answer is a vendor that is in order or a problem, and
// only the former is stored.
func FuzzRegisterVendor(f *testing.F) {
	for _, c := range registrations(serviceToken) {
		f.Add(c.request.body)
	}
	f.Add(ada)
	f.Add(`{"id":"v-9","email":"a@example.com","name":"A","timezone":"UTC","registeredAt":"2026-03-10T12:00:00.123456789+14:00"}`)
	store := newStore()
	handler, err := rest.New(rest.Options{
		App: app.New(app.Options{
			Store: store, Trials: &workflows{store: store, now: present.Local},
			Policies: policy.BuiltIn(), Day: trial.RealDay, Now: present.Local, Log: zap.NewNop(),
		}),
		Mail: mails{}, Look: neutralLook, Calls: nobody{}, Callers: callers(f, store, nil), Log: zap.NewNop(),
	})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body string) {
		fresh := newStore()
		store.Store, store.audits = fresh.Store, fresh.audits
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/vendors", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+serviceToken)
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusCreated {
			require.Contains(t, []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge}, w.Code, "%s", w.Body)
			var p rest.Problem
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p))
			require.NotEmpty(t, *p.Detail)
			require.Empty(t, store.VendorsByID)
			return
		}
		require.Len(t, store.VendorsByID, 1)
		for id, v := range store.VendorsByID {
			require.True(t, trial.ValidVendorID(id))
			require.NotContains(t, v.Email+v.Name, "\n")
			require.Contains(t, v.Email, "@")
			require.NotEmpty(t, strings.TrimSpace(v.Name))
			require.True(t, v.Zone == "" || trial.ValidZone(v.Zone))
			require.WithinDuration(t, present, v.StartedAt, 18*trial.RealDay)
		}
	})
}
