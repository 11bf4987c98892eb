package app

import (
	"context"
	"errors"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// StartBulk begins an operation on the trials that are listed, or that its filter means, once a key. Its items are stored before
// it is, and it before its workflow is started: repeating the request makes good whatever is missing.
func (a *App) StartBulk(ctx context.Context, o bulk.Operation, list []bulk.Listing) (bulk.View, error) {
	o.By, o.AskedAt, o.Listed = actor(ctx), a.Present(), len(list)
	if o.At != nil {
		o.At = new(Millisecond(*o.At))
	} else if o.Action == bulk.Convert {
		o.At = &o.AskedAt
	}
	if err := errors.Join(o.Validate(), o.CheckList(list)); err != nil {
		return bulk.View{}, err
	}
	return a.beginBulk(ctx, o, bulk.Items(list, o.AskedAt))
}

// UndoBulk begins an operation that takes another one back, once a key.
func (a *App) UndoBulk(ctx context.Context, id, reason string) (bulk.View, error) {
	first, state, err := a.Store.Bulk(ctx, id)
	if err != nil {
		return bulk.View{}, err
	}
	undo, err := bulk.UndoOf(first, state, bulkID(ctx), reason, actor(ctx), a.Present())
	if err != nil {
		return bulk.View{}, err
	}
	return a.beginBulk(ctx, undo, nil)
}

// bulkAllowed tells whether the flags let an operation begin or go on.
func (a *App) bulkAllowed(ctx context.Context, o bulk.Operation) error {
	flags, err := a.Store.Flags(ctx)
	if err != nil {
		return err
	}
	if flag := o.Against(flags.FeatureFlags); flag != "" {
		return switchedOff(flag)
	}
	return nil
}

func switchedOff(flag string) *trial.Error {
	return &trial.Error{Code: trial.CodeForbidden, Message: "this is switched off: the flag " + flag + " is false"}
}

// bulkID is the id of the operation that the key of the request at hand starts.
func bulkID(ctx context.Context) string {
	const digest = 4
	k := keyOf(ctx)
	return k.claim.ID("bulk", k.key, digest)
}

// beginBulk stores an operation, unless that was done before, and starts it, unless a flag stands against it.
func (a *App) beginBulk(ctx context.Context, o bulk.Operation, items []bulk.Item) (bulk.View, error) {
	if !keyOf(ctx).done() {
		if err := a.bulkAllowed(ctx, o); err != nil {
			return bulk.View{}, err
		}
	}
	o.ID = bulkID(ctx)
	known, state, err := a.Store.Bulk(ctx, o.ID)
	if trial.CodeOf(err) == trial.CodeNotFound {
		known, state = o, bulk.Begin(o)
		if err = a.Store.AddBulkItems(ctx, o.ID, items); err == nil {
			err = a.Store.AddBulk(ctx, o, state)
		}
	}
	if err != nil {
		return bulk.View{}, err
	}
	if err := a.Bulks.StartBulk(ctx, known); err != nil {
		return bulk.View{}, err
	}
	noteChange(ctx, nil, bulkStatus{known.ID, known.Listed, state.Status})
	a.Log.Info("bulk operation asked for", zap.String("requestId", requestID(ctx)), zap.String("operation", o.ID),
		zap.String("action", string(o.Action)), zap.Int("listed", o.Listed))
	return bulk.ViewOf(known, state), nil
}

// bulkStatus is what the audit record says of an operation; its items have their results.
type bulkStatus struct {
	Operation string      `json:"operation"`
	Listed    int         `json:"listed"`
	Status    bulk.Status `json:"status"`
}

// SteerBulk puts a request before an operation. What does not apply is refused here, on what is stored; the workflow decides
// anew.
func (a *App) SteerBulk(ctx context.Context, id, name, reason string) (bulk.View, error) {
	o, state, err := a.Store.Bulk(ctx, id)
	if err != nil {
		return bulk.View{}, err
	}
	if keyOf(ctx).done() {
		return bulk.ViewOf(o, state), nil
	}
	if keyOf(ctx).foreign(state.Knows(keyOf(ctx).key)) {
		return bulk.View{}, errReused
	}
	c := bulk.Control{ID: keyOf(ctx).key, Name: name, Reason: reason, By: actor(ctx), At: a.Present()}
	if _, err := state.Request(c); err != nil {
		return bulk.View{}, err
	}
	if name == bulk.ControlStart || name == bulk.ControlResume {
		if err := a.bulkAllowed(ctx, o); err != nil {
			return bulk.View{}, err
		}
	}
	noteChange(ctx, bulkStatus{o.ID, o.Listed, state.Status}, nil)
	noteDetail(ctx, "passed on to its workflow, which carries it out or refuses it")
	a.Log.Info("bulk operation steered", zap.String("requestId", requestID(ctx)), zap.String("operation", id), zap.String("control", name))
	return bulk.ViewOf(o, state), a.Bulks.SteerBulk(ctx, o, c)
}
