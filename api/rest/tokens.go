package rest

import (
	"context"

	"marketplace.example/trials/internal/domain/access"
)

// ListTokens answers with the tokens and how they stand.
func (s *server) ListTokens(ctx context.Context, _ ListTokensRequestObject) (ListTokensResponseObject, error) {
	tokens, err := s.App.Store.Tokens(ctx)
	list := ListTokens200JSONResponse{Tokens: []Token{}}
	for _, t := range tokens {
		list.Tokens = append(list.Tokens, s.shownToken(t))
	}
	return list, err
}

// CreateToken makes a token. Its text is in the answer and nowhere else.
func (s *server) CreateToken(ctx context.Context, request CreateTokenRequestObject) (CreateTokenResponseObject, error) {
	b := request.Body
	token, text, err := s.App.CreateToken(ctx, access.Request{Name: b.Name, Role: b.Role, ExpiresAt: b.ExpiresAt})
	return CreateToken201JSONResponse{Token: s.shownToken(token), Secret: text}, err
}

// RevokeToken has a token open nothing any more, from the next request on.
func (s *server) RevokeToken(ctx context.Context, request RevokeTokenRequestObject) (RevokeTokenResponseObject, error) {
	token, err := s.App.RevokeToken(ctx, request.Token)
	return RevokeToken200JSONResponse(s.shownToken(token)), err
}

// shownToken is what callers are told of a token.
func (s *server) shownToken(t access.Token) Token {
	shown := Token{
		Id: t.ID, Name: t.Name, Role: t.Role, Standing: t.Status(s.App.Present()), CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy,
		ExpiresAt: t.ExpiresAt, RevokedAt: t.RevokedAt,
	}
	if t.RevokedBy != "" {
		shown.RevokedBy = &t.RevokedBy
	}
	return shown
}
