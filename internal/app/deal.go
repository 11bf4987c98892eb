package app

import (
	"context"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// Dealing is the experiment that new vendors are dealt by under these flags; nil for none.
func Dealing(ctx context.Context, from LatestExperiment, doc flags.Document) (*experiment.Experiment, error) {
	id := doc.Deals()
	if id == "" {
		return nil, nil //nolint:nilnil // documented: most of the time there is none
	}
	latest, found, err := from.LatestExperiment(ctx)
	if err != nil || !found || latest.ID != id {
		return nil, err
	}
	return &latest, nil
}

// Deal gives a vendor the policy of its arm, if the experiment (nil for none) deals it to one. It deals nobody while the
// policies are not offered as they were at its start.
func Deal(e *experiment.Experiment, doc flags.Document, offered policy.Set, v trial.Vendor) trial.Vendor {
	if e == nil {
		return v
	}
	a := *v.Automation
	arm, not := e.Admit(experiment.Registration{
		VendorID: v.ID, StartedAt: v.StartedAt, At: a.RegisteredAt, Cohort: a.Cohort, PolicyBy: a.PolicyBy, Flags: doc,
	})
	if not != "" || e.Amiss(offered.Policies) != "" {
		return v
	}
	a.Policy, a.PolicyBy, a.Experiment = e.Policy(arm), trial.PolicyByExperiment, &trial.Assignment{Experiment: e.ID, Arm: string(arm)}
	v.Automation = &a
	return v
}
