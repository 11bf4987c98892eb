package recovery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/trial"
)

// Source gives the documents of a backup to do; it may be asked more than once.
type Source func(fn func(backup.Records) error) error

// Restored counts what a restore made.
type Restored struct {
	Documents int `json:"documents"`
	// Trials and Rollouts are folded from their events.
	Trials   int `json:"trials"`
	Rollouts int `json:"rollouts"`
	// Erased counts vendors who were erased since, and are again.
	Erased int `json:"erased"`
	// Unerased are those whose document the database refuses without an address: it is to be erased by hand. They get no
	// e-mail all the same.
	Unerased []string `json:"unerased,omitempty"`
	// Later are events that were left out, since they happened after the moment.
	Later int `json:"later"`
	// Revoked counts tokens of the backup that are revoked since, as the database or the last backup knows, and stay so;
	// Tokens those that are not expired or revoked now.
	Revoked int `json:"revoked"`
	Tokens  int `json:"tokens"`
	// SetBack says that the backup after the moment was passed over, since it lacks events that the one before has.
	SetBack bool `json:"setBack"`
	// Flags are as they were; now the automation is disabled.
	Flags flags.Flags `json:"flags"`
}

// Moment is a moment of the past, and what it is restored from.
type Moment struct {
	At time.Time
	// Before is the last backup that was finished by then, Began when it was begun.
	Before Source
	Began  time.Time
	// After is the first that was begun since; nil for none.
	After Source
	// Latest is the last of those that were finished since, which may be After, or have been under way at the moment; nil
	// for none. Of it comes what no restore undoes.
	Latest Source
	// Installation is the id that the database gets; empty for none, as a copy to look at has none.
	Installation string
}

// Check reads all that Restore would write, and says what of it could not be: so nothing is deleted in vain.
func (m Moment) Check() error {
	for _, source := range []Source{m.Before, m.After, m.Latest} {
		if source == nil {
			continue
		}
		err := source(func(records backup.Records) error {
			for _, err := range selected(records, checkRecord) {
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func checkRecord(d recovery.Document, record backup.Record) (stays bool, err error) {
	if err := bson.Raw(record.Document).Validate(); err != nil {
		return false, fmt.Errorf("the backup has a document of collection %s that cannot be read: %w", record.Collection, err)
	}
	if d.IsFlags() {
		_, err = mongodb.ReadFlags(record.Document)
	}
	return false, err
}

func describe(record backup.Record) recovery.Document {
	return mongodb.Describe(record.Collection, record.Document)
}

// Occupied is a collection that has documents which Clear deletes; empty where none has. What a restore only adds to
// does not count.
func (s Store) Occupied(ctx context.Context) (string, error) {
	collections, err := s.collections(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range collections {
		if c.Name() == recovery.Suppressions {
			continue
		}
		err := c.FindOne(ctx, passing(c.Name())).Err()
		if err == nil {
			return c.Name(), nil
		}
		if !errors.Is(err, mongo.ErrNoDocuments) {
			return "", mongodb.Failed("looking into collection "+c.Name(), err)
		}
	}
	return "", nil
}

// Clear deletes every document that a restore may undo. It leaves the indexes, which are not in backups.
func (s Store) Clear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	collections, err := s.collections(ctx)
	if err != nil {
		return err
	}
	for _, c := range collections {
		if c.Name() == recovery.Suppressions {
			continue
		}
		if _, err := c.DeleteMany(ctx, passing(c.Name())); err != nil {
			return mongodb.Failed("emptying collection "+c.Name(), err)
		}
	}
	return nil
}

// passing is the filter of the documents of a collection that are not final, as recovery.Document.IsFinal says.
func passing(collection string) bson.D {
	switch collection {
	case recovery.IdempotencyKeys:
		return bson.D{{Key: "_id", Value: bson.D{{Key: "$not", Value: bson.Regex{Pattern: recovery.DecidedKeys}}}}}
	case recovery.Tokens:
		return mongodb.Unrevoked()
	}
	return bson.D{}
}

// ClocksDiffer is by how much the clocks of the machines may.
const ClocksDiffer = time.Hour

type restore struct {
	Store

	moment Moment
	// since is from when on the backup before may not know of a vendor's trial, startedSince whose trials have started since.
	since        time.Time
	startedSince map[string]bool
	done         Restored
}

// Restore fills an empty database with what it held at a moment. Events are taken from the backup after
// it where there is one, up to the moment, so that they are exact; with them come vendors whose trial
// began between the backups, and whoever wants no e-mail, was erased or has converted by then. What Clear leaves is not
// written over. Everything else is as the one before has it, but for the automation, which is
// disabled from the first moment on.
func (s Store) Restore(ctx context.Context, m Moment) (Restored, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r := &restore{Store: s, moment: m, since: m.Began.Add(-ClocksDiffer), startedSince: map[string]bool{}}
	for _, step := range []func(context.Context) error{
		r.passOver, r.fillBefore, r.fillAfter, r.fillLatest, r.setUp, r.countTokens, r.foldTrials, r.decideAgain, r.foldRollouts,
	} {
		if err := step(ctx); err != nil {
			return r.done, err
		}
	}
	return r.done, nil
}

// Disable disables the automation of a database that was restored, and answers with the flags as they were.
func (s Store) Disable(ctx context.Context) (was flags.Flags, err error) {
	_, err = s.UpdateFlags(ctx, recovery.By, func(f *flags.Change) error {
		was, f.Off = f.Flags, f.TrialAutomation.Enabled
		f.TrialAutomation.Enabled = false
		return nil
	})
	return was, err
}

// passOver gives up the backup after the moment where it lacks events that the one before has: then it is of a database
// that had been lost or set back in between, and says nothing of the time before.
func (r *restore) passOver(context.Context) error {
	if r.moment.After == nil {
		return nil
	}
	err := r.moment.Before(func(earlier backup.Records) error {
		return r.moment.After(func(later backup.Records) error {
			for record, err := range backup.Difference(events(earlier), events(later)) {
				if err != nil {
					return err
				}
				if r.done.SetBack = record.Document == nil; r.done.SetBack {
					return nil
				}
			}
			return nil
		})
	})
	if r.done.SetBack {
		r.moment.After = nil
	}
	return err
}

func events(records backup.Records) backup.Records {
	return selected(records, func(d recovery.Document, _ backup.Record) (bool, error) { return d.IsEvent(), nil })
}

// selected leaves those of the records that fn says stay.
func selected(records backup.Records, fn func(recovery.Document, backup.Record) (stays bool, err error)) backup.Records {
	return func(yield func(backup.Record, error) bool) {
		for record, err := range records {
			stays := true
			if err == nil {
				stays, err = fn(describe(record), record)
			}
			if (stays || err != nil) && !yield(record, err) {
				return
			}
		}
	}
}

// setUp makes what the backup may lack: the installation's id, flags that are disabled, and indexes.
func (r *restore) setUp(ctx context.Context) error {
	if r.moment.Installation != "" {
		if _, err := r.KeepInstallation(ctx, r.moment.Installation); err != nil {
			return err
		}
	}
	if _, err := r.Disable(ctx); err != nil {
		return err
	}
	return r.Setup(ctx)
}

// countTokens counts the tokens that are good.
func (r *restore) countTokens(ctx context.Context) error {
	tokens, err := r.Tokens(ctx)
	for _, t := range tokens {
		if t.Status(time.Now()) == access.Good {
			r.done.Tokens++
		}
	}
	return err
}

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
		case trial.CodeOf(err) == trial.CodeConflict: // one vendor does not keep the others from coming back
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
