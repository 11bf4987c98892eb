package backup

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// taken is a backup that took a minute, so many hours after at.
func taken(kind Kind, hours int, base string) Manifest {
	begin := at.Add(time.Duration(hours) * time.Hour)
	return Manifest{Header: Header{ID: newID(begin, kind), Kind: kind, Origin: market, Base: base, Begin: begin}, Trailer: Trailer{End: begin.Add(time.Minute)}}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	full := taken(Full, 0, "")
	four, eight := taken(Incremental, 4, full.ID), taken(Incremental, 8, full.ID)
	orphan := taken(Incremental, 6, newID(at.Add(-time.Hour), Full))
	all := []Manifest{eight, orphan, full, four}
	for name, c := range map[string]struct {
		hours  float64
		before string
		after  string
		latest string
	}{
		"between two":             {hours: 5, before: four.ID, after: eight.ID, latest: eight.ID},
		"the orphan is passed":    {hours: 7, before: four.ID, after: eight.ID, latest: eight.ID},
		"while one is taken":      {hours: 4.005, before: full.ID, after: eight.ID, latest: eight.ID},
		"as one begins":           {hours: 4, before: full.ID, after: four.ID, latest: eight.ID},
		"while the last is taken": {hours: 8.005, before: four.ID, latest: eight.ID},
		"after the last":          {hours: 9, before: eight.ID},
	} {
		got, err := Choose(all, at.Add(time.Duration(c.hours*float64(time.Hour))))
		require.NoError(t, err, name)
		require.Equal(t, c.before, got.Before.ID, name)
		require.Equal(t, c.after, idOf(got.After), name)
		require.Equal(t, c.latest, idOf(got.Latest), name)
	}
	_, err := Choose(all, at)
	require.ErrorContains(t, err, "no backup was finished by 2026-03-01T10:00:00Z")
	full.End = full.End.Truncate(time.Second).Add(542 * time.Millisecond)
	_, err = Choose([]Manifest{full}, full.End.Truncate(time.Second))
	first := full.End.Truncate(time.Second).Add(time.Second)
	require.ErrorContains(t, err, "the first was at "+first.Format(time.RFC3339))
	got, err := Choose([]Manifest{full}, first)
	require.NoError(t, err, "the moment that was named does")
	require.Equal(t, full.ID, got.Before.ID)
	_, err = Choose([]Manifest{orphan}, at)
	require.EqualError(t, err, "there is no backup")
}

// Two may be taken at the same time: of these the one begun last counts, whenever it is finished.
func TestTheLatestIsTheOneBegunLast(t *testing.T) {
	t.Parallel()
	full, short, long := taken(Full, 0, ""), taken(Full, 4, ""), taken(Full, 3, "")
	long.End = short.End.Add(time.Hour)
	got, err := Choose([]Manifest{full, short, long}, at.Add(3*time.Hour+time.Second))
	require.NoError(t, err)
	require.Equal(t, short.ID, idOf(got.After))
	require.Equal(t, short.ID, idOf(got.Latest))
}

// idOf is empty for no backup.
func idOf(m *Manifest) string {
	if m == nil {
		return ""
	}
	return m.ID
}

// A backup that a clock gone wrong has dated is not what came after a moment, whatever it says.
func TestPast(t *testing.T) {
	t.Parallel()
	full, future := taken(Full, 0, ""), taken(Full, 20, "")
	require.Equal(t, []Manifest{full}, WithoutFuture([]Manifest{full, future}, at.Add(18*time.Hour)))
	require.Equal(t, []Manifest{full, future}, WithoutFuture([]Manifest{full, future}, at.Add(19*time.Hour+time.Minute)))
}

func TestDue(t *testing.T) {
	t.Parallel()
	full := taken(Full, 0, "")
	for name, c := range map[string]struct {
		there []Manifest
		hours int
		want  Kind
	}{
		"nothing there":       {want: Full},
		"a fresh full one":    {there: []Manifest{full}, hours: 23, want: Incremental},
		"an old full one":     {there: []Manifest{full}, hours: 24, want: Full},
		"one of the future":   {there: []Manifest{full}, hours: -2, want: Full},
		"clocks that differ":  {there: []Manifest{full}, hours: 0, want: Incremental},
		"only an incremental": {there: []Manifest{taken(Incremental, 4, full.ID)}, hours: 5, want: Full},
	} {
		kind, base := Due(c.there, at.Add(time.Duration(c.hours)*time.Hour))
		require.Equal(t, c.want, kind, name)
		require.Equal(t, c.want == Incremental, base.ID == full.ID, name)
	}
}

func TestSinceHasWhatIsUsableTheNewestFirst(t *testing.T) {
	t.Parallel()
	full := taken(Full, 0, "")
	four, eight := taken(Incremental, 4, full.ID), taken(Incremental, 8, full.ID)
	orphan := taken(Incremental, 6, newID(at.Add(-time.Hour), Full))
	require.Equal(t, []Manifest{eight, four}, Since(full, []Manifest{full, four, orphan, eight}))
	require.Empty(t, Since(eight, []Manifest{full, four, eight}))
}
