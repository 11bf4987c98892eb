package audit

import "time"

const (
	// answeredWithin is longer than the API takes to answer a request and to record its outcome.
	answeredWithin = 5 * time.Minute
	// commandWithin is longer than any command that changes the database itself runs.
	commandWithin = 24 * time.Hour
)

// notNoted is the detail of an entry that its writer did not settle.
const notNoted = "its outcome was not recorded: it may have been carried out"

// Forgotten reports whether the writer of a pending entry will no longer settle it.
func (e Entry) Forgotten(now time.Time) bool {
	within := answeredWithin
	if e.RequestID == "" {
		within = commandWithin
	}
	return e.Outcome == Pending && now.Sub(e.At) > within
}

// Unknown settles a pending entry whose outcome is unknown.
func (e Entry) Unknown(now time.Time) Entry {
	settled := e
	settled.At, settled.Settles, settled.Outcome, settled.Detail = now, e.Seq, Failed, notNoted
	return settled
}

// Unsettled are the pending entries that nothing has settled, given all entries in order.
type Unsettled map[int]Entry

// Apply processes the next entry.
func (u Unsettled) Apply(e Entry) {
	if e.Outcome == Pending {
		u[e.Seq] = e
	}
	delete(u, e.Settles)
}
