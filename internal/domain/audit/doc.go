// Package audit is the record of what people and the system itself have
// changed: who, what, why, when, and with which outcome. It decides the content of an entry
// and whether the record is intact; it stores nothing.
//
// Entries are only ever added. Each contains the hash of the previous one, so that
// an entry that is altered, removed or moved afterwards breaks the chain at a
// place that can be named.
package audit
