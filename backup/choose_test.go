package backup

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// taken is a backup that took a minute, so many hours after at.
func taken(kind Kind, hours int, base string) Manifest {
	begin := at.Add(time.Duration(hours) * time.Hour)
	return Manifest{Header: Header{ID: newID(begin, kind), Kind: kind, Base: base, Begin: begin}, Trailer: Trailer{End: begin.Add(time.Minute)}}
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
	}{
		"between two":          {hours: 5, before: four.ID, after: eight.ID},
		"the orphan is passed": {hours: 7, before: four.ID, after: eight.ID},
		"while one is taken":   {hours: 4.005, before: full.ID, after: eight.ID},
		"as one begins":        {hours: 4, before: full.ID, after: four.ID},
		"after the last":       {hours: 9, before: eight.ID},
	} {
		got, err := Choose(all, at.Add(time.Duration(c.hours*float64(time.Hour))))
		require.NoError(t, err, name)
		require.Equal(t, c.before, got.Before.ID, name)
		if c.after == "" {
			require.Nil(t, got.After, name)
			continue
		}
		require.Equal(t, c.after, got.After.ID, name)
	}
	_, err := Choose(all, at)
	require.ErrorContains(t, err, "no backup was finished by 2026-03-01T10:00:00Z")
	_, err = Choose([]Manifest{orphan}, at)
	require.EqualError(t, err, "there is no backup")
}

// A backup that a clock gone wrong has dated is not what came after a moment, whatever it says.
func TestPast(t *testing.T) {
	t.Parallel()
	full, future := taken(Full, 0, ""), taken(Full, 20, "")
	require.Equal(t, []Manifest{full}, Past([]Manifest{full, future}, at.Add(18*time.Hour)))
	require.Equal(t, []Manifest{full, future}, Past([]Manifest{full, future}, at.Add(19*time.Hour+time.Minute)))
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

func TestExpired(t *testing.T) {
	t.Parallel()
	const day = 24
	first, second, third := taken(Full, 0, ""), taken(Full, 1*day, ""), taken(Full, 9*day, "")
	early := taken(Incremental, 1*day+4, second.ID)
	late := taken(Incremental, 1*day+20, second.ID)
	for name, c := range map[string]struct {
		there   []Manifest
		hours   int
		expired []Manifest
	}{
		"nothing there":                               {},
		"within seven days":                           {there: []Manifest{first, second}, hours: 6 * day},
		"the last one before the horizon is kept":     {there: []Manifest{first, second, third}, hours: 9 * day, expired: []Manifest{first}},
		"so is its base, but not the one between":     {there: []Manifest{first, second, early, late, third}, hours: 9 * day, expired: []Manifest{first, early}},
		"a base that a kept one needs stays":          {there: []Manifest{first, second, late, third}, hours: 8*day + 21, expired: []Manifest{first}},
		"the last full one stays for ever":            {there: []Manifest{first, second}, hours: 1000 * day, expired: []Manifest{first}},
		"the last one stays with the full one it has": {there: []Manifest{first, second, late}, hours: 1000 * day, expired: []Manifest{first}},
	} {
		var want []string
		for _, m := range c.expired {
			want = append(want, m.ID)
		}
		slices.Sort(want)
		require.Equal(t, want, Expired(c.there, at.Add(time.Duration(c.hours)*time.Hour)), name)
	}
}
