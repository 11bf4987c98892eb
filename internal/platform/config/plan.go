package config

import (
	"errors"
	"fmt"
	"io"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// ReadPlan reads a rollout's plan, such as the file in ROLLOUT_PLAN. The built-in
// plan gives the defaults, except for the name and the phases, which the file
// must have. Errors name the line and the field.
func ReadPlan(r io.Reader) (rollout.Plan, error) {
	plan := rollout.DefaultPlan()
	plan.Name, plan.Phases = "", nil
	lines, err := decodeYAML(r, &plan)
	if err != nil {
		return rollout.Plan{}, err
	}
	if lines["backfillPerHour"].float {
		return rollout.Plan{}, errors.New(lines.at("backfillPerHour") + ": must be a whole number")
	}
	for i, phase := range plan.Phases {
		// Forgotten gates must not count as none.
		if phase.Gates == nil {
			return rollout.Plan{}, errors.New(lines.at(fmt.Sprintf("phases[%d].gates", i)) + ": is missing; write [] for none")
		}
	}
	if err := plan.Validate(); err != nil {
		if field, ok := errors.AsType[*trial.Error](err); ok {
			return rollout.Plan{}, fmt.Errorf("%s: %s", lines.at(field.Field), field.Message)
		}
		return rollout.Plan{}, err
	}
	return plan, nil
}

// Plan returns the rollout's plan: the file's, or the built-in one.
func (c Config) Plan() (rollout.Plan, error) {
	if c.RolloutPlan == "" {
		return rollout.DefaultPlan(), nil
	}
	return readFile(c.RolloutPlan, ReadPlan)
}
