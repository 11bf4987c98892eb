package recovery

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/recovery"
)

// fillBefore writes what comes from the last backup before the moment.
func (r *restore) fillBefore(ctx context.Context) error {
	return r.moment.Before(func(records backup.Records) error {
		return r.insert(ctx, selected(records, func(d recovery.Document, record backup.Record) (stays bool, err error) {
			switch {
			case !d.FromBefore(r.moment.After != nil):
				return false, nil
			case d.Collection == recovery.Suppressions:
				return false, r.merge(ctx, record)
			case d.IsFlags():
				return false, r.disable(ctx, record.Document)
			}
			return true, nil
		}))
	})
}

// fillAfter writes the events that the first backup after the moment has up to it, and then what belongs to trials that
// have started since the backup before, and what was decided for good: what is known later is not less.
func (r *restore) fillAfter(ctx context.Context) error {
	if r.moment.After == nil {
		return nil
	}
	if err := r.moment.After(func(records backup.Records) error { return r.insert(ctx, r.histories(records)) }); err != nil {
		return err
	}
	return r.fill(ctx, r.moment.After, func(d recovery.Document) bool { return d.FromAfter(r.startedSince) },
		func(ctx context.Context, c *mongo.Collection, doc bson.Raw) error {
			_, err := c.InsertOne(ctx, doc)
			if mongo.IsDuplicateKeyError(err) {
				return nil // the backup before knows it
			}
			if err == nil {
				r.done.Documents++
			}
			return err
		})
}

// fillLatest writes what the last backup knows of that no restore undoes.
func (r *restore) fillLatest(ctx context.Context) error {
	return r.fill(ctx, r.moment.Latest, recovery.Document.IsFinal, r.putBack)
}

// fill writes some of a backup's documents one by one. What stops e-mail is always added to what does already.
func (r *restore) fill(ctx context.Context, from Source, wanted func(recovery.Document) bool, write func(context.Context, *mongo.Collection, bson.Raw) error) error {
	if from == nil {
		return nil
	}
	return from(func(records backup.Records) error {
		for record, err := range records {
			if err != nil {
				return err
			}
			switch d := describe(record); {
			case d.Collection == recovery.Suppressions:
				err = r.merge(ctx, record)
			case wanted(d):
				if err = write(ctx, r.Database().Collection(record.Collection), record.Document); err != nil {
					err = mongodb.Failed("restoring collection "+record.Collection, err)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *restore) merge(ctx context.Context, suppression backup.Record) error {
	err := r.MergeSuppression(ctx, suppression.Document)
	if err == nil {
		r.done.Documents++
	}
	return err
}

// histories yields the events up to the moment. Those of one trial stand together, since their keys begin with its id.
func (r *restore) histories(records backup.Records) backup.Records {
	return func(yield func(backup.Record, error) bool) {
		var group []backup.Record
		var history []recovery.Document
		cut := func() bool {
			end := recovery.End(history, r.moment.At)
			for i, d := range history {
				if d.Seq >= end {
					r.done.Later++
					continue
				}
				if d.StartsTrial(r.since) {
					r.startedSince[d.Owner] = true
				}
				if !yield(group[i], nil) {
					return false
				}
			}
			group, history = nil, nil
			return true
		}
		for record, err := range events(records) {
			if err != nil {
				yield(record, err)
				return
			}
			d := describe(record)
			if len(history) > 0 && (d.Collection != history[0].Collection || d.Owner != history[0].Owner) && !cut() {
				return
			}
			group, history = append(group, record), append(history, d)
		}
		cut()
	}
}

// disable writes the flags with the automation disabled.
func (r *restore) disable(ctx context.Context, document []byte) error {
	flags, err := mongodb.ReadFlags(document)
	if err != nil {
		return err
	}
	r.done.Flags = flags.FeatureFlags
	r.done.Documents++
	return r.PutFlags(ctx, recovery.DisabledFlags(flags, time.Now()))
}

// A batch of documents is written once it has so many, or so many bytes.
const (
	batchDocuments = 500
	batchBytes     = 8 << 20
)

// insert writes records in batches, each of one collection.
func (r *restore) insert(ctx context.Context, records backup.Records) error {
	var batch []any
	collection, size := "", 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := r.write(ctx, r.Database().Collection(collection), batch)
		if mongo.IsDuplicateKeyError(err) { // its own text repeats what the document has, an address perhaps
			return fmt.Errorf("restoring collection %s: somebody writes to it, or a unique index of the marketplace's stands against a document", collection)
		}
		if err != nil {
			return mongodb.Failed("restoring collection "+collection, err)
		}
		r.done.Documents += len(batch)
		batch, size = nil, 0
		return nil
	}
	for record, err := range records {
		if err != nil {
			return err
		}
		if record.Collection != collection || len(batch) == batchDocuments || size > batchBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		collection = record.Collection
		batch, size = append(batch, bson.Raw(record.Document)), size+len(record.Document)
	}
	return flush()
}

// write inserts a batch. What somebody has written meanwhile under the same _id is replaced, but for what is kept.
func (r *restore) write(ctx context.Context, c *mongo.Collection, batch []any) error {
	_, err := c.InsertMany(ctx, batch)
	if !mongo.IsDuplicateKeyError(err) {
		return err
	}
	for _, doc := range batch {
		if err := r.putBack(ctx, c, doc.(bson.Raw)); err != nil { //nolint:errcheck,forcetypeassert // insert makes no other
			return err
		}
	}
	return nil
}

// putBack writes a document over what somebody has written under its _id meanwhile, unless that is kept.
func (r *restore) putBack(ctx context.Context, c *mongo.Collection, doc bson.Raw) error {
	d, filter := mongodb.Describe(c.Name(), doc), bson.D{{Key: "_id", Value: doc.Lookup("_id")}}
	if d.IsDecided() {
		_, err := c.InsertOne(ctx, doc)
		if mongo.IsDuplicateKeyError(err) {
			return nil
		}
		return err
	}
	if d.Collection == recovery.Tokens {
		filter = append(filter, mongodb.Unrevoked()...)
	}
	replaced, err := c.ReplaceOne(ctx, filter, doc, options.Replace().SetUpsert(true))
	switch {
	case d.Collection == recovery.Tokens && mongo.IsDuplicateKeyError(err): // the database has it revoked, and keeps that
		if !d.Revoked {
			r.done.Revoked++
		}
		return nil
	case err != nil:
		return err
	case d.Revoked && replaced.MatchedCount > 0: // the last backup has it revoked, and the one before had it good
		r.done.Revoked++
	}
	return nil
}
