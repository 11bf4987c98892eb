package dashboard_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/sample"
)

// eventful is a trial whose welcome was delivered and first reminder bounced, which was extended and whose next step waits.
func eventful(t *testing.T) (s trial.State, events []trial.Event, sends []trial.Send) {
	t.Helper()
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	v := trial.Vendor{ID: "v-1", Zone: "America/Sao_Paulo", StartedAt: began, Automation: &trial.Automation{Cohort: trial.Automated, RegisteredAt: began}}
	events = []trial.Event{trial.Start(v.Registration(trial.DefaultPolicy(), trial.RealDay), began)}
	s = trial.Fold(events)
	add := func(e trial.Event) { events, s = append(events, e), s.Apply(e) }
	for _, delivery := range []string{trial.DeliveryDone, trial.DeliveryBounce} {
		next, _ := s.Next()
		facts := trial.StepFacts{Now: next.At, AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
		d := trial.Decide(s, next, facts)
		require.True(t, d.Mail)
		add(s.StepEvent(next, d, facts, true))
		sends = append(sends, trial.Send{Key: next.Key("v-1"), VendorID: "v-1", Kind: next.Kind, Revision: next.Revision, Status: trial.SendSent, Delivery: delivery, DeliveryAt: &next.At})
	}
	extended, err := s.Request(trial.MessageExtend, trial.Request{ID: "k", Days: 7, Reason: "asked", By: "ana"}, s.EndsAt.Add(-5*24*time.Hour))
	require.NoError(t, err)
	add(*extended)
	next, _ := s.Next()
	facts := trial.StepFacts{Now: next.At}
	add(s.StepEvent(next, trial.Decide(s, next, facts), facts, false))
	return s, events, sends
}

func TestATimelineSaysWhatHappenedAndWhatComes(t *testing.T) {
	t.Parallel()
	s, events, sends := eventful(t)
	now := s.Held.Since.Add(36 * time.Hour)
	line := dashboard.NewTimeline(s, events, sends, now)
	var said []string
	for i, m := range line.Moments {
		require.Equal(t, i+1, m.No)
		said = append(said, strings.Join([]string{m.Look, m.What, m.Fate}, "|"))
	}
	require.Equal(t, "Sun 2026-03-01 09:00:00 -03", line.Moments[0].Local)
	all := strings.Join(said, "\n")
	inOrder(t, all, "change|trial started, automated cohort", "done|welcome|delivered, 2026-03-01 12:00:00 UTC", "bad|reminder-7d|bounced, 2026-03-08 12:00:00 UTC",
		"change|extended, ends 2026-03-22 12:00:00 UTC", "left|reminder-7d held|automation disabled", "left|reminder-7d|waits: automation disabled", "ahead|reminder-3d|to come", "ahead|expiry|to come", "ahead|grace-end|to come")
	require.Equal(t, trial.Active, line.Spans[0].Status)
	require.False(t, line.Spans[0].Ahead)
	require.Equal(t, now, line.Spans[0].To)
	last := line.Spans[len(line.Spans)-1]
	require.Equal(t, []any{trial.Grace, true, s.GraceEndsAt}, []any{last.Status, last.Ahead, last.To})
}

var numbered = regexp.MustCompile(`<text x="(\d+)" y="\d+"[^>]*>([^<]+)</text>`)

// Distances in the picture are those in time, and days begin on the vendor's clock.
func TestATimelineIsToScale(t *testing.T) {
	t.Parallel()
	s, events, sends := eventful(t)
	line := dashboard.NewTimeline(s, events, sends, s.Held.Since.Add(36*time.Hour))
	at := map[string]float64{}
	for _, found := range numbered.FindAllStringSubmatch(string(line.SVG()), -1) {
		x, err := strconv.ParseFloat(found[1], 64)
		require.NoError(t, err)
		at[found[2]] = x
	}
	first, last := line.Moments[0], line.Moments[len(line.Moments)-1]
	unit := (at[strconv.Itoa(last.No)] - at["1"]) / last.At.Sub(first.At).Hours()
	for _, m := range line.Moments {
		if x, drawn := at[strconv.Itoa(m.No)]; drawn {
			require.InDelta(t, at["1"]+unit*m.At.Sub(first.At).Hours(), x, 1.5, m.What)
		}
	}
	ticks := 0
	for label, x := range at {
		if day, err := time.Parse("2 Jan 2006", label+" 2026"); err == nil {
			ticks++
			require.InDelta(t, at["1"]+unit*day.Add(3*time.Hour).Sub(first.At).Hours(), x, 1.5, label)
		}
	}
	require.Greater(t, ticks, 2)
	require.Contains(t, string(line.SVG()), "03:00 UTC")
}

func TestATrialThatIsOverEndsItsTimeline(t *testing.T) {
	t.Parallel()
	s, events, sends := eventful(t)
	e, err := s.Request(trial.MessageCancel, trial.Request{ID: "k-2", Reason: "asked", By: "ana"}, s.Held.Since.Add(time.Hour))
	require.NoError(t, err)
	events, s = append(events, *e), s.Apply(*e)
	line := dashboard.NewTimeline(s, events, sends, e.At.Add(1000*24*time.Hour))
	require.NotContains(t, string(line.SVG()), ">now<", "it is far away")
	require.Equal(t, e.At, line.Spans[len(line.Spans)-1].To)
	s.Zone = "Mars"
	require.Empty(t, dashboard.NewTimeline(s, events, sends, e.At).Zone)
}

func TestATrialsPageDrawsItsTimeline(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	a := s.get("/admin/trials/vendor-013")
	require.Equal(t, 1, strings.Count(a.body, "<svg xmlns"))
	inOrder(t, a.text(), "All of it, to scale", "Days begin at midnight in Europe/Lisbon", "As a table", "trial started", "welcome", "delivered", "to come", "What comes next")
	require.Less(t, len(a.body), 100<<10)
	require.Contains(t, a.body, `href="/admin/audit?subject=vendors/vendor-013"`)
	require.Contains(t, a.body, `href="/admin/policies#policy-standard-14d"`)
}
