package app

import (
	"context"
	"time"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// Enrolled is a vendor that has a trial.
func (a *App) Enrolled(ctx context.Context, id string) (trial.Vendor, error) {
	v, err := a.Store.Vendor(ctx, id)
	if err == nil && v.Automation == nil {
		err = &trial.Error{Code: trial.CodeNotFound, Field: "id", Message: "this vendor has no trial yet"}
	}
	return v, err
}

// Trial is the trial's state as stored, or what it begins with where its workflow has not begun yet.
func (a *App) Trial(ctx context.Context, v trial.Vendor) (trial.State, error) {
	state, found, err := a.Store.Trial(ctx, v.ID)
	if err == nil && !found {
		state = trial.NewState(a.Policies.Registration(v, a.Day))
	}
	return state, err
}

// ChangeTrial puts a message of an admin before the trial, unless a flag stands against it.
func (a *App) ChangeTrial(ctx context.Context, message, vendorID string, r trial.Request) (trial.Overview, error) {
	if _, err := a.Enrolled(ctx, vendorID); err != nil {
		return trial.Overview{}, err
	}
	if !keyOf(ctx).done() {
		flags, err := a.Store.Flags(ctx)
		if err != nil {
			return trial.Overview{}, err
		}
		if !flags.FeatureFlags.AdminTools.TrialExtension && message != trial.MessageCancel {
			return trial.Overview{}, &trial.Error{
				Code: trial.CodeForbidden, Message: "new ends for trials are switched off: the flag adminTools.trialExtension is false",
			}
		}
	}
	before, _, err := a.Store.Trial(ctx, vendorID)
	if err != nil {
		return trial.Overview{}, err
	}
	if keyOf(ctx).foreign(before.Knows(r.ID)) {
		return trial.Overview{}, errReused
	}
	var was any
	if before.Status != "" { // else its workflow has not begun yet
		was = trialEnd{before.Status, before.Revision, before.EndsAt, before.Policy.Name}
	}
	noteChange(ctx, was, nil)
	r.By = actor(ctx)
	after, err := a.Trials.Ask(ctx, message, vendorID, r)
	if err == nil {
		noteChange(ctx, was, trialEnd{after.Status, after.Revision, after.EndsAt, after.Policy})
	}
	return after, err
}

// ChangeTrialRecorded is ChangeTrial on record.
func (a *App) ChangeTrialRecorded(ctx context.Context, message, vendorID string, r trial.Request) error {
	if err := r.Validate(message); err != nil {
		return err
	}
	v, err := a.Enrolled(ctx, vendorID)
	if err != nil {
		return err
	}
	asked := audit.Entry{Action: message + "Trial", Subject: "trials/" + vendorID, Reason: r.Reason, Key: r.ID}
	if r.Days != 0 {
		asked.Asked = audit.Document(map[string]any{"days": r.Days})
	}
	if r.Policy != nil {
		asked.Action, asked.Asked = "moveTrial", audit.Document(map[string]any{"policy": r.Policy.Name})
	}
	if err := CheckNamesNobody(asked, []trial.Vendor{v}); err != nil {
		return err
	}
	return a.Record(ctx, asked, r, func(ctx context.Context) error {
		_, err := a.ChangeTrial(ctx, message, vendorID, r)
		return err
	})
}

// MoveTrial moves a running trial to one of the policies that new vendors get.
func (a *App) MoveTrial(ctx context.Context, vendorID, name string, r trial.Request) (trial.Overview, error) {
	var err error
	if r.Policy, err = a.OfferedPolicy(name); err != nil {
		return trial.Overview{}, err
	}
	return a.ChangeTrial(ctx, trial.MessagePolicy, vendorID, r)
}

// OfferedPolicy returns the policy of a name, as a copy. A *trial.Error with the field policy lists those that there are.
func (a *App) OfferedPolicy(name string) (*trial.Policy, error) {
	if name == "" {
		return nil, trial.Invalid(trial.FieldPolicy, "is missing")
	}
	p, _, err := a.Policies.Choose(policy.Asked{Policy: name})
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// trialEnd is what admins change of a trial, for the audit record.
type trialEnd struct {
	Status   trial.Status `json:"status"`
	Revision int          `json:"revision"`
	EndsAt   time.Time    `json:"endsAt"`
	Policy   string       `json:"policy"`
}
