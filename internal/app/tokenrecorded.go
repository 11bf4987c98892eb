package app

import (
	"context"
	"time"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
)

// aDay is one of a calendar's, whatever a trial's lasts.
const aDay = 24 * time.Hour

// LongestTokenDays is how many days a token is good at most.
const LongestTokenDays = int(access.LongestLife / aDay)

// TokenOrder asks for a token that is good for so many days.
type TokenOrder struct {
	Name string
	Role access.Role
	Days int
}

// errShownOnce refuses to make another token for the same form.
var errShownOnce = trial.Conflict("this form was sent before. Its token was shown once, in the answer to that, and is kept nowhere: " +
	"if that answer was lost, revoke the token and issue another")

// IssueTokenRecorded makes a token, on record, once for a key: whoever repeats the request, even at the same time, gets a
// *trial.Error and no token. The text may be there with an error: then the token was made, and that is not on record yet.
func (a *App) IssueTokenRecorded(ctx context.Context, key string, o TokenOrder) (token access.Token, text string, err error) {
	if key == "" {
		return token, "", trial.Invalid("request", "is missing: open this page again")
	}
	if o.Days < 1 || o.Days > LongestTokenDays {
		return token, "", trial.Invalid("days", "must be 1 to %d", LongestTokenDays)
	}
	now := a.Present()
	asked := access.Request{Name: o.Name, Role: o.Role, ExpiresAt: now.Add(time.Duration(o.Days) * aDay)}
	if _, err := access.Issue("", asked, actor(ctx), now); err != nil { // before it is on record, where a name may be anybody's
		return token, "", err
	}
	entry := audit.Entry{
		Action: "createToken", Subject: "tokens", Key: key,
		Asked: audit.Document(map[string]any{"name": asked.Name, "role": asked.Role, "expiresAt": asked.ExpiresAt}),
	}
	err = a.Record(ctx, entry, o, func(ctx context.Context) error {
		if !keyOf(ctx).first {
			return errShownOnce
		}
		var err error
		token, text, err = a.CreateToken(ctx, asked)
		return err
	})
	return token, text, err
}

// RevokeTokenRecorded is RevokeToken on record.
func (a *App) RevokeTokenRecorded(ctx context.Context, id string) (token access.Token, err error) {
	err = a.Record(ctx, audit.Entry{Action: "revokeToken", Subject: "tokens/" + id}, nil, func(ctx context.Context) error {
		token, err = a.RevokeToken(ctx, id)
		return err
	})
	return token, err
}
