package mongodb

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// firstDocument is something of which only the first counts. Documents that
// exist already, such as the marketplace's users, offer no way to set a field
// once by _id alone; the insert of a key of its own does.
type firstDocument[T any] struct {
	Key   string `bson:"_id"`
	Value T      `bson:"value"`
}

// The keys of firsts.
func registrationKey(vendorID string) string { return vendorID + "/registration" }
func conversionKey(vendorID string) string   { return vendorID + "/conversion" }

// rolloutKey has a blank, which no vendor's id has.
func rolloutKey(requestKey string) string { return "start of rollout/" + requestKey }

// first keeps value under key if nothing is there yet. It answers with what is
// there, and whether that is this call's.
func first[T any](ctx context.Context, s *Store, key string, value T) (kept T, mine bool, err error) {
	_, err = s.firsts.InsertOne(ctx, firstDocument[T]{Key: key, Value: value})
	if err != nil && !mongo.IsDuplicateKeyError(err) {
		return kept, false, failed(fmt.Sprintf("keeping %s", key), err)
	}
	mine = err == nil
	// Read even where it is this call's, so that every caller sees it as stored.
	var doc firstDocument[T]
	if err := s.firsts.FindOne(ctx, byID(key)).Decode(&doc); err != nil {
		return kept, mine, failed(fmt.Sprintf("reading %s", key), err)
	}
	return doc.Value, mine, nil
}

// lookUp is the value under key, nil where there is none.
func lookUp[T any](ctx context.Context, s *Store, key string) (*T, error) {
	var doc firstDocument[T]
	err := s.firsts.FindOne(ctx, byID(key)).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil //nolint:nilnil // documented: there is none, and nothing is wrong
	}
	if err != nil {
		return nil, failed("reading "+key, err)
	}
	return &doc.Value, nil
}

// byID is the filter that is fast on every server.
func byID(id any) bson.D { return bson.D{{Key: "_id", Value: id}} }
