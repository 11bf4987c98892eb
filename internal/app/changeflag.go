package app

import (
	"context"
	"strings"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// FlagChange asks for one flag to be set, by somebody who has seen the flags.
type FlagChange struct {
	// ID lets it count once.
	ID, Reason string
	Name       string
	// Value is a bool or, for the rollout percentage, a float64.
	Value any
	// Seen is the version of the flags that were seen: others are not changed.
	Seen int
}

// SteersRollout tells whether the flag is one of the two that a rollout is steered with, which operators may set.
func (c FlagChange) SteersRollout() bool {
	return c.Name == flags.NameEnabled || c.Name == flags.NamePercentage
}

// ChangeFlagRecorded sets one flag, on record. Where the flags have changed since they were seen it is a *trial.Error with
// trial.CodeConflict.
func (a *App) ChangeFlagRecorded(ctx context.Context, c FlagChange) error {
	if err := rollout.ValidateRequest(flags.Request{Reason: c.Reason}, ""); err != nil {
		return err
	}
	change := c.change(actor(ctx))
	ctx, err := a.Hurried(ctx, change)
	if err != nil {
		return err
	}
	return a.Record(ctx, c.entry(), c, func(ctx context.Context) error {
		_, err := a.UpdateFlags(ctx, change)
		return err
	})
}

// entry is what was asked for, as the API's own operations have it on record.
func (c FlagChange) entry() audit.Entry {
	group, name, _ := strings.Cut(c.Name, ".")
	e := audit.Entry{
		Action: "patchFeatureFlags", Subject: "feature-flags", Reason: c.Reason, Key: c.ID,
		Asked: audit.Document(map[string]any{"featureFlags": map[string]any{group: map[string]any{name: c.Value}}}),
	}
	if c.SteersRollout() {
		e.Action, e.Subject = "setRollout", "feature-flags/trial-automation/rollout"
		e.Asked = audit.Document(map[string]any{name: c.Value})
	}
	return e
}

// change is what the request makes of the flags, in the name of by.
func (c FlagChange) change(by string) func(*flags.Change) error {
	return func(f *flags.Change) error {
		to, err := f.With(c.Name, c.Value)
		found := f.Found
		switch {
		case err != nil:
			return err
		case found.Version == c.Seen+1 && found.UpdatedBy == by && to == f.Flags:
			return nil // it was done before, and the answer was lost
		case found.Version != c.Seen:
			return trial.Conflict("the flags have changed since they were shown: their version was %d and is %d", c.Seen, found.Version)
		case to == f.Flags:
			return trial.Conflict("%s is %v already", c.Name, c.Value)
		}
		f.Flags = to
		f.Off = c.SteersRollout() && !to.TrialAutomation.Enabled
		return nil
	}
}
