package rollout

import (
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
)

// backfillBatch bounds how many trials one batch backfills.
const backfillBatch = 100

// BackfillDue reports whether to backfill the vendors whose trials run unautomated:
// once everybody new is admitted and the last phase is over.
func (s State) BackfillDue() bool {
	return s.Plan.Backfill && s.Status == Running && s.Percentage >= 100 &&
		(s.Stage.Kind == Stability || s.Stage.Kind == Guard) && (s.Backfill == nil || !s.Backfill.Done)
}

// NextBatch is the next batch to backfill: up to Size vendors after the vendor id After.
type NextBatch struct {
	After string
	Size  int
}

// BackfillBatch returns the next batch, and how long to wait after it to keep
// the plan's rate.
func (s State) BackfillBatch() (NextBatch, time.Duration) {
	perHour := s.Plan.BackfillPerHour
	batch := NextBatch{Size: min(max(perHour, 1), backfillBatch)}
	if s.Backfill != nil {
		batch.After = s.Backfill.After
	}
	hour := float64(s.Times.Day) / 24
	return batch, time.Duration(hour * float64(batch.Size) / float64(max(perHour, 1)))
}

// BackfilledEvent is the event of one batch that was backfilled.
func (s State) BackfilledEvent(after string, count int, done bool, now time.Time) Event {
	b := Backfill{After: after, Taken: count, Done: done}
	if s.Backfill != nil {
		b.Taken += s.Backfill.Taken
	}
	e := Event{Seq: s.Seq + 1, Type: EventBackfill, At: now.UTC().Truncate(time.Millisecond), By: flags.Automatic, Backfill: &b,
		Reason: "Backfilled so far: " + evidence.Counted(b.Taken, "vendor whose trial ran unautomated.", "vendors whose trials ran unautomated.")}
	if done {
		e.Reason += " That is all of them."
	}
	return e
}
