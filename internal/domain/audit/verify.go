package audit

import (
	"fmt"
	"maps"
	"slices"
)

// Fault names what is wrong with a link of the chain.
type Fault string

// The faults.
const (
	// Missing: there is no entry of that number.
	Missing Fault = "missing"
	// Misplaced: another entry stands in its place.
	Misplaced Fault = "out of order"
	// Altered: the entry is not what its hash was made of.
	Altered Fault = "altered"
	// Unlinked: the entry is whole, and follows another than the one it was written
	// after. One of the two was made anew, hash and all.
	Unlinked Fault = "not linked"
	// Replaced: the entry is whole, and another than the one that was known.
	Replaced Fault = "replaced"
)

// Break is the first link that does not hold.
type Break struct {
	// Seq is the number of the entry at fault.
	Seq   int
	Fault Fault
	// Text says in a sentence what was found.
	Text string
}

// Error names the entry, the fault and what was found.
func (b *Break) Error() string {
	return fmt.Sprintf("the chain breaks at entry %d, which is %s: %s", b.Seq, b.Fault, b.Text)
}

// Mark is an entry that somebody has noted elsewhere.
type Mark struct {
	Seq  int
	Hash string
}

// Verifier follows the chain from its first entry. Its zero value has seen nothing yet.
type Verifier struct {
	// Known is an entry that must be there as it was; zero for none. Only with one
	// is it seen that the end of the record was cut off or made anew.
	Known Mark

	last    Entry
	pending map[int]bool
}

// Verify takes in the next entry, in the order in which they stand, and the number
// under which it stands. The error is a *Break, after which nothing more is taken.
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
		return &Break{number, Misplaced, fmt.Sprintf("entry %d stands in its place", e.Seq)}
	case e.Hash != e.hash():
		return &Break{number, Altered, "its contents are not those that its hash was made of"}
	case e.Previous != v.last.Hash:
		return &Break{number, Unlinked, fmt.Sprintf("it was not written after entry %d as that stands now", v.last.Seq)}
	case v.Known.Seq == number && v.Known.Hash != e.Hash:
		return &Break{number, Replaced, "its hash is not the one that was noted"}
	}
	return nil
}

// End is called when there are no more entries; the error is a *Break.
func (v *Verifier) End() error {
	if v.last.Seq < v.Known.Seq {
		return &Break{v.last.Seq + 1, Missing, fmt.Sprintf("the record ends with %d, and entry %d was known", v.last.Seq, v.Known.Seq)}
	}
	return nil
}

// Last is the last entry taken, the zero Entry before the first.
func (v *Verifier) Last() Entry { return v.last }

// Pending are the numbers of the entries taken that none has settled.
func (v *Verifier) Pending() []int { return slices.Sorted(maps.Keys(v.pending)) }
