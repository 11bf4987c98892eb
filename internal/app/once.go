package app

import (
	"context"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/idempotency"
)

// keyed is what is known of the key that a request came with.
type keyed struct {
	key   string
	claim idempotency.Claim
	// first says that the key was not used before, or only by what was refused.
	first bool
}

type keyedKey struct{}

// keyOf is the key of the request at hand; its zero value is of one without.
func keyOf(ctx context.Context) keyed {
	k, _ := ctx.Value(keyedKey{}).(keyed)
	return k
}

// done tells whether the request at hand repeats one that was carried out.
func (k keyed) done() bool { return k.claim.Done }

// foreign tells whether the subject of a request knows its key from somewhere else than from this request: from before what is
// kept of keys was lost, say.
func (k keyed) foreign(known bool) bool { return k.first && known }

// once carries a request out under its key, which stands for that request alone: the same operation, on the same subject, with
// the same body. A repetition is carried out again, so that what may be missing is made good; whatever does it has to count once.
// A refused request frees its key.
func (a *App) once(ctx context.Context, asked audit.Entry, body any, fn func(context.Context) error) error {
	if asked.Key == "" {
		return fn(ctx)
	}
	request, err := idempotency.Fingerprint(asked.Action, asked.Subject, body)
	if err != nil {
		return err
	}
	claim := idempotency.Claim{Request: request, At: a.Present()}
	first, mine, err := a.Store.ClaimKey(ctx, asked.Key, claim)
	if err != nil {
		return err
	}
	if first.Request != request {
		return errReused
	}
	failure := fn(context.WithValue(ctx, keyedKey{}, keyed{asked.Key, first, mine}))
	if first.Done {
		noteRepeated(ctx)
	}
	// Only what took the key frees it: an earlier attempt may have been carried out, though its answer was lost.
	if what, _ := outcome(failure); !first.Done && (what == audit.Done || what == audit.Refused && mine) {
		a.settleKey(ctx, asked.Key, claim, what == audit.Done)
	}
	return failure
}

func noteRepeated(ctx context.Context) {
	noteDetail(ctx, "repeats an earlier request, and counts once")
}

// settleKey keeps what became of a key's request. Where that fails the key goes on standing for it.
func (a *App) settleKey(ctx context.Context, key string, c idempotency.Claim, done bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), SettleTimeout)
	defer cancel()
	if err := a.Store.SettleKey(ctx, key, c, done); err != nil {
		a.Log.Warn("key not settled", zap.String("requestId", requestID(ctx)), zap.Error(err))
	}
}
