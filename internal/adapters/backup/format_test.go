package backup

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawRecords draws records in their order; removed ones too where asked for.
func drawRecords(t *rapid.T, label string, removals bool) []Record {
	records := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) Record {
		r := Record{
			Collection: rapid.SampledFrom([]string{"a", "b", "trial_events", "users"}).Draw(t, "collection"),
			Key:        rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "key"),
		}
		if !removals || rapid.Bool().Draw(t, "there") {
			r.Document = rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "document")
		}
		return r
	}), 0, 30, func(r Record) string { return r.Collection + "/" + string(r.Key) }).Draw(t, label)
	slices.SortFunc(records, Record.compare)
	return records
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]Kind{Full, Incremental}).Draw(t, "kind")
		records := drawRecords(t, "records", kind == Incremental)
		var recipient age.Recipient
		if rapid.Bool().Draw(t, "encrypted") {
			recipient = key.Recipient()
		}
		h, got, err := open(file(t, header(kind), records, recipient), key)
		require.NoError(t, err)
		require.Equal(t, header(kind), h)
		require.Len(t, got, len(records))
		for i := range records {
			require.True(t, records[i].compare(got[i]) == 0 && bytes.Equal(records[i].Document, got[i].Document))
			require.Equal(t, records[i].Document == nil, got[i].Document == nil)
		}
	})
}

// A difference laid over its base is what there was.
func TestADifferenceUndoesItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		base, now := drawRecords(t, "base", false), drawRecords(t, "now", false)
		difference, err := readAll(Difference(stream(base), stream(now)))
		require.NoError(t, err)
		require.True(t, slices.IsSortedFunc(difference, Record.compare))
		got, err := readAll(Overlay(stream(base), stream(difference)))
		require.NoError(t, err)
		require.True(t, slices.EqualFunc(now, got, func(a, b Record) bool { return a.compare(b) == 0 && bytes.Equal(a.Document, b.Document) }))
		same, err := readAll(Difference(stream(now), stream(now)))
		require.NoError(t, err)
		require.Empty(t, same)
	})
}

func TestAMergeEndsWithTheErrorOfEither(t *testing.T) {
	t.Parallel()
	broken := func(yield func(Record, error) bool) {
		if yield(sample()[0], nil) {
			yield(Record{}, errBroken)
		}
	}
	for name, merged := range map[string]Records{
		"base": Overlay(broken, stream(sample())), "changes": Overlay(stream(sample()), broken),
		"before": Difference(broken, None), "now": Difference(None, broken),
	} {
		_, err := readAll(merged)
		require.ErrorIs(t, err, errBroken, name)
	}
}

func TestRecordsOutOfOrderAreNotWritten(t *testing.T) {
	t.Parallel()
	for name, records := range map[string][]Record{
		"swapped": {sample()[1], sample()[0]}, "twice": {sample()[0], sample()[0]}, "collection again": {sample()[0], sample()[20], sample()[1]},
	} {
		_, err := Write(&bytes.Buffer{}, header(Full), stream(records), nil, time.Now)
		require.ErrorContains(t, err, "order", name)
	}
}

func TestCutOffFilesAreRefused(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	for name, recipient := range map[string]age.Recipient{"plain": nil, "encrypted": key.Recipient()} {
		whole := file(t, header(Full), sample(), recipient)
		_, _, err := open(whole, key)
		require.NoError(t, err)
		for n := range whole {
			_, _, err := open(whole[:n], key)
			require.Error(t, err, "%s, %d of %d bytes", name, n, len(whole))
		}
		_, _, err = open(append(slices.Clone(whole), 0), key)
		require.Error(t, err, "%s, one byte more", name)
		_, _, err = open(append(slices.Clone(whole), whole...), key)
		require.Error(t, err, "%s, twice", name)
	}
}

// No altered bit changes what is read without an error: where a bit has no meaning, as some of the
// compression's have not, the records are the same.
func TestAlteredFilesAreRefused(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	for name, recipient := range map[string]age.Recipient{"plain": nil, "encrypted": key.Recipient()} {
		whole, noticed := file(t, header(Full), sample(), recipient), 0
		for bit := range 8 * len(whole) {
			altered := slices.Clone(whole)
			altered[bit/8] ^= 1 << (bit % 8)
			h, records, err := open(altered, key)
			if err != nil {
				noticed++
				continue
			}
			require.Equal(t, header(Full), h, "%s, bit %d", name, bit)
			require.Equal(t, sample(), records, "%s, bit %d", name, bit)
		}
		require.Greater(t, noticed, 8*len(whole)*9/10, name)
	}
}

func TestWrongKeysAreRefused(t *testing.T) {
	t.Parallel()
	whole := file(t, header(Full), sample(), newKey(t).Recipient())
	_, _, err := open(whole)
	require.EqualError(t, err, "it is encrypted, and no key is given")
	_, _, err = open(whole, newKey(t))
	require.EqualError(t, err, "it is encrypted, and not for the key given")
}

func TestForeignHeadersAreRefused(t *testing.T) {
	t.Parallel()
	for reason, change := range map[string]func(*Header){
		"format":      func(h *Header) { h.Format++ },
		"schema":      func(h *Header) { h.Schema++ },
		"go together": func(h *Header) { h.Kind = Incremental },
		"id":          func(h *Header) { h.ID = "../" + h.ID },
		"base":        func(h *Header) { h.Base = h.ID },
	} {
		h := header(Full)
		change(&h)
		_, _, err := open(file(t, h, sample(), nil))
		require.ErrorContains(t, err, reason)
	}
	_, _, err := open(file(t, header(Full), []Record{{Collection: "a", Key: []byte("b")}}, nil))
	require.ErrorContains(t, err, "full backup that removes")
}

// A small file can unpack to names without end; those that no database has are not kept in memory, nor given to one.
func TestHostileCollectionsAreRefused(t *testing.T) {
	t.Parallel()
	for name, collections := range map[string][]string{
		"long":       {strings.Repeat("a", maxName+1)},
		"nul":        {"a\x00b"},
		"the server": {"system.users"},
		"a command":  {"a", "b.$cmd"},
		"backwards":  {"b", "a"},
		"twice":      {"a", "a"},
		"too many":   many(maxCollections + 1),
	} {
		var content bytes.Buffer
		sealed, err := seal(&content, nil)
		require.NoError(t, err)
		out := &frames{w: sealed.Writer, sum: sha256.New()}
		out.raw([]byte(magic))
		out.json(frameHeader, header(Full))
		for _, collection := range collections {
			out.frame(frameCollection, []byte(collection))
			out.frame(frameDocument, []byte("k"), []byte("document"))
		}
		require.NoError(t, errors.Join(out.err, sealed.close()))
		_, _, err = open(content.Bytes())
		require.ErrorContains(t, err, "collection", name)
		require.NotContains(t, err.Error(), "cut off", name)
	}
	_, err := Write(&bytes.Buffer{}, header(Full), stream([]Record{{"system.users", []byte("k"), []byte("d")}}), nil, time.Now)
	require.ErrorContains(t, err, "collection")
}

// However long a part is said to be, no more is read than a document may have.
func TestALengthThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	var content bytes.Buffer
	sealed, err := seal(&content, nil)
	require.NoError(t, err)
	out := &frames{w: sealed.Writer, sum: sha256.New()}
	out.raw([]byte(magic))
	out.frame(frameHeader, make([]byte, maxPart+1))
	require.NoError(t, errors.Join(out.err, sealed.close()))
	_, _, err = open(content.Bytes())
	require.ErrorContains(t, err, "more than there can be")
}

func many(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("c%06d", i))
	}
	return names
}

// Whatever the file, reading it neither panics nor takes much memory, and what reads without an error
// is written as it was read.
func FuzzReader(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte(ageIntro + "v1\n"))
	f.Add(file(f, header(Full), sample(), nil))
	f.Add(file(f, header(Full), nil, nil))
	f.Add(file(f, header(Incremental), append(sample(), Record{Collection: "z", Key: []byte("gone")}), nil))
	f.Add(file(f, header(Full), sample(), nil)[:50])
	f.Fuzz(func(t *testing.T, content []byte) {
		h, records, err := open(content)
		if err != nil {
			return
		}
		again, got, err := open(file(t, h, records, nil))
		require.NoError(t, err)
		require.Equal(t, h, again)
		require.Equal(t, records, got)
	})
}
