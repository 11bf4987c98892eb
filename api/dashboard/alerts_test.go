package dashboard_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/test/sample"
)

func TestTheAlertsOnTheOverview(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	a := s.get("/admin/")
	_, list, _ := strings.Cut(a.text(), " Alerts ")
	inOrder(t, list, "not measured conversionRateDropped", "firing emailDeliveryFailed 9 e-mails", "quiet massTrialExpiration",
		"firing emailDeliveryRateLow", "Acknowledged by admin: One provider defers; support writes to it.", "quiet watchMissed", "firing workerAway",
		"firing reconcilerFinds", "Silenced by admin until 2026-03-14 14:20:00 UTC: Temporal is being moved.", "not measured backupLate", "Health")
	for _, id := range monitoring.RuleIDs() {
		require.Contains(t, a.body, `href="/admin/alerts/`+string(id)+`"`)
	}
}

func TestAnAlertSaysWhatHappenedAndWhy(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	inOrder(t, s.get("/admin/alerts/emailDeliveryFailed").text(), "Alert emailDeliveryFailed", "firing E-mails are not delivered. 9 e-mails", "What to do: Look in the collection sends",
		"Acknowledge …", "Silence …", "Threshold fires at 8 or more", "Told again after 15 minutes", "lead developer, devops", "Fires since 2026-03-14 09:45:00 UTC (35 minutes ago)",
		"3 2026-03-14 10:15:00 UTC", "repeated still beyond threshold 8: 9 e-mails", "yes", "1 2026-03-14 09:45:00 UTC", "fired beyond threshold 8: 8 e-mails", "yes")
	quiet := s.get("/admin/alerts/watchMissed").text()
	inOrder(t, quiet, "quiet 0 consecutive watches", "Over since", "cleared within threshold 3", "fired beyond threshold 3: 4 consecutive watches", "yes")
	require.NotContains(t, quiet, "What to do", "it is over")
	require.NotContains(t, quiet, "Acknowledge …", "there is nothing to acknowledge")
	inOrder(t, s.get("/admin/alerts/reconcilerFinds").text(), "Silenced by admin until 2026-03-14 14:20:00 UTC: Temporal is being moved.", "End the silence …",
		"silenced Temporal is being moved (admin), until 2026-03-14 14:20:00 UTC", "no")
	inOrder(t, s.get("/admin/alerts/backupLate").text(), "not measured No backup is on record.", "Looked at", "(20 seconds ago)", "never", "Nothing yet.")
	require.Equal(t, http.StatusNotFound, s.get("/admin/alerts/nothing").status)
	require.Equal(t, http.StatusNotFound, s.get("/admin/alerts/nothing/silence").status)
	require.Equal(t, http.StatusNotFound, s.get("/admin/alerts/workerAway/forget").status)

	for range 30 {
		values := s.filledAt("/admin/alerts/backupLate/silence", "again")
		values.Set("minutes", "60")
		require.Equal(t, http.StatusSeeOther, s.post("/admin/alerts/backupLate/silence", values).status)
		s.world.Moment = s.world.Moment.Add(time.Minute)
	}
	a := s.get("/admin/alerts/backupLate")
	require.Contains(t, a.text(), "10 earlier events are in the API")
	require.Contains(t, a.body, `id="event-30"`)
	require.Contains(t, a.body, `id="event-11"`)
	require.NotContains(t, a.body, `id="event-10"`)
}

func TestAcknowledgingAndSilencing(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	send := func(path, reason string, more url.Values) answer {
		values := s.filledAt(path, reason)
		maps.Copy(values, more)
		return s.post(path, values)
	}
	a := send("/admin/alerts/workerAway/acknowledge", "I start\r\nanother one", nil)
	require.Equal(t, http.StatusSeeOther, a.status, a.text())
	require.Equal(t, "/admin/alerts/workerAway?asked=acknowledge", a.header.Get("Location"))
	inOrder(t, s.get(a.header.Get("Location")).text(), "It is acknowledged.", "Acknowledged by admin: I start another one.", "acknowledged I start another one (admin)")
	require.NotContains(t, s.get("/admin/").text(), "Wrong Alert workerAway", "somebody sees to it")

	a = send("/admin/alerts/workerAway/silence", "it will take a while", url.Values{"minutes": {"480"}})
	require.Equal(t, http.StatusSeeOther, a.status, a.text())
	require.Contains(t, s.get("/admin/alerts/workerAway").text(), "Silenced by admin until 2026-03-14 18:20:00 UTC: it will take a while.")
	s.world.Moment = s.world.Moment.Add(30 * time.Second)
	a = send("/admin/alerts/workerAway/silence", "it will take a while", url.Values{"minutes": {"480"}})
	require.Equal(t, http.StatusSeeOther, a.status, "the same form again counts once")
	require.Len(t, s.world.AlertHistory[monitoring.WorkerAway], 3)

	a = send("/admin/alerts/workerAway/unsilence", "it is back", nil)
	require.Equal(t, http.StatusSeeOther, a.status, a.text())
	require.NotContains(t, s.get("/admin/alerts/workerAway").text(), "Silenced by admin until")
	for i, r := range s.world.Answered {
		require.Equal(t, []monitoring.AlertControl{"acknowledge", "silence", "silence", "unsilence"}[i], r.Control)
	}
}

// What is wrong is said beside it, what was entered stays, and nothing is done.
func TestARefusedControlOfAnAlertChangesNothing(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	const path = "/admin/alerts/workerAway/"
	a := s.post(path+"acknowledge", s.filledAt(path+"acknowledge", "  "))
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "The reason is missing.")
	require.Contains(t, a.body, `aria-invalid="true"`)

	silence := s.filledAt(path+"silence", strings.Repeat("x", 501))
	silence.Set("minutes", "1440")
	a = s.post(path+"silence", silence)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "must be at most 500 characters")
	require.Contains(t, a.body, strings.Repeat("x", 501))
	require.Contains(t, a.body, `value="1440" checked`)
	silence.Set("reason", "known")
	for _, wrong := range []string{"", "x", "7", "-60", "100800"} {
		silence.Set("minutes", wrong)
		a = s.post(path+"silence", silence)
		require.Equal(t, http.StatusBadRequest, a.status, wrong)
		require.Contains(t, a.text(), "length must be chosen.")
	}

	stale := s.filledAt(path+"acknowledge", "on it")
	stale.Set("seen", "1")
	a = s.post(path+"acknowledge", stale)
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.text(), "it has fired or cleared since this page was opened: reload it")

	require.Contains(t, s.get("/admin/alerts/backupLate/acknowledge").text(), "This does not apply now.")
	a = s.post("/admin/alerts/backupLate/acknowledge", s.filledAt("/admin/alerts/backupLate/acknowledge", "r"))
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.text(), "Nothing was done: backupLate does not fire")

	foreign := form(path+"acknowledge", s.filledAt(path+"acknowledge", "r"))
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	require.Equal(t, http.StatusForbidden, s.send(foreign).status)
	require.Empty(t, s.world.Answered)
}

func TestAFormOfAnAlertActsOnlyOnTheStateThatItShowed(t *testing.T) {
	t.Parallel()
	for control, other := range map[string]string{"acknowledge": "silence", "silence": "acknowledge"} {
		s := signedIn(t, sample.Busy())
		path := "/admin/alerts/workerAway/"
		form := func(control string) url.Values {
			values := s.filledAt(path+control, "r")
			values.Set("minutes", "60")
			return values
		}
		seen := form(control)
		require.Equal(t, http.StatusSeeOther, s.post(path+other, form(other)).status)
		a := s.post(path+control, seen)
		require.Equal(t, http.StatusConflict, a.status, control)
		require.Contains(t, a.text(), "Nothing was done: somebody has acknowledged or silenced it")
		require.Len(t, s.world.Answered, 1)
	}
	for _, alert := range []string{"workerAway", "backupLate"} { // the latter has never fired
		s := signedIn(t, sample.Busy())
		values := s.filledAt("/admin/alerts/"+alert+"/silence", "r")
		values.Set("minutes", "60")
		values.Del("seen")
		require.Equal(t, http.StatusConflict, s.post("/admin/alerts/"+alert+"/silence", values).status, "a form without a state is of none")
		require.Empty(t, s.world.Answered)
	}
}

func TestThePageShowsThatAlertsCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*sample.World, *flags.Monitoring)
		says   string
	}{
		"nobody looks":   {func(_ *sample.World, m *flags.Monitoring) { m.Enabled = false }, "Note Nobody looks at the alerts The flag monitoring.enabled is off"},
		"late":           {func(w *sample.World, _ *flags.Monitoring) { w.Moment = w.Moment.Add(time.Hour) }, "Wrong Nobody has looked at the alerts lately"},
		"not judged":     {func(_ *sample.World, m *flags.Monitoring) { m.TrialMetrics = false }, "Note Alerts about trials and e-mails are not judged"},
		"nobody is told": {func(_ *sample.World, m *flags.Monitoring) { m.Alerting = false }, "Note Nobody is notified of alerts"},
	} {
		w := sample.Empty()
		c.change(w, &w.Document.FeatureFlags.Monitoring)
		s := signedIn(t, w)
		for _, path := range []string{"/admin/", "/admin/alerts/backupLate"} {
			require.Contains(t, s.get(path).text(), c.says, "%s at %s", name, path)
		}
	}
}

// A part of which nothing is known since another is away is left to that one.
func TestTheCulpritIsNamedAlone(t *testing.T) {
	t.Parallel()
	w := sample.Empty()
	gone := monitoring.Reply{Took: time.Second, Failure: monitoring.NoAnswer}
	w.Assessed = monitoring.Assess(monitoring.Probes{Temporal: gone, Worker: monitoring.WorkerProbe{Queue: gone}, Mail: monitoring.MailProbe{
		MailAccount: monitoring.MailAccount{Sending: true, Quota: -1}}, Reconciler: monitoring.ReconcilerProbe{Last: w.Moment}}, monitoring.Health{}, w.Moment)
	s := signedIn(t, w)
	text := s.get("/admin/").text()
	require.Contains(t, text, "Wrong temporal: unhealthy")
	require.NotContains(t, text, "worker: unknown")
	w.Assessed.Parts[1].State = monitoring.Healthy
	require.Contains(t, s.get("/admin/").text(), "Note worker: unknown", "it is the worker's own trouble then")
}

func TestOneKilledWorkerIsOneTrouble(t *testing.T) {
	t.Parallel()
	w := sample.Empty()
	long := w.Moment.Add(-20 * time.Minute)
	well := monitoring.Reply{Took: time.Millisecond}
	w.Assessed = monitoring.Assess(monitoring.Probes{
		MongoDB: well, Temporal: well, Flags: well, Mail: monitoring.MailProbe{Reply: well, MailAccount: monitoring.MailAccount{Sending: true, Quota: -1}},
		Worker:     monitoring.WorkerProbe{Queue: well, Noted: well, TaskQueue: monitoring.TaskQueue{Polled: w.Moment.Add(-4 * time.Minute)}},
		Reconciler: monitoring.ReconcilerProbe{Reply: well, Last: long},
	}, monitoring.Health{}, w.Moment)
	firing := monitoring.NewAlert(monitoring.WorkerAway)
	firing.Status, firing.EvaluatedAt = monitoring.AlertFiring, w.Moment
	w.Alerts[monitoring.WorkerAway] = firing
	a := signedIn(t, w).get("/admin/")
	require.Equal(t, 1, strings.Count(a.body, `<li class="trouble`))
	inOrder(t, a.text(), "Wrong worker: unhealthy", "What to do: Start the worker", "What follows from it:", "reconciler: unhealthy.", "Alert workerAway: A worker is missing.")
}

// failingHealth cannot tell.
type failingHealth struct{}

func (failingHealth) Health(context.Context) (monitoring.Health, error) {
	return monitoring.Health{}, errors.New("nobody knows")
}

func TestUnknownHealthIsNoHealth(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Empty(), func(o *dashboard.Options) { o.Health = failingHealth{} })
	text := s.get("/admin/").text()
	require.Contains(t, text, "Health Not known: it could not be found out.")
	require.NotContains(t, text, "Nothing is known to be wrong.")
}
