package backup

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

const (
	// window is how far back compressed data may refer, which is what reading takes of memory.
	window = 4 << 20
	// maxPart bounds one part of a frame: a document has at most 16 MiB.
	maxPart = 17 << 20
	// maxName and maxCollections bound what is remembered of a file: a small one can unpack to much. No
	// database has longer names, nor so many.
	maxName        = 255
	maxCollections = 1 << 14
)

// ErrNoKey says that a backup is encrypted, and that there is nothing to open it with.
var ErrNoKey = errors.New("it is encrypted, and no key is given")

// Reader reads a backup from its beginning. Nothing it gives may be believed before the end has been
// reached without an error: only there it is known that the file is whole.
type Reader struct {
	Header Header
	// Trailer is known after the last record.
	Trailer Trailer

	in      *bufio.Reader
	sum     hash.Hash
	release func()
	last    Record
	counts  map[string]Counts
}

// NewReader reads the header. identities open an encrypted file; one that is not encrypted needs
// none. Close the Reader after use.
func NewReader(r io.Reader, identities ...age.Identity) (*Reader, error) {
	opened, err := unseal(r, identities)
	if err != nil {
		return nil, err
	}
	read := &Reader{in: bufio.NewReader(opened), sum: sha256.New(), release: opened.Close, counts: map[string]Counts{}}
	if err := read.begin(); err != nil {
		read.Close()
		return nil, err
	}
	return read, nil
}

// Close gives back what reading took.
func (r *Reader) Close() { r.release() }

// ageIntro is how every encrypted file begins.
const ageIntro = "age-encryption.org/"

func unseal(r io.Reader, identities []age.Identity) (*zstd.Decoder, error) {
	in := bufio.NewReader(r)
	if intro, err := in.Peek(len(ageIntro)); err == nil && string(intro) == ageIntro {
		if len(identities) == 0 {
			return nil, ErrNoKey
		}
		opened, err := age.Decrypt(in, identities...)
		if _, wrong := errors.AsType[*age.NoIdentityMatchError](err); wrong {
			return nil, errors.New("it is encrypted, and not for the key given")
		}
		if err != nil {
			return nil, fmt.Errorf("decrypting: %w", err)
		}
		in = bufio.NewReader(opened)
	}
	decoder, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, fmt.Errorf("decompressing: %w", err)
	}
	return decoder, nil
}

func (r *Reader) begin() error {
	start := make([]byte, len(magic))
	if err := r.fill(start); err != nil {
		return err
	}
	if string(start) != magic {
		return errors.New("it is no backup of the vendor trials")
	}
	kind, err := r.kind()
	if err != nil {
		return err
	}
	if kind != frameHeader {
		return errors.New("it has no header")
	}
	if err := r.json(&r.Header); err != nil {
		return err
	}
	return r.Header.check()
}

// Records are the backup's records. They can be read once.
func (r *Reader) Records() Records {
	return func(yield func(Record, error) bool) {
		for {
			record, err := r.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// next is the next record; io.EOF after the last, where all of the file has proven right.
func (r *Reader) next() (Record, error) {
	for {
		kind, err := r.kind()
		if err != nil {
			return Record{}, err
		}
		switch kind {
		case frameCollection:
			if err := r.collection(); err != nil {
				return Record{}, err
			}
		case frameDocument, frameRemoved:
			return r.record(kind)
		case frameTrailer:
			return Record{}, r.end()
		default:
			return Record{}, fmt.Errorf("it has a frame of the unknown kind %q", kind)
		}
	}
}

func (r *Reader) collection() error {
	name, err := r.part()
	if err != nil {
		return err
	}
	switch {
	case !validCollection(string(name)):
		return fmt.Errorf("it has a collection %.80q, which none of ours is named", name)
	case string(name) <= r.last.Collection:
		return errors.New("its collections are out of order")
	case len(r.counts) == maxCollections:
		return errors.New("it has more collections than there can be")
	}
	r.last = Record{Collection: string(name)}
	return nil
}

// validCollection tells whether documents are kept under a name: the server's own collections are not
// in backups, and nobody is to write to them by way of one.
func validCollection(name string) bool {
	return name != "" && len(name) <= maxName && !strings.HasPrefix(name, "system.") && !strings.ContainsAny(name, "\x00$")
}

func (r *Reader) record(kind byte) (Record, error) {
	key, err := r.part()
	if err != nil {
		return Record{}, err
	}
	next, c := Record{Collection: r.last.Collection, Key: key}, r.counts[r.last.Collection]
	if r.last.Collection == "" || r.last.Key != nil && bytes.Compare(r.last.Key, key) >= 0 {
		return Record{}, errors.New("its records are out of order")
	}
	if kind == frameRemoved {
		if r.Header.Kind == Full {
			return Record{}, errors.New("it is a full backup that removes documents")
		}
		c.Removed++
	} else {
		if next.Document, err = r.part(); err != nil {
			return Record{}, err
		}
		c.Documents++
	}
	r.last, r.counts[r.last.Collection] = next, c
	return next, nil
}

// end checks that the file is what its trailer says; io.EOF where it is.
func (r *Reader) end() error {
	if err := r.json(&r.Trailer); err != nil {
		return err
	}
	want, got := r.sum.Sum(nil), make([]byte, sha256.Size)
	if err := r.fill(got); err != nil {
		return err
	}
	if !bytes.Equal(want, got) {
		return errors.New("its content does not have the checksum that it names")
	}
	if !maps.Equal(r.counts, r.Trailer.Collections) {
		return errors.New("it does not hold as many documents as it says")
	}
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return cmp.Or(err, errors.New("it goes on after its end"))
	}
	return io.EOF
}

func (r *Reader) kind() (byte, error) {
	var b [1]byte
	err := r.fill(b[:])
	return b[0], err
}

// part is one part of a frame, never nil. Memory is taken as it arrives: a length may be a lie.
func (r *Reader) part() ([]byte, error) {
	length, err := binary.ReadUvarint(sums{r})
	if err != nil {
		return nil, err
	}
	if length > maxPart {
		return nil, fmt.Errorf("it has a part of %d bytes, more than there can be", length)
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r.in, int64(length)); err != nil {
		return nil, cut(err)
	}
	r.sum.Write(b.Bytes())
	return append([]byte{}, b.Bytes()...), nil // not nil, which would say that a document is gone
}

func (r *Reader) json(v any) error {
	document, err := r.part()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(document, v); err != nil {
		return fmt.Errorf("what it says of itself cannot be read: %w", err)
	}
	return nil
}

func (r *Reader) fill(b []byte) error {
	if _, err := io.ReadFull(r.in, b); err != nil {
		return cut(err)
	}
	r.sum.Write(b)
	return nil
}

// sums reads single bytes into the checksum.
type sums struct{ r *Reader }

func (s sums) ReadByte() (byte, error) { return s.r.kind() }

// cut says what the end of the data means before the trailer has come.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut off")
	}
	return fmt.Errorf("reading: %w", err)
}
