package mongodb

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/monitoring"
)

// CountedAfter is how long after a moment all counting of it is written.
const CountedAfter = 4 * countEvery

// recountLimit bounds a recount.
const recountLimit = time.Hour

// Recount compares the counters with the trials' events and the e-mails, and
// sets right those that are wrong unless checkOnly. It reads everything, and may run
// while the system works. progress is called with the number of trials read so far.
func (s *Store) Recount(ctx context.Context, checkOnly bool, progress func(trials int)) (monitoring.Recount, error) {
	ctx, cancel := context.WithTimeout(ctx, recountLimit)
	defer cancel()
	before, err := s.counted(ctx)
	if err != nil {
		return monitoring.Recount{}, err
	}
	truth := monitoring.Tally{}
	trials, day, err := s.tallyTrials(ctx, truth, progress)
	if err != nil {
		return monitoring.Recount{}, err
	}
	sends, err := s.tallySends(ctx, truth, day)
	if err != nil {
		return monitoring.Recount{}, err
	}
	if err := sleep(ctx, CountedAfter); err != nil { // what was read is counted by then
		return monitoring.Recount{}, err
	}
	after, err := s.counted(ctx)
	if err != nil {
		return monitoring.Recount{}, err
	}
	corrections, result := monitoring.Compare(before, after, truth)
	result.Trials, result.Sends = trials, sends
	if checkOnly {
		return result, nil
	}
	for period, change := range corrections.ByPeriod() {
		if err := s.addToCounters(ctx, period, change); err != nil {
			return result, err
		}
	}
	if err := s.forgetBatches(ctx); err != nil { // the next one sees to it
		s.log.Warn("the last writes of processes that are gone are not forgotten yet", zap.Error(err))
	}
	return result, nil
}

// forgetBatches forgets the last writes of processes that have written nothing since the recount before. A process that
// is not gone, and of whose last write nobody knows whether it was made, sees by the number of recounts whether it may
// be forgotten.
func (s *Store) forgetBatches(ctx context.Context) error {
	fields := bson.D{{Key: "changes", Value: 1}, {Key: "batches", Value: 1}, {Key: "marks", Value: 1}}
	var held []counterDocument
	err := scan(ctx, s.counters, "the last writes of counters", func(doc counterDocument) error {
		if len(doc.Batches) > 0 {
			held = append(held, doc)
		}
		return nil
	}, options.Find().SetProjection(fields))
	for _, doc := range held {
		if err != nil {
			return err
		}
		err = s.markBatches(ctx, doc)
	}
	return err
}

func (s *Store) markBatches(ctx context.Context, doc counterDocument) error {
	gone, kept := doc.forget()
	var unset bson.D
	for _, writer := range gone {
		unset = append(unset, bson.E{Key: "batches." + writer, Value: ""})
	}
	update := changes(bson.E{Key: "$inc", Value: bson.D{{Key: "recounts", Value: 1}}}, bson.E{Key: "$set", Value: bson.D{{Key: "marks", Value: kept}}},
		bson.E{Key: "$unset", Value: unset})
	// Where something was written meanwhile it is as it was until the next recount.
	unchanged := append(byID(string(doc.Period)), bson.E{Key: "changes", Value: doc.Changes})
	err := s.counters.FindOneAndUpdate(ctx, unchanged, update).Err()
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return failed("forgetting the last writes of the counters of "+string(doc.Period), err)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return failed("waiting for the counters to be written", ctx.Err())
	}
}

// counted reads all counters.
func (s *Store) counted(ctx context.Context) (monitoring.Counted, error) {
	counted := monitoring.Counted{Tally: monitoring.Tally{}, Changes: map[monitoring.Period]int{}}
	err := scan(ctx, s.counters, "the counters", func(doc counterDocument) error {
		counted.Tally.Add(doc.tally())
		counted.Changes[doc.Period] = doc.Changes
		return nil
	})
	return counted, err
}

// tallyTrials answers with the number of trials, and how long a day lasts for
// the one that began last.
func (s *Store) tallyTrials(ctx context.Context, truth monitoring.Tally, progress func(int)) (n int, day time.Duration, err error) {
	fields := bson.D{{Key: "startedAt", Value: 1}, {Key: "day", Value: 1}}
	var latest time.Time
	err = scan(ctx, s.trials, "the trials", func(doc struct {
		ID        string        `bson:"_id"`
		StartedAt time.Time     `json:"startedAt"`
		Day       time.Duration `json:"day"`
	},
	) error {
		events, err := s.Events(ctx, doc.ID, 1)
		if err != nil {
			return err
		}
		truth.Add(monitoring.OfTrial(events))
		if doc.StartedAt.After(latest) {
			latest, day = doc.StartedAt, doc.Day
		}
		n++
		progress(n)
		return nil
	}, options.Find().SetProjection(fields))
	return n, day, err
}

func (s *Store) tallySends(ctx context.Context, truth monitoring.Tally, day time.Duration) (n int, err error) {
	if day == 0 {
		return 0, nil // no trials, no e-mails
	}
	err = scan(ctx, s.sends, "the sends", func(doc sendDocument) error {
		truth.Add(monitoring.OfSend(doc.send(), day))
		n++
		return nil
	})
	return n, err
}

// scan reads a whole collection, document by document. What each returns ends it.
func scan[T any](ctx context.Context, c *mongo.Collection, what string, each func(T) error, opts ...options.Lister[options.FindOptions]) error {
	cursor, err := c.Find(ctx, bson.D{}, opts...)
	if err != nil {
		return failed("reading "+what, err)
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }()
	for cursor.Next(ctx) {
		var doc T
		if err := cursor.Decode(&doc); err != nil {
			return failed("reading "+what, err)
		}
		if err := each(doc); err != nil {
			return err
		}
	}
	if err := cursor.Err(); err != nil {
		return failed("reading "+what, err)
	}
	return nil
}
