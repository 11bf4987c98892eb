package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const day = 24 * time.Hour

// every makes n full backups, one after so long each.
func every(n int, gap time.Duration) (manifests []Manifest) {
	for i := range n {
		begin := at.Add(time.Duration(i) * gap)
		manifests = append(manifests, Manifest{
			Header:  Header{ID: newID(begin, Full), Kind: Full, Origin: market, Begin: begin},
			Trailer: Trailer{End: begin.Add(time.Minute)},
		})
	}
	return manifests
}

func TestExpiredKeepsWhatTheHorizonNeeds(t *testing.T) {
	t.Parallel()
	week := every(9, day) // the last ends eight days after the first
	require.Empty(t, Expired(nil, at).IDs)
	require.Empty(t, Expired(week[:7], week[6].End).IDs, "within seven days")
	require.Equal(t, []string{week[0].ID}, Expired(week, week[8].End).IDs, "the last one before the horizon is kept")

	incremental := taken(Incremental, 25, week[0].ID)
	withBase := slices.Concat(week[:1], []Manifest{incremental}, week[2:])
	require.Empty(t, Expired(withBase, week[8].End.Add(time.Hour)).IDs, "the base of the one that the horizon needs stays")

	orphan := taken(Incremental, 36, newID(at.Add(-time.Hour), Full))
	require.Equal(t, []string{week[0].ID}, Expired(append(slices.Clone(week), orphan), week[8].End).IDs, "one without its base is nothing to restore from")
}

// A clock that is ahead takes a backup, and then another, and would delete what all others need.
func TestAClockFarAheadExpiresNothing(t *testing.T) {
	t.Parallel()
	good := every(37, 4*time.Hour)
	future := every(40, 4*time.Hour)[37:]
	for i := range future {
		future[i].Begin, future[i].End = future[i].Begin.Add(8*day), future[i].End.Add(8*day)
		future[i].ID = newID(future[i].Begin, Full)
	}
	for n := range future {
		there := append(slices.Clone(good), future[:n+1]...)
		got := Expired(there, future[n].End)
		require.Empty(t, got.IDs, n)
		require.Equal(t, n == 0, got.Doubt != "", "said as it is seen")
	}
	require.Empty(t, Expired(good, good[36].End.Add(1000*day)).IDs, "nor where it takes none")
	require.Contains(t, Expired(good, good[36].End.Add(8*day)).Doubt, "a clock is wrong")
}

// Nothing is kept for ever: who takes one now and then has a few old ones.
func TestBackupsTakenNowAndThenExpireAsWell(t *testing.T) {
	t.Parallel()
	rare := every(100, 30*day)
	require.Len(t, Expired(rare, rare[99].End).IDs, 100-mostGaps-2)
}

// The future ones, and the bases that they need, are no business of a clock that is behind.
func TestAClockBehindDeletesNothingOfTheFuture(t *testing.T) {
	t.Parallel()
	old, future := every(20, day), taken(Incremental, 24*30, every(1, day)[0].ID)
	expired := Expired(append(old, future), old[19].End).IDs
	require.NotContains(t, expired, future.ID)
	require.NotContains(t, expired, old[0].ID, "its base")
	require.Contains(t, expired, old[1].ID)
}

// However backups were taken, and wherever a clock began to run ahead: each moment of the last seven days up to then
// is restored from the same backup as if none had been deleted, and the newest are there.
func TestExpiredLeavesEveryMomentOfTheHorizon(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var kept, all []Manifest // all: without those of a wrong clock
		now, wrong, full := at, time.Duration(0), ""
		for range rapid.IntRange(1, 90).Draw(t, "backups") {
			now = now.Add(time.Duration(rapid.IntRange(1, 24).Draw(t, "hours")) * time.Hour)
			if len(kept) > 0 && wrong == 0 && rapid.IntRange(0, 40).Draw(t, "jump") == 0 {
				wrong = time.Duration(rapid.IntRange(2, 60).Draw(t, "days ahead")) * day
			}
			begin, kind := now.Add(wrong), Full
			if full != "" && rapid.Bool().Draw(t, "incremental") {
				kind = Incremental
			}
			m := Manifest{Header: Header{ID: newID(begin, kind), Kind: kind, Origin: market, Begin: begin}, Trailer: Trailer{End: begin.Add(time.Minute)}}
			if kind == Full {
				full = m.ID
			} else {
				m.Base = full
			}
			kept = append(kept, m)
			if wrong == 0 {
				all = append(all, m)
			}
			expired := Expired(kept, m.End)
			kept = slices.DeleteFunc(kept, func(m Manifest) bool { return slices.Contains(expired.IDs, m.ID) })
			require.GreaterOrEqual(t, len(kept), min(leastKept, len(kept)+len(expired.IDs)))
			for eighth := range 7 * 3 {
				moment := now.Add(-time.Duration(eighth) * 8 * time.Hour)
				want, err := Choose(all, moment)
				if err != nil || moment.After(all[len(all)-1].End) { // what is dated wrongly is what there is since
					continue
				}
				right := slices.DeleteFunc(slices.Clone(kept), func(m Manifest) bool { return !slices.ContainsFunc(all, func(a Manifest) bool { return a.ID == m.ID }) })
				got, err := Choose(right, moment)
				require.NoError(t, err)
				require.Equal(t, want.Before.ID, got.Before.ID, "%s", moment)
			}
		}
	})
}

// weeks takes full backups over so many days, each day one.
func weeks(t *testing.T, v *Repository, days int, origin Origin) (taken []Manifest) {
	t.Helper()
	began := v.Now()
	for i := range days {
		v.Now = func() time.Time { return began.Add(time.Duration(i) * day) }
		m, err := v.Create(t.Context(), Full, origin, stream(sample()))
		require.NoError(t, err)
		taken = append(taken, m)
	}
	return taken
}

func TestExpireDeletesItsOwnAlone(t *testing.T) {
	t.Parallel()
	v, s := newRepository()
	v.Now = func() time.Time { return at }
	weeks(t, v, 10, neighbor)
	v.Now = func() time.Time { return at.Add(time.Minute) }
	own := weeks(t, v, 10, market)
	expiry, err := v.Expire(t.Context(), elsewhere)
	require.NoError(t, err)
	require.Empty(t, expiry.IDs)
	expiry, err = v.Expire(t.Context(), market)
	require.NoError(t, err)
	require.Equal(t, []string{own[0].ID, own[1].ID}, expiry.IDs)
	listed, err := v.List(t.Context())
	require.NoError(t, err)
	require.Len(t, Of(listed.Good, neighbor), 10)
	require.NotContains(t, s, own[0].ID+fileEnding)
}

// sticky is a shelf that deletes so many files, and then is broken.
type sticky struct {
	shelf
	left int
}

func (s *sticky) Delete(ctx context.Context, name string) error {
	s.left--
	if s.left < 0 {
		return errBroken
	}
	return s.shelf.Delete(ctx, name)
}

// What is half deleted is no backup, and goes with the next.
func TestExpireGoesOnWithWhatIsHalfDeleted(t *testing.T) {
	t.Parallel()
	v, s := newRepository()
	v.Now = func() time.Time { return at }
	own := weeks(t, v, 9, market)
	v.Storage = &sticky{s, 1}
	_, err := v.Expire(t.Context(), market)
	require.ErrorIs(t, err, errBroken)
	listed, err := v.List(t.Context())
	require.NoError(t, err)
	require.Len(t, listed.Good, 8)
	v.Storage = s
	_, err = v.Expire(t.Context(), market)
	require.NoError(t, err)
	require.NotContains(t, s, own[0].ID+fileEnding, "nothing is left of it")
}

// A process that is killed leaves a file without a manifest: it is no backup, and does not stay for ever. Another
// installation's may still be written.
func TestExpireDeletesWhatNeverBecameABackup(t *testing.T) {
	t.Parallel()
	v, s := newRepository()
	v.Now = func() time.Time { return at }
	abandoned := weeks(t, v, 1, market)[0]
	v.Now = func() time.Time { return at.Add(time.Minute) }
	foreign := weeks(t, v, 1, neighbor)[0]
	v.Now = func() time.Time { return at.Add(2 * time.Minute) }
	unreadable := weeks(t, v, 1, market)[0]
	delete(s, abandoned.ID+manifestEnding)
	delete(s, foreign.ID+manifestEnding)
	s[unreadable.ID+manifestEnding] = []byte("{")

	v.Now = func() time.Time { return at.Add(time.Hour) }
	weeks(t, v, 7, market)
	expiry, err := v.Expire(t.Context(), market)
	require.NoError(t, err)
	require.Empty(t, expiry.IDs, "it may still be written")
	v.Now = func() time.Time { return at.Add(7*day + time.Hour) }
	weeks(t, v, 1, market)
	expiry, err = v.Expire(t.Context(), market)
	require.NoError(t, err)
	require.Equal(t, []string{abandoned.ID}, expiry.IDs)
	require.NotContains(t, s, abandoned.ID+fileEnding)
	require.Contains(t, s, foreign.ID+fileEnding)
	require.Contains(t, s, unreadable.ID+fileEnding, "a person may know what to do with it")
}

// A backup's moment is what a restore goes by, so a clock that cannot be right takes none.
func TestNoBackupIsTakenByAWrongClock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		here, database time.Duration
		refused        string
	}{
		"as the database":            {here: 2 * time.Hour, database: 90 * time.Minute},
		"ahead of the database":      {here: 8 * day, database: time.Hour, refused: "the database's says 2026-03-01T11:00:00Z"},
		"behind the database":        {here: time.Hour, database: 8 * day, refused: "the database's says"},
		"before the newest, a bit":   {here: -30 * time.Minute, database: -30 * time.Minute},
		"both long before":           {here: -8 * day, database: -8 * day, refused: "backup 20260301T100000.000Z-full says"},
		"both ahead, as after years": {here: 800 * day, database: 800 * day},
	} {
		for _, kind := range []Kind{Full, Incremental} {
			v, s := newRepository()
			v.Now = func() time.Time { return at }
			_, err := v.Create(t.Context(), Full, market, stream(sample()))
			require.NoError(t, err)
			v.Now = func() time.Time { return at.Add(c.here) }
			v.OtherClock = func(context.Context) (time.Time, error) { return at.Add(c.database), nil }
			_, err = v.Create(t.Context(), kind, market, stream(sample()))
			if c.refused == "" {
				require.NoError(t, err, name)
				continue
			}
			var wrong *ClockError
			require.ErrorAs(t, err, &wrong, name)
			require.ErrorContains(t, err, c.refused, name)
			require.Len(t, s, 2, name)
			if c.database < 0 {
				_, err = v.Create(t.Context(), kind, neighbor, stream(sample()))
				require.NoError(t, err, "another installation's clock is not compared")
			}
		}
	}
}

// Two installations may keep their backups in one place and name their databases alike.
func TestAnotherInstallationsBackupIsNoBase(t *testing.T) {
	t.Parallel()
	v, s := newRepository()
	theirs, err := v.Create(t.Context(), Full, neighbor, stream(sample()))
	require.NoError(t, err)
	ours, err := v.Create(t.Context(), Incremental, market, stream(sample()))
	require.NoError(t, err)
	require.Equal(t, Full, ours.Kind)
	last, found, err := v.Last(t.Context(), neighbor)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, theirs.ID, last.ID)

	next, err := v.Create(t.Context(), Incremental, market, stream(sample()))
	require.NoError(t, err)
	require.Equal(t, ours.ID, next.Base)
	require.Contains(t, string(s[next.ID+manifestEnding]), market.Installation)
	forged := file(t, Header{Format: formatVersion, ID: next.ID, Kind: Incremental, Origin: market, Base: theirs.ID, Begin: next.Begin, Schema: Schema}, nil, nil)
	s[next.ID+fileEnding] = forged
	r, err := v.Verify(t.Context(), next.ID)
	require.Error(t, err, r)
	describeForged(t, s, next, theirs.ID, forged)
	_, err = v.Verify(t.Context(), next.ID)
	require.ErrorContains(t, err, "is not a full backup of the same database: it is of "+neighbor.String())
}

// describeForged puts a manifest beside a file that says what the file does.
func describeForged(t *testing.T, s shelf, m Manifest, base string, content []byte) {
	t.Helper()
	sum := sha256.Sum256(content)
	m.Base, m.Size, m.SHA256 = base, int64(len(content)), hex.EncodeToString(sum[:])
	m.Collections, m.End = map[string]Counts{}, at.Add(time.Minute)
	s.describe(m)
}
