package experiment

import (
	"time"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// Arm is one side of an experiment, as it is stored with a vendor. Empty means none.
type Arm string

// The arms.
const (
	ArmA Arm = "a"
	ArmB Arm = "b"
)

// bucketKey keeps the dealing apart from the rollout's buckets even if both had the same salt.
const bucketKey = "experiment"

// Deal is the arm that a vendor falls to, either with a chance of one half over the salts: the same one whenever it is asked.
func Deal(salt, vendorID string) Arm {
	if flags.Bucket(salt, bucketKey, vendorID) < 0.5 {
		return ArmA
	}
	return ArmB
}

// Registration is what is known of a new vendor when it may be dealt.
type Registration struct {
	VendorID string
	// StartedAt is when its trial starts, At the present.
	StartedAt, At time.Time
	// Cohort is what the flags admitted it to, PolicyBy why it would get its policy without the experiment.
	Cohort   trial.Cohort
	PolicyBy trial.PolicyBy
	Flags    flags.Document
}

// NotDealt is why a vendor is in neither arm, for the record; empty if it is dealt.
type NotDealt string

// The reasons.
const (
	NotDealing    NotDealt = "not-dealing"    // dealing has ended, or lasted MaxDays
	NotAutomated  NotDealt = "not-automated"  // control, or a canary
	NotDefault    NotDealt = "not-default"    // the registration named its policy, or a rule gave it
	NotEverybody  NotDealt = "not-everybody"  // the flags are off, or admit less than everybody
	StartedBefore NotDealt = "started-before" // its trial began more than a day ago, as in an import
)

// Admit deals a new vendor to an arm, or says why it is dealt to none: then the experiment leaves it alone.
func (e Experiment) Admit(r Registration) (Arm, NotDealt) {
	f := r.Flags.FeatureFlags.TrialAutomation
	switch {
	case e.Status() != Dealing || r.At.Before(e.StartedAt) || e.DayOf(r.At) >= MaxDays:
		return "", NotDealing
	case r.Cohort != trial.Automated || trial.IsCanary(r.VendorID):
		return "", NotAutomated
	case !f.Enabled || f.RolloutPercentage != 100:
		return "", NotEverybody
	case r.PolicyBy != trial.PolicyByDefault:
		return "", NotDefault
	case r.StartedAt.Before(e.StartedAt) || r.At.Sub(r.StartedAt) > e.Day:
		return "", StartedBefore
	}
	return Deal(e.Salt, r.VendorID), ""
}
