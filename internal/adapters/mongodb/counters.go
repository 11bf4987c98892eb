package mongodb

import (
	"context"
	"crypto/rand"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// countEvery is how long changes of counters are gathered before they are
// written. A process that is killed loses that much of them, until Recount.
const countEvery = time.Second

// tallies gathers by how much the counters change.
type tallies struct {
	day time.Duration
	*batchWriter[monitoring.Tally]

	// writer names this process among those that write, batch counts its writes.
	writer string
	batch  int64
	// unsure are the last writes of periods of which nobody knows whether they
	// were made. One flush at a time looks at them.
	unsure map[monitoring.Period]batch
}

// batch is one write of a period's counters.
type batch struct {
	number int64
	change monitoring.Tally
	// recounts are those that had looked at the counters when it was sent.
	recounts int
}

// counterDocument holds the counters of one period.
type counterDocument struct {
	Period monitoring.Period `bson:"_id"`
	// Counts are by cohort and name.
	Counts map[trial.Cohort]map[monitoring.Name]int `bson:"counts"`
	// Changes counts the writes, so that a recount sees whether there was one.
	Changes int `bson:"changes"`
	// Batches are the last writes of each process, so that one whose answer was
	// lost is not made twice. Those of a process that writes no more are forgotten.
	Batches map[string]int64 `bson:"batches"`
	// Marks are the Batches as the last recount left them, Recounts how many recounts have looked at them.
	Marks    map[string]int64 `bson:"marks"`
	Recounts int              `bson:"recounts"`
}

// forgottenAfter is how many recounts forget the last write of a process: the first marks it, and the second forgets
// it where it is the last one still.
const forgottenAfter = 2

// holds tells whether a write of a process was made, and whether that can be told: not where it may be forgotten.
func (d counterDocument) holds(writer string, b batch) (made, known bool) {
	last, there := d.Batches[writer]
	return last == b.number, there || d.Recounts < b.recounts+forgottenAfter
}

// forget parts the last writes that no process has followed since the recount before from those to keep.
func (d counterDocument) forget() (gone []string, kept map[string]int64) {
	kept = map[string]int64{}
	for writer, number := range d.Batches {
		if marked, known := d.Marks[writer]; known && marked == number {
			gone = append(gone, writer)
		} else {
			kept[writer] = number
		}
	}
	return gone, kept
}

// WithCounters has a Store count what happens to trials and e-mails, where a day
// lasts so long. Without it, nothing is counted.
func WithCounters(day time.Duration) Option {
	return func(s *Store) {
		empty := func() monitoring.Tally { return monitoring.Tally{} }
		s.tallies = &tallies{
			day: day, batchWriter: newBatchWriter(countEvery, empty, s.writeCounters),
			writer: rand.Text(), unsure: map[monitoring.Period]batch{},
		}
	}
}

func (s *Store) count(change monitoring.Tally) {
	if s.tallies != nil && len(change) > 0 {
		s.tallies.note(func(pending monitoring.Tally) { pending.Add(change) })
	}
}

func (s *Store) countSend(before, after trial.Send) {
	if s.tallies == nil {
		return
	}
	change := monitoring.OfSend(after, s.tallies.day)
	change.Subtract(monitoring.OfSend(before, s.tallies.day))
	s.count(change)
}

// countTrial counts what lies between the states of a trial before and after it
// was stored. The one whose write moved the trial on counts, so each event
// counts once; a trial that was moved back is counted back.
func (s *Store) countTrial(ctx context.Context, before, after trial.State, last *trial.Event) {
	switch {
	case s.tallies == nil || before.Seq == after.Seq:
	case last != nil && before.Seq == after.Seq-1:
		s.count(monitoring.OfEvent(*last, before, after))
	default:
		events, err := s.Events(ctx, after.VendorID, 1)
		if err != nil || len(events) < max(before.Seq, after.Seq) {
			s.log.Warn("a change is not counted", zap.String("vendorId", after.VendorID), zap.Error(err))
			return
		}
		change := monitoring.OfTrial(events[:after.Seq])
		change.Subtract(monitoring.OfTrial(events[:before.Seq]))
		s.count(change)
	}
}

func (s *Store) writeCounters(ctx context.Context, pending monitoring.Tally) {
	changes := pending.ByPeriod()
	for period := range s.tallies.unsure {
		if changes[period] == nil {
			changes[period] = monitoring.Tally{}
		}
	}
	for period, change := range changes {
		if err := s.writePeriod(ctx, period, change); err != nil {
			s.log.Warn("counters not written yet", zap.String("period", string(period)), zap.Error(err))
		}
	}
}

// writePeriod adds to a period's counters. Where that fails, the change waits
// for the next flush, which first finds out whether it was made after all. Of a process that was away for so long that
// its last write may be forgotten, the recounts meanwhile have counted what that held: it is not made again.
func (s *Store) writePeriod(ctx context.Context, period monitoring.Period, change monitoring.Tally) error {
	t := s.tallies
	stands, err := s.counterDocument(ctx, period)
	if err != nil {
		t.note(func(pending monitoring.Tally) { pending.Add(change) })
		return err
	}
	if last, ok := t.unsure[period]; ok {
		delete(t.unsure, period)
		switch made, known := stands.holds(t.writer, last); {
		case !known:
			s.log.Warn("counters left to the recounts: nobody knows any more whether they were written", zap.String("period", string(period)))
		case !made:
			change.Add(last.change)
		}
	}
	if len(change) == 0 {
		return nil
	}
	t.batch++
	err = s.addToCounters(ctx, period, change, bson.E{Key: "batches." + t.writer, Value: t.batch})
	if err != nil {
		t.unsure[period] = batch{number: t.batch, change: change, recounts: stands.Recounts}
		t.note(func(monitoring.Tally) {}) // has the next flush look at it
	}
	return err
}

// counterDocument is the zero value where nothing was counted in a period yet.
func (s *Store) counterDocument(ctx context.Context, period monitoring.Period) (counterDocument, error) {
	doc, _, err := find[counterDocument](ctx, "reading the counters of "+string(period), s.counters, byID(period))
	return doc, err
}

// addToCounters adds to a period's counters, and sets a field beside.
func (s *Store) addToCounters(ctx context.Context, period monitoring.Period, change monitoring.Tally, beside ...bson.E) error {
	inc := bson.D{{Key: "changes", Value: 1}}
	for c, n := range change {
		inc = append(inc, bson.E{Key: "counts." + c.Field(), Value: n})
	}
	update := bson.D{{Key: "$inc", Value: inc}}
	if len(beside) > 0 {
		update = append(update, bson.E{Key: "$set", Value: bson.D(beside)})
	}
	return upsert(ctx, "adding to the counters of "+string(period), s.counters, period, update)
}

// Counters are the counters of some periods; those that are 0 may be missing.
func (s *Store) Counters(ctx context.Context, periods []monitoring.Period) (monitoring.Tally, error) {
	// One query for all: 50 of their own take longer on every server. The embedded
	// one reads all counters for it, which are few.
	docs, err := list[counterDocument](ctx, "reading the counters", s.counters, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: periods}}}})
	if err != nil {
		return nil, err
	}
	t := monitoring.Tally{}
	for _, doc := range docs {
		t.Add(doc.tally())
	}
	return t, nil
}

func (d counterDocument) tally() monitoring.Tally {
	t := monitoring.Tally{}
	for cohort, counts := range d.Counts {
		for name, n := range counts {
			t.Add(monitoring.Tally{{Period: d.Period, Cohort: cohort, Name: name}: n})
		}
	}
	return t
}
