package workflows

import (
	sdktemporal "go.temporal.io/sdk/temporal"

	"marketplace.example/trials/trial"
)

// Search attribute keys of the trial workflow.
var (
	attributeStatus = sdktemporal.NewSearchAttributeKeyKeyword(trial.AttributeStatus)
	attributeCohort = sdktemporal.NewSearchAttributeKeyKeyword(trial.AttributeCohort)
	attributeEndsAt = sdktemporal.NewSearchAttributeKeyTime(trial.AttributeEndsAt)
	attributePolicy = sdktemporal.NewSearchAttributeKeyKeyword(trial.AttributePolicy)
)

// StartAttributes are the search attributes that a trial starts with. Set at
// the start, they cost no event of their own.
func StartAttributes(s trial.State) sdktemporal.SearchAttributes {
	return sdktemporal.NewSearchAttributes(
		attributeStatus.ValueSet(string(s.Status)),
		attributeCohort.ValueSet(string(s.Cohort)),
		attributeEndsAt.ValueSet(s.EndsAt),
		attributePolicy.ValueSet(s.Policy.Name),
	)
}

// changedAttributes are those that differ between two states.
func changedAttributes(before, after trial.State) []sdktemporal.SearchAttributeUpdate {
	var changed []sdktemporal.SearchAttributeUpdate
	if before.Status != after.Status {
		changed = append(changed, attributeStatus.ValueSet(string(after.Status)))
	}
	if !before.EndsAt.Equal(after.EndsAt) {
		changed = append(changed, attributeEndsAt.ValueSet(after.EndsAt))
	}
	return changed
}
