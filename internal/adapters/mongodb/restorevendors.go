package mongodb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/domain/trial"
)

// RestoredVendors are those of whom a backup has a document, by what became of it.
type RestoredVendors struct {
	// Found have their documents again.
	Found []string
	// Refused have none: a unique index or a rule of the marketplace's stands against the document in the backup or, of one
	// who is on record as erased, against what is left of it without name and address.
	Refused []string
}

// RestoreVendors inserts the documents that a backup has of vendors who have none, and answers with what became of
// those whom it had. It removes from missing all whose trial the backup knows: whoever has no document
// there was deleted by then. Who is on record as erased has come without name and address.
func (s *Store) RestoreVendors(ctx context.Context, source BackupSource, missing map[string]bool) (done RestoredVendors, err error) {
	ctx, cancel := context.WithTimeout(ctx, backupLimit)
	defer cancel()
	documents, known, err := documentsOf(source, missing)
	if err != nil {
		return done, err
	}
	for id := range missing {
		doc, has := documents[id]
		if has {
			there, err := s.restoreVendor(ctx, id, doc)
			if err != nil {
				return done, err
			}
			if there {
				done.Found = append(done.Found, id)
			} else {
				done.Refused = append(done.Refused, id)
			}
		}
		if has || known[id] {
			delete(missing, id)
		}
	}
	return done, nil
}

// documentsOf are the documents that a backup has of the vendors who are missing, and whose trials it knows.
func documentsOf(source BackupSource, missing map[string]bool) (documents map[string]bson.Raw, known map[string]bool, err error) {
	documents, known = map[string]bson.Raw{}, map[string]bool{}
	err = source(func(records backup.Records) error {
		for record, err := range records {
			if err != nil {
				return err
			}
			doc := bson.Raw(record.Document)
			switch record.Collection {
			case eventsCollection:
				known[text(doc.Lookup("vendorId"))] = true
			case usersCollection:
				if id := vendorID(doc.Lookup("_id")); missing[id] {
					documents[id] = doc
				}
			}
		}
		return nil
	})
	return documents, known, err
}

// restoreVendor inserts the document of a vendor who has none, and tells whether there is one then.
func (s *Store) restoreVendor(ctx context.Context, id string, doc bson.Raw) (there bool, err error) {
	action := "restoring the document of vendor " + id
	e, err := s.erased(ctx, id)
	if err != nil {
		return false, err
	}
	var insert any = doc
	if e != nil && readUser(doc).isVendor {
		if insert, err = erasedDocument(doc, *e); err != nil {
			return false, fmt.Errorf("%s: %w", action, err)
		}
	}
	_, err = s.users.InsertOne(ctx, insert)
	if err == nil {
		return true, nil
	}
	if !isRefused(err) {
		return false, failed(action, err)
	}
	s.log.Warn("the database refuses a vendor's document", zap.String("doing", action), zap.String("vendorId", id), zap.Int("code", refusalCode(err)))
	_, _, err = s.findUser(ctx, id)
	switch {
	case err == nil: // somebody else has put it there meanwhile
		return true, nil
	case errors.Is(err, mongo.ErrNoDocuments):
		return false, nil
	}
	return false, failed(action, err)
}

// erasedDocument is a vendor's document as EraseVendor leaves it. It is written at once like that: whatever breaks off
// then, no name and no address is there to be removed.
func erasedDocument(doc bson.Raw, e trial.Erasure) (bson.D, error) {
	var fields, automation bson.D
	if err := bson.Unmarshal(doc, &fields); err != nil {
		return nil, fmt.Errorf("reading it: %w", err)
	}
	left := slices.DeleteFunc(fields, func(f bson.E) bool {
		if f.Key == "trialAutomation" {
			automation, _ = f.Value.(bson.D) // what is no document is cleared
		}
		return f.Key == "trialAutomation" || f.Key == "email" || f.Key == "name"
	})
	automation = slices.DeleteFunc(automation, func(f bson.E) bool { return f.Key == "erasedAt" })
	automation = append(automation, bson.E{Key: "erasedAt", Value: stored(e.At)})
	return append(left, bson.E{Key: "trialAutomation", Value: automation}), nil
}
