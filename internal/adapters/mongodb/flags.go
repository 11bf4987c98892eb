package mongodb

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/lanes"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	// flagsTries bounds how often a change of the flags is tried against those of other processes.
	flagsTries = 100
	// mostFlagChanges bounds how many changes of this process wait for their turn.
	mostFlagChanges = 2000
)

// flagsID is the _id of the one flag document.
const flagsID = recovery.FlagsID

// flagsDocument is the flag document as stored.
type flagsDocument struct {
	ID             string `bson:"_id"`
	flags.Document `bson:",inline"`
}

// Flags is the flag document. Where there is none, the initial one is made, and
// where somebody put one without a salt, it gets one: of several callers
// one makes it, and all see the same.
func (s *Store) Flags(ctx context.Context) (flags.Document, error) {
	doc, _, err := find[flagsDocument](ctx, "reading the flags", s.flags, byID(flagsID))
	if err == nil && doc.Salt == "" {
		return s.initFlags(ctx)
	}
	return doc.Document, err
}

// initFlags makes the flag document, or the salt of one without.
func (s *Store) initFlags(ctx context.Context) (flags.Document, error) {
	initial := flagsDocument{ID: flagsID, Document: flags.Document{
		FeatureFlags: flags.Initial(), Salt: rand.Text(), Version: 1, UpdatedAt: stored(time.Now()), UpdatedBy: "setup",
	}}
	if _, err := insert(ctx, "making the flags", s.flags, initial); err != nil {
		return flags.Document{}, err
	}
	unsalted := append(byID(flagsID), bson.E{Key: "salt", Value: bson.D{{Key: "$in", Value: bson.A{nil, ""}}}})
	if err := update(ctx, "salting the flags", s.flags, unsalted, bson.D{{Key: "$set", Value: bson.D{{Key: "salt", Value: initial.Salt}}}}); err != nil {
		return flags.Document{}, err
	}
	var doc flagsDocument
	if err := s.flags.FindOne(ctx, byID(flagsID)).Decode(&doc); err != nil {
		return flags.Document{}, failed("reading the flags", err)
	}
	return doc.Document, nil
}

// UpdateFlags changes the flags and answers with the document afterwards. Where
// another change gets in between, change is called again, on the flags as they
// are then. An error of change's, or a percentage that is none, leaves
// everything as it is; a change that changes nothing makes no new version. Changes of this
// process take turns, those of an urgent context (lanes.Urgent) first.
func (s *Store) UpdateFlags(ctx context.Context, by string, change func(*flags.Change) error) (flags.Document, error) {
	leave, err := s.flagTurns.Enter(ctx)
	if errors.Is(err, lanes.ErrFull) {
		return flags.Document{}, errFlagsBusy
	}
	if err != nil {
		return flags.Document{}, fmt.Errorf("waiting to change the flags: %w", err)
	}
	defer leave()
	for range flagsTries {
		doc, err := s.Flags(ctx)
		if err != nil {
			return flags.Document{}, err
		}
		c := doc.Change()
		if err := change(&c); err != nil {
			return flags.Document{}, err
		}
		if err := flags.ValidPercentage(c.TrialAutomation.RolloutPercentage); err != nil {
			return flags.Document{}, fmt.Errorf("changing the flags: %w", err)
		}
		after, changed := doc.Changed(c, by, stored(time.Now()))
		if !changed {
			return doc, nil
		}
		err = s.replaceFlags(ctx, doc.Version, after)
		if !errors.Is(err, mongo.ErrNoDocuments) {
			return after, err
		}
	}
	return flags.Document{}, errFlagsBusy
}

var errFlagsBusy = &trial.Error{Code: trial.CodeUnavailable, Message: "the flags are being changed by others all the time; try again later"}

// replaceFlags stores the flags in the place of a version. It is
// mongo.ErrNoDocuments where that is not the present one. The filter costs
// nothing: the collection has one document.
func (s *Store) replaceFlags(ctx context.Context, version int, after flags.Document) error {
	filter := append(byID(flagsID), bson.E{Key: "version", Value: version})
	if version == 0 { // put there by somebody who knew of no versions
		filter[1].Value = bson.D{{Key: "$in", Value: bson.A{nil, 0}}}
	}
	if err := s.flags.FindOneAndUpdate(ctx, filter, bson.D{{Key: "$set", Value: after}}).Err(); err != nil {
		return failed("changing the flags", err)
	}
	return nil
}

// ReadFlags reads the flag document of a backup.
func ReadFlags(stored []byte) (flags.Document, error) {
	var doc flagsDocument
	decoder := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(stored)))
	decoder.UseJSONStructTags()
	if err := decoder.Decode(&doc); err != nil {
		return flags.Document{}, fmt.Errorf("reading the flags in the backup: %w", err)
	}
	return doc.Document, nil
}

// PutFlags stores flags, whatever stands there.
func (s *Store) PutFlags(ctx context.Context, current flags.Document) error {
	return put(ctx, "storing the flags", s.flags, flagsID, flagsDocument{ID: flagsID, Document: current})
}
