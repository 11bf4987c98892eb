package recovery

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/domain/recovery"
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
func (s Store) RestoreVendors(ctx context.Context, source Source, missing map[string]bool) (done RestoredVendors, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	documents, known, err := documentsOf(source, missing)
	if err != nil {
		return done, err
	}
	for id := range missing {
		doc, has := documents[id]
		if has {
			there, err := s.RestoreVendor(ctx, id, doc)
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
func documentsOf(source Source, missing map[string]bool) (documents map[string]bson.Raw, known map[string]bool, err error) {
	documents, known = map[string]bson.Raw{}, map[string]bool{}
	err = source(func(records backup.Records) error {
		for record, err := range records {
			if err != nil {
				return err
			}
			switch d := describe(record); d.Collection {
			case recovery.Events:
				known[d.Owner] = true
			case recovery.Users:
				if missing[d.ID] {
					documents[d.ID] = record.Document
				}
			}
		}
		return nil
	})
	return documents, known, err
}
