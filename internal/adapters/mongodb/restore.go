package mongodb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/rollout"
)

// BackupSource gives the documents of a backup to do; it may be asked more than once.
type BackupSource func(fn func(backup.Records) error) error

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
	Flags rollout.Flags `json:"flags"`
}

// byRestore is who changes the flags when a database is restored.
const byRestore = "restore"

// unrestored are the collections that are not restored. Trials and rollouts are folded from their events: a backup is
// taken while the system works, so they may tell of events that it does not have. Processes tell who lives now.
var unrestored = map[string]bool{trialsCollection: true, rolloutsCollection: true, processesCollection: true}

// histories are the collections of events, and the field that says whose an event is.
var histories = map[string]string{eventsCollection: "vendorId", decisionsCollection: "rolloutId"}

// Occupied is a collection that has documents which Clear deletes; empty where none has. What a restore only adds to
// does not count.
func (s *Store) Occupied(ctx context.Context) (string, error) {
	collections, err := s.collections(ctx)
	if err != nil {
		return "", err
	}
	for _, collection := range collections {
		if collection == suppressionsCollection {
			continue
		}
		err := s.users.Database().Collection(collection).FindOne(ctx, lost(collection)).Err()
		if err == nil {
			return collection, nil
		}
		if !errors.Is(err, mongo.ErrNoDocuments) {
			return "", failed("looking into collection "+collection, err)
		}
	}
	return "", nil
}

// Clear deletes every document but the suppressions, revoked tokens, and that vendors were erased or have converted: who
// wants no e-mail now does not get any again, and what was decided stays so, whatever a backup knows, and however often
// a restore is begun. It leaves the indexes, which are not in backups.
func (s *Store) Clear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, backupLimit)
	defer cancel()
	collections, err := s.collections(ctx)
	if err != nil {
		return err
	}
	for _, collection := range collections {
		if collection == suppressionsCollection {
			continue
		}
		if _, err := s.users.Database().Collection(collection).DeleteMany(ctx, lost(collection)); err != nil {
			return failed("emptying collection "+collection, err)
		}
	}
	return nil
}

// Moment is a moment of the past, and what it is restored from.
type Moment struct {
	At time.Time
	// Before is the last backup that was finished by then, Began when it was begun.
	Before BackupSource
	Began  time.Time
	// After is the first that was begun since; nil for none.
	After BackupSource
	// Latest is the last of those that were finished since, which may be After, or have been under way at the moment; nil
	// for none. Of it comes what no restore undoes.
	Latest BackupSource
	// Installation is the id that the database gets; empty for none, as a copy to look at has none.
	Installation string
}

// Check reads all that Restore would write, and says what of it could not be: so nothing is deleted in vain.
func (m Moment) Check() error {
	r := restore{}
	for _, source := range []BackupSource{m.Before, m.After, m.Latest} {
		if source == nil {
			continue
		}
		err := source(func(records backup.Records) error {
			for record, err := range r.disabled(records) {
				if err != nil {
					return err
				}
				if err := bson.Raw(record.Document).Validate(); err != nil {
					return fmt.Errorf("the backup has a document of collection %s that cannot be read: %w", record.Collection, err)
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

// Restore fills an empty database with what it held at a moment. Events are taken from the backup after
// it where there is one, up to the moment, so that they are exact; with them come vendors whose trial
// began between the backups, and whoever wants no e-mail, was erased or has converted by then. What Clear leaves is not
// written over. Everything else is as the one before has it, but for the automation, which is
// disabled from the first moment on: those who have unsubscribed since may not be known, so a
// person is to say when it goes on.
func (s *Store) Restore(ctx context.Context, m Moment) (done Restored, err error) {
	ctx, cancel := context.WithTimeout(ctx, backupLimit)
	defer cancel()
	if m.After != nil {
		lost, err := setBack(m.Before, m.After)
		if err != nil {
			return Restored{}, err
		}
		if lost {
			m.After = nil
		}
		defer func() { done.SetBack = lost }()
	}
	r := &restore{store: s, at: m.At, since: m.Began.Add(-clocksDiffer), startedSince: map[string]bool{}}
	if err := r.fill(ctx, m.Before, m.After); err != nil {
		return r.done, err
	}
	if m.Latest != nil {
		if err := m.Latest(func(records backup.Records) error { return r.insertDecided(ctx, records) }); err != nil {
			return r.done, err
		}
	}
	if m.Installation != "" {
		if _, _, err := first(ctx, s, installationKey, m.Installation); err != nil {
			return r.done, err
		}
	}
	if _, err := s.Disable(ctx); err != nil { // the backup may have no flags
		return r.done, err
	}
	if err := s.Setup(ctx); err != nil {
		return r.done, err
	}
	if err := r.countTokens(ctx); err != nil {
		return r.done, err
	}
	if err := r.foldTrials(ctx); err != nil {
		return r.done, err
	}
	if err := r.decideAgain(ctx); err != nil {
		return r.done, err
	}
	return r.done, r.foldRollouts(ctx)
}

// setBack tells whether a backup lacks events that an earlier one has. Nothing deletes events, so it is of a
// database that had been lost or set back in between, and says nothing of the time before.
func setBack(before, after BackupSource) (lost bool, err error) {
	events := func(record backup.Record) bool { return histories[record.Collection] != "" }
	err = before(func(earlier backup.Records) error {
		return after(func(later backup.Records) error {
			for record, err := range backup.Difference(filter(earlier, events), filter(later, events)) {
				if err != nil {
					return err
				}
				if record.Document == nil {
					lost = true
					return nil
				}
			}
			return nil
		})
	})
	return lost, err
}

// clocksDiffer is by how much the clocks of the machines may.
const clocksDiffer = time.Hour

type restore struct {
	store *Store
	at    time.Time
	// born are the vendors whose trials began since then, whom the backup before may not know.
	since        time.Time
	startedSince map[string]bool
	done         Restored
}

func (r *restore) fill(ctx context.Context, before, after BackupSource) error {
	known := map[string]bool{}
	for collection := range unrestored {
		known[collection] = true
	}
	if after != nil {
		for collection := range histories {
			known[collection] = true
		}
	}
	rest := func(record backup.Record) bool { return !known[record.Collection] && !isInstallation(record) }
	if err := before(func(records backup.Records) error {
		return r.insert(ctx, r.merged(ctx, r.disabled(filter(records, rest))))
	}); err != nil {
		return err
	}
	if after == nil {
		return nil
	}
	if err := after(func(records backup.Records) error { return r.insertHistories(ctx, records) }); err != nil {
		return err
	}
	return after(func(records backup.Records) error { return r.insertBorn(ctx, records) })
}

// disabled has the flags come with the automation disabled. What a backup may hold beside them is left alone.
func (r *restore) disabled(records backup.Records) backup.Records {
	return func(yield func(backup.Record, error) bool) {
		for record, err := range records {
			if err == nil && record.Collection == flagsCollection && text(bson.Raw(record.Document).Lookup("_id")) == flagsID {
				record.Document, err = r.disabledFlags(record.Document)
			}
			if !yield(record, err) {
				return
			}
		}
	}
}

func (r *restore) disabledFlags(document []byte) ([]byte, error) {
	var flags flagsDocument
	decoder := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(document)))
	decoder.UseJSONStructTags()
	if err := decoder.Decode(&flags); err != nil {
		return nil, fmt.Errorf("reading the flags in the backup: %w", err)
	}
	r.done.Flags = flags.FeatureFlags
	c := flags.Change()
	c.Off, c.TrialAutomation.Enabled = true, false
	flags.Version += versionsLost
	flags.Document, _ = flags.Changed(c, byRestore, stored(time.Now()))
	var changed bytes.Buffer
	encoder := bson.NewEncoder(bson.NewDocumentWriter(&changed))
	encoder.UseJSONStructTags()
	if err := encoder.Encode(flags); err != nil {
		return nil, fmt.Errorf("disabling the automation: %w", err)
	}
	return changed.Bytes(), nil
}

// versionsLost is more than the changes of the flags that a backup does not know of: rollouts and vendors that do must
// not take the restored flags for older ones.
const versionsLost = 100_000

// Disable disables the automation of a database that was restored, and answers with the flags as they were.
func (s *Store) Disable(ctx context.Context) (was rollout.Flags, err error) {
	_, err = s.UpdateFlags(ctx, byRestore, func(f *rollout.FlagChange) error {
		was, f.Off = f.Flags, f.TrialAutomation.Enabled
		f.TrialAutomation.Enabled = false
		return nil
	})
	return was, err
}

func filter(records backup.Records, keep func(backup.Record) bool) backup.Records {
	return func(yield func(backup.Record, error) bool) {
		for record, err := range records {
			if (err != nil || keep(record)) && !yield(record, err) {
				return
			}
		}
	}
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
		err := r.write(ctx, r.store.users.Database().Collection(collection), batch)
		if mongo.IsDuplicateKeyError(err) { // its own text repeats what the document has, an address perhaps
			return fmt.Errorf("restoring collection %s: somebody writes to it, or a unique index of the marketplace's stands against a document", collection)
		}
		if err != nil {
			return failed("restoring collection "+collection, err)
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

// insertHistories writes the events up to the moment. Those of one trial stand together, since their
// keys begin with its id.
func (r *restore) insertHistories(ctx context.Context, records backup.Records) error {
	events := filter(records, func(record backup.Record) bool { return histories[record.Collection] != "" })
	return r.insert(ctx, func(yield func(backup.Record, error) bool) {
		var group []backup.Record
		owner := ""
		for record, err := range events {
			if err != nil {
				yield(record, err)
				return
			}
			whose := record.Collection + "/" + text(bson.Raw(record.Document).Lookup(histories[record.Collection]))
			if whose != owner {
				if !r.cut(group, yield) {
					return
				}
				owner, group = whose, nil
			}
			group = append(group, record)
		}
		r.cut(group, yield)
	})
}

// cut yields one history up to the moment: up to the first event after it, since what follows that
// was decided on it.
func (r *restore) cut(group []backup.Record, yield func(backup.Record, error) bool) bool {
	end := len(group) + 1
	for _, record := range group {
		if date(bson.Raw(record.Document).Lookup("at")).After(r.at) {
			end = min(end, seq(record))
		}
	}
	for _, record := range group {
		if seq(record) >= end {
			r.done.Later++
			continue
		}
		if record.Collection == eventsCollection && seq(record) == 1 && date(bson.Raw(record.Document).Lookup("at")).After(r.since) {
			r.startedSince[text(bson.Raw(record.Document).Lookup("vendorId"))] = true
		}
		if !yield(record, nil) {
			return false
		}
	}
	return true
}

func seq(record backup.Record) int { return int(number(bson.Raw(record.Document).Lookup("seq"))) }

// merged adds what stops e-mail to what does already, and leaves the rest.
func (r *restore) merged(ctx context.Context, records backup.Records) backup.Records {
	return func(yield func(backup.Record, error) bool) {
		for record, err := range records {
			if err == nil && record.Collection == suppressionsCollection {
				if err = r.store.mergeSuppression(ctx, record.Document); err == nil {
					r.done.Documents++
					continue
				}
			}
			if !yield(record, err) {
				return
			}
		}
	}
}

// insertBorn writes what belongs to vendors whose trials began since the first backup, whatever stops e-mail, and what
// was decided for good: what is known later is not less.
func (r *restore) insertBorn(ctx context.Context, records backup.Records) error {
	for record, err := range r.merged(ctx, records) {
		if err != nil {
			return err
		}
		if !r.isBorn(record) {
			continue
		}
		_, err := r.store.users.Database().Collection(record.Collection).InsertOne(ctx, bson.Raw(record.Document))
		if mongo.IsDuplicateKeyError(err) {
			continue // the first backup knows it
		}
		if err != nil {
			return failed("restoring collection "+record.Collection, err)
		}
		r.done.Documents++
	}
	return nil
}

func (r *restore) isBorn(record backup.Record) bool {
	id := bson.Raw(record.Document).Lookup("_id")
	switch record.Collection {
	case usersCollection:
		return r.startedSince[vendorID(id)]
	case idempotencyKeysCollection:
		vendor, ok := strings.CutSuffix(text(id), registrationKey(""))
		return ok && r.startedSince[vendor] || isDecided(record.Collection, record.Document)
	}
	return false
}

// countTokens counts the tokens that are good.
func (r *restore) countTokens(ctx context.Context) error {
	tokens, err := r.store.Tokens(ctx)
	for _, t := range tokens {
		if t.Status(time.Now()) == access.Good {
			r.done.Tokens++
		}
	}
	return err
}
