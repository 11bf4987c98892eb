package backup

import (
	"bytes"
	"cmp"
	"iter"
)

// Overlay is what base becomes with changes made to it: documents that changes names are as it says,
// and gone where it says so.
func Overlay(base, changes Records) Records {
	return merge(base, changes, func(old, change *Record) (Record, bool) {
		if change != nil {
			return *change, change.Document != nil
		}
		return *old, true
	})
}

// Difference is what changes base into now: the documents that are new or different, and those
// that are gone.
func Difference(base, now Records) Records {
	return merge(base, now, func(old, current *Record) (Record, bool) {
		switch {
		case current == nil:
			return Record{Collection: old.Collection, Key: old.Key}, true
		case old == nil:
			return *current, true
		}
		return *current, !bytes.Equal(old.Document, current.Document)
	})
}

// merge reads two streams side by side, holding one record of each. choose is given what stands under
// a key in the first and in the second, nil where nothing does, and tells what comes of it, if anything.
func merge(first, second Records, choose func(a, b *Record) (Record, bool)) Records {
	return func(yield func(Record, error) bool) {
		a, stopA := pull(first)
		defer stopA()
		b, stopB := pull(second)
		defer stopB()
		a.next()
		b.next()
		for {
			if err := cmp.Or(a.err, b.err); err != nil {
				yield(Record{}, err)
				return
			}
			left, right := lower(a.current, b.current)
			if left == nil && right == nil {
				return
			}
			if record, ok := choose(left, right); ok && !yield(record, nil) {
				return
			}
			if left != nil {
				a.next()
			}
			if right != nil {
				b.next()
			}
		}
	}
}

// lower is what stands under the lower of two records' keys.
func lower(a, b *Record) (left, right *Record) {
	switch {
	case a == nil || b == nil:
		return a, b
	case a.compare(*b) < 0:
		return a, nil
	case a.compare(*b) > 0:
		return nil, b
	}
	return a, b
}

// cursor is one stream being read; current is nil at its end.
type cursor struct {
	pull    func() (Record, error, bool)
	current *Record
	err     error
}

func pull(records Records) (*cursor, func()) {
	next, stop := iter.Pull2(records)
	return &cursor{pull: next}, stop
}

func (c *cursor) next() {
	record, err, ok := c.pull()
	c.current, c.err = &record, err
	if !ok || err != nil {
		c.current = nil
	}
}
