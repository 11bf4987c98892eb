package mongodb

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/recovery"
)

// firstDocument is something of which only the first counts. Documents that
// exist already, such as the marketplace's users, offer no way to set a field
// once by _id alone; the insert of a key of its own does.
type firstDocument[T any] struct {
	Key   string `bson:"_id"`
	Value T      `bson:"value"`
}

// The keys of idempotency_keys.
func registrationKey(vendorID string) string { return vendorID + recovery.RegistrationKey }
func conversionKey(vendorID string) string   { return vendorID + recovery.ConversionKey }

// requestKey has a blank, which no vendor's id has.
func requestKey(key string) string { return "request with key/" + key }

// first keeps value under key if nothing is there yet. It answers with what is
// there, and whether that is this call's.
func first[T any](ctx context.Context, s *Store, key string, value T) (kept T, mine bool, err error) {
	mine, err = insert(ctx, "keeping "+key, s.idempotencyKeys, firstDocument[T]{Key: key, Value: value})
	if err != nil {
		return kept, false, err
	}
	// Read even where it is this call's, so that every caller sees it as stored.
	var doc firstDocument[T]
	if err := s.idempotencyKeys.FindOne(ctx, byID(key)).Decode(&doc); err != nil {
		return kept, mine, failed("reading "+key, err)
	}
	return doc.Value, mine, nil
}

// lookUp is the value under key, nil where there is none.
func lookUp[T any](ctx context.Context, s *Store, key string) (*T, error) {
	doc, found, err := find[firstDocument[T]](ctx, "reading "+key, s.idempotencyKeys, byID(key))
	if !found {
		return nil, err
	}
	return &doc.Value, nil
}

// ClaimKey keeps which request a key is used for. The first counts; first is that
// one, and mine tells whether it is this call's.
func (s *Store) ClaimKey(ctx context.Context, key string, c idempotency.Claim) (kept idempotency.Claim, mine bool, err error) {
	c.At = stored(c.At)
	for {
		kept, mine, err = first(ctx, s, requestKey(key), c)
		if !errors.Is(err, mongo.ErrNoDocuments) { // else it was freed between writing and reading
			return kept, mine, err
		}
	}
}

// SettleKey keeps that the request of a key was carried out, or frees the key of
// one that was refused; the claim of another request is left alone, and so is that
// of one which was carried out.
func (s *Store) SettleKey(ctx context.Context, key string, c idempotency.Claim, done bool) error {
	filter := append(byID(requestKey(key)), bson.E{Key: "value.request", Value: c.Request})
	if done {
		return update(ctx, "settling a request's key", s.idempotencyKeys, filter, bson.D{{Key: "$set", Value: bson.D{{Key: "value.done", Value: true}}}})
	}
	freed := s.idempotencyKeys.FindOneAndDelete(ctx, append(filter, bson.E{Key: "value.done", Value: false}))
	return unlessMissing("freeing a request's key", freed.Err())
}
