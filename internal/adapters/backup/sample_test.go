package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
)

var at = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// market and elsewhere are two databases of one installation, neighbor is another installation's.
var (
	market    = Origin{Installation: strings.Repeat("A", 26), Database: "marketplace"}
	elsewhere = Origin{Installation: market.Installation, Database: "other"}
	neighbor  = Origin{Installation: strings.Repeat("B", 26), Database: "marketplace"}
)

func header(kind Kind) Header {
	h := Header{Format: formatVersion, ID: newID(at, kind), Kind: kind, Origin: market, Begin: at, Schema: Schema}
	if kind == Incremental {
		h.Base = newID(at.Add(-time.Hour), Full)
	}
	return h
}

// sample has some documents of two collections.
func sample() []Record {
	var records []Record
	for _, collection := range []string{"trial_events", "users"} {
		for i := range 20 {
			records = append(records, Record{collection, fmt.Appendf(nil, "v-%03d", i), fmt.Appendf(nil, "document %d of %s", i, collection)})
		}
	}
	return records
}

func stream(records []Record) Records {
	return func(yield func(Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func readAll(records Records) ([]Record, error) {
	var all []Record
	for r, err := range records {
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

func file(t require.TestingT, h Header, records []Record, recipient age.Recipient) []byte {
	var b bytes.Buffer
	_, err := Write(&b, h, stream(records), recipient, func() time.Time { return at.Add(time.Minute) })
	require.NoError(t, err)
	return b.Bytes()
}

// open reads a file to its end.
func open(content []byte, identities ...age.Identity) (Header, []Record, error) {
	r, err := NewReader(bytes.NewReader(content), identities...)
	if err != nil {
		return Header{}, nil, err
	}
	defer r.Close()
	records, err := readAll(r.Records())
	return r.Header, records, err
}

func newKey(t *testing.T) *age.X25519Identity {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	return key
}

var errBroken = errors.New("broken")

// shelf is a Place in memory.
type shelf map[string][]byte

func (s shelf) String() string { return "shelf" }

func (s shelf) Put(_ context.Context, name string, content io.Reader) error {
	b, err := io.ReadAll(content)
	if err == nil {
		s[name] = b
	}
	return err
}

func (s shelf) Get(_ context.Context, name string) (io.ReadCloser, error) {
	b, ok := s[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(slices.Clone(b))), nil
}

func (s shelf) List(context.Context) (map[string]int64, error) {
	files := map[string]int64{}
	for name, b := range s {
		files[name] = int64(len(b))
	}
	return files, nil
}

func (s shelf) Delete(_ context.Context, name string) error {
	delete(s, name)
	return nil
}
