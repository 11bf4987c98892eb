package workflows

import (
	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/internal/domain/trial"
)

// Search attribute keys of the trial workflow.
var (
	attributeStatus = sdktemporal.NewSearchAttributeKeyKeyword(trial.AttributeStatus)
	attributeCohort = sdktemporal.NewSearchAttributeKeyKeyword(trial.AttributeCohort)
	attributeEndsAt = sdktemporal.NewSearchAttributeKeyTime(trial.AttributeEndsAt)
	attributePolicy = sdktemporal.NewSearchAttributeKeyKeyword(trial.AttributePolicy)
)

// StartAttributes are the search attributes that a trial starts with. Set at the start, they cost no event of their own.
func StartAttributes(s trial.State) sdktemporal.SearchAttributes {
	return sdktemporal.NewSearchAttributes(
		attributeStatus.ValueSet(string(s.Status)),
		attributeCohort.ValueSet(string(s.Cohort)),
		attributeEndsAt.ValueSet(s.EndsAt),
		attributePolicy.ValueSet(s.Policy.Name),
	)
}

// missingAttributes are the search attributes that the run lacks, or has with another value: a client that starts a trial
// by a message does not know its state.
func missingAttributes(ctx workflow.Context, s trial.State) []sdktemporal.SearchAttributeUpdate {
	var missing []sdktemporal.SearchAttributeUpdate
	has := workflow.GetTypedSearchAttributes(ctx)
	keyword := func(key sdktemporal.SearchAttributeKeyKeyword, want string) {
		if got, ok := has.GetKeyword(key); !ok || got != want {
			missing = append(missing, key.ValueSet(want))
		}
	}
	keyword(attributeStatus, string(s.Status))
	keyword(attributeCohort, string(s.Cohort))
	keyword(attributePolicy, s.Policy.Name)
	if got, ok := has.GetTime(attributeEndsAt); !ok || !got.Equal(s.EndsAt) {
		missing = append(missing, attributeEndsAt.ValueSet(s.EndsAt))
	}
	return missing
}

// changedAttributes are the search attributes that differ between two states.
func changedAttributes(before, after trial.State) []sdktemporal.SearchAttributeUpdate {
	var changed []sdktemporal.SearchAttributeUpdate
	if before.Status != after.Status {
		changed = append(changed, attributeStatus.ValueSet(string(after.Status)))
	}
	if !before.EndsAt.Equal(after.EndsAt) {
		changed = append(changed, attributeEndsAt.ValueSet(after.EndsAt))
	}
	if before.Policy.Name != after.Policy.Name {
		changed = append(changed, attributePolicy.ValueSet(after.Policy.Name))
	}
	return changed
}
