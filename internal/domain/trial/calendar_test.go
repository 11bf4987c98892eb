package trial_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/trial"
)

func TestCalendarAddDays(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		zone string
		day  time.Duration
		from string
		days int
		want string
	}{
		{"unknown zone", "", trial.RealDay, "2026-03-28 12:00", 1, "2026-03-29 12:00"},
		{"no zone of that name", "Mars/Olympus", trial.RealDay, "2026-03-28 12:00", 1, "2026-03-29 12:00"},
		{"the server's zone is nobody's", "Local", trial.RealDay, "2026-03-28 12:00", 1, "2026-03-29 12:00"},
		{"compressed day", "Europe/Berlin", 2 * time.Second, "2026-03-28 12:00", 14, "2026-03-28 12:00:28"},
		{"compressed, back", "", 2 * time.Second, "2026-03-28 12:00", -3, "2026-03-28 11:59:54"},
		{"a day of 23 hours", "Europe/Berlin", trial.RealDay, "2026-03-28 11:00", 1, "2026-03-29 10:00"},
		{"a day of 25 hours", "Europe/Berlin", trial.RealDay, "2026-10-24 10:00", 1, "2026-10-25 11:00"},
		{"back over a change", "Europe/Berlin", trial.RealDay, "2026-03-30 10:00", -2, "2026-03-28 11:00"},
		{"skipped 02:30 becomes 03:30", "Europe/Berlin", trial.RealDay, "2026-03-28 01:30", 1, "2026-03-29 01:30"},
		{"skipped, west of Greenwich too", "America/New_York", trial.RealDay, "2026-03-07 07:30", 1, "2026-03-08 07:30"},
		{"skipped half an hour", "Australia/Lord_Howe", trial.RealDay, "2026-10-02 15:45", 1, "2026-10-03 15:45"},
		{"skipped midnight", "America/Sao_Paulo", trial.RealDay, "2017-10-14 03:30", 1, "2017-10-15 03:30"},
		{"doubled 02:30 is the first", "Europe/Berlin", trial.RealDay, "2026-10-24 00:30", 1, "2026-10-25 00:30"},
		{"doubled, west of Greenwich too", "America/New_York", trial.RealDay, "2026-10-31 05:30", 1, "2026-11-01 05:30"},
		{"from the second 02:30", "Europe/Berlin", trial.RealDay, "2026-10-25 01:30", 1, "2026-10-26 01:30"},
		{"no days from the second 02:30", "Europe/Berlin", trial.RealDay, "2026-10-25 01:30", 0, "2026-10-25 01:30"},
		{"no days from the first 02:30", "Europe/Berlin", trial.RealDay, "2026-10-25 00:30", 0, "2026-10-25 00:30"},
		{"over a day the zone skipped", "Pacific/Apia", trial.RealDay, "2011-12-29 19:00", 2, "2011-12-30 19:00"},
		{"into a day the zone skipped", "Pacific/Apia", trial.RealDay, "2011-12-29 19:00", 1, "2011-12-30 19:00"},
		{"from a leap day", "UTC", trial.RealDay, "2028-02-29 10:00", 365, "2029-02-28 10:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := trial.Calendar{Day: tt.day, Zone: tt.zone}.AddDays(at(tt.from), tt.days)
			require.Equal(t, at(tt.want), got)
		})
	}
}

func TestCalendarAddDaysKeepsFractionsAndGivesUTC(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	from := time.Date(2026, 3, 28, 18, 4, 5, 678_000_000, berlin)
	got := trial.Calendar{Day: trial.RealDay, Zone: "Europe/Berlin"}.AddDays(from, 1)
	require.Equal(t, time.Date(2026, 3, 29, 16, 4, 5, 678_000_000, time.UTC), got)
	require.Equal(t, time.UTC, trial.Calendar{Day: trial.RealDay}.AddDays(from, 1).Location())
}

func TestValidZone(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kathmandu"} {
		require.True(t, trial.ValidZone(zone), zone)
	}
	for _, zone := range []string{"", "Local", "Europe", "Europe/", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "+01:00", "Europe/Berlin "} {
		require.False(t, trial.ValidZone(zone), zone)
	}
}

// zones have whole, half and quarter hours, clocks moved at midnight, at two and
// by half an hour only, and days that were skipped.
var zones = []string{
	"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/St_Johns", "America/Havana",
	"Asia/Kathmandu", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Africa/Casablanca",
}

// years is any millisecond from 2011 to 2030.
func years() *rapid.Generator[time.Time] {
	return rapid.Map(rapid.Int64Range(at("2011-01-01 00:00").UnixMilli(), at("2030-01-01 00:00").UnixMilli()), func(ms int64) time.Time {
		return time.UnixMilli(ms).UTC()
	})
}

func TestADayLaterTheClockShowsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(zones).Draw(t, "zone")
		from := years().Draw(t, "from")
		days := rapid.IntRange(1, 30).Draw(t, "days")
		loc, err := time.LoadLocation(zone)
		require.NoError(t, err)
		if _, change := from.In(loc).ZoneBounds(); !change.IsZero() && rapid.Bool().Draw(t, "around a change") {
			minutes := rapid.IntRange(-180, 180).Draw(t, "minutes")
			from = change.Add(time.Duration(minutes)*time.Minute - time.Duration(days)*trial.RealDay).UTC()
		}
		got := trial.Calendar{Day: trial.RealDay, Zone: zone}.AddDays(from, days)

		// The first moment around then at which the clock shows the wanted time,
		// found by looking at every quarter of an hour.
		const clock = "2006-01-02 15:04:05.000"
		midnight, err := time.Parse(time.DateOnly, from.In(loc).Format(time.DateOnly))
		require.NoError(t, err)
		shown := midnight.AddDate(0, 0, days).Format("2006-01-02 ") + from.In(loc).Format("15:04:05.000")
		about := from.Add(time.Duration(days) * trial.RealDay)
		for m := about.Add(-26 * time.Hour); m.Before(about.Add(26 * time.Hour)); m = m.Add(15 * time.Minute) {
			if m.In(loc).Format(clock) == shown {
				require.Equal(t, m, got, "the first moment at which the clock shows %s", shown)
				return
			}
		}
		// The clocks skipped it.
		require.Greater(t, got.In(loc).Format(clock), shown)
		require.Less(t, got.Add(-25*time.Hour).In(loc).Format(clock), shown)
	})
}
