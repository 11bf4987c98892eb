package mongodb

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
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
	var doc tokenDocument
	err := s.tokens.FindOne(ctx, byID(string(key))).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return access.Token{}, false, nil
	}
	if err != nil {
		return access.Token{}, false, failed("reading token "+key.ID(), err)
	}
	return doc.Token, true, nil
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
	if err != nil {
		return nil, err
	}
	tokens := make([]access.Token, 0, len(docs))
	for _, doc := range docs {
		tokens = append(tokens, doc.Token)
	}
	return tokens, nil
}

// unrevoked is the filter of the tokens that nobody has revoked.
func unrevoked() bson.D {
	return bson.D{{Key: "revokedAt", Value: bson.D{{Key: "$exists", Value: false}}}}
}

// RevokeToken has a token open nothing from now on, and answers with it. The
// first revocation counts. There is no such token: a *trial.Error with
// trial.CodeNotFound.
func (s *Store) RevokeToken(ctx context.Context, id, by string, at time.Time) (access.Token, error) {
	// An id is what a key begins with; "~" comes after all digits.
	beginning := bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: id}, {Key: "$lt", Value: id + "~"}}}}
	var doc tokenDocument
	err := s.tokens.FindOne(ctx, beginning).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return access.Token{}, access.NoToken(id)
	}
	if err != nil {
		return access.Token{}, failed("reading token "+id, err)
	}
	// Admins revoke a few in a year, so a filter beyond _id costs nothing that matters.
	update := bson.D{{Key: "$set", Value: bson.D{{Key: "revokedAt", Value: stored(at)}, {Key: "revokedBy", Value: by}}}}
	err = s.tokens.FindOneAndUpdate(ctx, append(byID(doc.Key), unrevoked()...), update).Err()
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return access.Token{}, failed("revoking token "+id, err)
	}
	if err := s.tokens.FindOne(ctx, byID(doc.Key)).Decode(&doc); err != nil {
		return access.Token{}, failed("reading token "+id, err)
	}
	return doc.Token, nil
}
