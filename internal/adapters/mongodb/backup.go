package mongodb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/adapters/backup"
)

// backupLimit bounds reading or writing everything.
const backupLimit = 4 * time.Hour

// Database is the name of the database that the Store keeps everything in.
func (s *Store) Database() string { return s.users.Database().Name() }

// Records are all documents of all collections in the database, the marketplace's too: our fields are
// in its users. Each time they are ranged over, the database is read anew, while it may change.
func (s *Store) Records(ctx context.Context) backup.Records {
	return func(yield func(backup.Record, error) bool) {
		ctx, cancel := context.WithTimeout(ctx, backupLimit)
		defer cancel()
		collections, err := s.collections(ctx)
		if err != nil {
			yield(backup.Record{}, err)
			return
		}
		for _, collection := range collections {
			if !s.records(ctx, collection, yield) {
				return
			}
		}
	}
}

// collections are the names of all collections, in order, but for the server's own and views.
func (s *Store) collections(ctx context.Context) ([]string, error) {
	names, err := s.users.Database().ListCollectionNames(ctx, bson.D{{Key: "type", Value: "collection"}})
	if err != nil {
		return nil, failed("listing the collections", err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, "system.") })
	slices.Sort(names)
	return names, nil
}

// records yields one collection in the order of its keys, and tells whether to go on.
func (s *Store) records(ctx context.Context, collection string, yield func(backup.Record, error) bool) bool {
	action := "reading collection " + collection
	cursor, err := s.users.Database().Collection(collection).Find(ctx, bson.D{}, options.Find().SetSort(up("_id")))
	if err != nil {
		yield(backup.Record{}, failed(action, err))
		return false
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }() // it ends by itself as well
	for cursor.Next(ctx) {
		key, err := orderedKey(cursor.Current.Lookup("_id"))
		if err != nil {
			yield(backup.Record{}, fmt.Errorf("%s: %w", action, err))
			return false
		}
		if !yield(backup.Record{Collection: collection, Key: key, Document: slices.Clone(cursor.Current)}, nil) {
			return false
		}
	}
	if err := cursor.Err(); err != nil {
		yield(backup.Record{}, failed(action, err))
		return false
	}
	return true
}
