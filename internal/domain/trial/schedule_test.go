package trial_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// schedule joins steps as lines writes them, but to the minute.
func schedule(lines ...string) string { return strings.Join(lines, ":00\n") + ":00\n" }

func TestSchedule(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		registration trial.Registration
		want         string
	}{
		{"unknown zone: exact distances", sample(), schedule(
			"welcome/0 2026-03-02 10:00", "reminder-7d/0 2026-03-09 10:00", "reminder-3d/0 2026-03-13 10:00",
			"reminder-1d/0 2026-03-15 10:00", "expiry/0 2026-03-16 10:00", "grace-end/0 2026-03-19 10:00")},
		{"not a zone: as if unknown", sample(inZone("Mars/Olympus", "2026-03-02 10:00")), schedule(
			"welcome/0 2026-03-02 10:00", "reminder-7d/0 2026-03-09 10:00", "reminder-3d/0 2026-03-13 10:00",
			"reminder-1d/0 2026-03-15 10:00", "expiry/0 2026-03-16 10:00", "grace-end/0 2026-03-19 10:00")},
		{"UTC: at nine", sample(inZone("UTC", "2026-03-02 10:00")), schedule(
			"welcome/0 2026-03-02 10:00", "reminder-7d/0 2026-03-09 09:00", "reminder-3d/0 2026-03-13 09:00",
			"reminder-1d/0 2026-03-15 09:00", "expiry/0 2026-03-16 10:00", "grace-end/0 2026-03-19 10:00")},
		{"Sao Paulo, no summer time any more", sample(inZone("America/Sao_Paulo", "2026-10-10 21:00")), schedule(
			"welcome/0 2026-10-10 21:00", "reminder-7d/0 2026-10-17 12:00", "reminder-3d/0 2026-10-21 12:00",
			"reminder-1d/0 2026-10-23 12:00", "expiry/0 2026-10-24 21:00", "grace-end/0 2026-10-27 21:00")},
		{"Sao Paulo, summer began on 15 October 2017", sample(inZone("America/Sao_Paulo", "2017-10-05 21:00")), schedule(
			"welcome/0 2017-10-05 21:00", "reminder-7d/0 2017-10-12 12:00", "reminder-3d/0 2017-10-16 11:00",
			"reminder-1d/0 2017-10-18 11:00", "expiry/0 2017-10-19 20:00", "grace-end/0 2017-10-22 20:00")},
		{"Sao Paulo, would end in the hour after midnight that was skipped", sample(inZone("America/Sao_Paulo", "2017-10-01 03:30")), schedule(
			"welcome/0 2017-10-01 03:30", "reminder-7d/0 2017-10-08 12:00", "reminder-3d/0 2017-10-12 12:00",
			"reminder-1d/0 2017-10-14 12:00", "expiry/0 2017-10-15 03:30", "grace-end/0 2017-10-18 03:30")},
		{"Sao Paulo, summer ended on 18 February 2018", sample(inZone("America/Sao_Paulo", "2018-02-05 20:00")), schedule(
			"welcome/0 2018-02-05 20:00", "reminder-7d/0 2018-02-12 11:00", "reminder-3d/0 2018-02-16 11:00",
			"reminder-1d/0 2018-02-18 12:00", "expiry/0 2018-02-19 21:00", "grace-end/0 2018-02-22 21:00")},
		{"Berlin into summer", sample(inZone("Europe/Berlin", "2026-03-20 17:00")), schedule(
			"welcome/0 2026-03-20 17:00", "reminder-7d/0 2026-03-27 08:00", "reminder-3d/0 2026-03-31 07:00",
			"reminder-1d/0 2026-04-02 07:00", "expiry/0 2026-04-03 16:00", "grace-end/0 2026-04-06 16:00")},
		{"Berlin into winter", sample(inZone("Europe/Berlin", "2026-10-14 16:00")), schedule(
			"welcome/0 2026-10-14 16:00", "reminder-7d/0 2026-10-21 07:00", "reminder-3d/0 2026-10-25 08:00",
			"reminder-1d/0 2026-10-27 08:00", "expiry/0 2026-10-28 17:00", "grace-end/0 2026-10-31 17:00")},
		{"Berlin, clocks change within the grace", sample(inZone("Europe/Berlin", "2026-03-13 17:00")), schedule(
			"welcome/0 2026-03-13 17:00", "reminder-7d/0 2026-03-20 08:00", "reminder-3d/0 2026-03-24 08:00",
			"reminder-1d/0 2026-03-26 08:00", "expiry/0 2026-03-27 17:00", "grace-end/0 2026-03-30 16:00")},
		{"Berlin, would end in the hour that is skipped", sample(inZone("Europe/Berlin", "2026-03-15 01:30")), schedule(
			"welcome/0 2026-03-15 01:30", "reminder-7d/0 2026-03-22 08:00", "reminder-3d/0 2026-03-26 08:00",
			"reminder-1d/0 2026-03-28 08:00", "expiry/0 2026-03-29 01:30", "grace-end/0 2026-04-01 01:30")},
		{"Berlin, ends in the hour that comes twice", sample(inZone("Europe/Berlin", "2026-10-11 00:30")), schedule(
			"welcome/0 2026-10-11 00:30", "reminder-7d/0 2026-10-18 07:00", "reminder-3d/0 2026-10-22 07:00",
			"reminder-1d/0 2026-10-24 07:00", "expiry/0 2026-10-25 00:30", "grace-end/0 2026-10-28 01:30")},
		{"Berlin, starts when the hour comes again", sample(inZone("Europe/Berlin", "2026-10-25 01:30")), schedule(
			"welcome/0 2026-10-25 01:30", "reminder-7d/0 2026-11-01 08:00", "reminder-3d/0 2026-11-05 08:00",
			"reminder-1d/0 2026-11-07 08:00", "expiry/0 2026-11-08 01:30", "grace-end/0 2026-11-11 01:30")},
		{"Kathmandu, three quarters of an hour", sample(inZone("Asia/Kathmandu", "2026-05-01 08:00")), schedule(
			"welcome/0 2026-05-01 08:00", "reminder-7d/0 2026-05-08 03:15", "reminder-3d/0 2026-05-12 03:15",
			"reminder-1d/0 2026-05-14 03:15", "expiry/0 2026-05-15 08:00", "grace-end/0 2026-05-18 08:00")},
		{"Apia, a day ahead", sample(inZone("Pacific/Apia", "2026-05-01 21:00")), schedule(
			"welcome/0 2026-05-01 21:00", "reminder-7d/0 2026-05-08 20:00", "reminder-3d/0 2026-05-12 20:00",
			"reminder-1d/0 2026-05-14 20:00", "expiry/0 2026-05-15 21:00", "grace-end/0 2026-05-18 21:00")},
		{"Apia, nine o'clock on the day it skipped", sample(inZone("Pacific/Apia", "2011-12-17 10:30")), schedule(
			"welcome/0 2011-12-17 10:30", "reminder-7d/0 2011-12-24 19:00", "reminder-3d/0 2011-12-28 19:00",
			"reminder-1d/0 2011-12-29 10:30", "expiry/0 2011-12-30 10:30", "grace-end/0 2012-01-02 10:30")},
		{"St John's into summer, half an hour", sample(inZone("America/St_Johns", "2026-03-01 15:30")), schedule(
			"welcome/0 2026-03-01 15:30", "reminder-7d/0 2026-03-08 11:30", "reminder-3d/0 2026-03-12 11:30",
			"reminder-1d/0 2026-03-14 11:30", "expiry/0 2026-03-15 14:30", "grace-end/0 2026-03-18 14:30")},
		{"St John's into winter", sample(inZone("America/St_Johns", "2026-10-25 14:30")), schedule(
			"welcome/0 2026-10-25 14:30", "reminder-7d/0 2026-11-01 12:30", "reminder-3d/0 2026-11-05 12:30",
			"reminder-1d/0 2026-11-07 12:30", "expiry/0 2026-11-08 15:30", "grace-end/0 2026-11-11 15:30")},
		{"an hour of sending that is skipped", sample(inZone("Europe/Berlin", "2026-03-22 17:00"), withPolicy(func(p *trial.Policy) { p.SendHour = 2 })), schedule(
			"welcome/0 2026-03-22 17:00", "reminder-7d/0 2026-03-29 01:00", "reminder-3d/0 2026-04-02 00:00",
			"reminder-1d/0 2026-04-04 00:00", "expiry/0 2026-04-05 16:00", "grace-end/0 2026-04-08 16:00")},
		{"an hour of sending that comes twice", sample(inZone("Europe/Berlin", "2026-10-18 16:00"), withPolicy(func(p *trial.Policy) { p.SendHour = 2 })), schedule(
			"welcome/0 2026-10-18 16:00", "reminder-7d/0 2026-10-25 00:00", "reminder-3d/0 2026-10-29 01:00",
			"reminder-1d/0 2026-10-31 01:00", "expiry/0 2026-11-01 17:00", "grace-end/0 2026-11-04 17:00")},
		{"sending at the skipped midnight", sample(inZone("America/Sao_Paulo", "2017-10-08 12:00"), withPolicy(func(p *trial.Policy) { p.SendHour = 0 })), schedule(
			"welcome/0 2017-10-08 12:00", "reminder-7d/0 2017-10-15 03:00", "reminder-3d/0 2017-10-19 02:00",
			"reminder-1d/0 2017-10-21 02:00", "expiry/0 2017-10-22 11:00", "grace-end/0 2017-10-25 11:00")},
		{"ends at half past midnight: the last reminder is the morning before", sample(inZone("Europe/Berlin", "2026-05-01 22:30")), schedule(
			"welcome/0 2026-05-01 22:30", "reminder-7d/0 2026-05-09 07:00", "reminder-3d/0 2026-05-13 07:00",
			"reminder-1d/0 2026-05-15 07:00", "expiry/0 2026-05-15 22:30", "grace-end/0 2026-05-18 22:30")},
		{"short trial: a reminder before its start", sample(inZone("UTC", "2026-03-02 10:00"), withPolicy(func(p *trial.Policy) { p.LengthDays = 7 })), schedule(
			"reminder-7d/0 2026-03-02 09:00", "welcome/0 2026-03-02 10:00", "reminder-3d/0 2026-03-06 09:00",
			"reminder-1d/0 2026-03-08 09:00", "expiry/0 2026-03-09 10:00", "grace-end/0 2026-03-12 10:00")},
		{"short trial, zone unknown: a reminder at its start, after the welcome", sample(withPolicy(func(p *trial.Policy) { p.LengthDays = 7 })), schedule(
			"welcome/0 2026-03-02 10:00", "reminder-7d/0 2026-03-02 10:00", "reminder-3d/0 2026-03-06 10:00",
			"reminder-1d/0 2026-03-08 10:00", "expiry/0 2026-03-09 10:00", "grace-end/0 2026-03-12 10:00")},
		{"no grace", sample(withPolicy(noGrace)), schedule(
			"welcome/0 2026-03-02 10:00", "reminder-7d/0 2026-03-09 10:00", "reminder-3d/0 2026-03-13 10:00",
			"reminder-1d/0 2026-03-15 10:00", "expiry/0 2026-03-16 10:00")},
		{"no reminders", sample(withPolicy(func(p *trial.Policy) { p.ReminderDays = nil })), schedule(
			"welcome/0 2026-03-02 10:00", "expiry/0 2026-03-16 10:00", "grace-end/0 2026-03-19 10:00")},
		{"not automated: its ends alone", sample(control), schedule(
			"expiry/0 2026-03-16 10:00", "grace-end/0 2026-03-19 10:00")},
		{"not automated, no grace", sample(control, withPolicy(noGrace)), schedule(
			"expiry/0 2026-03-16 10:00")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, lines(trial.NewState(tt.registration).Schedule()))
		})
	}
}

func TestScheduleOfACompressedDayIgnoresHours(t *testing.T) {
	t.Parallel()
	r := sample(inZone("Europe/Berlin", "2026-03-02 10:00"), func(r *trial.Registration) { r.Day = 2 * time.Second })
	require.Equal(t, `welcome/0 2026-03-02 10:00:00
reminder-7d/0 2026-03-02 10:00:14
reminder-3d/0 2026-03-02 10:00:22
reminder-1d/0 2026-03-02 10:00:26
expiry/0 2026-03-02 10:00:28
grace-end/0 2026-03-02 10:00:34
`, lines(trial.NewState(r).Schedule()))
}

func TestScheduleOfALaterRevisionHasNoWelcome(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample(inZone("Europe/Berlin", "2026-03-20 17:00")))
	s = asked(lived(s, "2026-03-27 12:00"), trial.MessageExtend, "2026-03-27 13:00", trial.Request{Days: 2})
	require.Equal(t, schedule(
		"reminder-7d/1 2026-03-29 07:00", "reminder-3d/1 2026-04-02 07:00", "reminder-1d/1 2026-04-04 07:00",
		"expiry/1 2026-04-05 16:00", "grace-end/1 2026-04-08 16:00"), lines(s.Schedule()))
	require.Equal(t, s.Schedule(), s.Pending())
}

func TestPendingAndNextFollowWhatIsOver(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample())
	next, ok := s.Next()
	require.True(t, ok)
	require.Equal(t, trial.Step{Kind: trial.Welcome, At: at("2026-03-02 10:00")}, next)

	s = lived(s, "2026-03-14 00:00")
	require.Equal(t, schedule("reminder-1d/0 2026-03-15 10:00", "expiry/0 2026-03-16 10:00", "grace-end/0 2026-03-19 10:00"), lines(s.Pending()))

	s = lived(s, "2026-03-19 10:00")
	require.Equal(t, trial.Expired, s.Status)
	require.Empty(t, s.Pending())
	_, ok = s.Next()
	require.False(t, ok)
}

func TestAWelcomeThatIsHeldOutlivesAnExtension(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample())
	welcome := named(s, trial.Welcome)
	s = s.Apply(s.StepEvent(welcome, hold(trial.ReasonAutomationDisabled), well("2026-03-02 10:00"), false))
	s = asked(s, trial.MessageExtend, "2026-03-03 10:00", trial.Request{Days: 7})
	next, _ := s.Next()
	require.Equal(t, welcome, next, "with its own revision, so that it is one send")
	require.Equal(t, due, trial.Decide(s, next, well("2026-03-03 10:00")))
	s = asked(s, trial.MessageShorten, "2026-03-04 10:00", trial.Request{Days: 3})
	next, _ = s.Next()
	require.Equal(t, welcome, next)

	ran := s.Apply(s.StepEvent(next, due, well("2026-03-04 11:00"), true))
	next, _ = ran.Next()
	require.Equal(t, trial.Reminder(7), next.Kind)
	require.Equal(t, 2, next.Revision)
	require.NotContains(t, kinds(ran.Schedule()), trial.Welcome)

	cancelled := asked(s, trial.MessageCancel, "2026-03-05 10:00", trial.Request{})
	require.Empty(t, cancelled.Pending(), "a cancelled trial welcomes nobody")
	revived := asked(cancelled, trial.MessageRevive, "2026-03-06 10:00", trial.Request{Days: 7})
	require.NotContains(t, kinds(revived.Schedule()), trial.Welcome)
}

func TestAnExtensionRecordedBeforeSupersedesTheWelcome(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample())
	e, err := s.Request(trial.MessageExtend, trial.Request{Days: 7, Reason: "asked for"}, at("2026-03-02 10:00"))
	require.NoError(t, err)
	e.KeepWelcome = false // as events of then are
	s = s.Apply(*e)
	require.NotContains(t, kinds(s.Pending()), trial.Welcome)
}

func kinds(steps []trial.Step) []trial.Kind {
	var kinds []trial.Kind
	for _, step := range steps {
		kinds = append(kinds, step.Kind)
	}
	return kinds
}
