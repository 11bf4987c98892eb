package backup

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
)

// newRepository is a repository on a shelf whose clock goes on by a minute with every look.
func newRepository() (*Repository, shelf) {
	now, s := at, shelf{}
	return &Repository{Storage: s, Now: func() time.Time {
		now = now.Add(time.Minute)
		return now
	}}, s
}

func contents(t *testing.T, v *Repository, m Manifest) (records []Record) {
	t.Helper()
	require.NoError(t, v.Open(t.Context(), m, func(r Records) (err error) {
		records, err = readAll(r)
		return err
	}))
	return records
}

func TestFullAndIncremental(t *testing.T) {
	t.Parallel()
	v, _ := newRepository()
	key := newKey(t)
	v.Recipient = key.Recipient()
	v.Identities = append(v.Identities, key)
	was := sample()
	now := slices.Concat(was[1:], []Record{{"users", []byte("w"), []byte("new")}})
	now[3].Document = []byte("changed")

	first, err := v.Create(t.Context(), Incremental, market, stream(was))
	require.NoError(t, err)
	require.Equal(t, Full, first.Kind, "there was none to be different from")
	second, err := v.Create(t.Context(), Incremental, market, stream(now))
	require.NoError(t, err)
	require.Equal(t, first.ID, second.Base)
	require.Equal(t, map[string]Counts{"trial_events": {Documents: 1, Removed: 1}, "users": {Documents: 1}}, second.Collections)
	otherOne, err := v.Create(t.Context(), Incremental, elsewhere, stream(now))
	require.NoError(t, err)
	require.Equal(t, Full, otherOne.Kind, "another database is no base")

	require.Equal(t, was, contents(t, v, first))
	require.Equal(t, now, contents(t, v, second))
	for _, m := range []Manifest{first, second} {
		verified, err := v.Verify(t.Context(), m.ID)
		require.NoError(t, err)
		require.Equal(t, m, verified)
	}

	v.Identities = nil
	third, err := v.Create(t.Context(), Incremental, market, stream(now))
	require.NoError(t, err)
	require.Equal(t, Full, third.Kind, "without the key the base cannot be read")
}

func TestAFailedScanLeavesNoBackup(t *testing.T) {
	t.Parallel()
	v, s := newRepository()
	_, err := v.Create(t.Context(), Full, market, func(yield func(Record, error) bool) { yield(Record{}, errBroken) })
	require.ErrorIs(t, err, errBroken)
	require.Empty(t, s)
}

// forgetful is a shelf that keeps a file otherwise than it was given.
type forgetful struct{ shelf }

func (s forgetful) Put(ctx context.Context, name string, content io.Reader) error {
	err := s.shelf.Put(ctx, name, content)
	s.shelf[name][len(s.shelf[name])/2] ^= 1
	return err
}

// A file is read back before it counts: a place may take it and keep another.
func TestAFileThatIsKeptWronglyIsNoBackup(t *testing.T) {
	t.Parallel()
	v, s := newRepository()
	v.Storage = forgetful{s}
	_, err := v.Create(t.Context(), Full, market, stream(sample()))
	require.ErrorContains(t, err, "reading the backup back")
	listed, err := v.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, listed.Good)
	require.Empty(t, listed.Finished())
}

// A base has to be a full backup: no chain of bases is followed, one that leads back to where it begins neither.
func TestABackupWhoseBaseIsNoFullOneIsRefused(t *testing.T) {
	t.Parallel()
	for name, bases := range map[string][]int{ // which of three each names as its base
		"itself": {0, 1, 2}, "each other": {1, 0, 2}, "in a circle": {1, 2, 0}, "one that has a base": {1, 2, -1}, "one that is not there": {-2, 0, 0},
	} {
		v, s := newRepository()
		full, err := v.Create(t.Context(), Full, market, stream(sample()))
		require.NoError(t, err)
		var ids []string
		for range bases {
			m, err := v.Create(t.Context(), Incremental, market, stream(sample()[3:]))
			require.NoError(t, err)
			ids = append(ids, m.ID)
		}
		for i, base := range bases {
			switch base {
			case -1: // the full one, as it was taken
			case -2:
				delete(s, full.ID+manifestEnding)
			default:
				nameBase(t, v, s, ids[i], ids[base])
			}
		}
		for _, verify := range []func(context.Context, string) (Manifest, error){v.Verify, v.Restorable} {
			_, err = verify(t.Context(), ids[0])
			var refusal *RefusedError
			require.ErrorAs(t, err, &refusal, name)
		}
	}
}

// nameBase has an incremental backup name another base, with files that are whole in themselves.
func nameBase(t *testing.T, v *Repository, s shelf, id, base string) {
	t.Helper()
	m, err := v.manifest(t.Context(), id)
	require.NoError(t, err)
	var records []Record
	require.NoError(t, v.read(t.Context(), id, func(all Records) error {
		for r, err := range all {
			if err != nil {
				return err
			}
			records = append(records, r)
		}
		return nil
	}))
	h := m.Header
	h.Base = base
	delete(s, id+fileEnding)
	delete(s, id+manifestEnding)
	_, err = v.store(t.Context(), h, stream(records))
	require.NoError(t, err)
}

// Each way in which a file may be wrong is noticed, and named with the file.
func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	for reason, harm := range map[string]func(s shelf, base, id string){
		"should have":         func(s shelf, _, id string) { s[id+fileEnding] = s[id+fileEnding][:100] },
		"checksum":            func(s shelf, _, id string) { s[id+fileEnding][60] ^= 1 },
		"written last":        func(s shelf, _, id string) { delete(s, id+manifestEnding) },
		"cannot be read":      func(s shelf, _, id string) { s[id+manifestEnding] = []byte("{") },
		"its manifest is":     func(s shelf, base, id string) { s[id+manifestEnding] = s[base+manifestEnding] },
		"the base of":         func(s shelf, base, _ string) { s[base+fileEnding][70] ^= 1 },
		"does not exist":      func(s shelf, _, id string) { delete(s, id+fileEnding) },
		"the key given":       func(shelf, string, string) {},
		"its header is that ": func(s shelf, base, id string) { exchange(s, base, id) },
	} {
		v, s := newRepository()
		key := newKey(t)
		if reason == "the key given" {
			v.Recipient = key.Recipient()
			v.Identities = append(v.Identities, key)
		}
		base, err := v.Create(t.Context(), Full, market, stream(sample()))
		require.NoError(t, err)
		m, err := v.Create(t.Context(), Incremental, market, stream(sample()[3:]))
		require.NoError(t, err)
		if v.Identities != nil {
			v.Identities[0] = newKey(t)
		}
		harm(s, base.ID, m.ID)
		_, err = v.Verify(t.Context(), m.ID)
		var refusal *RefusedError
		require.ErrorAs(t, err, &refusal, reason)
		require.ErrorContains(t, err, reason)
		require.True(t, strings.HasPrefix(refusal.File, m.ID) || strings.HasPrefix(refusal.File, base.ID))
	}
	v, _ := newRepository()
	_, err := v.Verify(t.Context(), "../../etc/passwd")
	require.ErrorContains(t, err, "no backup's id")
}

// exchange puts a full backup's file under the incremental one's name, with a manifest that fits.
func exchange(s shelf, base, id string) {
	manifest := strings.ReplaceAll(string(s[base+manifestEnding]), base, id)
	manifest = strings.Replace(manifest, `"kind": "full"`, `"kind": "incremental", "base": "`+base+`"`, 1)
	var m Manifest
	if err := json.Unmarshal([]byte(manifest), &m); err != nil {
		panic(err)
	}
	s[id+fileEnding] = s[base+fileEnding]
	s.describe(m)
}

// describe puts a manifest on the shelf, with the checksum that it has to have.
func (s shelf) describe(m Manifest) {
	m.Checksum = m.checksum()
	document, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	s[m.ID+manifestEnding] = document
}

// The manifest is what a backup is chosen by: altered, it is no manifest, and one that was made anew says what
// the file does, or the backup is refused.
func TestAnAlteredManifestIsRefused(t *testing.T) {
	t.Parallel()
	v, s := newRepository()
	first, err := v.Create(t.Context(), Full, market, stream(sample()))
	require.NoError(t, err)
	base, err := v.Create(t.Context(), Full, market, stream(sample()[:30]))
	require.NoError(t, err)
	m, err := v.Create(t.Context(), Incremental, market, stream(sample()[3:]))
	require.NoError(t, err)
	require.Equal(t, base.ID, m.Base)
	for name, alter := range map[string]func(m *Manifest){
		"database": func(m *Manifest) { m.Database = "other" },
		"base":     func(m *Manifest) { m.Base = first.ID },
		"begin":    func(m *Manifest) { m.Begin = m.Begin.Add(-time.Hour) },
		"end":      func(m *Manifest) { m.End = m.End.Add(time.Hour) },
		"counts":   func(m *Manifest) { m.Collections = map[string]Counts{"users": {Documents: 1}} },
	} {
		altered := m
		alter(&altered)
		document, err := json.Marshal(altered)
		require.NoError(t, err)
		s[m.ID+manifestEnding] = document
		listed, err := v.List(t.Context())
		require.NoError(t, err)
		require.Len(t, listed.Bad, 1, name)
		require.ErrorContains(t, &listed.Bad[0], "its manifest does not have the checksum", name)
		s.describe(altered)
		_, err = v.Verify(t.Context(), m.ID)
		var refusal *RefusedError
		require.ErrorAs(t, err, &refusal, name)
		require.ErrorContains(t, err, "its manifest says", name)
	}
}

// What is to be restored has to open, its base as well: it is asked before anything is deleted.
func TestRestorableNeedsTheKeyOfTheBaseToo(t *testing.T) {
	t.Parallel()
	v, _ := newRepository()
	key := newKey(t)
	v.Recipient, v.Identities = key.Recipient(), []age.Identity{key}
	base, err := v.Create(t.Context(), Full, market, stream(sample()))
	require.NoError(t, err)
	v.Recipient = nil // somebody thinks that backups need no encryption
	m, err := v.Create(t.Context(), Incremental, market, stream(sample()[3:]))
	require.NoError(t, err)
	require.Equal(t, base.ID, m.Base)
	require.False(t, m.Encrypted)

	_, err = v.Restorable(t.Context(), m.ID)
	require.NoError(t, err)
	v.Identities = nil
	_, err = v.Verify(t.Context(), m.ID)
	require.NoError(t, err, "checksums need no key")
	_, err = v.Restorable(t.Context(), m.ID)
	require.ErrorIs(t, err, ErrNoKey)
	require.ErrorContains(t, err, base.ID)
}

func TestList(t *testing.T) {
	t.Parallel()
	v, s := newRepository()
	good, err := v.Create(t.Context(), Full, market, stream(sample()))
	require.NoError(t, err)
	short, err := v.Create(t.Context(), Full, market, stream(sample()))
	require.NoError(t, err)
	s[short.ID+fileEnding] = nil
	s["notes.txt"] = nil
	listed, err := v.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Manifest{good}, listed.Good)
	require.Len(t, listed.Bad, 1)
	require.Equal(t, short.ID+fileEnding, listed.Bad[0].File)
	require.Equal(t, []Manifest{good, short}, listed.Finished(), "whoever needs the short one is to hear that it is short")
}

// Nobody knows what a backup is whose manifest cannot be read, so an older one is not taken in its place unasked.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	v, s := newRepository()
	harmed, err := v.Create(t.Context(), Full, market, stream(sample()))
	require.NoError(t, err)
	unfinished, err := v.Create(t.Context(), Full, market, stream(sample()))
	require.NoError(t, err)
	s[harmed.ID+manifestEnding] = []byte("{")
	delete(s, unfinished.ID+manifestEnding)
	listed, err := v.List(t.Context())
	require.NoError(t, err)
	got := listed.Unreadable(at, unfinished.Begin)
	require.NotNil(t, got)
	require.Equal(t, harmed.ID+fileEnding, got.File)
	require.NotNil(t, listed.Unreadable(at, harmed.Begin))
	require.Nil(t, listed.Unreadable(at, harmed.Begin.Add(-time.Second)))
	require.Nil(t, listed.Unreadable(harmed.Begin, unfinished.Begin))
}

// The last good backup is found past what is none, and past another database's.
func TestLast(t *testing.T) {
	t.Parallel()
	v, s := newRepository()
	last := func() string {
		m, found, err := v.Last(t.Context(), market)
		require.NoError(t, err)
		require.Equal(t, found, m.ID != "")
		return m.ID
	}
	require.Empty(t, last())
	good, err := v.Create(t.Context(), Full, market, stream(sample()))
	require.NoError(t, err)
	later, err := v.Create(t.Context(), Incremental, market, stream(sample()))
	require.NoError(t, err)
	_, err = v.Create(t.Context(), Full, elsewhere, stream(sample()))
	require.NoError(t, err)
	require.Equal(t, later.ID, last())
	now := v.Now
	v.Now = func() time.Time { return at.Add(365 * 24 * time.Hour) }
	_, err = v.Create(t.Context(), Full, market, stream(sample()))
	require.NoError(t, err)
	v.Now = now
	require.Equal(t, later.ID, last(), "one of next year tells of a clock that was wrong, not of a backup")
	s[later.ID+fileEnding] = nil
	require.Equal(t, good.ID, last(), "cut off")
	delete(s, good.ID+manifestEnding)
	require.Empty(t, last(), "unfinished")
}

// A base that has gone bad must not keep backups from being taken.
func TestABadBaseIsFollowedByAFullBackup(t *testing.T) {
	t.Parallel()
	v, s := newRepository()
	base, err := v.Create(t.Context(), Full, market, stream(sample()))
	require.NoError(t, err)
	s[base.ID+fileEnding][60] ^= 1
	m, err := v.Create(t.Context(), Incremental, market, stream(sample()))
	require.NoError(t, err)
	require.Equal(t, Full, m.Kind)
}
