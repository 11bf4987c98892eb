package dashboard

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func at(t *testing.T, text string) time.Time {
	t.Helper()
	moment, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return moment
}

func in(t *testing.T, zone string) time.Time {
	t.Helper()
	loc, known := zoneNamed(zone)
	require.True(t, known, zone)
	return at(t, "2026-12-01T12:00:00Z").In(loc)
}

func TestMomentsOnTheViewersClock(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ zone, moment, stamp, day, hour string }{
		{"UTC", "2026-11-30T22:27:05Z", "2026-11-30 22:27:05 UTC", "30 Nov 22:27", "22:27 UTC"},
		{"Etc/UTC", "2026-11-30T23:27:05+01:00", "2026-11-30 22:27:05 UTC", "30 Nov 22:27", "22:27 UTC"},
		{"Europe/Berlin", "2026-11-30T22:27:05Z", "30 Nov 2026, 23:27:05 CET (22:27 UTC)", "30 Nov, 23:27 CET (22:27 UTC)", "23:27 CET (22:27 UTC)"},
		{"Europe/Berlin", "2026-12-31T23:30:00Z", "1 Jan 2027, 00:30:00 CET (31 Dec 2026, 23:30 UTC)", "1 Jan, 00:30 CET (31 Dec, 23:30 UTC)", "00:30 CET (23:30 UTC)"},
		{"Europe/Berlin", "2026-10-25T00:30:00Z", "25 Oct 2026, 02:30:00 CEST (00:30 UTC)", "25 Oct, 02:30 CEST (00:30 UTC)", "02:30 CEST (00:30 UTC)"},
		{"Europe/Berlin", "2026-10-25T01:30:00Z", "25 Oct 2026, 02:30:00 CET (01:30 UTC)", "25 Oct, 02:30 CET (01:30 UTC)", "02:30 CET (01:30 UTC)"},
		{"America/Sao_Paulo", "2026-11-30T01:00:00Z", "29 Nov 2026, 22:00:00 UTC-03 (30 Nov 2026, 01:00 UTC)", "29 Nov, 22:00 UTC-03 (30 Nov, 01:00 UTC)", "22:00 UTC-03 (01:00 UTC)"},
		{"Asia/Kolkata", "2026-11-30T01:00:00Z", "30 Nov 2026, 06:30:00 IST (01:00 UTC)", "30 Nov, 06:30 IST (01:00 UTC)", "06:30 IST (01:00 UTC)"},
	} {
		now := in(t, c.zone)
		require.Equal(t, []string{c.stamp, c.day, c.hour}, []string{stamp(at(t, c.moment), now), day(at(t, c.moment), now), hour(at(t, c.moment), now)}, "%s in %s", c.moment, c.zone)
	}
}

func TestMomentsWithinSentences(t *testing.T) {
	t.Parallel()
	const text = "Held since 2026-11-30 22:27:05 UTC, until 30 November 2026 23:30 UTC; the last ran at 25 October 2026 00:30:00 UTC, of 31 Foo 2026 10:00 UTC."
	require.Equal(t, text, local(text, in(t, "UTC")))
	require.Equal(t, "Held since 30 Nov 2026, 23:27:05 CET (22:27 UTC), until 1 Dec 2026, 00:30 CET (30 Nov 2026, 23:30 UTC); "+
		"the last ran at 25 Oct 2026, 02:30 CEST (00:30 UTC), of 31 Foo 2026 10:00 UTC.", local(text, in(t, "Europe/Berlin")))
}

func TestZonesAreOfTheTzDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Local", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe", "CET-1", "Europe/Berlin\x00", string(make([]byte, 4000))} {
		loc, known := zoneNamed(name)
		require.False(t, known, "%q", name)
		require.Nil(t, loc)
	}
	for _, name := range zones {
		loc, known := zoneNamed(name)
		require.True(t, known, name)
		require.Equal(t, name, loc.String())
	}
}

func TestAnAxisOfTimeInAZone(t *testing.T) {
	t.Parallel()
	berlin := in(t, "Europe/Berlin").Location()
	from, to := at(t, "2026-10-23T12:00:00Z"), at(t, "2026-10-26T12:00:00Z")
	a := timeAxis(from, to, berlin)
	require.Equal(t, "time (Europe/Berlin, UTC+02:00, then UTC+01:00)", a.Title)
	require.Equal(t, []tick{
		{seconds1970(at(t, "2026-10-23T22:00:00Z")), "24 Oct"}, {seconds1970(at(t, "2026-10-24T22:00:00Z")), "25 Oct"}, {seconds1970(at(t, "2026-10-25T23:00:00Z")), "26 Oct"},
	}, a.Ticks, "days begin at midnight there")
	require.Equal(t, []float64{seconds1970(from), seconds1970(to)}, []float64{a.Min, a.Max}, "to scale, an hour more or not")

	require.Equal(t, "time (UTC)", timeAxis(from, to, time.UTC).Title)
	require.Equal(t, "time (Europe/Berlin, UTC+02:00)", timeAxis(from, from, berlin).Title)
}
