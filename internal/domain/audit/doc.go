// Package audit is the record of what people and the system itself have
// changed: who, what, why, when, and what became of it. It decides what an entry
// says and whether the record is whole; it stores nothing.
//
// Entries are only ever added. Each holds the hash of the one before it, so that
// an entry that is altered, taken out or moved afterwards breaks the chain at a
// place that can be named.
package audit
