package backup

import (
	"bytes"
	"cmp"
	"iter"
)

// Record is one document of a collection, or the news that it is gone.
type Record struct {
	Collection string
	// Key stands for the document's _id. Within a collection keys are unique and ordered by their
	// bytes, which is the order that they are read in.
	Key []byte
	// Document is the document as the database keeps it, BSON; nil in an incremental backup says
	// that there is none any more.
	Document []byte
}

// Records come in the order of their collections' names, then of their keys, each once. The error
// is the last thing that comes. A record may be kept by whoever is given it.
type Records = iter.Seq2[Record, error]

// compare is the order of records.
func (r Record) compare(o Record) int {
	return cmp.Or(cmp.Compare(r.Collection, o.Collection), bytes.Compare(r.Key, o.Key))
}

// None has no records.
func None(func(Record, error) bool) {}
