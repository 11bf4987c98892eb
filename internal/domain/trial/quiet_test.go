package trial_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/trial"
)

func quietOn(days ...trial.QuietDay) func(*trial.Registration) {
	return withPolicy(func(p *trial.Policy) { p.QuietDays = days })
}

func TestRemindersGoOutBeforeQuietDays(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		registration trial.Registration
		want         string
	}{
		"a weekend: the last on Friday, the one before it on Thursday": {
			sample(inZone("Europe/Berlin", "2026-03-02 10:00"), quietOn("sat", "sun")), schedule(
				"welcome/0 2026-03-02 10:00", "reminder-7d/0 2026-03-09 08:00", "reminder-3d/0 2026-03-12 08:00",
				"reminder-1d/0 2026-03-13 08:00", "expiry/0 2026-03-16 10:00", "grace-end/0 2026-03-19 10:00"),
		},
		"unknown zone: dates of UTC": {
			sample(quietOn("2026-03-09")), schedule(
				"welcome/0 2026-03-02 10:00", "reminder-7d/0 2026-03-08 10:00", "reminder-3d/0 2026-03-13 10:00",
				"reminder-1d/0 2026-03-15 10:00", "expiry/0 2026-03-16 10:00", "grace-end/0 2026-03-19 10:00"),
		},
		"the vendor's date counts": {
			sample(inZone("Pacific/Apia", "2026-05-01 21:00"), quietOn("2026-05-09")), schedule(
				"welcome/0 2026-05-01 21:00", "reminder-7d/0 2026-05-07 20:00", "reminder-3d/0 2026-05-12 20:00",
				"reminder-1d/0 2026-05-14 20:00", "expiry/0 2026-05-15 21:00", "grace-end/0 2026-05-18 21:00"),
		},
		"other days are not moved": {
			sample(inZone("UTC", "2026-03-02 10:00"), quietOn("sat", "2026-12-25")), schedule(
				"welcome/0 2026-03-02 10:00", "reminder-7d/0 2026-03-09 09:00", "reminder-3d/0 2026-03-13 09:00",
				"reminder-1d/0 2026-03-15 09:00", "expiry/0 2026-03-16 10:00", "grace-end/0 2026-03-19 10:00"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, lines(trial.NewState(c.registration).Schedule()))
		})
	}
	compressed := sample(func(r *trial.Registration) { r.Day = 2 * time.Second })
	quiet := sample(func(r *trial.Registration) { r.Day = 2 * time.Second }, quietOn("mon", "tue"))
	require.Equal(t, lines(trial.NewState(compressed).Schedule()), lines(trial.NewState(quiet).Schedule()), "compressed days have no weekdays")
}

// A reminder that was moved says how many days are left on the day on which it goes out.
func TestAMovedReminderCountsTheDaysThatAreLeft(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample(inZone("UTC", "2026-03-02 10:00"), quietOn("sat", "sun")))
	last := named(s, trial.Reminder(1))
	require.Equal(t, at("2026-03-13 09:00"), last.At)
	require.Equal(t, 3, s.DaysLeft(last, last.At))
	require.Equal(t, 2, s.DaysLeft(last, last.At.Add(20*time.Hour)))
	require.Equal(t, due, trial.Decide(lived(s, "2026-03-12 09:00"), last, trial.StepFacts{
		Now: last.At, AutomationEnabled: true, EmailReminders: true, AutoExpiration: true,
	}))
	require.Equal(t, 7, s.DaysLeft(named(s, trial.Reminder(7)), at("2026-03-09 09:00")))
}

func TestQuietDaysAreValidated(t *testing.T) {
	t.Parallel()
	many := make([]trial.QuietDay, trial.MaxQuietDays+1)
	for i := range many {
		many[i] = trial.QuietDay(at("2026-01-01 00:00").AddDate(0, 0, i).Format(time.DateOnly))
	}
	for _, c := range []struct {
		quiet          []trial.QuietDay
		field, message string
	}{
		{[]trial.QuietDay{"sat", "2026-12-25", "2028-02-29"}, "", ""},
		{many[1:], "", ""},
		{many, "quietDays", "must be at most 100, are 101"},
		{[]trial.QuietDay{"sat", "Sun"}, "quietDays[1]", `"Sun" is neither one of [sun mon tue wed thu fri sat] nor a date like 2026-12-25`},
		{[]trial.QuietDay{"2026-02-29"}, "quietDays[0]", `"2026-02-29" is neither one of [sun mon tue wed thu fri sat] nor a date like 2026-12-25`},
		{[]trial.QuietDay{"sat", "sat"}, "quietDays[1]", "sat is there twice"},
		{[]trial.QuietDay{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, "quietDays", "leave no day for reminders"},
	} {
		p := trial.DefaultPolicy()
		p.QuietDays = c.quiet
		if c.field == "" {
			require.NoError(t, p.Validate())
			continue
		}
		requireRefusal(t, p.Validate(), trial.CodeInvalid, c.field, c.message)
	}
}

// quietDays are weekdays, at most six, and dates around a moment.
func quietDays(t *rapid.T, near time.Time) []trial.QuietDay {
	week := []trial.QuietDay{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	quiet := rapid.SliceOfNDistinct(rapid.SampledFrom(week), 0, 6, rapid.ID[trial.QuietDay]).Draw(t, "weekdays")
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(-5, 30), 0, 6, rapid.ID[int]).Draw(t, "dates") {
		quiet = append(quiet, trial.QuietDay(near.AddDate(0, 0, n).Format(time.DateOnly)))
	}
	return quiet
}

// Whatever the quiet days are, no reminder is lost or falls on one or after its own day, their order stays, no two come on one
// day, and none goes out sooner than it must, nor than the policy says.
func TestQuietDaysOnlyMoveReminders(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, start := policies().Draw(t, "policy"), years().Draw(t, "start")
		p.QuietDays, p.Mailings = quietDays(t, start), nil
		require.NoError(t, p.Validate())
		zone := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Chatham", ""}).Draw(t, "zone")
		s := trial.NewState(trial.Registration{VendorID: "v1", Cohort: trial.Automated, Policy: p, Day: trial.RealDay, Zone: zone, At: start})
		loc, err := time.LoadLocation(zone)
		require.NoError(t, err)
		day := func(at time.Time) time.Time {
			year, month, date := at.In(loc).Date()
			return time.Date(year, month, date, 0, 0, 0, 0, time.UTC)
		}
		quiet := func(day time.Time) bool {
			weekday := trial.QuietDay([]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}[day.Weekday()])
			return slices.Contains(p.QuietDays, weekday) || slices.Contains(p.QuietDays, trial.QuietDay(day.Format(time.DateOnly)))
		}
		var moved []trial.Step
		for _, step := range s.Schedule() {
			if step.Kind.IsReminder() {
				moved = append(moved, step)
			}
		}
		require.Len(t, moved, len(p.ReminderDays))
		end := day(s.EndsAt)
		later := end
		for i, step := range slices.Backward(moved) {
			own, on := end.AddDate(0, 0, -p.ReminderDays[i]), day(step.At)
			require.Equal(t, trial.Reminder(p.ReminderDays[i]), step.Kind, "the order stays")
			require.False(t, quiet(on), "%s falls on a quiet day", on)
			require.False(t, on.After(own))
			require.True(t, on.Before(later), "two on one day")
			require.True(t, step.At.Before(s.EndsAt))
			for free := on.AddDate(0, 0, 1); free.Before(later) && !free.After(own); free = free.AddDate(0, 0, 1) {
				require.True(t, quiet(free), "%s was free", free)
			}
			require.LessOrEqual(t, int(end.Sub(on)/trial.RealDay), p.Furthest()[step.Kind])
			later = on
		}
	})
}
