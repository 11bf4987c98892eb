package audit

import (
	"fmt"
	"maps"
	"slices"
)

// Fault names the fault of a link of the chain.
type Fault string

// The faults.
const (
	// Missing: there is no entry of that number.
	Missing Fault = "missing"
	// Misplaced: another entry is in its place.
	Misplaced Fault = "out of order"
	// Altered: the entry does not match its hash.
	Altered Fault = "altered"
	// Unlinked: the entry matches its hash, but was written after another entry than the one
	// before it. One of the two was rewritten, including its hash.
	Unlinked Fault = "not linked"
	// Replaced: the entry matches its hash, but is not the known one.
	Replaced Fault = "replaced"
)

// Break is the first broken link.
type Break struct {
	// Seq is the number of the wrong entry.
	Seq   int
	Fault Fault
	// Text describes the finding in a sentence.
	Text string
}

// Error names the entry, the fault and the finding.
func (b *Break) Error() string {
	return fmt.Sprintf("the chain breaks at entry %d, which is %s: %s", b.Seq, b.Fault, b.Text)
}

// Mark identifies an entry that somebody has noted elsewhere.
type Mark struct {
	Seq  int
	Hash string
}

// Verifier follows the chain from its first entry. Its zero value is ready to use.
type Verifier struct {
	// Known is an entry that must be there unchanged; zero for none. Only with one
	// can it detect that the end of the record was cut off or rewritten.
	Known Mark

	last    Entry
	pending map[int]bool
}

// Verify checks the next entry and the number under which it is stored, in the order of the
// numbers. The error is a *Break, after which it checks nothing more.
func (v *Verifier) Verify(number int, e Entry) error {
	if b := v.check(number, e); b != nil {
		return b
	}
	v.last = e
	if v.pending == nil {
		v.pending = map[int]bool{}
	}
	if e.Outcome == Pending {
		v.pending[e.Seq] = true
	}
	delete(v.pending, e.Settles)
	return nil
}

func (v *Verifier) check(number int, e Entry) *Break {
	expected := v.last.Seq + 1
	switch {
	case number > expected:
		return &Break{expected, Missing, fmt.Sprintf("%d is followed by %d", v.last.Seq, number)}
	case number < expected:
		return &Break{number, Misplaced, fmt.Sprintf("it comes after %d", v.last.Seq)}
	case e.Seq != number:
		return &Break{number, Misplaced, fmt.Sprintf("entry %d is in its place", e.Seq)}
	case e.Hash != e.hash():
		return &Break{number, Altered, "its contents do not match its hash"}
	case e.Previous != v.last.Hash:
		return &Break{number, Unlinked, fmt.Sprintf("it was not written after the present entry %d", v.last.Seq)}
	case v.Known.Seq == number && v.Known.Hash != e.Hash:
		return &Break{number, Replaced, "its hash is not the one that was noted"}
	}
	return nil
}

// End checks the end after the last entry; the error is a *Break.
func (v *Verifier) End() error {
	if v.last.Seq < v.Known.Seq {
		return &Break{v.last.Seq + 1, Missing, fmt.Sprintf("the record ends with %d, and entry %d was known", v.last.Seq, v.Known.Seq)}
	}
	return nil
}

// Last is the last entry checked, the zero Entry before the first.
func (v *Verifier) Last() Entry { return v.last }

// Pending are the numbers of the checked entries that none has settled.
func (v *Verifier) Pending() []int { return slices.Sorted(maps.Keys(v.pending)) }
