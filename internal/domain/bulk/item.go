package bulk

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Item is one trial of an operation.
type Item struct {
	// Number counts from 1.
	Number   int    `json:"number"`
	VendorID string `json:"vendorId"`
	// Days is the item's own number of days, 0 for the operation's.
	Days int `json:"days"`
	// Left is the change to undo; nil for other operations.
	Left *Change `json:"left"`
	// Result is nil until it is known.
	Result *Result `json:"result"`
}

// ItemKey identifies one item: "operation/number".
func ItemKey(operationID string, number int) string {
	return fmt.Sprintf("%s/%d", operationID, number)
}

// Change is the change that an item made.
type Change struct {
	// Was and Is are the trial's ends before and after; equal if it was cancelled.
	Was time.Time `json:"was"`
	Is  time.Time `json:"is"`
	// Revision is the trial's after the change.
	Revision int `json:"revision"`
	// Policy is the one before the change, if that has changed it; nil otherwise.
	Policy *trial.Policy `json:"policy,omitempty"`
}

// ItemOutcome is the outcome of an item.
type ItemOutcome string

// The outcomes.
const (
	// Succeeded: carried out.
	Succeeded ItemOutcome = "done"
	// Skipped: there was nothing to do.
	Skipped ItemOutcome = "skipped"
	// Refused: it does not fit the trial's state, or there is no such trial.
	Refused ItemOutcome = "refused"
	// Failed: it is unknown whether it was carried out. Resuming the operation retries
	// it, as the same request.
	Failed ItemOutcome = "failed"
)

// Outcomes lists every outcome.
func Outcomes() []ItemOutcome { return []ItemOutcome{Succeeded, Skipped, Refused, Failed} }

// Reason names the reason of an outcome.
type Reason string

// The reasons. The trial's own reasons for sending no e-mail are used too.
const (
	ReasonCarriedOut       Reason = "carried-out"
	ReasonListedTwice      Reason = "listed-twice"
	ReasonNothingToUndo    Reason = "nothing-to-undo"
	ReasonNoLongerChosen   Reason = "no-longer-chosen"
	ReasonNoTrial          Reason = "no-such-trial"
	ReasonAlreadyConverted Reason = "already-converted"
	ReasonNotYetRegistered Reason = "not-yet-registered"
	// ReasonStatus is the prefix of the status that forbids it: "status-expired".
	ReasonStatus       Reason = "status-"
	ReasonEnd          Reason = "end-out-of-bounds"
	ReasonTooOften     Reason = "changed-too-often"
	ReasonSamePolicy   Reason = "same-policy"
	ReasonChangedSince Reason = "changed-since"
	ReasonNotAutomated Reason = "not-automated"
	ReasonCanary       Reason = "canary"
	// ReasonOlderWorker: a worker of an earlier version has passed the operation on without its e-mail.
	ReasonOlderWorker  Reason = "older-worker"
	ReasonNoMailDue    Reason = "no-e-mail-due"
	ReasonMailRefused  Reason = "e-mail-refused"
	ReasonOutOfDate    Reason = "out-of-date"
	ReasonSentAgain    Reason = "sent-again"
	ReasonRemindersOff Reason = "email-reminders-off"
	// ReasonMailUnknown: whether it was sent is not known; ReasonNotYetKnown: its trial still finds out.
	ReasonMailUnknown Reason = "e-mail-unknown"
	ReasonNotYetKnown Reason = "not-yet-known"
	// ReasonNotYetRecorded: it was sent, and its trial has still to record it.
	ReasonNotYetRecorded Reason = "not-yet-recorded"
	ReasonRefused        Reason = "refused-by-trial"
	ReasonNoAnswer       Reason = "no-answer"
)

// Result is the result of an item. Of two results the one with the higher rank counts, so
// that an attempt presumed dead cannot turn a success into a failure.
type Result struct {
	// Rank is first because results are compared field by field.
	Rank    int         `json:"rank"`
	Outcome ItemOutcome `json:"outcome"`
	Reason  Reason      `json:"reason"`
	At      time.Time   `json:"at"`
	// Detail describes the refusal; empty if the reason is enough.
	Detail string `json:"detail"`
	// Change is set if the item was carried out and changed an end.
	Change *Change `json:"change"`
}

// NewResult returns a result at a time.
func NewResult(o ItemOutcome, r Reason, detail string, at time.Time) Result {
	rank := 2
	if o == Failed {
		rank = 1
	}
	return Result{Rank: rank, Outcome: o, Reason: r, Detail: detail, At: at.UTC().Truncate(time.Millisecond)}
}

// Part is one trial's part in an operation.
type Part struct {
	OperationID string    `json:"operationId"`
	Action      Action    `json:"action"`
	Reason      string    `json:"reason"`
	By          string    `json:"by"`
	AskedAt     time.Time `json:"askedAt"`
	Item        Item      `json:"item"`
	// Email is the operation's.
	Email *Email `json:"email,omitempty"`
}

// Part returns an item as a part of the operation.
func (o Operation) Part(i Item) Part {
	return Part{OperationID: o.ID, Action: o.Action, Reason: o.Reason, By: o.By, AskedAt: o.AskedAt, Item: i, Email: o.Email}
}

// Open reports whether an item still needs work: it has no result
// yet, or one that another attempt may improve.
func (i Item) Open() bool { return i.Result == nil || i.Result.Outcome == Failed }

// Listing is one trial that a request lists.
type Listing struct {
	VendorID string
	// Days is its own number of days, 0 for the operation's.
	Days int
}

// Items are the items of a list. A repeated vendor becomes a skipped item,
// so that every line of the list has its outcome.
func Items(list []Listing, at time.Time) []Item {
	items, seen := make([]Item, 0, len(list)), map[string]int{}
	for i, l := range list {
		item := Item{Number: i + 1, VendorID: l.VendorID, Days: l.Days}
		if first, again := seen[l.VendorID]; again {
			r := NewResult(Skipped, ReasonListedTwice, fmt.Sprintf("is already item %d", first), at)
			item.Result = &r
		} else {
			seen[l.VendorID] = item.Number
		}
		items = append(items, item)
	}
	return items
}

// Undoing is the item that undoes another one.
func Undoing(i Item, at time.Time) Item {
	undo := Item{Number: i.Number, VendorID: i.VendorID}
	if i.Result == nil || i.Result.Outcome != Succeeded || i.Result.Change == nil {
		r := NewResult(Skipped, ReasonNothingToUndo, "", at)
		undo.Result = &r
		return undo
	}
	undo.Left = i.Result.Change
	return undo
}

// Count is the number of items with one outcome and reason.
type Count struct {
	Outcome ItemOutcome `json:"outcome"`
	Reason  Reason      `json:"reason"`
	Items   int         `json:"items"`
}

// Tally counts the items by outcome and reason, in that order.
type Tally []Count

// Add returns the tally with one more item. The receiver is unchanged.
func (t Tally) Add(o ItemOutcome, r Reason) Tally {
	return t.Plus(Tally{{Outcome: o, Reason: r, Items: 1}})
}

// Plus returns the sum of two tallies. Both are unchanged.
func (t Tally) Plus(other Tally) Tally {
	sum := slices.Clone(t)
	for _, c := range other {
		i := slices.IndexFunc(sum, func(s Count) bool { return s.Outcome == c.Outcome && s.Reason == c.Reason })
		if i < 0 {
			sum = append(sum, c)
			continue
		}
		sum[i].Items += c.Items
	}
	slices.SortFunc(sum, func(a, b Count) int {
		return cmp.Or(slices.Index(Outcomes(), a.Outcome)-slices.Index(Outcomes(), b.Outcome), cmp.Compare(a.Reason, b.Reason))
	})
	return sum
}

// Of counts the items with an outcome, for any reason.
func (t Tally) Of(o ItemOutcome) int {
	n := 0
	for _, c := range t {
		if c.Outcome == o {
			n += c.Items
		}
	}
	return n
}

// Items is how many items were counted.
func (t Tally) Items() int {
	n := 0
	for _, c := range t {
		n += c.Items
	}
	return n
}
