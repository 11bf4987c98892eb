package app

import (
	"context"

	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// GiveFeedback keeps a vendor's answer about an e-mail, with the cohort and the phase that it counts for, and returns it as it
// is stored: without its text where the vendor is erased. It replaces the vendor's earlier answer about the same kind.
func (a *App) GiveFeedback(ctx context.Context, vendorID string, asked feedback.Answer) (feedback.Answer, error) {
	answer, err := asked.Checked()
	if err != nil {
		return answer, err
	}
	v, err := a.Store.VendorOnRecord(ctx, vendorID)
	if err != nil {
		return answer, err
	}
	if v.ErasedAt != nil {
		answer.Text = ""
	}
	kept, err := a.Store.Feedback(ctx, v.ID)
	if err != nil {
		return answer, err
	}
	if !answer.Fits(kept) {
		return answer, trial.Conflict("this vendor has answers of %d kinds already, and no more are kept", feedback.MaxPerVendor)
	}
	if answer.Cohort, err = a.countedAs(ctx, v); err != nil {
		return answer, err
	}
	state, found, err := a.Store.CurrentRollout(ctx)
	if err != nil {
		return answer, err
	}
	if found {
		answer.Phase = state.FeedbackPhase()
	}
	answer.At = a.Present()
	return answer, a.Store.PutFeedback(ctx, v.ID, answer)
}

// countedAs is the cohort that a vendor's trial is counted in now; empty for a vendor that has not been taken in.
func (a *App) countedAs(ctx context.Context, v trial.Vendor) (trial.Cohort, error) {
	state, found, err := a.Store.Trial(ctx, v.ID)
	switch {
	case err != nil:
		return "", err
	case found:
		return state.CountedAs(), nil
	case v.Automation != nil:
		return v.Automation.Cohort, nil
	}
	return "", nil
}

// RolloutFeedback is what vendors answered while a rollout ran, by phase and cohort, and that rollout's id. One that does not
// exist is a *trial.Error with trial.CodeNotFound.
func (a *App) RolloutFeedback(ctx context.Context, rolloutID string) (id string, all []rollout.PhaseFeedback, err error) {
	state, err := a.Rollout(ctx, rolloutID)
	if err != nil {
		return "", nil, err
	}
	counts, err := a.Store.CountFeedback(ctx, feedback.Filter{RolloutID: state.ID})
	return state.ID, state.Feedback(counts), err
}
