package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/backup"
)

// RestoreVendors inserts the documents that a backup has of vendors who have none, and answers with those
// whom it had. It removes from missing all whose trial the backup knows: whoever has no document
// there was deleted by then. Who is on record as erased has come without name and address.
func (s *Store) RestoreVendors(ctx context.Context, source BackupSource, missing map[string]bool) (found []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, backupLimit)
	defer cancel()
	documents, known := map[string]bson.Raw{}, map[string]bool{}
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
	if err != nil {
		return nil, err
	}
	for id := range missing {
		doc, has := documents[id]
		if has {
			if _, err := s.users.InsertOne(ctx, doc); err != nil && !mongo.IsDuplicateKeyError(err) {
				return found, failed("restoring the document of vendor "+id, err)
			}
			if _, err := s.eraseOnRecord(ctx, id); err != nil {
				return found, err
			}
			found = append(found, id)
		}
		if has || known[id] {
			delete(missing, id)
		}
	}
	return found, nil
}
