package rest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
)

// tokenBytes is how many random bytes make a token.
const tokenBytes = 32

// TokenStore keeps the tokens that were issued.
type TokenStore interface {
	// AddToken stores a new token under its key.
	AddToken(ctx context.Context, key access.Key, t access.Token) error
	// Tokens are all tokens, those that open nothing any more too.
	Tokens(ctx context.Context) ([]access.Token, error)
	// RevokeToken has a token open nothing from now on. The first revocation
	// counts. One that does not exist is a *trial.Error with trial.CodeNotFound.
	RevokeToken(ctx context.Context, id, by string, at time.Time) (access.Token, error)
}

// newToken makes up the text of a token.
func newToken() string {
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // never fails: it ends the process instead
	return access.Prefix + base64.RawURLEncoding.EncodeToString(random)
}

// ListTokens answers with the tokens and how they stand.
func (s *server) ListTokens(ctx context.Context, _ ListTokensRequestObject) (ListTokensResponseObject, error) {
	tokens, err := s.Store.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	list := ListTokens200JSONResponse{Tokens: []Token{}}
	for _, t := range tokens {
		list.Tokens = append(list.Tokens, s.shownToken(t))
	}
	return list, nil
}

// CreateToken makes a token. Its text is in the answer and nowhere else.
func (s *server) CreateToken(ctx context.Context, request CreateTokenRequestObject) (CreateTokenResponseObject, error) {
	if keyOf(ctx).done() {
		return nil, &trial.Error{Code: trial.CodeConflict, Message: "a token was made with this Idempotency-Key; its text was in that answer and is nowhere else"}
	}
	text := newToken()
	key := access.KeyOf(text)
	asked := access.Request{Name: request.Body.Name, Role: request.Body.Role, ExpiresAt: millisecond(request.Body.ExpiresAt)}
	token, err := access.Issue(key, asked, actor(ctx), s.now())
	if err != nil {
		return nil, err
	}
	if err := s.Store.AddToken(ctx, key, token); err != nil {
		return nil, err
	}
	noteChange(ctx, nil, token)
	s.log.Info("token created", zap.String("requestId", callOf(ctx).id), zap.String("token", token.ID), zap.String("role", string(token.Role)))
	return CreateToken201JSONResponse{Token: s.shownToken(token), Secret: text}, nil
}

// RevokeToken has a token open nothing any more, from the next request on.
func (s *server) RevokeToken(ctx context.Context, request RevokeTokenRequestObject) (RevokeTokenResponseObject, error) {
	token, err := s.Store.RevokeToken(ctx, request.Token, actor(ctx), s.now())
	if err != nil {
		return nil, err
	}
	noteChange(ctx, nil, token)
	s.log.Info("token revoked", zap.String("requestId", callOf(ctx).id), zap.String("token", token.ID))
	return RevokeToken200JSONResponse(s.shownToken(token)), nil
}

// shownToken is what callers are told of a token.
func (s *server) shownToken(t access.Token) Token {
	shown := Token{
		Id: t.ID, Name: t.Name, Role: t.Role, Standing: t.Status(s.now()), CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy,
		ExpiresAt: t.ExpiresAt, RevokedAt: t.RevokedAt,
	}
	if t.RevokedBy != "" {
		shown.RevokedBy = &t.RevokedBy
	}
	return shown
}
