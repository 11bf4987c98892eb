package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/audit"
)

// placed is an entry and the number under which it is stored.
type placed struct {
	number int
	entry  audit.Entry
}

// verify follows a whole record.
func verify(known audit.Mark, record []placed) (*audit.Verifier, error) {
	v := &audit.Verifier{Known: known}
	for _, p := range record {
		if err := v.Verify(p.number, p.entry); err != nil {
			return v, err
		}
	}
	err := v.End()
	return v, err
}

// record draws a whole record of so many entries.
func record(t *rapid.T, least, most int) []placed {
	word := rapid.StringN(0, 20, -1)
	document := rapid.SampledFrom([]audit.JSON{"", `{"days":7}`, `{"status":"active"}`})
	var all []placed
	var last audit.Entry
	for i := range rapid.IntRange(least, most).Draw(t, "entries") {
		last = audit.Next(last, audit.Entry{
			At: at.Add(time.Duration(rapid.IntRange(-1000, 1000).Draw(t, "after")) * time.Millisecond), Actor: word.Draw(t, "actor"),
			Action: word.Draw(t, "action"), Subject: word.Draw(t, "subject"), Reason: word.Draw(t, "reason"),
			RequestID: fmt.Sprint("r-", i), Key: word.Draw(t, "key"), Outcome: rapid.SampledFrom([]audit.Outcome{audit.Pending, audit.Done}).Draw(t, "outcome"),
			Settles: rapid.IntRange(0, i).Draw(t, "settles"), Detail: word.Draw(t, "detail"),
			Asked: document.Draw(t, "asked"), Before: document.Draw(t, "before"), After: document.Draw(t, "after"),
		})
		all = append(all, placed{last.Seq, last})
	}
	return all
}

// alterations change one field each, all there are but the number.
var alterations = map[string]func(*audit.Entry){
	"at":        func(e *audit.Entry) { e.At = e.At.Add(time.Millisecond) },
	"actor":     func(e *audit.Entry) { e.Actor += "x" },
	"action":    func(e *audit.Entry) { e.Action += "x" },
	"subject":   func(e *audit.Entry) { e.Subject += "x" },
	"reason":    func(e *audit.Entry) { e.Reason += "x" },
	"requestId": func(e *audit.Entry) { e.RequestID = "" },
	"key":       func(e *audit.Entry) { e.Key += "x" },
	"outcome":   func(e *audit.Entry) { e.Outcome = audit.Refused },
	"settles":   func(e *audit.Entry) { e.Settles++ },
	"detail":    func(e *audit.Entry) { e.Detail += "x" },
	"asked":     func(e *audit.Entry) { e.Asked += " " },
	"before":    func(e *audit.Entry) { e.Before += " " },
	"after":     func(e *audit.Entry) { e.After += " " },
	"previous":  func(e *audit.Entry) { e.Previous += "0" },
	"hash":      func(e *audit.Entry) { e.Hash = strings.Repeat("0", 64) },
	// From one text to its neighbour, so that all of them together read the same.
	"text moved": func(e *audit.Entry) { e.Reason, e.Detail = e.Reason+e.Detail+"x", "" },
}

func requireBreak(t require.TestingT, err error, seq int, fault audit.Fault) {
	var b *audit.Break
	require.ErrorAs(t, err, &b)
	require.Equal(t, seq, b.Seq)
	require.Equal(t, fault, b.Fault)
	require.Contains(t, err.Error(), fmt.Sprintf("entry %d, which is %s", seq, fault))
}

func TestAWholeRecordVerifies(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := record(t, 0, 8)
		v, err := verify(audit.Mark{}, all)
		require.NoError(t, err)
		require.Equal(t, len(all), v.Last().Seq)
		for _, p := range all {
			_, err := verify(audit.Mark{Seq: p.number, Hash: p.entry.Hash}, all)
			require.NoError(t, err)
		}
	})
}

func TestAnAlteredEntryIsNamed(t *testing.T) {
	t.Parallel()
	for name, alter := range alterations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				all := record(t, 1, 8)
				i := rapid.IntRange(0, len(all)-1).Draw(t, "entry")
				alter(&all[i].entry)
				_, err := verify(audit.Mark{}, all)
				requireBreak(t, err, i+1, audit.Altered)
			})
		})
	}
}

// An altered entry with a new hash is found at the next entry
// or, if there is none, by a noted hash of the last one.
func TestAnEntryMadeAnewIsNamed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := record(t, 1, 8)
		end := all[len(all)-1].entry
		i := rapid.IntRange(0, len(all)-1).Draw(t, "entry")
		var before audit.Entry
		if i > 0 {
			before = all[i-1].entry
		}
		forged := all[i].entry
		forged.Actor += "x"
		all[i].entry = audit.Next(before, forged)
		if i+1 < len(all) {
			_, err := verify(audit.Mark{}, all)
			requireBreak(t, err, i+2, audit.Unlinked)
			return
		}
		_, err := verify(audit.Mark{}, all)
		require.NoError(t, err, "nothing in the record itself tells")
		_, err = verify(audit.Mark{Seq: end.Seq, Hash: end.Hash}, all)
		requireBreak(t, err, end.Seq, audit.Replaced)
	})
}

func TestAMissingEntryIsNamed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := record(t, 1, 8)
		end := all[len(all)-1].entry
		i := rapid.IntRange(0, len(all)-1).Draw(t, "entry")
		all = slices.Delete(all, i, i+1)
		_, err := verify(audit.Mark{Seq: end.Seq, Hash: end.Hash}, all)
		requireBreak(t, err, i+1, audit.Missing)
	})
}

// Closing the gap does not hide it.
func TestAGapThatWasClosedIsNamed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := record(t, 2, 8)
		i := rapid.IntRange(0, len(all)-2).Draw(t, "entry")
		all = slices.Delete(all, i, i+1)
		for j := range all {
			all[j].number, all[j].entry.Seq = j+1, j+1
		}
		_, err := verify(audit.Mark{}, all)
		requireBreak(t, err, i+1, audit.Altered)
	})
}

func TestSwappedEntriesAreNamed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := record(t, 2, 8)
		i := rapid.IntRange(0, len(all)-2).Draw(t, "one")
		j := rapid.IntRange(i+1, len(all)-1).Draw(t, "other")
		all[i].entry, all[j].entry = all[j].entry, all[i].entry
		_, err := verify(audit.Mark{}, all)
		requireBreak(t, err, i+1, audit.Misplaced)

		all[i].entry.Seq, all[j].entry.Seq = i+1, j+1
		_, err = verify(audit.Mark{}, all)
		requireBreak(t, err, i+1, audit.Altered)
	})
}

func TestAnEntryThatComesTwiceIsNamed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := record(t, 1, 8)
		i := rapid.IntRange(0, len(all)-1).Draw(t, "entry")
		_, err := verify(audit.Mark{}, append(all, all[i]))
		requireBreak(t, err, i+1, audit.Misplaced)
	})
}

func TestWhatIsNotSettledIsListed(t *testing.T) {
	t.Parallel()
	var all []placed
	var last audit.Entry
	for _, e := range []audit.Entry{
		{Outcome: audit.Pending}, {Outcome: audit.Pending}, {Outcome: audit.Done, Settles: 1}, {Outcome: audit.Done}, {Outcome: audit.Pending},
	} {
		e.At = at
		last = audit.Next(last, e)
		all = append(all, placed{last.Seq, last})
	}
	v, err := verify(audit.Mark{}, all)
	require.NoError(t, err)
	require.Equal(t, []int{2, 5}, v.Pending())
}
