package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/lanes"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	// changesAtOnce is how many changes are carried out at a time: more of them only wait for each other in the database and in
	// Temporal. What stops something does not wait for them.
	changesAtOnce = 8
	// mostChanges bounds how many wait for their turn.
	mostChanges = 2000
)

// stopping are the operations that stop something, whatever they are asked. Changes of the flags stop something where they lower
// them.
var stopping = map[string]bool{
	"rollBackRollout": true, "pauseRollout": true, "pauseBulkOperation": true, "stopBulkOperation": true, "revokeToken": true,
	"endSessions": true,
}

// remaining are the operations that admins may still call while adminTools.enabled is false. Changes of the flags are judged by
// what they change.
var remaining = map[string]bool{
	"rollBackRollout": true, "pauseRollout": true, "acknowledgeAlert": true, "pauseBulkOperation": true, "stopBulkOperation": true,
	"patchFeatureFlags": true, "setRollout": true, "revokeToken": true, "endSessions": true,
}

// Hurried is the context of a request, urgent where what it makes of the flags stops something; nil is nothing.
func (a *App) Hurried(ctx context.Context, change func(*flags.Change) error) (context.Context, error) {
	if change == nil {
		return ctx, nil
	}
	doc, err := a.Store.Flags(ctx)
	if err != nil {
		return ctx, err
	}
	c := doc.Change()
	if change(&c) == nil && (c.Off || c.Flags != doc.FeatureFlags && stops(doc.FeatureFlags, c.Flags)) {
		return lanes.Urgent(ctx), nil
	}
	return ctx, nil
}

// stops tells whether a change of the flags has the automation do less; one that switches it off does, whatever else it changes.
func stops(from, to flags.Flags) bool {
	return from.TrialAutomation.Enabled && !to.TrialAutomation.Enabled || from.LoweredTo(to)
}

// turnPatience is how long a change waits for its turn; what is left of its time is enough to carry it out.
const turnPatience = 18 * time.Second

// turn waits until a change may begin, unless it is urgent.
func (a *App) turn(ctx context.Context) (leave func(), err error) {
	if lanes.IsUrgent(ctx) {
		return func() {}, nil
	}
	waiting, cancel := context.WithTimeout(ctx, turnPatience)
	defer cancel()
	leave, err = a.turns.Enter(waiting)
	switch {
	case errors.Is(err, lanes.ErrFull):
		return nil, Untouched("too many changes wait already")
	case errors.Is(err, context.DeadlineExceeded):
		return nil, Untouched("too many changes were under way before this one")
	case err != nil:
		return nil, fmt.Errorf("waiting for a turn: %w", err)
	}
	return leave, nil
}

// errSwitchedOff refuses changes by admins.
var errSwitchedOff = &trial.Error{Code: trial.CodeForbidden, Message: "changes by admins are switched off: the flag adminTools.enabled is false. " +
	"Pausing, rolling back, lowering or disabling the automation, acknowledging an alert, revoking a token, ending sessions, and " +
	"switching that flag on again remain"}

// permit refuses an operation where the flags let admins change nothing.
func (a *App) permit(ctx context.Context, action string) error {
	if remaining[action] {
		return nil
	}
	doc, err := a.Store.Flags(ctx)
	if err == nil && !doc.FeatureFlags.AdminTools.Enabled {
		err = errSwitchedOff
	}
	return err
}
