package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/test/system"
)

const alerts = "/api/admin/monitoring/alerts"

// technicalLead is a file of stakeholders with one who gets every technical notice.
func technicalLead(t *testing.T, address string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stakeholders.yaml")
	text := "stakeholders:\n  - {role: lead-developer, name: The lead, email: " + address + "}\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// alertsFile is a configuration of the alerts.
func alertsFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "alerts.json")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// alert is how an alert stands, as the API tells.
func (s *scenario) alert(id monitoring.RuleID) (monitoring.AlertView, error) {
	s.t.Helper()
	a, err := s.Admin(s.ctx, http.MethodGet, alerts, nil)
	s.answered(http.StatusOK, a, err)
	var all monitoring.AlertsView
	require.NoError(s.t, a.Into(&all))
	for _, one := range all.Alerts {
		if one.Rule.ID == id {
			return one, nil
		}
	}
	return monitoring.AlertView{}, fmt.Errorf("there is no alert %s", id)
}

// happened is what happened to an alert.
func (s *scenario) happened(id monitoring.RuleID) []monitoring.AlertEvent {
	s.t.Helper()
	a, err := s.Admin(s.ctx, http.MethodGet, alerts+"/"+string(id)+"/history?after=0&limit=200", nil)
	s.answered(http.StatusOK, a, err)
	var h struct {
		Events []monitoring.AlertEvent `json:"events"`
	}
	require.NoError(s.t, a.Into(&h))
	return h.Events
}

// awaitAlert waits until so much has happened to an alert, and returns the last of it.
func (s *scenario) awaitAlert(limit time.Duration, id monitoring.RuleID, what monitoring.AlertEventType, events int) monitoring.AlertEvent {
	s.t.Helper()
	var last monitoring.AlertEvent
	eventually(s.t, limit, func() error {
		h := s.happened(id)
		if len(h) < events {
			one, err := s.alert(id)
			return errors.Join(fmt.Errorf("%d events, not %d; %s", len(h), events, one.Text), err)
		}
		last = h[events-1]
		return nil
	})
	require.Equal(s.t, what, last.Type, "%+v", last)
	return last
}

// subjects are those of the e-mails to one address, oldest first.
func (s *scenario) subjects(address string) []string {
	s.t.Helper()
	messages, err := s.Messages(s.ctx, address)
	require.NoError(s.t, err)
	all := []string{}
	for _, m := range messages {
		if strings.HasPrefix(m.Subject, "Trial alert") {
			all = append(all, m.Subject)
		}
	}
	return all
}

// awaitSubjects waits until so many have come: an event is on record before its e-mail leaves.
func (s *scenario) awaitSubjects(address string, n int) {
	s.t.Helper()
	eventually(s.t, soon, func() error {
		if all := s.subjects(address); len(all) < n {
			return fmt.Errorf("%d e-mails of %d have come: %q", len(all), n, all)
		}
		return nil
	})
}

// crowdOf registers so many vendors at once, the first few of them with
// addresses that bounce.
func (s *scenario) crowdOf(name string, n, bouncing int) {
	s.t.Helper()
	for i := range n {
		id := s.vendor(fmt.Sprintf("%s%02d", name, i))
		address := email(id)
		if i < bouncing {
			address = id + "+bounce@vendors.example.com"
		}
		s.registerAt(id, address)
	}
}

func TestBouncesTurnTheFigureAndNotifyOncePerCooldownUntilTheyAreOver(t *testing.T) {
	lead := "lead-" + strings.ToLower(t.Name()[:8]) + "@example.com"
	// 180 minutes of a day of 24 hours are 15 seconds of one of two minutes.
	s := begin(t, system.Options{Day: 2 * time.Minute, Env: []string{
		"STAKEHOLDERS=" + technicalLead(t, lead), "ALERTS_CONFIG=" + alertsFile(t, `{"alerts": {"emailDeliveryRateLow": {"cooldown": 180, "severity": "high"}}}`),
	}})
	const cooldown = 15 * time.Second
	s.crowdOf("a", 25, 3)
	fired := s.awaitAlert(soon, monitoring.EmailDeliveryRateLow, monitoring.AlertFired, 1)
	require.True(t, fired.Notified)
	require.InDelta(t, 95, fired.Threshold, 0)

	eventually(t, soon, func() error {
		one, err := s.alert(monitoring.EmailDeliveryRateLow)
		if err == nil && (one.Value == nil || *one.Value != 88 || one.Seen != 25) {
			err = fmt.Errorf("not all is known yet: %s", one.Text)
		}
		return err
	})
	require.Equal(t, monitoring.Figure{
		ID: monitoring.EmailDeliveryRate, Numerator: 22, Denominator: 25, Level: monitoring.PastFloor,
	}, s.figure(monitoring.EmailDeliveryRate))

	repeated := s.awaitAlert(soon, monitoring.EmailDeliveryRateLow, monitoring.AlertRepeated, 2)
	require.GreaterOrEqual(t, repeated.At.Sub(fired.At), cooldown)
	require.Less(t, repeated.At.Sub(fired.At), cooldown+soon)

	one, err := s.alert(monitoring.EmailDeliveryRateLow)
	require.NoError(t, err)
	require.Equal(t, monitoring.AlertFiring, one.Status)
	s.crowdOf("b", 40, 0) // 62 of 65 are 95.4 %
	events := 2
	eventually(t, soon, func() error {
		h := s.happened(monitoring.EmailDeliveryRateLow)
		if events = len(h); h[events-1].Type != monitoring.AlertCleared {
			one, _ := s.alert(monitoring.EmailDeliveryRateLow)
			return fmt.Errorf("it still fires: %s", one.Text)
		}
		return nil
	})
	cleared := s.awaitAlert(soon, monitoring.EmailDeliveryRateLow, monitoring.AlertCleared, events)
	require.Equal(t, monitoring.ReasonWithin, cleared.Reason)
	require.True(t, cleared.Notified)

	s.awaitSubjects(lead, events)
	pause(t, 5*time.Second) // nothing more may happen
	h := s.happened(monitoring.EmailDeliveryRateLow)
	require.Len(t, h, events)
	for i, e := range h[1 : events-1] {
		require.Equal(t, monitoring.AlertRepeated, e.Type)
		require.GreaterOrEqual(t, e.At.Sub(h[i].At), cooldown)
	}
	subjects := s.subjects(lead)
	require.Len(t, subjects, events, "each is notified once")
	require.Equal(t, "Trial alert, high: e-mail delivery rate is low", subjects[0])
	require.Equal(t, "Trial alert, high: still firing, e-mail delivery rate is low", subjects[1])
	require.Equal(t, "Trial alert over: e-mail delivery rate is low", subjects[events-1])
}

// figure is a figure of all, with how it stands alone.
func (s *scenario) figure(id monitoring.FigureID) monitoring.Figure {
	s.t.Helper()
	a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/monitoring/trials/metrics", nil)
	s.answered(http.StatusOK, a, err)
	var m struct {
		Report monitoring.Report `json:"report"`
	}
	require.NoError(s.t, a.Into(&m))
	for _, f := range m.Report.Figures {
		if f.ID == id {
			return monitoring.Figure{ID: f.ID, Numerator: f.Numerator, Denominator: f.Denominator, Level: f.Level}
		}
	}
	return monitoring.Figure{}
}

// running waits until so many trials have begun.
func (s *scenario) running(n int) {
	s.t.Helper()
	eventually(s.t, soon, func() error {
		a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/trials?limit=100", nil)
		s.answered(http.StatusOK, a, err)
		var page struct {
			Trials []json.RawMessage `json:"trials"`
		}
		require.NoError(s.t, a.Into(&page))
		if len(page.Trials) != n {
			return fmt.Errorf("%d trials have begun", len(page.Trials))
		}
		return nil
	})
}

func TestSixtyExpiriesInAnHourNotify(t *testing.T) {
	lead := "lead-" + strings.ToLower(t.Name()[:8]) + "@example.com"
	s := begin(t, system.Options{Day: 8 * time.Second, Env: []string{
		"STAKEHOLDERS=" + technicalLead(t, lead),
		// On a busy machine they may end one after the other for longer than an hour: it is notified once.
		"ALERTS_CONFIG=" + alertsFile(t, `{"alerts": {"massTrialExpiration": {"threshold": 5, "cooldown": 1440}}}`),
	}})
	s.rollout(true, 0)                  // e-mails would wait for the account's rate
	since := time.Now().Add(-9 * s.Day) // the first days show nothing
	for i := range 60 {
		id := s.vendor(fmt.Sprintf("e%02d", i))
		a, err := s.Service(s.ctx, http.MethodPost, "/api/vendors",
			map[string]any{"id": id, "email": email(id), "name": "Vendor " + id, "registeredAt": since.UTC().Format(time.RFC3339Nano)})
		s.answered(http.StatusCreated, a, err)
	}
	s.running(60)
	// The trials keep the short days that they began with, so that they are soon over.
	// For the next worker an hour lasts six seconds, in which also a busy machine ends some of them; both keep slots of
	// a second.
	s.StopWorker()
	s.WorkerEnv = []string{"TRIAL_DAY=144s"}
	require.NoError(t, s.StartWorker(s.ctx))
	require.Empty(t, s.happened(monitoring.MassTrialExpiration))
	fired := s.awaitAlert(wholeLife, monitoring.MassTrialExpiration, monitoring.AlertFired, 1)
	require.GreaterOrEqual(t, fired.Observation.Seen, 5)
	require.LessOrEqual(t, fired.Observation.Seen, 60)
	cleared := s.awaitAlert(soon, monitoring.MassTrialExpiration, monitoring.AlertCleared, 2)
	require.Equal(t, monitoring.ReasonWithin, cleared.Reason)
	s.awaitSubjects(lead, 2)
	pause(t, 3*time.Second) // to be notified twice
	require.Equal(t, []string{"Trial alert, medium: many trials expire at once", "Trial alert over: many trials expire at once"}, s.subjects(lead))
	require.Len(t, s.happened(monitoring.MassTrialExpiration), 2)
}

func TestAMissingWorkerIsReportedWithoutOne(t *testing.T) {
	lead := "lead-" + strings.ToLower(t.Name()[:8]) + "@example.com"
	var mu sync.Mutex
	var posted []string
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		posted = append(posted, r.Header.Get("Idempotency-Key"))
	}))
	t.Cleanup(hook.Close)
	people := filepath.Join(t.TempDir(), "stakeholders.yaml")
	require.NoError(t, os.WriteFile(people, fmt.Appendf(nil, "stakeholders:\n  - {role: lead-developer, email: %s, webhook: \"%s/hook\"}\n", lead, hook.URL), 0o600))
	// 1440 minutes of a day of 24 hours are ten minutes of this one: it is notified once.
	s := begin(t, system.Options{Day: 10 * time.Minute, Env: []string{
		"STAKEHOLDERS=" + people, "WEBHOOK_SECRET=" + strings.Repeat("k", 32), "ALERTS_CONFIG=" + alertsFile(t, `{"alerts": {"workerAway": {"cooldown": 1440}}}`),
	}})
	eventually(t, soon, func() error {
		one, err := s.alert(monitoring.WorkerAway)
		if err == nil && one.Value == nil {
			err = errors.New("nobody has looked yet")
		}
		return err
	})
	s.StopWorker()
	fired := s.awaitAlert(wholeLife+soon, monitoring.WorkerAway, monitoring.AlertFired, 1)
	require.Contains(t, fired.Observation.Text, "0 of 1 workers poll for work; the last sign of life is ")
	eventually(t, soon, func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(posted) != 1 {
			return fmt.Errorf("posted: %v", posted)
		}
		return nil
	})
	require.Empty(t, s.subjects(lead), "e-mails wait for a worker")

	require.NoError(t, s.StartWorker(s.ctx))
	cleared := s.awaitAlert(soon, monitoring.WorkerAway, monitoring.AlertCleared, 2)
	require.Equal(t, monitoring.ReasonWithin, cleared.Reason)
	eventually(t, soon, func() error {
		subjects := s.subjects(lead)
		mu.Lock()
		defer mu.Unlock()
		if len(subjects) != 1 || len(posted) != 2 {
			return fmt.Errorf("told: %v, posted: %v", subjects, posted)
		}
		return nil
	})
	require.Equal(t, []string{"Trial alert over: a worker is missing"}, s.subjects(lead), "one e-mail of what is over by now")
}
