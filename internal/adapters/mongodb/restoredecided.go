package mongodb

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/domain/trial"
)

// decidedKey is a key of what was decided once and no restore undoes: that a vendor was erased, or has converted by
// billing's word. Other keys have blanks, or end otherwise.
var decidedKey = regexp.MustCompile(`^[^/ ]+/(erasure|conversion)$`)

// isDecided tells whether a document is kept, whatever a backup knows.
func isDecided(collection string, doc bson.Raw) bool {
	return collection == idempotencyKeysCollection && decidedKey.MatchString(text(doc.Lookup("_id")))
}

// lost is the filter of the documents of a collection that Clear deletes.
func lost(collection string) bson.D {
	switch collection {
	case idempotencyKeysCollection:
		return bson.D{{Key: "_id", Value: bson.D{{Key: "$not", Value: bson.Regex{Pattern: decidedKey.String()}}}}}
	case tokensCollection:
		return unrevoked()
	}
	return bson.D{}
}

// putBack writes a document over what somebody has written under its _id meanwhile, unless that is kept.
func (r *restore) putBack(ctx context.Context, c *mongo.Collection, doc bson.Raw) error {
	filter := byID(doc.Lookup("_id"))
	switch {
	case isDecided(c.Name(), doc):
		_, err := c.InsertOne(ctx, doc)
		if mongo.IsDuplicateKeyError(err) {
			return nil
		}
		return err
	case c.Name() == tokensCollection:
		return r.putBackToken(ctx, c, doc)
	}
	_, err := c.ReplaceOne(ctx, filter, doc, options.Replace().SetUpsert(true))
	return err
}

// putBackToken is putBack for a token, which stays revoked where either knows that it is, and is counted where only one does.
func (r *restore) putBackToken(ctx context.Context, c *mongo.Collection, doc bson.Raw) error {
	revoked := given(doc.Lookup("revokedAt"))
	replaced, err := c.ReplaceOne(ctx, append(byID(doc.Lookup("_id")), unrevoked()...), doc, options.Replace().SetUpsert(true))
	switch {
	case mongo.IsDuplicateKeyError(err): // the database has it revoked, and keeps that
		if !revoked {
			r.done.Revoked++
		}
		return nil
	case err != nil:
		return err
	}
	if revoked && replaced.MatchedCount > 0 { // the last backup has it revoked, and the one before had it good
		r.done.Revoked++
	}
	return nil
}

// insertDecided writes what the last backup knows of that no restore undoes: who wants no e-mail, was erased or has
// converted, and which tokens are revoked.
func (r *restore) insertDecided(ctx context.Context, records backup.Records) error {
	for record, err := range r.merged(ctx, records) {
		if err != nil {
			return err
		}
		doc := bson.Raw(record.Document)
		revoked := record.Collection == tokensCollection && given(doc.Lookup("revokedAt"))
		if !revoked && !isDecided(record.Collection, doc) {
			continue
		}
		if err := r.putBack(ctx, r.store.users.Database().Collection(record.Collection), doc); err != nil {
			return failed("restoring collection "+record.Collection, err)
		}
	}
	return nil
}

// decideAgain has what is on record as decided count for what was restored around it, which may be older.
func (r *restore) decideAgain(ctx context.Context) error {
	// In small batches, since the server forgets a cursor that nobody asks for ten minutes.
	find := options.Find().SetBatchSize(batchDocuments)
	cursor, err := r.store.idempotencyKeys.Find(ctx, bson.D{{Key: "_id", Value: bson.Regex{Pattern: decidedKey.String()}}}, find)
	if err != nil {
		return failed("reading what was decided", err)
	}
	defer func() { _ = cursor.Close(context.WithoutCancel(ctx)) }() // it ends by itself as well
	for cursor.Next(ctx) {
		key := text(cursor.Current.Lookup("_id"))
		if id, is := strings.CutSuffix(key, conversionKey("")); is {
			if err := r.store.deliverAgain(ctx, id); err != nil {
				return err
			}
			continue
		}
		id := strings.TrimSuffix(key, erasureKey(""))
		again, err := r.store.eraseOnRecord(ctx, id)
		switch {
		case isConflict(err): // one vendor does not keep the others from coming back
			r.done.Unerased = append(r.done.Unerased, id)
		case err != nil:
			return err
		case again:
			r.done.Erased++
		}
	}
	if err := cursor.Err(); err != nil {
		return failed("reading what was decided", err)
	}
	return nil
}

// deliverAgain has a conversion delivered that its restored trial does not know.
func (s *Store) deliverAgain(ctx context.Context, id string) error {
	state, _, err := s.Trial(ctx, id)
	if err != nil || state.ConvertedAt != nil {
		return err
	}
	unknown := bson.D{{Key: "$set", Value: bson.D{{Key: "value.recorded", Value: false}}}}
	err = s.idempotencyKeys.FindOneAndUpdate(ctx, byID(conversionKey(id)), unknown).Err()
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return failed("noting that the conversion of vendor "+id+" is to be delivered", err)
	}
	return nil
}

// eraseOnRecord erases a vendor whose document has come back from before an erasure that is on record, and tells whether it had.
func (s *Store) eraseOnRecord(ctx context.Context, id string) (again bool, err error) {
	e, err := s.erased(ctx, id)
	if err != nil || e == nil {
		return false, err
	}
	_, u, err := s.findUser(ctx, id)
	switch {
	case errors.Is(err, mongo.ErrNoDocuments) || err == nil && (!u.isVendor || u.vendor.ErasedAt != nil):
		return false, nil
	case err != nil:
		return false, failed("reading vendor "+id, err)
	}
	_, err = s.EraseVendor(ctx, id, trial.Erasure{At: e.At.UTC(), By: e.By, Reason: e.Reason})
	return err == nil, err
}
