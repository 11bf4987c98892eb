package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// Outcome is what became of what was asked for.
type Outcome string

// The outcomes.
const (
	// Pending says that something was asked for and is about to be tried. Where no
	// later entry settles it, nobody has noted what became of it.
	Pending Outcome = "pending"
	// Done says that it was carried out.
	Done Outcome = "done"
	// Refused says that it does not apply, and has changed nothing.
	Refused Outcome = "refused"
	// Failed says that it broke off: it may have been carried out all the same.
	Failed Outcome = "failed"
)

// Outcomes are all there are, in the order in which something goes through them.
func Outcomes() []Outcome { return []Outcome{Pending, Done, Refused, Failed} }

// Entry is one thing on record. It holds ids, and never names or addresses of
// vendors.
type Entry struct {
	// Seq counts from 1 without gaps.
	Seq int `json:"seq"`
	// At is when it was put on record, to the millisecond, in UTC, by the clock of
	// who wrote it. What came first, Seq says.
	At time.Time `json:"at"`
	// Actor is who did it: a person by the name of the token, or "rollout" and the
	// like where it was the system itself.
	Actor string `json:"actor"`
	// Action is the API's name for the operation, or "rollout/" and the type of
	// what a rollout decided.
	Action string `json:"action"`
	// Subject is what it was done to, as a path: "trials/v-1001".
	Subject string `json:"subject"`
	// Reason is why, in the words of who asked; empty where none was given.
	Reason string `json:"reason"`
	// RequestID finds the request in the logs, Key is its Idempotency-Key. Empty
	// where there is none.
	RequestID string  `json:"requestId"`
	Key       string  `json:"key"`
	Outcome   Outcome `json:"outcome"`
	// Settles is the number of the pending entry whose outcome this is; 0 for none.
	Settles int `json:"settles"`
	// Detail says what was wrong, where it was refused or failed.
	Detail string `json:"detail"`
	// Asked is what was asked for, Before and After how its subject was and is, as
	// far as known.
	Asked  JSON `json:"asked,omitempty"`
	Before JSON `json:"before,omitempty"`
	After  JSON `json:"after,omitempty"`
	// Previous is the hash of the entry before, empty for the first. Hash is this
	// one's, over all its other fields.
	Previous string `json:"previous"`
	Hash     string `json:"hash"`
}

// Bounds of what an entry holds; what is longer is cut.
const (
	maxWord = 256  // characters of an actor, action, subject, key
	maxText = 1000 // characters of a reason or detail
)

// Next is e as it follows last at the end of the record, where last is the zero
// Entry before the first: numbered, bounded and hashed.
func Next(last, e Entry) Entry {
	e.Seq, e.Previous = last.Seq+1, last.Hash
	e.At = e.At.UTC().Truncate(time.Millisecond)
	for _, word := range []*string{&e.Actor, &e.Action, &e.Subject, &e.RequestID, &e.Key} {
		*word = bounded(*word, maxWord)
	}
	e.Reason, e.Detail = bounded(e.Reason, maxText), bounded(e.Detail, maxText)
	e.Hash = e.hash()
	return e
}

// bounded is a text as it can be stored and read again: valid UTF-8 of so many characters.
func bounded(text string, most int) string {
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	return string(runes[:min(len(runes), most)])
}

// canonical is what is hashed: one JSON object without blanks, its fields in the
// order of their names. asked, before and after are strings: the JSON as it is
// stored. Strings are escaped as encoding/json does it without HTML in mind,
// which is RFC 8785 but for U+2028 and U+2029, which are escaped too.
type canonical struct {
	Action    string  `json:"action"`
	Actor     string  `json:"actor"`
	After     string  `json:"after"`
	Asked     string  `json:"asked"`
	At        string  `json:"at"`
	Before    string  `json:"before"`
	Detail    string  `json:"detail"`
	Key       string  `json:"key"`
	Outcome   Outcome `json:"outcome"`
	Previous  string  `json:"previous"`
	Reason    string  `json:"reason"`
	RequestID string  `json:"requestId"`
	Seq       int     `json:"seq"`
	Settles   int     `json:"settles"`
	Subject   string  `json:"subject"`
}

// canonicalTime is how a moment is written there.
const canonicalTime = "2006-01-02T15:04:05.000Z"

// Canonical is the text over which an entry's hash is made.
func (e Entry) Canonical() []byte {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(canonical{ //nolint:errchkjson // strings and numbers, into memory: nothing can fail
		Action: e.Action, Actor: e.Actor, After: string(e.After), Asked: string(e.Asked), At: e.At.UTC().Format(canonicalTime),
		Before: string(e.Before), Detail: e.Detail, Key: e.Key, Outcome: e.Outcome, Previous: e.Previous, Reason: e.Reason,
		RequestID: e.RequestID, Seq: e.Seq, Settles: e.Settles, Subject: e.Subject,
	})
	return bytes.TrimSuffix(text.Bytes(), []byte("\n"))
}

// hash is the hexadecimal SHA-256 of the canonical text.
func (e Entry) hash() string {
	sum := sha256.Sum256(e.Canonical())
	return hex.EncodeToString(sum[:])
}
