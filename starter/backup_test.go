package main

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/storage"
)

// market is the database whose backups these are.
var market = backup.Origin{Installation: "MARKETAAAAAAAAAAAAAAAAAAAA", Database: "marketplace"}

func TestBackupsAreListedAndVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.environment["MONGODB_URI"] = "mongodb://127.0.0.1:1"
	folder := t.TempDir()
	list := []string{"backup", "list", "--dir", folder}
	require.Equal(t, result{0, "There is no backup.\n", ""}, w.run(t, list...))

	repository := &backup.Repository{Storage: storage.Folder(folder), Now: func() time.Time { return present.Add(-time.Hour - 300*time.Millisecond) }}
	m, err := repository.Create(t.Context(), backup.Full, market, func(yield func(backup.Record, error) bool) {
		yield(backup.Record{Collection: "users", Key: []byte("v-1"), Document: []byte("document")}, nil)
	})
	require.NoError(t, err)
	golden(t, "backup-list", w.run(t, list...).out)
	require.Equal(t, result{0, m.ID + " is good: 1 document\n", ""}, w.run(t, "backup", "verify", "--dir", folder))

	file := filepath.Join(folder, m.ID+".backup")
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	content[len(content)/2] ^= 1
	require.NoError(t, os.WriteFile(file, content, 0o600))
	for _, args := range [][]string{{"backup", "verify", m.ID, "--dir", folder}, {"restore", "--dir", folder}} {
		r := w.run(t, args...)
		require.Equal(t, exitFailure, r.code)
		require.Contains(t, r.err, "backup "+m.ID+".backup is refused: it does not have the checksum of its manifest", "before any database is asked")
	}
}

// Where several installations keep their backups in one place, nobody guesses whose is meant.
func TestRestoreAsksWhoseBackupIsMeant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.environment["MONGODB_URI"] = "mongodb://127.0.0.1:1"
	folder := t.TempDir()
	now := present.Add(-time.Hour)
	repository := &backup.Repository{Storage: storage.Folder(folder), Now: func() time.Time { return now }}
	_, err := repository.Create(t.Context(), backup.Full, market, backup.None)
	require.NoError(t, err)
	now = now.Add(time.Minute)
	neighbor := backup.Origin{Installation: "NEIGHBORAAAAAAAAAAAAAAAAAA", Database: "marketplace"}
	theirs, err := repository.Create(t.Context(), backup.Full, neighbor, backup.None)
	require.NoError(t, err)

	r := w.run(t, "restore", "--dir", folder, "--into", "copy")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.err, market.Installation)
	require.Contains(t, r.err, neighbor.Installation)
	r = w.run(t, "restore", "--dir", folder, "--installation", "NOBODY")
	require.Equal(t, exitFailure, r.code)
	require.Contains(t, r.err, `there is no backup of installation "NOBODY"`)

	file := filepath.Join(folder, theirs.ID+".backup")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	r = w.run(t, "restore", "--dir", folder, "--installation", neighbor.Installation)
	require.Contains(t, r.err, theirs.ID, "the one that was named is meant")
}

// An empty database goes on as the installation that it is restored from; one that is another stays itself, and takes
// another's backup only where it was named.
func TestADatabaseKeepsItsInstallation(t *testing.T) {
	t.Parallel()
	own := backup.Origin{Installation: "OWNAAAAAAAAAAAAAAAAAAAAAAA", Database: "marketplace"}
	for name, c := range map[string]struct {
		found  bool
		origin backup.Origin
		named  string
		want   string
	}{
		"an empty one":         {origin: market, want: market.Installation},
		"an empty one, named":  {origin: market, named: market.Installation, want: market.Installation},
		"its own":              {found: true, origin: own, want: own.Installation},
		"another's that named": {found: true, origin: market, named: market.Installation, want: own.Installation},
		"another's":            {found: true, origin: market},
	} {
		got, err := keptInstallation(own, c.found, c.origin, c.named)
		require.Equal(t, c.want, got, name)
		if c.want == "" {
			require.ErrorContains(t, err, own.Installation, name)
			require.ErrorContains(t, err, "--installation "+market.Installation, name)
			continue
		}
		require.NoError(t, err, name)
	}
}

// Who has given a sign of life lately may have been stopped since: only one that gives another lives.
func TestProcessesThatWriteAreKnownByAnotherSign(t *testing.T) {
	t.Parallel()
	before := map[string]time.Time{"api a": present.Add(-10 * time.Second), "worker w": present.Add(-time.Hour), "api future": present.Add(time.Hour)}
	require.Equal(t, []string{"api a", "api future"}, recentlyActive(before, present))
	require.Empty(t, changedSince(before, before), "both were stopped")
	after := map[string]time.Time{"api a": present.Add(5 * time.Second), "worker w": present.Add(-time.Hour), "worker new": present}
	require.Equal(t, []string{"api a", "worker new"}, changedSince(before, after))
	require.Empty(t, changedSince(before, nil))
}

// Whatever is wrong with a file, nothing is touched: there is no database here that could be asked.
func TestRestoreRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	for name, c := range map[string]struct {
		harm func(file []byte) []byte
		file string // the ending of the one harmed; .backup for none
		key  *age.X25519Identity
		want string
	}{
		"cut off":    {harm: func(file []byte) []byte { return file[:len(file)-1] }, key: key, want: "is refused: it has "},
		"lengthened": {harm: func(file []byte) []byte { return append(file, 0) }, key: key, want: "is refused: it has "},
		"altered":    {harm: func(file []byte) []byte { file[len(file)/2] ^= 1; return file }, key: key, want: "is refused: it does not have the checksum"},
		"dated back": {file: ".json", key: key, want: "is refused: its manifest does not have the checksum", harm: func(file []byte) []byte {
			return bytes.Replace(file, []byte(`"end": "2026`), []byte(`"end": "2025`), 1)
		}},
		"undated":      {file: ".json", harm: func(file []byte) []byte { return file[:len(file)/2] }, key: key, want: "is refused: its manifest cannot be read"},
		"another key":  {key: other, want: "is refused: it is encrypted, and not for the key given"},
		"without keys": {want: "is refused: it is encrypted, and no key is given: set BACKUP_AGE_IDENTITY_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.environment["MONGODB_URI"] = "mongodb://127.0.0.1:1"
			if c.key != nil {
				w.environment["BACKUP_AGE_IDENTITY_FILE"] = filepath.Join(t.TempDir(), "key")
				require.NoError(t, os.WriteFile(w.environment["BACKUP_AGE_IDENTITY_FILE"], []byte(c.key.String()), 0o600))
			}
			folder := t.TempDir()
			repository := &backup.Repository{Storage: storage.Folder(folder), Now: func() time.Time { return present.Add(-2 * time.Hour) }, Recipient: key.Recipient()}
			_, err := repository.Create(t.Context(), backup.Full, market, backup.None)
			require.NoError(t, err)
			repository.Now = func() time.Time { return present.Add(-time.Hour) }
			m, err := repository.Create(t.Context(), backup.Full, market, backup.None)
			require.NoError(t, err)
			if c.harm != nil {
				file := filepath.Join(folder, m.ID+cmp.Or(c.file, ".backup"))
				content, err := os.ReadFile(file)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(file, c.harm(content), 0o600))
			}

			r := w.run(t, "restore", "--dir", folder, "--replace", "--yes")

			require.Equal(t, exitFailure, r.code)
			require.Contains(t, r.err, m.ID, "an older one is not taken unasked")
			require.Contains(t, r.err, c.want)
		})
	}
}

// A workflow that ended as the backup was begun may have ended before by Temporal's clock.
func TestWorkflowsAreAskedFromBeforeTheBackup(t *testing.T) {
	t.Parallel()
	choice := backup.Choice{Before: backup.Manifest{Header: backup.Header{Begin: present}}}
	require.Equal(t, present.Add(-time.Hour), askedSince(choice))
}

// What no restore undoes comes from the last backup, also from one that was being taken at the moment, which is verified too.
func TestTheLastBackupIsReadWhereTheMomentLiesInIt(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	now := present.Add(-2 * time.Hour)
	repository := &backup.Repository{Storage: storage.Folder(folder), Now: func() time.Time { return now }}
	_, err := repository.Create(t.Context(), backup.Full, market, backup.None)
	require.NoError(t, err)
	now = present.Add(-time.Hour)
	last, err := repository.Create(t.Context(), backup.Full, market, func(yield func(backup.Record, error) bool) {
		now = now.Add(time.Minute) // it takes that long
		yield(backup.Record{Collection: "suppressions", Key: []byte("vendor/v-1"), Document: []byte("document")}, nil)
	})
	require.NoError(t, err)
	at := last.Begin.Add(time.Second)
	a := app{now: func() time.Time { return present }}
	listed, err := repository.List(t.Context())
	require.NoError(t, err)

	choice, err := a.verified(t.Context(), repository, listed, market, at)
	require.NoError(t, err)
	moment := sources(t.Context(), repository, choice, at)
	require.Nil(t, moment.After, "its events may be of after the moment, and others of before not in it")
	require.NotNil(t, moment.Latest)
	read := 0
	require.NoError(t, moment.Latest(func(records backup.Records) error {
		for _, err := range records {
			require.NoError(t, err)
			read++
		}
		return nil
	}))
	require.Equal(t, 1, read)

	require.NoError(t, os.WriteFile(filepath.Join(folder, last.ID+".backup"), nil, 0o600))
	_, err = a.verified(t.Context(), repository, listed, market, at)
	require.ErrorContains(t, err, last.ID)
	require.ErrorContains(t, err, "nothing was touched")
}

func newKey(t *testing.T) *age.X25519Identity {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	return key
}

func TestBackupCommandsNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.environment["MONGODB_URI"] = "mongodb://127.0.0.1:1"
	for want, args := range map[string][]string{
		"set BACKUP_DIR or BACKUP_S3_BUCKET": {"backup", "full"},
		"is yet to come":                     {"restore", "--at", "2026-03-10T12:00:01Z", "--dir", "d"},
		"is not a moment":                    {"restore", "--at", "noon", "--dir", "d"},
		"accepts at most 1 arg":              {"backup", "verify", "a", "b"},
	} {
		r := w.run(t, args...)
		require.Equal(t, exitUsage, r.code, r.err)
		require.Contains(t, r.err, want)
	}
	r := w.run(t, "restore", "--dir", t.TempDir())
	require.Equal(t, exitFailure, r.code)
	require.Contains(t, r.err, "there is no backup of database marketplace (in folder ")
}
