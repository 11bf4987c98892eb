package importer_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/starter/importer"
	"marketplace.example/trials/starter/vendorcsv"
)

const (
	hour = time.Hour
	day  = 24 * hour
)

// jan is a moment in January 2018.
func jan(date int, hours ...int) time.Time {
	at := time.Date(2018, 1, date, 0, 0, 0, 0, time.UTC)
	for _, h := range hours {
		at = at.Add(time.Duration(h) * hour)
	}
	return at
}

func row(line int, id string, registered time.Time, converted ...time.Time) vendorcsv.Row {
	r := vendorcsv.Row{Line: line, ID: id, RegisteredAt: registered}
	for _, at := range converted {
		r.ConvertedAt = at
	}
	return r
}

func TestPlanSpreadsADatesRowsEvenly(t *testing.T) {
	t.Parallel()
	plan := importer.NewPlan([]vendorcsv.Row{
		row(2, "a", jan(1)), row(3, "b", jan(1)), row(4, "c", jan(1)), row(5, "d", jan(1)), row(6, "e", jan(3)),
	}, importer.Selection{})
	require.Equal(t, jan(1), plan.Begins)
	require.Equal(t, []importer.Registration{
		{Line: 2, VendorID: "a"},
		{Line: 3, VendorID: "b", After: 6 * hour},
		{Line: 4, VendorID: "c", After: 12 * hour},
		{Line: 5, VendorID: "d", After: 18 * hour},
		{Line: 6, VendorID: "e", After: 48 * hour},
	}, plan.Registrations)
	require.Equal(t, 48*hour, plan.Length())
}

func TestPlanKeepsTheDistanceOfConversions(t *testing.T) {
	t.Parallel()
	plan := importer.NewPlan([]vendorcsv.Row{
		row(2, "early", jan(10), jan(3)),
		row(3, "same-day", jan(10), jan(10, 2)),
		row(4, "late", jan(10), jan(60, 16)),
		row(5, "never", jan(10)),
	}, importer.Selection{})
	require.Equal(t, []importer.Registration{
		{Line: 2, VendorID: "early", Converts: true},
		{Line: 3, VendorID: "same-day", After: 6 * hour, Converts: true},
		{Line: 4, VendorID: "late", After: 12 * hour, Converts: true, ConvertsAfter: 50*day + 4*hour},
		{Line: 5, VendorID: "never", After: 18 * hour},
	}, plan.Registrations)
	require.Equal(t, 3, plan.Conversions())
	require.Equal(t, 50*day+16*hour, plan.Length())
}

func TestPlanSelects(t *testing.T) {
	t.Parallel()
	rows := []vendorcsv.Row{row(2, "c", jan(3), jan(20)), row(3, "a", jan(1)), row(4, "b", jan(2)), row(5, "d", jan(4))}
	for name, c := range map[string]struct {
		selection importer.Selection
		want      []string
	}{
		"all, by date":   {importer.Selection{}, []string{"a", "b", "c", "d"}},
		"from a date":    {importer.Selection{From: jan(2)}, []string{"b", "c", "d"}},
		"to a date":      {importer.Selection{To: jan(3)}, []string{"a", "b", "c"}},
		"both and limit": {importer.Selection{From: jan(2), To: jan(3), Limit: 1}, []string{"b"}},
		"a big limit":    {importer.Selection{Limit: 9}, []string{"a", "b", "c", "d"}},
		"none":           {importer.Selection{From: jan(5)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, r := range importer.NewPlan(rows, c.selection).Registrations {
				got = append(got, r.VendorID)
			}
			require.Equal(t, c.want, got)
		})
	}
}

// Whatever the file: nobody is lost, the order stays, each is within its date, and a conversion keeps
// its moment unless that lies before the registration.
func TestPlanHoldsForEveryFile(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows := drawRows(t)
		plan := importer.NewPlan(rows, importer.Selection{})
		require.Len(t, plan.Registrations, len(rows))
		ordered := slices.Clone(rows)
		slices.SortStableFunc(ordered, func(a, b vendorcsv.Row) int { return a.RegisteredAt.Compare(b.RegisteredAt) })
		for i, r := range plan.Registrations {
			at := plan.Begins.Add(r.After)
			require.Equal(t, ordered[i].ID, r.VendorID)
			require.Equal(t, ordered[i].RegisteredAt, at.Truncate(day), "within its date")
			if i > 0 {
				require.Greater(t, r.After, plan.Registrations[i-1].After)
			}
			require.Equal(t, !ordered[i].ConvertedAt.IsZero(), r.Converts)
			if r.Converts && !ordered[i].ConvertedAt.Before(at) {
				require.True(t, ordered[i].ConvertedAt.Equal(at.Add(r.ConvertsAfter)))
			} else {
				require.Zero(t, r.ConvertsAfter)
			}
		}
	})
}

// drawRows draws rows on a few dates, in any order.
func drawRows(t *rapid.T) []vendorcsv.Row {
	n := rapid.IntRange(1, 40).Draw(t, "rows")
	rows := make([]vendorcsv.Row, 0, n)
	for i := range n {
		r := row(i+2, fmt.Sprintf("v%d", i), jan(rapid.IntRange(1, 6).Draw(t, "date")))
		if rapid.Bool().Draw(t, "converts") {
			r.ConvertedAt = jan(1).Add(time.Duration(rapid.IntRange(0, 400*24*3600).Draw(t, "seconds")) * time.Second)
		}
		rows = append(rows, r)
	}
	return rows
}

func TestCompressKeepsOrderAndLength(t *testing.T) {
	t.Parallel()
	require.Equal(t, 2*time.Second, importer.Compress(day, 2*time.Second))
	require.Equal(t, 500*time.Millisecond, importer.Compress(6*hour, 2*time.Second))
	require.Equal(t, 3*day, importer.Compress(3*day, day))
	require.Equal(t, 36*hour, importer.Expand(3*time.Second, 2*time.Second))
	rapid.Check(t, func(t *rapid.T) {
		length := time.Duration(rapid.Int64Range(int64(100*time.Millisecond), int64(day)).Draw(t, "day"))
		a := time.Duration(rapid.Int64Range(0, int64(100*365*day)).Draw(t, "a"))
		b := time.Duration(rapid.Int64Range(0, int64(100*365*day)).Draw(t, "b"))
		if a > b {
			a, b = b, a
		}
		require.LessOrEqual(t, importer.Compress(a, length), importer.Compress(b, length))
		require.LessOrEqual(t, importer.Compress(b, length), b, "time is compressed, never stretched")
	})
}
