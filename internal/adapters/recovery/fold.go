package recovery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/trial"
)

// foldTrials makes the trials from their events.
func (r *restore) foldTrials(ctx context.Context) error {
	return r.each(ctx, recovery.Events, firstEvents, func(d recovery.Document) error {
		if _, err := r.Refold(ctx, d.Owner); err != nil {
			return fmt.Errorf("folding trial %s: %w", d.Owner, err)
		}
		events, err := r.Events(ctx, d.Owner, 1)
		if err != nil {
			return err
		}
		r.done.Trials++
		return r.settleSent(ctx, recovery.Sent(d.Owner, events))
	})
}

// foldRollouts makes the rollouts from their decisions. The latest is the one that began last.
func (r *restore) foldRollouts(ctx context.Context) error {
	latest, began := "", time.Time{}
	err := r.each(ctx, recovery.Decisions, firstEvents, func(d recovery.Document) error {
		if latest == "" || d.At.After(began) {
			latest, began = d.Owner, d.At
		}
		r.done.Rollouts++
		return r.RefoldRollout(ctx, d.Owner)
	})
	if err != nil || latest == "" {
		return err
	}
	return r.SetCurrentRollout(ctx, latest)
}

// decideAgain has what is on record as decided count for what was restored around it, which may be older.
func (r *restore) decideAgain(ctx context.Context) error {
	return r.each(ctx, recovery.IdempotencyKeys, bson.D{{Key: "_id", Value: bson.Regex{Pattern: recovery.DecidedKeys}}}, func(d recovery.Document) error {
		if id, is := strings.CutSuffix(d.ID, recovery.ConversionKey); is {
			return r.RedeliverConversion(ctx, id)
		}
		id := strings.TrimSuffix(d.ID, recovery.ErasureKey)
		again, err := r.EraseOnRecord(ctx, id)
		switch {
		case hasCode(err, trial.CodeConflict): // one vendor does not keep the others from coming back
			r.done.Unerased = append(r.done.Unerased, id)
			return nil
		case again:
			r.done.Erased++
		}
		return err
	})
}

// firstEvents is the filter of the first events of all histories in a collection.
var firstEvents = bson.D{{Key: "seq", Value: 1}}

// each gives the documents that a filter takes to fn, in small batches, since the server forgets a cursor that nobody
// asks for ten minutes.
func (r *restore) each(ctx context.Context, collection string, filter bson.D, fn func(recovery.Document) error) error {
	for doc, err := range scan(ctx, r.Database().Collection(collection), filter, options.Find().SetBatchSize(batchDocuments)) {
		if err == nil {
			err = fn(mongodb.Describe(collection, doc))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
