package audit

import "time"

const (
	// answeredWithin is longer than the API takes to answer a request and to note what became of it.
	answeredWithin = 5 * time.Minute
	// commandWithin is longer than a command that changes the database itself runs.
	commandWithin = 24 * time.Hour
)

// notNoted is what is said of an entry that whoever made it did not settle.
const notNoted = "what became of it was not noted by whoever carried it out: it may have been carried out"

// Forgotten tells whether whoever put a pending entry on record will not settle it any more.
func (e Entry) Forgotten(now time.Time) bool {
	within := answeredWithin
	if e.RequestID == "" {
		within = commandWithin
	}
	return e.Outcome == Pending && now.Sub(e.At) > within
}

// Unknown settles a pending entry of which nobody can say what became of it.
func (e Entry) Unknown(now time.Time) Entry {
	settled := e
	settled.At, settled.Settles, settled.Outcome, settled.Detail = now, e.Seq, Failed, notNoted
	return settled
}

// Unsettled keeps the pending entries that nothing has settled, of those it is given in order.
type Unsettled map[int]Entry

// Apply takes in the next entry.
func (u Unsettled) Apply(e Entry) {
	if e.Outcome == Pending {
		u[e.Seq] = e
	}
	delete(u, e.Settles)
}
