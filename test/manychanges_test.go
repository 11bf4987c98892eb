package test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/test/system"
)

// Two hundred changes by operators at once are all carried out, each with its outcome on record, and
// the kill switch among them does not wait for them.
func TestTwoHundredChangesAtOnceAndTheKillSwitchAmongThem(t *testing.T) {
	s := beginAlone(t, system.Options{Day: time.Hour})
	var ids []string
	for i := range 10 {
		ids = append(ids, s.vendor(fmt.Sprintf("m%02d", i)))
		s.register(ids[i])
	}
	const many = 200
	change := func(i int) (system.Answer, error) {
		if i%4 == 0 {
			return system.Call(s.ctx, http.MethodPost, s.API+"/api/admin/trials/"+ids[i/4%len(ids)]+"/extend", s.Secrets.AdminToken,
				map[string]any{"days": 1, "reason": "asked for it"}, http.Header{"Idempotency-Key": {fmt.Sprint("many-", i)}})
		}
		return s.Admin(s.ctx, http.MethodPatch, "/api/admin/feature-flags",
			map[string]any{"featureFlags": map[string]any{"monitoring": map[string]any{"alerting": i%2 == 0}}})
	}
	answers, errs, answered := make([]system.Answer, many), make([]error, many), make(chan struct{}, many)
	began := time.Now()
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			answers[i], errs[i] = change(i)
			answered <- struct{}{}
		})
	}
	for range many / 20 { // the others are under way
		<-answered
	}
	pressed := time.Now()
	s.rollout(false, 0)
	stopped := time.Since(pressed)
	all.Wait()
	whole := time.Since(began)
	t.Logf("%d changes took %s, the kill switch among them %s", many, whole, stopped)
	for i, a := range answers {
		s.answered(http.StatusOK, a, errs[i])
	}
	require.Less(t, stopped, max(time.Second, whole/4))
	a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/feature-flags", nil)
	s.answered(http.StatusOK, a, err)
	require.Contains(t, string(a.Body), `"trialAutomation":{"enabled":false`)

	open, entries := audit.Unsettled{}, s.onRecord()
	for _, e := range slices.Backward(entries) {
		open.Apply(e)
	}
	require.Empty(t, open)
	require.GreaterOrEqual(t, len(entries), 2*(many+1))
}

// onRecord are all entries of the audit record, the latest first.
func (s *scenario) onRecord() (entries []audit.Entry) {
	s.t.Helper()
	for cursor := ""; ; {
		a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/audit?limit=500"+cursor, nil)
		s.answered(http.StatusOK, a, err)
		var page rest.AuditPage
		require.NoError(s.t, a.Into(&page))
		entries = append(entries, page.Entries...)
		if page.NextCursor == "" {
			return entries
		}
		cursor = "&cursor=" + page.NextCursor
	}
}
