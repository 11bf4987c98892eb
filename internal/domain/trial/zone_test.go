package trial_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func parseTime(t *testing.T, zone, text string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	require.NoError(t, err)
	at, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
	require.NoError(t, err)
	return at.UTC()
}

func pendingAt(s trial.State) map[trial.Kind]time.Time {
	all := map[trial.Kind]time.Time{}
	for _, step := range s.Pending() {
		all[step.Kind] = step.At
	}
	return all
}

// A vendor who moves during a trial is reminded in the morning of the new zone; what was sent is not sent again.
func TestAMoveToAnotherZonePlansTheRemainingRemindersAnew(t *testing.T) {
	t.Parallel()
	startedAt := parseTime(t, "America/Los_Angeles", "2026-03-02 18:00")
	s := trial.NewState(trial.Registration{VendorID: "v", Cohort: trial.Automated, Policy: trial.DefaultPolicy(), Day: trial.RealDay, Zone: "America/Los_Angeles", At: startedAt})
	for range 2 { // the welcome and the first reminder
		step, _ := s.Next()
		f := trial.StepFacts{Now: step.At, AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
		s = s.Apply(s.StepEvent(step, trial.Decide(s, step, f), f, true))
	}
	end, grace := s.EndsAt, s.GraceEndsAt
	now := s.Steps[1].At.Add(time.Hour)
	e := s.Rezone("Asia/Tokyo", now)
	require.NotNil(t, e)
	after := s.Apply(*e)
	require.Equal(t, end, after.EndsAt, "what was promised stays")
	require.Equal(t, 1, after.Revision)
	require.Equal(t, map[trial.Kind]time.Time{
		trial.Reminder(3): parseTime(t, "Asia/Tokyo", "2026-03-14 09:00"), trial.Reminder(1): parseTime(t, "Asia/Tokyo", "2026-03-16 09:00"),
		trial.Expiry: end, trial.GraceEnd: grace,
	}, pendingAt(after))
	next, _ := after.Next()
	f := trial.StepFacts{Now: next.At.Add(time.Minute), AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
	require.Equal(t, trial.Run, trial.Decide(after, next, f).Action)
	require.Nil(t, after.Rezone("Asia/Tokyo", now))

	for _, zone := range []string{"", "Local", "Mars/Olympus", "America/Los_Angeles"} {
		require.Nil(t, s.Rezone(zone, now), zone)
	}
	s.Day = time.Second
	require.Nil(t, s.Rezone("Asia/Tokyo", now), "hours mean nothing where time is compressed")
}

// A new end is planned in the zone of now.
func TestAnExtensionPlansInTheZoneOfNow(t *testing.T) {
	t.Parallel()
	startedAt := parseTime(t, "America/Los_Angeles", "2026-03-02 18:00")
	s := trial.NewState(trial.Registration{VendorID: "v", Cohort: trial.Automated, Policy: trial.DefaultPolicy(), Day: trial.RealDay, Zone: "America/Los_Angeles", At: startedAt})
	e, err := s.Request(trial.MessageExtend, trial.Request{ID: "r", Days: 7, Reason: "asked", By: "bob"}, startedAt.Add(time.Hour))
	require.NoError(t, err)
	e.Zone = "Europe/Paris"
	after := s.Apply(*e)
	require.Equal(t, "Europe/Paris", after.Zone)
	require.Equal(t, 9, pendingAt(after)[trial.Reminder(3)].In(must(time.LoadLocation("Europe/Paris"))).Hour())
}

func must(loc *time.Location, err error) *time.Location {
	if err != nil {
		panic(err)
	}
	return loc
}
