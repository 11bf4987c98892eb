package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// Outcome is the outcome of a request.
type Outcome string

// The outcomes.
const (
	// Pending says that a request is about to be tried. If no
	// later entry settles it, its outcome was not recorded.
	Pending Outcome = "pending"
	// Done says that it was carried out.
	Done Outcome = "done"
	// Refused says that the request does not apply, and has changed nothing.
	Refused Outcome = "refused"
	// Failed says that it was aborted: it may still have been carried out.
	Failed Outcome = "failed"
)

// Outcomes lists all outcomes, in the order in which a request goes through them.
func Outcomes() []Outcome { return []Outcome{Pending, Done, Refused, Failed} }

// Entry is one recorded action. It contains ids, and never names or addresses of
// vendors.
type Entry struct {
	// Seq counts from 1 without gaps.
	Seq int `json:"seq"`
	// At is when it was recorded, to the millisecond, in UTC, by the writer's
	// clock. Seq gives the order.
	At time.Time `json:"at"`
	// Actor is who did it: a person by the name of the token, or the
	// system itself, such as "rollout".
	Actor string `json:"actor"`
	// Action is the API's name for the operation, or "rollout/" and the type of
	// a rollout's decision.
	Action string `json:"action"`
	// Subject is the object of the action, as a path: "trials/v-1001".
	Subject string `json:"subject"`
	// Reason is the requester's reason; empty without one.
	Reason string `json:"reason"`
	// RequestID finds the request in the logs, Key is its Idempotency-Key; either may be
	// empty.
	RequestID string  `json:"requestId"`
	Key       string  `json:"key"`
	Outcome   Outcome `json:"outcome"`
	// Settles is the number of the pending entry that this one settles; 0 for none.
	Settles int `json:"settles"`
	// Detail explains a refusal or failure.
	Detail string `json:"detail"`
	// Asked is the request, Before and After the state of its subject, as
	// far as known.
	Asked  JSON `json:"asked,omitempty"`
	Before JSON `json:"before,omitempty"`
	After  JSON `json:"after,omitempty"`
	// Previous is the hash of the previous entry, empty for the first. Hash is this
	// entry's, over all its other fields.
	Previous string `json:"previous"`
	Hash     string `json:"hash"`
}

// Bounds of an entry's texts; longer ones are cut.
const (
	maxWord = 256  // characters of an actor, action, subject, key
	maxText = 1000 // characters of a reason or detail
)

// Next returns e as the entry after last, the zero
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

// bounded makes a text storable: valid UTF-8 of at most so many characters.
func bounded(text string, most int) string {
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	return string(runes[:min(len(runes), most)])
}

// canonical is the hashed form: one JSON object without blanks, its fields in
// alphabetical order. asked, before and after are strings: the JSON as it is
// stored. Strings are escaped as encoding/json does without HTML escaping,
// which is RFC 8785 except for U+2028 and U+2029, which are escaped too.
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

// canonicalTime is the format of times in it.
const canonicalTime = "2006-01-02T15:04:05.000Z"

// Canonical returns the text that an entry's hash is computed over.
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
