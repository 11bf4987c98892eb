package dashboard_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/test/sample"
)

func TestTheHistoryOfAllAlerts(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	a := s.get("/admin/alerts")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, `role="img" aria-label="When alerts fired, from 2026-02-12 10:20:00 UTC to 2026-03-14 10:20:00 UTC: 5 of 13 alerts, 5 times in all; 4 fire now.`)
	inOrder(t, a.text(), "When they fired, the last 30 days", "Not drawn, for nothing happened to them: conversionRateDropped, massTrialExpiration,", "firing emailDeliveryFailed fired once, and does now.", "firing reconcilerFinds fired once, and does now, was silenced.",
		"What happened", "2026-03-14 10:15:00 UTC (5 minutes ago) emailDeliveryFailed repeated", "2026-03-13 09:20:00 UTC (25 hours ago) watchMissed cleared")
	require.NotContains(t, a.text(), "Left out")
	require.Contains(t, s.get("/admin/").body, `href="/admin/alerts"`)

	wrong := s.get("/admin/alerts?days=8")
	require.Equal(t, http.StatusBadRequest, wrong.status)
	require.Contains(t, wrong.text(), "days: must be one of [7 30 90]")
	require.Contains(t, s.get("/admin/alerts?days=90").body, `value="90" checked`)
	inOrder(t, signedIn(t, sample.Empty()).get("/admin/alerts").text(), "No alert has fired, and nobody has silenced one.", "Nothing in 30 days.")
	require.Equal(t, http.StatusServiceUnavailable, signedIn(t, sample.Broken()).get("/admin/alerts").status)
}

// An alert that fires all the time costs no more than its latest events, and the page says from when on it is drawn.
func TestTheHistoryOfAlertsIsBounded(t *testing.T) {
	t.Parallel()
	w := sample.Busy()
	for i := range 200 {
		alert, e, seen := w.AlertOf(monitoring.CanaryFailed), monitoring.AlertFired, w.Moment.Add(time.Duration(i-300)*time.Hour)
		if i%2 == 1 {
			e = monitoring.AlertCleared
		}
		event := monitoring.AlertEvent{Rule: monitoring.CanaryFailed, Seq: alert.Seq + 1, Type: e, At: seen, Reason: monitoring.ReasonBeyond}
		w.SetAlert(alert.Apply(event), &event)
	}
	s := signedIn(t, w)
	a := s.get("/admin/alerts")
	require.Contains(t, a.text(), "canaryFailed before 2026-03-08 14:20:00 UTC. Its row begins there")
	require.Equal(t, 20+1, strings.Count(a.body, `class="alert-fired"`), "and the one of before")
	require.Less(t, len(a.body), 100<<10)
	require.Less(t, strings.Count(a.body, "<tr>"), 102)
}
