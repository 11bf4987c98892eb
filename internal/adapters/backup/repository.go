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
	"maps"
	"strings"
	"time"

	"filippo.io/age"
)

// Storage keeps files under names, a folder or a bucket. A file appears under its name once it is
// whole, or not at all.
type Storage interface {
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

// Repository takes backups, and gives them back where they are right.
type Repository struct {
	Storage Storage
	// Recipient is whom backups are encrypted for; nil for nobody.
	Recipient age.Recipient
	// Identities open encrypted backups.
	Identities []age.Identity
	Now        func() time.Time
	// OtherClock tells the time by another machine's clock, the database's, which Take compares with Now; nil
	// compares nothing.
	OtherClock func(context.Context) (time.Time, error)
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

// Create takes a backup of what scan reads, which can be read more than once, and reads the backup back.
// An incremental one that has no good base, or whose base is a day old or cannot be opened with
// the keys at hand, becomes a full one. The error is a *ClockError where the moment cannot be right.
func (v *Repository) Create(ctx context.Context, kind Kind, origin Origin, scan Records) (Manifest, error) {
	listed, err := v.List(ctx)
	if err != nil {
		return Manifest{}, err
	}
	good := Of(listed.Good, origin)
	if err := v.checkClock(ctx, good); err != nil {
		return Manifest{}, err
	}
	if kind == Incremental {
		due, base := Due(good, v.Now())
		if due == Incremental && v.mayOpen(base) {
			m, err := v.takeIncremental(ctx, base, scan)
			if _, bad := errors.AsType[*RefusedError](err); !bad {
				return m, err
			}
		}
	}
	return v.store(ctx, v.header(Full, origin), scan)
}

func (v *Repository) takeIncremental(ctx context.Context, base Manifest, scan Records) (taken Manifest, err error) {
	h := v.header(Incremental, base.Origin)
	h.Base = base.ID
	err = v.read(ctx, base.ID, func(records Records) (err error) {
		taken, err = v.store(ctx, h, Difference(records, scan))
		return err
	})
	return taken, err
}

func (v *Repository) header(kind Kind, origin Origin) Header {
	begin := v.Now().UTC().Truncate(time.Millisecond)
	return Header{Format: formatVersion, ID: newID(begin, kind), Kind: kind, Origin: origin, Begin: begin, Schema: Schema}
}

func (v *Repository) mayOpen(m Manifest) bool { return !m.Encrypted || len(v.Identities) > 0 }

// store writes the file, reads it back, and then writes the manifest, which makes it a backup.
func (v *Repository) store(ctx context.Context, h Header, records Records) (Manifest, error) {
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
	err := v.Storage.Put(ctx, h.ID+fileEnding, in)
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
	if err := v.Storage.Put(ctx, h.ID+manifestEnding, strings.NewReader(string(document))); err != nil {
		return Manifest{}, fmt.Errorf("storing the manifest of %s: %w", h.ID, err)
	}
	return m, nil
}

// Verify reads a backup, and the base that it needs, to the end. The error is a *RefusedError where
// one of them is not to be used.
func (v *Repository) Verify(ctx context.Context, id string) (Manifest, error) {
	return v.verify(ctx, id, v.check)
}

// Restorable is Verify for a backup that is to be restored: where it, or its base, is encrypted and there is no
// key at all, the error wraps ErrNoKey.
func (v *Repository) Restorable(ctx context.Context, id string) (Manifest, error) {
	return v.verify(ctx, id, func(ctx context.Context, m Manifest) error {
		if !v.mayOpen(m) {
			return refused(m.ID, ErrNoKey)
		}
		return v.check(ctx, m)
	})
}

func (v *Repository) verify(ctx context.Context, id string, check func(context.Context, Manifest) error) (Manifest, error) {
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
		base, err := v.manifest(ctx, m.Base)
		if err != nil {
			return Manifest{}, fmt.Errorf("the base of %s: %w", id, refused(m.Base, err))
		}
		// Before it is read: else bases might go on for ever, and lead back to where they began.
		if base.Kind != Full || base.Origin != m.Origin {
			return Manifest{}, refused(id, fmt.Errorf("its base %s is not a full backup of the same database: it is of %s", base.ID, base.Origin))
		}
		if err := check(ctx, base); err != nil {
			return Manifest{}, fmt.Errorf("the base of %s: %w", id, err)
		}
	}
	return m, nil
}

// check reads a file to its end and holds it against its manifest. An encrypted one for which there is
// no key at all is held against its checksum only.
func (v *Repository) check(ctx context.Context, m Manifest) error {
	file, err := v.Storage.Get(ctx, m.ID+fileEnding)
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
func (v *Repository) Open(ctx context.Context, m Manifest, fn func(Records) error) error {
	if m.Base == "" {
		return v.read(ctx, m.ID, fn)
	}
	return v.read(ctx, m.Base, func(base Records) error {
		return v.read(ctx, m.ID, func(changes Records) error { return fn(Overlay(base, changes)) })
	})
}

// read gives the records of one file to do.
func (v *Repository) read(ctx context.Context, id string, fn func(Records) error) error {
	return v.open(ctx, id, func(_ *Reader, records Records) error { return fn(records) })
}

// open gives one file to do, and its records.
func (v *Repository) open(ctx context.Context, id string, fn func(*Reader, Records) error) error {
	file, err := v.Storage.Get(ctx, id+fileEnding)
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
	return fn(r, func(yield func(Record, error) bool) {
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
