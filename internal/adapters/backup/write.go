package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// A file is, compressed and then encrypted where there is a key for it, the magic, and then frames:
// one byte that says what follows, the length of each part as a varint, the part itself.
//
//	header      JSON
//	collection  name; those of the following records
//	document    key, document
//	removed     key
//	trailer     JSON, and SHA-256 of everything before
const (
	magic = "vendor trials backup\n"

	frameHeader     = 'h'
	frameCollection = 'c'
	frameDocument   = 'd'
	frameRemoved    = 'r'
	frameTrailer    = 't'
)

// Write writes a backup: the header, the records, and a trailer with the moment that now tells after
// the last of them. Without a recipient it is not encrypted. The trailer that was written is returned.
func Write(w io.Writer, h Header, records Records, recipient age.Recipient, now func() time.Time) (Trailer, error) {
	sealed, err := seal(w, recipient)
	if err != nil {
		return Trailer{}, err
	}
	out := &frames{w: sealed.Writer, sum: sha256.New()}
	out.raw([]byte(magic))
	out.json(frameHeader, h)
	counts, err := writeRecords(out, records)
	if err != nil {
		return Trailer{}, err
	}
	t := Trailer{End: now().UTC().Truncate(time.Millisecond), Collections: counts}
	out.json(frameTrailer, t)
	out.raw(out.sum.Sum(nil))
	return t, errors.Join(out.err, sealed.close())
}

func writeRecords(out *frames, records Records) (map[string]Counts, error) {
	counts := map[string]Counts{}
	var last Record
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		if !validCollection(r.Collection) {
			return nil, fmt.Errorf("collection %.80q has a name that cannot be backed up", r.Collection)
		}
		if last.Collection != "" && last.compare(r) >= 0 {
			return nil, fmt.Errorf("collection %s is not read in the order of its keys", r.Collection)
		}
		if r.Collection != last.Collection {
			out.frame(frameCollection, []byte(r.Collection))
		}
		c := counts[r.Collection]
		if r.Document == nil {
			out.frame(frameRemoved, r.Key)
			c.Removed++
		} else {
			out.frame(frameDocument, r.Key, r.Document)
			c.Documents++
		}
		if out.err != nil {
			return nil, out.err
		}
		counts[r.Collection], last = c, r
	}
	return counts, nil
}

// sealed is the way into the file: compression, then encryption.
type sealed struct {
	io.Writer
	closers []io.Closer
}

func seal(w io.Writer, recipient age.Recipient) (*sealed, error) {
	s := &sealed{}
	if recipient != nil {
		encrypted, err := age.Encrypt(w, recipient)
		if err != nil {
			return nil, fmt.Errorf("encrypting: %w", err)
		}
		w, s.closers = encrypted, append(s.closers, encrypted)
	}
	compressed, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	if err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	s.Writer, s.closers = compressed, append(s.closers, compressed)
	return s, nil
}

// close finishes the innermost layer first.
func (s *sealed) close() error {
	for _, closer := range slices.Backward(s.closers) {
		if err := closer.Close(); err != nil {
			return fmt.Errorf("finishing the file: %w", err)
		}
	}
	return nil
}

// frames writes frames until the first error, which it keeps.
type frames struct {
	w   io.Writer
	sum hash.Hash
	err error
}

func (f *frames) raw(b []byte) {
	if f.err != nil {
		return
	}
	f.sum.Write(b)
	if _, err := f.w.Write(b); err != nil {
		f.err = fmt.Errorf("writing the file: %w", err)
	}
}

func (f *frames) frame(kind byte, parts ...[]byte) {
	f.raw([]byte{kind})
	for _, part := range parts {
		f.raw(binary.AppendUvarint(nil, uint64(len(part))))
		f.raw(part)
	}
}

func (f *frames) json(kind byte, v any) {
	document, err := json.Marshal(v)
	if err != nil {
		f.err = errors.Join(f.err, fmt.Errorf("writing what the backup says of itself: %w", err))
		return
	}
	f.frame(kind, document)
}
