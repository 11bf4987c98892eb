package dashboard

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// Each tick is a moment of its own within the range, and its label what the clock there shows at it.
func TestTicksOfTimeWhereClocksChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		zone, from, to string
		// want are the ticks, in UTC, with their labels.
		want []string
	}{
		"hours, UTC": {"UTC", "2026-03-28T22:30:00Z", "2026-03-29T02:30:00Z", []string{
			"2026-03-28T23:00:00Z 23:00", "2026-03-29T00:00:00Z 00:00", "2026-03-29T01:00:00Z 01:00", "2026-03-29T02:00:00Z 02:00",
		}},
		"halves of days, UTC": {"UTC", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z", []string{
			"2026-03-28T12:00:00Z 12:00", "2026-03-29T00:00:00Z 00:00", "2026-03-29T12:00:00Z 12:00", "2026-03-30T00:00:00Z 00:00", "2026-03-30T12:00:00Z 12:00",
		}},
		"days, UTC": {"UTC", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z", []string{
			"2026-03-28T00:00:00Z 28 Mar", "2026-03-29T00:00:00Z 29 Mar", "2026-03-30T00:00:00Z 30 Mar", "2026-03-31T00:00:00Z 31 Mar",
		}},
		"seconds, UTC": {"UTC", "2026-03-28T12:00:00.5Z", "2026-03-28T12:00:03.5Z", []string{
			"2026-03-28T12:00:01Z 12:00:01", "2026-03-28T12:00:02Z 12:00:02", "2026-03-28T12:00:03Z 12:00:03",
		}},
		"an hour that Berlin skips": {"Europe/Berlin", "2026-03-28T23:30:00Z", "2026-03-29T03:30:00Z", []string{
			"2026-03-29T00:00:00Z 01:00", "2026-03-29T01:00:00Z 03:00", "2026-03-29T02:00:00Z 04:00", "2026-03-29T03:00:00Z 05:00",
		}},
		"hours after the one that Berlin skips": {"Europe/Berlin", "2026-03-28T22:30:00Z", "2026-03-29T12:30:00Z", []string{
			"2026-03-28T23:00:00Z 00:00", "2026-03-29T02:00:00Z 04:00", "2026-03-29T05:00:00Z 07:00", "2026-03-29T08:00:00Z 10:00", "2026-03-29T11:00:00Z 13:00",
		}},
		"an hour that Berlin has twice": {"Europe/Berlin", "2026-10-24T22:30:00Z", "2026-10-25T02:30:00Z", []string{
			"2026-10-24T23:00:00Z 01:00", "2026-10-25T00:00:00Z 02:00", "2026-10-25T01:00:00Z 02:00", "2026-10-25T02:00:00Z 03:00",
		}},
		"days, Berlin, a short one": {"Europe/Berlin", "2026-03-27T12:00:00Z", "2026-03-30T12:00:00Z", []string{
			"2026-03-27T23:00:00Z 28 Mar", "2026-03-28T23:00:00Z 29 Mar", "2026-03-29T22:00:00Z 30 Mar",
		}},
		"days, Berlin, a long one": {"Europe/Berlin", "2026-10-23T12:00:00Z", "2026-10-26T12:00:00Z", []string{
			"2026-10-23T22:00:00Z 24 Oct", "2026-10-24T22:00:00Z 25 Oct", "2026-10-25T23:00:00Z 26 Oct",
		}},
		"hours, Kolkata": {"Asia/Kolkata", "2026-03-28T22:00:00Z", "2026-03-29T02:00:00Z", []string{
			"2026-03-28T22:30:00Z 04:00", "2026-03-28T23:30:00Z 05:00", "2026-03-29T00:30:00Z 06:00", "2026-03-29T01:30:00Z 07:00",
		}},
		"days, Kolkata": {"Asia/Kolkata", "2026-03-27T18:30:00Z", "2026-03-30T18:29:59Z", []string{
			"2026-03-27T18:30:00Z 28 Mar", "2026-03-28T18:30:00Z 29 Mar", "2026-03-29T18:30:00Z 30 Mar",
		}},
		"half an hour that Lord Howe has twice": {"Australia/Lord_Howe", "2026-04-04T13:30:00Z", "2026-04-04T17:30:00Z", []string{
			"2026-04-04T14:00:00Z 01:00", "2026-04-04T15:00:00Z 01:30", "2026-04-04T16:00:00Z 02:30", "2026-04-04T17:00:00Z 03:30",
		}},
		"half an hour that Lord Howe skips": {"Australia/Lord_Howe", "2026-10-03T14:00:00Z", "2026-10-03T17:00:00Z", []string{
			"2026-10-03T14:30:00Z 01:00", "2026-10-03T15:30:00Z 02:30", "2026-10-03T16:30:00Z 03:30",
		}},
		"days, Lord Howe": {"Australia/Lord_Howe", "2026-04-03T02:00:00Z", "2026-04-06T02:00:00Z", []string{
			"2026-04-03T13:00:00Z 4 Apr", "2026-04-04T13:00:00Z 5 Apr", "2026-04-05T13:30:00Z 6 Apr",
		}},
		"a midnight that Santiago skips": {"America/Santiago", "2026-09-04T12:00:00Z", "2026-09-07T12:00:00Z", []string{
			"2026-09-05T04:00:00Z 5 Sep", "2026-09-06T04:00:00Z 6 Sep", "2026-09-07T03:00:00Z 7 Sep",
		}},
		"hours around the midnight that Santiago skips": {"America/Santiago", "2026-09-06T02:30:00Z", "2026-09-06T06:30:00Z", []string{
			"2026-09-06T03:00:00Z 23:00", "2026-09-06T04:00:00Z 01:00", "2026-09-06T05:00:00Z 02:00", "2026-09-06T06:00:00Z 03:00",
		}},
		"a midnight that Havana has twice": {"America/Havana", "2026-10-30T12:00:00Z", "2026-11-02T12:00:00Z", []string{
			"2026-10-31T04:00:00Z 31 Oct", "2026-11-01T04:00:00Z 1 Nov", "2026-11-02T05:00:00Z 2 Nov",
		}},
		"a date that Apia skipped": {"Pacific/Apia", "2011-12-28T20:00:00Z", "2011-12-31T20:00:00Z", []string{
			"2011-12-29T10:00:00Z 29 Dec", "2011-12-30T10:00:00Z 31 Dec", "2011-12-31T10:00:00Z 1 Jan",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from, to := at(t, c.from), at(t, c.to)
			got := timeAxis(from, to, in(t, c.zone).Location())
			require.Equal(t, []float64{seconds1970(from), seconds1970(to)}, []float64{got.Min, got.Max})
			var ticks []string
			for _, tick := range got.Ticks {
				ticks = append(ticks, time.UnixMilli(int64(tick.At*1000)).UTC().Format(time.RFC3339)+" "+tick.Label)
			}
			require.Equal(t, c.want, ticks)
		})
	}
}

// Whatever the zone, ticks rise, lie within the range, and are few.
func TestTicksOfTimeRiseWithinTheirRange(t *testing.T) {
	t.Parallel()
	for _, zone := range append([]string{"Australia/Lord_Howe", "America/Santiago", "America/Havana", "Pacific/Apia", "Asia/Kathmandu"}, zones...) {
		loc := in(t, zone).Location()
		for _, length := range []time.Duration{3 * time.Second, 4 * time.Hour, 13 * time.Hour, 2 * trial.RealDay, 5 * trial.RealDay, 30 * trial.RealDay, 400 * trial.RealDay} {
			for from := at(t, "2026-01-01T12:17:00Z"); from.Year() == 2026; from = from.Add(max(length, 11*time.Hour)) {
				a := timeAxis(from, from.Add(length), loc)
				require.NotEmpty(t, a.Ticks, "%s in %s, %s", length, zone, from)
				require.LessOrEqual(t, len(a.Ticks), mostTicks+1, "%s in %s, %s", length, zone, from)
				before := a.Min - 1
				for _, tick := range a.Ticks {
					require.Greater(t, tick.At, before, "%s in %s, %s", length, zone, from)
					require.LessOrEqual(t, tick.At, a.Max, "%s in %s, %s", length, zone, from)
					before = tick.At
				}
			}
		}
	}
}

// A timeline shows the same moments on all its clocks.
func TestATimelineTicksTheSameMomentsOnEachClock(t *testing.T) {
	t.Parallel()
	berlin := in(t, "Europe/Berlin").Location()
	line := timeline{from: at(t, "2026-10-24T22:30:00Z"), to: at(t, "2026-10-25T02:30:00Z"), loc: berlin, Now: at(t, "2026-11-01T00:00:00Z")}
	drawn := string(line.SVG())
	for _, clock := range []string{"23:00 UTC", "00:00 UTC", "01:00 UTC", "02:00 UTC"} {
		require.Equal(t, 1, strings.Count(drawn, ">"+clock+"<"), "%s in %s", clock, drawn)
	}
	require.Equal(t, 2, strings.Count(drawn, ">02:00<"), "an hour that the clock shows twice")
}
