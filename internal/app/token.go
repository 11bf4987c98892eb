package app

import (
	"context"
	"crypto/rand"
	"encoding/base64"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
)

// tokenBytes is how many random bytes make a token.
const tokenBytes = 32

// newToken makes up the text of a token.
func newToken() string {
	random := make([]byte, tokenBytes)
	_, _ = rand.Read(random) // never fails: it ends the process instead
	return access.Prefix + base64.RawURLEncoding.EncodeToString(random)
}

// CreateToken makes a token. Its text is returned here and kept nowhere.
func (a *App) CreateToken(ctx context.Context, asked access.Request) (token access.Token, text string, err error) {
	if keyOf(ctx).done() {
		return token, "", trial.Conflict("a token was made with this Idempotency-Key; its text was in that answer and is nowhere else")
	}
	text = newToken()
	key := access.KeyOf(text)
	asked.ExpiresAt = Millisecond(asked.ExpiresAt)
	if token, err = access.Issue(key, asked, actor(ctx), a.Present()); err != nil {
		return token, "", err
	}
	if err := a.Store.AddToken(ctx, key, token); err != nil {
		return token, "", err
	}
	noteChange(ctx, nil, token)
	a.Log.Info("token created", zap.String("requestId", requestID(ctx)), zap.String("token", token.ID), zap.String("role", string(token.Role)))
	return token, text, nil
}

// RevokeToken has a token open nothing any more, from the next request on.
func (a *App) RevokeToken(ctx context.Context, id string) (access.Token, error) {
	token, err := a.Store.RevokeToken(ctx, id, actor(ctx), a.Present())
	if err != nil {
		return token, err
	}
	noteChange(ctx, nil, token)
	a.Log.Info("token revoked", zap.String("requestId", requestID(ctx)), zap.String("token", token.ID))
	return token, nil
}
