package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/recovery"
)

const (
	tokensCollection = recovery.Tokens
	// mostTokens bounds how many tokens are listed at once.
	mostTokens = 1000
)

// tokenDocument is a token as stored, under its key: each request that brings
// one looks it up by that.
type tokenDocument struct {
	Key          string `bson:"_id"`
	access.Token `bson:",inline"`
}

// Token is the token of a key, and whether there is one.
func (s *Store) Token(ctx context.Context, key access.Key) (access.Token, bool, error) {
	doc, found, err := find[tokenDocument](ctx, "reading token "+key.ID(), s.tokens, byID(string(key)))
	return doc.Token, found, err
}

// AddToken stores a new token under its key.
func (s *Store) AddToken(ctx context.Context, key access.Key, t access.Token) error {
	if _, err := s.tokens.InsertOne(ctx, tokenDocument{Key: string(key), Token: t}); err != nil {
		return failed("storing token "+t.ID, err)
	}
	return nil
}

// Tokens are all tokens, those that open nothing any more too, in the order of
// their ids.
func (s *Store) Tokens(ctx context.Context) ([]access.Token, error) {
	docs, err := list[tokenDocument](ctx, "listing the tokens", s.tokens, bson.D{}, options.Find().SetSort(ascending("_id")).SetLimit(mostTokens))
	return contents(docs, func(d tokenDocument) access.Token { return d.Token }), err
}

// Unrevoked is the filter of the tokens that nobody has revoked.
func Unrevoked() bson.D {
	return bson.D{{Key: "revokedAt", Value: bson.D{{Key: "$exists", Value: false}}}}
}

// byBeginning is the filter of the keys that begin with an id, as those of tokens and sessions do.
func byBeginning(id string) bson.D {
	return bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: id}, {Key: "$lt", Value: id + "~"}}}} // "~" comes after all digits
}

// RevokeToken has a token open nothing from now on, and answers with it. The
// first revocation counts. There is no such token: a *trial.Error with
// trial.CodeNotFound.
func (s *Store) RevokeToken(ctx context.Context, id, by string, at time.Time) (access.Token, error) {
	doc, found, err := find[tokenDocument](ctx, "reading token "+id, s.tokens, byBeginning(id))
	if err == nil && !found {
		err = access.NoToken(id)
	}
	if err != nil {
		return access.Token{}, err
	}
	// Admins revoke a few in a year, so a filter beyond _id costs nothing that matters.
	revoked := bson.D{{Key: "$set", Value: bson.D{{Key: "revokedAt", Value: stored(at)}, {Key: "revokedBy", Value: by}}}}
	if err := update(ctx, "revoking token "+id, s.tokens, append(byID(doc.Key), Unrevoked()...), revoked); err != nil {
		return access.Token{}, err
	}
	doc, _, err = find[tokenDocument](ctx, "reading token "+id, s.tokens, byID(doc.Key))
	return doc.Token, err
}
