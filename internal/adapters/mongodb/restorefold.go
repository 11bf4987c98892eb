package mongodb

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/rollout"
)

// foldTrials makes the trials from their events.
func (r *restore) foldTrials(ctx context.Context) error {
	return r.beginnings(ctx, r.store.events, func(doc bson.Raw) error {
		id := text(doc.Lookup("vendorId"))
		if _, err := r.store.Refold(ctx, id); err != nil {
			return fmt.Errorf("folding trial %s: %w", id, err)
		}
		events, err := r.store.Events(ctx, id, 1)
		if err != nil {
			return err
		}
		r.done.Trials++
		return r.store.settleSent(ctx, recovery.Sent(id, events))
	})
}

// foldRollouts makes the rollouts from their decisions. The latest is the one that began last.
func (r *restore) foldRollouts(ctx context.Context) error {
	var latest pointerDocument
	var began time.Time
	err := r.beginnings(ctx, r.store.decisions, func(doc bson.Raw) error {
		id := text(doc.Lookup("rolloutId"))
		events, err := r.store.Decisions(ctx, id, 1, allDecisions)
		if err != nil {
			return err
		}
		if at := date(doc.Lookup("at")); latest.RolloutID == "" || at.After(began) {
			latest, began = pointerDocument{Key: currentRollout, RolloutID: id}, at
		}
		r.done.Rollouts++
		return r.store.put(ctx, r.store.rollouts, id, rolloutDocument{Key: id, State: rollout.Fold(events)})
	})
	if err != nil || latest.RolloutID == "" {
		return err
	}
	return r.store.put(ctx, r.store.rollouts, currentRollout, latest)
}

// beginnings are the first events of all histories in a collection.
func (r *restore) beginnings(ctx context.Context, c *mongo.Collection, each func(bson.Raw) error) error {
	// In small batches, since the server forgets a cursor that nobody asks for ten minutes.
	cursor, err := c.Find(ctx, bson.D{{Key: "seq", Value: 1}}, options.Find().SetBatchSize(batchDocuments))
	if err != nil {
		return failed("reading "+c.Name(), err)
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }() // it ends by itself as well
	for cursor.Next(ctx) {
		if err := each(cursor.Current); err != nil {
			return err
		}
	}
	if err := cursor.Err(); err != nil {
		return failed("reading "+c.Name(), err)
	}
	return nil
}
