package rest

import (
	"context"
	"encoding/json"
	"fmt"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// GetFeatureFlags answers with the flags.
func (s *server) GetFeatureFlags(ctx context.Context, _ GetFeatureFlagsRequestObject) (GetFeatureFlagsResponseObject, error) {
	d, err := s.App.Store.Flags(ctx)
	return GetFeatureFlags200JSONResponse(flagDocument(d)), err
}

// PatchFeatureFlags changes the flags that the request names.
func (s *server) PatchFeatureFlags(ctx context.Context, request PatchFeatureFlagsRequestObject) (PatchFeatureFlagsResponseObject, error) {
	d, err := s.App.UpdateFlags(ctx, patched(request))
	if err != nil {
		return nil, trial.Within("featureFlags.trialAutomation.", err)
	}
	return PatchFeatureFlags200JSONResponse(flagDocument(d)), nil
}

// SetRollout sets the two flags that a rollout is steered with.
func (s *server) SetRollout(ctx context.Context, request SetRolloutRequestObject) (SetRolloutResponseObject, error) {
	d, err := s.App.UpdateFlags(ctx, rolledOut(request))
	return SetRollout200JSONResponse(flagDocument(d)), err
}

// patched is the change that a patch asks for.
func patched(r PatchFeatureFlagsRequestObject) func(*flags.Change) error {
	return func(f *flags.Change) error {
		if p := r.Body.FeatureFlags.TrialAutomation; p != nil && p.Enabled != nil {
			f.Off = !*p.Enabled
		}
		return merge(&f.Flags, r.Body)
	}
}

// rolledOut is the change of the two flags that a rollout is steered with.
func rolledOut(r SetRolloutRequestObject) func(*flags.Change) error {
	return func(f *flags.Change) error {
		f.Off = !r.Body.Enabled
		f.TrialAutomation.Enabled = r.Body.Enabled
		f.TrialAutomation.RolloutPercentage = r.Body.RolloutPercentage
		return flags.ValidPercentage(f.TrialAutomation.RolloutPercentage)
	}
}

// flagChange is what a request makes of the flags; nil where it is about something else.
func flagChange(request any) func(*flags.Change) error {
	switch r := request.(type) {
	case PatchFeatureFlagsRequestObject:
		return patched(r)
	case SetRolloutRequestObject:
		return rolledOut(r)
	}
	return nil
}

// merge sets the flags that a patch names.
func merge(f *flags.Flags, patch *FeatureFlagPatch) error {
	named, err := json.Marshal(patch.FeatureFlags)
	if err == nil {
		err = json.Unmarshal(named, f) // what it does not name stays
	}
	if err != nil {
		return fmt.Errorf("reading the patch: %w", err)
	}
	return flags.ValidPercentage(f.TrialAutomation.RolloutPercentage)
}

// set sets what a request names.
func set[T any](value, to *T) {
	if to != nil {
		*value = *to
	}
}

func flagDocument(d flags.Document) FeatureFlagDocument {
	return FeatureFlagDocument{FeatureFlags: d.FeatureFlags, Version: d.Version, UpdatedAt: d.UpdatedAt, UpdatedBy: d.UpdatedBy}
}
