package app

import (
	"context"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// NoRollout stands for no rollout before, where the id of the latest one that was seen is asked for.
const NoRollout = "none"

// PlanRollout is what a rollout would begin with now, checked; it starts nothing. While one runs it is a *trial.Error with
// trial.CodeConflict.
func (a *App) PlanRollout(ctx context.Context, r NewRollout) (rollout.Start, error) {
	latest, found, err := a.Store.CurrentRollout(ctx)
	if err == nil && found && !latest.Status.Final() {
		err = trial.Conflict("the rollout %s is %s: only one runs at a time", latest.ID, latest.Status)
	}
	if err != nil {
		return rollout.Start{}, err
	}
	return a.start(ctx, r)
}

// RolloutBegin is what a person starts on a page.
type RolloutBegin struct {
	NewRollout
	// Seen is the id of the latest rollout that was shown, or NoRollout.
	Seen        string
	Reason, Key string
}

// StartRolloutRecorded is StartRollout with an entry on the audit record, where the latest rollout is still the one that was seen.
func (a *App) StartRolloutRecorded(ctx context.Context, b RolloutBegin) (id string, err error) {
	asked := audit.Entry{Action: "startRollout", Subject: "rollouts", Reason: b.Reason, Key: b.Key, Asked: audit.Document(auditedStart(b.NewRollout))}
	if err := checkReason(b.Reason); err != nil {
		return "", err
	}
	body := struct {
		NewRollout
		Reason string
	}{b.NewRollout, b.Reason}
	err = a.Record(ctx, asked, body, func(ctx context.Context) error {
		latest, found, err := a.Store.CurrentRollout(ctx)
		if err != nil {
			return err
		}
		seen, k := NoRollout, keyOf(ctx)
		if found {
			seen = latest.ID
		}
		if !k.done() && seen != b.Seen && seen != k.claim.ID("rollout", k.key, rolloutDigest) {
			return trial.Conflict("another rollout has started since this page was opened: look again")
		}
		id, _, err = a.StartRollout(ctx, b.NewRollout)
		return err
	})
	return id, err
}

// auditedStart is what the audit record keeps of what a rollout is to begin with: numbers and ids, no free text.
func auditedStart(r NewRollout) map[string]any {
	kept := map[string]any{}
	if r.RestartOf != nil {
		kept["restartOf"] = *r.RestartOf
	}
	if r.Phase != nil {
		kept["phase"] = *r.Phase
	}
	if r.Plan != nil {
		var phases []map[string]float64
		for _, p := range r.Plan.Phases {
			phases = append(phases, map[string]float64{"percentage": p.Percentage, "soakDays": p.SoakDays})
		}
		kept["plan"] = map[string]any{
			"noticeDays": r.Plan.NoticeDays, "phases": phases, "stabilityDays": r.Plan.StabilityDays, "guardDays": r.Plan.GuardDays,
		}
	}
	return kept
}
