package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
)

// Place keeps files under names, a folder or a bucket. A file appears under its name once it is
// whole, or not at all.
type Place interface {
	// Put stores what is read until its end; an error of the reader leaves nothing behind.
	Put(ctx context.Context, name string, content io.Reader) error
	// Get is a *fs.PathError or wraps fs.ErrNotExist where there is no such file.
	Get(ctx context.Context, name string) (io.ReadCloser, error)
	// List are all files' lengths in bytes by their names.
	List(ctx context.Context) (map[string]int64, error)
	Delete(ctx context.Context, name string) error
	// String says where it is, for people.
	String() string
}

// Vault takes backups, and gives them back where they are right.
type Vault struct {
	Place Place
	// Recipient is whom backups are encrypted for; nil for nobody.
	Recipient age.Recipient
	// Identities open encrypted backups.
	Identities []age.Identity
	Now        func() time.Time
}

// RefusedError says that a backup is not to be used, and why.
type RefusedError struct {
	File   string
	Reason error
	// Manifest is what the backup should be; nil where that is not known, as of one that was never finished.
	Manifest *Manifest
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("backup %s is refused: %s", e.File, e.Reason)
}
func (e *RefusedError) Unwrap() error { return e.Reason }

func refused(id string, reason error) error {
	return &RefusedError{File: id + fileEnding, Reason: reason}
}

// errNotStored is what is told to the writer of a file whose place takes no more of it.
var errNotStored = errors.New("the file cannot be stored")

// Take takes a backup of what scan reads, which can be read more than once, and reads the backup back.
// An incremental one that has no good base, or whose base is a day old or cannot be opened with
// the keys at hand, becomes a full one.
func (v *Vault) Take(ctx context.Context, kind Kind, database string, scan Records) (Manifest, error) {
	if kind == Incremental {
		listed, err := v.List(ctx)
		if err != nil {
			return Manifest{}, err
		}
		due, base := Due(OfDatabase(listed.Good, database), v.Now())
		if due == Incremental && v.mayOpen(base) {
			m, err := v.takeIncremental(ctx, base, scan)
			if _, bad := errors.AsType[*RefusedError](err); !bad {
				return m, err
			}
		}
	}
	return v.store(ctx, v.header(Full, database), scan)
}

func (v *Vault) takeIncremental(ctx context.Context, base Manifest, scan Records) (taken Manifest, err error) {
	h := v.header(Incremental, base.Database)
	h.Base = base.ID
	err = v.read(ctx, base.ID, func(records Records) (err error) {
		taken, err = v.store(ctx, h, Difference(records, scan))
		return err
	})
	return taken, err
}

func (v *Vault) header(kind Kind, database string) Header {
	begin := v.Now().UTC().Truncate(time.Millisecond)
	return Header{Format: formatVersion, ID: newID(begin, kind), Kind: kind, Database: database, Begin: begin, Schema: Schema}
}

// OfDatabase are the backups of one database.
func OfDatabase(manifests []Manifest, database string) []Manifest {
	return slices.DeleteFunc(slices.Clone(manifests), func(m Manifest) bool { return m.Database != database })
}

func (v *Vault) mayOpen(m Manifest) bool { return !m.Encrypted || len(v.Identities) > 0 }

// store writes the file, reads it back, and then writes the manifest, which makes it a backup.
func (v *Vault) store(ctx context.Context, h Header, records Records) (Manifest, error) {
	m := Manifest{Header: h, Encrypted: v.Recipient != nil}
	in, out := io.Pipe()
	sum := &measure{w: out, sum: sha256.New()}
	written := make(chan error, 1)
	go func() {
		var err error
		m.Trailer, err = Write(sum, h, records, v.Recipient, v.Now)
		out.CloseWithError(err)
		written <- err
	}()
	err := v.Place.Put(ctx, h.ID+fileEnding, in)
	in.CloseWithError(errNotStored)
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, errNotStored) {
		err = writeErr // what the place makes of it says less
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("taking backup %s: %w", h.ID, err)
	}
	m.Size, m.SHA256 = sum.n, hex.EncodeToString(sum.sum.Sum(nil))
	if err := v.check(ctx, m); err != nil {
		return Manifest{}, fmt.Errorf("reading the backup back: %w", err)
	}
	m.Checksum = m.checksum()
	document, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return Manifest{}, fmt.Errorf("writing the manifest of %s: %w", h.ID, err)
	}
	if err := v.Place.Put(ctx, h.ID+manifestEnding, strings.NewReader(string(document))); err != nil {
		return Manifest{}, fmt.Errorf("storing the manifest of %s: %w", h.ID, err)
	}
	return m, nil
}

// Listed is what lies in a place.
type Listed struct {
	// Good are the backups that are finished and of the right length, the oldest first.
	Good []Manifest
	// Bad are the others.
	Bad []RefusedError
}

// List looks at the manifests, and at the files' lengths only.
func (v *Vault) List(ctx context.Context) (Listed, error) {
	files, err := v.Place.List(ctx)
	if err != nil {
		return Listed{}, fmt.Errorf("listing the backups in %s: %w", v.Place, err)
	}
	var l Listed
	for _, name := range slices.Sorted(maps.Keys(files)) {
		id, ok := strings.CutSuffix(name, fileEnding)
		if !ok || !ValidID(id) {
			continue
		}
		m, err := v.manifest(ctx, id)
		switch {
		case ctx.Err() != nil:
			return Listed{}, ctx.Err()
		case err != nil:
			l.Bad = append(l.Bad, RefusedError{File: name, Reason: err})
		case m.Size != files[name]:
			l.Bad = append(l.Bad, RefusedError{File: name, Reason: wrongLength(files[name], m.Size), Manifest: &m})
		default:
			l.Good = append(l.Good, m)
		}
	}
	return l, nil
}

func wrongLength(is, should int64) error {
	return fmt.Errorf("it has %d bytes and should have %d", is, should)
}

// Finished are all backups that were finished, those as well of which it shows already that they are no
// good any more: who restores from one of these is to be told so, and not be given an older one unasked.
func (l Listed) Finished() []Manifest {
	all := slices.Clone(l.Good)
	for _, bad := range l.Bad {
		if bad.Manifest != nil {
			all = append(all, *bad.Manifest)
		}
	}
	return all
}

// Unreadable is the first backup begun since one moment and up to another of which it cannot be read what it
// is; nil for none. One without a manifest was never finished, and is none of them.
func (l Listed) Unreadable(since, until time.Time) *RefusedError {
	for i := range l.Bad {
		bad := &l.Bad[i]
		if begun := bad.begun(); bad.Manifest == nil && !errors.Is(bad.Reason, fs.ErrNotExist) && begun.After(since) && !begun.After(until) {
			return bad
		}
	}
	return nil
}

// begun is when the backup was begun, by its name.
func (e *RefusedError) begun() time.Time {
	begun, _ := time.Parse(idTime, e.File[:min(len(idTime), len(e.File))]) // the zero time where it is none
	return begun
}

// Last is the last good backup of a database, none of the future, and whether there is one. It reads as few manifests as it can.
func (v *Vault) Last(ctx context.Context, database string) (last Manifest, found bool, err error) {
	files, err := v.Place.List(ctx)
	if err != nil {
		return Manifest{}, false, fmt.Errorf("listing the backups in %s: %w", v.Place, err)
	}
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(files))) { // their names begin with the moment
		id, ok := strings.CutSuffix(name, fileEnding)
		if !ok || !ValidID(id) {
			continue
		}
		m, err := v.manifest(ctx, id)
		if ctx.Err() != nil {
			return Manifest{}, false, ctx.Err()
		}
		if err == nil && m.Size == files[name] && m.Database == database && !m.ahead(v.Now()) {
			return m, true, nil
		}
	}
	return Manifest{}, false, nil
}

// maxManifest bounds what is read of a manifest, in bytes.
const maxManifest = 1 << 20

func (v *Vault) manifest(ctx context.Context, id string) (Manifest, error) {
	file, err := v.Place.Get(ctx, id+manifestEnding)
	if errors.Is(err, fs.ErrNotExist) {
		return Manifest{}, fmt.Errorf("its manifest, which is written last, is not there: %w", err)
	}
	if err != nil {
		return Manifest{}, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	defer file.Close()
	document, err := io.ReadAll(io.LimitReader(file, maxManifest))
	if err != nil {
		return Manifest{}, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(document, &m); err != nil {
		return Manifest{}, fmt.Errorf("its manifest cannot be read: %w", err)
	}
	switch {
	case m.ID != id:
		return Manifest{}, fmt.Errorf("its manifest is that of %.80q", m.ID)
	case m.Checksum != m.checksum():
		return Manifest{}, errors.New("its manifest does not have the checksum that it names")
	}
	return m, m.check()
}

// Verify reads a backup, and the base that it needs, to the end. The error is a *RefusedError where
// one of them is not to be used.
func (v *Vault) Verify(ctx context.Context, id string) (Manifest, error) {
	return v.verify(ctx, id, v.check)
}

// Restorable is Verify for a backup that is to be restored: where it, or its base, is encrypted and there is no
// key at all, the error wraps ErrNoKey.
func (v *Vault) Restorable(ctx context.Context, id string) (Manifest, error) {
	return v.verify(ctx, id, func(ctx context.Context, m Manifest) error {
		if !v.mayOpen(m) {
			return refused(m.ID, ErrNoKey)
		}
		return v.check(ctx, m)
	})
}

func (v *Vault) verify(ctx context.Context, id string, check func(context.Context, Manifest) error) (Manifest, error) {
	if !ValidID(id) {
		return Manifest{}, fmt.Errorf("%.80q is no backup's id", id)
	}
	m, err := v.manifest(ctx, id)
	if err != nil {
		return Manifest{}, refused(id, err)
	}
	if err := check(ctx, m); err != nil {
		return Manifest{}, err
	}
	if m.Base != "" {
		base, err := v.verify(ctx, m.Base, check)
		if err != nil {
			return Manifest{}, fmt.Errorf("the base of %s: %w", id, err)
		}
		if base.Kind != Full || base.Database != m.Database {
			return Manifest{}, refused(id, fmt.Errorf("its base %s is not a full backup of the same database", base.ID))
		}
	}
	return m, nil
}

// check reads a file to its end and holds it against its manifest. An encrypted one for which there is
// no key at all is held against its checksum only.
func (v *Vault) check(ctx context.Context, m Manifest) error {
	file, err := v.Place.Get(ctx, m.ID+fileEnding)
	if err != nil {
		return refused(m.ID, err)
	}
	defer file.Close()
	sum := &measure{w: io.Discard, sum: sha256.New()}
	if _, err := io.Copy(sum, file); err != nil {
		return refused(m.ID, fmt.Errorf("reading: %w", err))
	}
	switch {
	case sum.n != m.Size:
		return refused(m.ID, wrongLength(sum.n, m.Size))
	case hex.EncodeToString(sum.sum.Sum(nil)) != m.SHA256:
		return refused(m.ID, errors.New("it does not have the checksum of its manifest"))
	case !v.mayOpen(m):
		return nil
	}
	return v.open(ctx, m.ID, func(r *Reader, records Records) error {
		for _, err := range records {
			if err != nil {
				return err
			}
		}
		if !m.describes(r) {
			return refused(m.ID, errors.New("its manifest says other things of it than the file itself"))
		}
		return nil
	})
}

// describes tells whether a manifest, which has no checksum of its own, says what the file does that was read.
func (m Manifest) describes(r *Reader) bool {
	said, is := m.Header, r.Header
	sameTimes := said.Begin.Equal(is.Begin) && m.End.Equal(r.Trailer.End)
	said.Begin, is.Begin = time.Time{}, time.Time{}
	return sameTimes && said == is && maps.Equal(m.Collections, r.Trailer.Collections)
}

// Open gives a backup's documents, those of its base included, to do. It has to be verified
// before: what is wrong further on shows only once what comes before it has been given out.
func (v *Vault) Open(ctx context.Context, m Manifest, do func(Records) error) error {
	if m.Base == "" {
		return v.read(ctx, m.ID, do)
	}
	return v.read(ctx, m.Base, func(base Records) error {
		return v.read(ctx, m.ID, func(changes Records) error { return do(Overlay(base, changes)) })
	})
}

// read gives the records of one file to do.
func (v *Vault) read(ctx context.Context, id string, do func(Records) error) error {
	return v.open(ctx, id, func(_ *Reader, records Records) error { return do(records) })
}

// open gives one file to do, and its records.
func (v *Vault) open(ctx context.Context, id string, do func(*Reader, Records) error) error {
	file, err := v.Place.Get(ctx, id+fileEnding)
	if err != nil {
		return refused(id, err)
	}
	defer file.Close()
	r, err := NewReader(file, v.Identities...)
	if err != nil {
		return refused(id, err)
	}
	defer r.Close()
	if r.Header.ID != id {
		return refused(id, fmt.Errorf("its header is that of %s", r.Header.ID))
	}
	return do(r, func(yield func(Record, error) bool) {
		for record, err := range r.Records() {
			if err == nil {
				err = ctx.Err()
			} else {
				err = refused(id, err)
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
	})
}

// Expire deletes the backups of a database that are not needed any more, and says which; and files of
// as long ago that never became a backup. The manifest goes first, so that what is half deleted is no backup.
func (v *Vault) Expire(ctx context.Context, database string) ([]string, error) {
	listed, err := v.List(ctx)
	if err != nil {
		return nil, err
	}
	expired := append(Expired(OfDatabase(listed.Good, database), v.Now()), listed.abandoned(v.Now())...)
	for i, id := range expired {
		for _, ending := range []string{manifestEnding, fileEnding} {
			if err := v.Place.Delete(ctx, id+ending); err != nil {
				return expired[:i], fmt.Errorf("deleting the expired backup %s: %w", id, err)
			}
		}
	}
	return expired, nil
}

// abandoned are the ids of files without a manifest that were begun before the horizon.
func (l Listed) abandoned(now time.Time) (ids []string) {
	for i := range l.Bad {
		bad := &l.Bad[i]
		if begun := bad.begun(); !begun.IsZero() && errors.Is(bad.Reason, fs.ErrNotExist) && begun.Before(now.Add(-Horizon)) {
			ids = append(ids, strings.TrimSuffix(bad.File, fileEnding))
		}
	}
	return ids
}

// measure counts and sums what passes through.
type measure struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

func (m *measure) Write(b []byte) (int, error) {
	n, err := m.w.Write(b)
	m.sum.Write(b[:n])
	m.n += int64(n)
	return n, err
}
