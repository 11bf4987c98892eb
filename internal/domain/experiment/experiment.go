package experiment

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// MaxDays bounds the days on which an experiment deals, and with them its rows.
const MaxDays = 400

// Experiment is the record of one experiment. It changes only by EndDealing and End.
type Experiment struct {
	ID string `json:"id"`
	// Name is for people: small letters, digits and dashes.
	Name string `json:"name"`
	// ArmA and ArmB are the arms' policies, by name.
	ArmA string `json:"armA"`
	ArmB string `json:"armB"`
	// TermsA and TermsB are these policies as they were offered at the start: the only terms under which anybody is dealt, see Amiss.
	TermsA trial.Policy `json:"termsA"`
	TermsB trial.Policy `json:"termsB"`
	// Difference is the smallest difference of the conversion rates that matters, absolute: 0.05 for 10 % against 15 %.
	Difference float64 `json:"difference"`
	// Expected is what was expected at the start. The evidence is tuned for its Conversion, and valid whatever comes.
	Expected Expected `json:"expected"`
	// HorizonDays is the length and grace of the longer arm: conversions count until then, from the trial's start, in either arm.
	HorizonDays int `json:"horizonDays"`
	// Day is the length of a day, in nanoseconds.
	Day time.Duration `json:"day"`
	// Salt seeds the dealing; it must be random, and unknown to whoever chooses vendors' ids.
	Salt      string    `json:"salt"`
	StartedAt time.Time `json:"startedAt"`
	StartedBy string    `json:"startedBy"`
	// DealingEnded is nil while new vendors are dealt, Ended until a person has ended it.
	DealingEnded *DealingEnd `json:"dealingEnded"`
	Ended        *End        `json:"ended"`
	// Formula is the FormulaVersion that it is judged by.
	Formula string `json:"formula"`
}

// Expected is what an experiment is planned with.
type Expected struct {
	// PerDay is how many vendors are dealt a day, to both arms together.
	PerDay float64 `json:"perDay"`
	// Conversion is the share that converts under the present policy, within the horizon.
	Conversion float64 `json:"conversion"`
}

// DealingEnd says when and why no more vendors are dealt.
type DealingEnd struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
	// Cause is why; Reason says more, in words, or is empty.
	Cause  Cause  `json:"cause"`
	Reason string `json:"reason"`
}

// Cause is why dealing ended.
type Cause string

// The causes: a person ended it, a rollback lowered the flags, or somebody did by hand. All but ByPerson mean that not everybody
// was automated any more.
const (
	ByPerson   Cause = "person"
	ByRollback Cause = "rollback"
	ByFlags    Cause = "flags"
)

// End is a person's decision.
type End struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
	// Picked is empty for neither arm.
	Picked Arm    `json:"picked"`
	Reason string `json:"reason"`
}

// Same reports whether two ends are one decision, whenever it was stored.
func (e End) Same(other End) bool {
	return e.By == other.By && e.Picked == other.Picked && e.Reason == other.Reason
}

// Status is how an experiment stands.
type Status string

// The statuses. Ended is final.
const (
	Dealing Status = "dealing"
	// Waiting deals no more; conversions within the horizon are still counted.
	Waiting Status = "waiting"
	Ended   Status = "ended"
)

// Status returns how it stands.
func (e Experiment) Status() Status {
	switch {
	case e.Ended != nil:
		return Ended
	case e.DealingEnded != nil:
		return Waiting
	}
	return Dealing
}

// Policy is the name of an arm's policy.
func (e Experiment) Policy(arm Arm) string {
	if arm == ArmB {
		return e.ArmB
	}
	return e.ArmA
}

// Request asks for an experiment.
type Request struct {
	Name       string   `json:"name"`
	ArmA       string   `json:"armA"`
	ArmB       string   `json:"armB"`
	Difference float64  `json:"difference"`
	Expected   Expected `json:"expected"`
}

// Situation is what a start depends on.
type Situation struct {
	Flags flags.Document
	// Offered are the policies that registrations may get.
	Offered []trial.Policy
	// Open is the experiment that a person has yet to end; nil for none.
	Open *Experiment
	// Day is the length of a day.
	Day time.Duration
}

var validName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Validate checks a request by itself; its error is a *trial.Error that names the field at fault.
func (r Request) Validate() error {
	switch {
	case !validName.MatchString(r.Name):
		return trial.Invalid("name", "must be 1 to 40 small letters, digits and dashes, beginning with a letter or digit")
	case r.ArmA == "":
		return trial.Invalid("armA", "is missing")
	case r.ArmB == "":
		return trial.Invalid("armB", "is missing")
	case r.ArmA == r.ArmB:
		return trial.Invalid("armB", "is the same policy as armA")
	case !(r.Difference >= LeastDifference && r.Difference <= MostDifference):
		return trial.Invalid("difference", "must be %v to %v, is %v", LeastDifference, MostDifference, r.Difference)
	case !(r.Expected.PerDay > 0 && r.Expected.PerDay <= mostPerDay):
		return trial.Invalid("expected.perDay", "must be more than 0 and at most %d, is %v", mostPerDay, r.Expected.PerDay)
	case !(r.Expected.Conversion > 0 && r.Expected.Conversion < 1):
		return trial.Invalid("expected.conversion", "must be more than 0 and less than 1, is %v", r.Expected.Conversion)
	}
	return nil
}

// The bounds of the smallest difference that matters: no experiment of MaxDays finds a smaller one, and no policy makes a
// larger one.
const (
	LeastDifference = 0.005
	MostDifference  = 0.5
)

const mostPerDay = 1_000_000

// CanStart refuses an experiment while not everybody is automated, or another one is not ended; the error is a *trial.Error.
func (s Situation) CanStart() error {
	f := s.Flags.FeatureFlags.TrialAutomation
	switch {
	case s.Open != nil:
		return trial.Conflict("the experiment %s is %s: end it first", s.Open.Name, s.Open.Status())
	case !f.Enabled || f.RolloutPercentage != 100:
		return trial.Conflict("an experiment starts only once the rollout is at 100 %% and on; %s", flagsNow(f))
	case !f.ConversionTracking:
		return trial.Conflict("conversion tracking is off: an experiment compares conversions")
	}
	return nil
}

func flagsNow(f flags.TrialAutomation) string {
	if !f.Enabled {
		return "automation is off"
	}
	return fmt.Sprintf("it is at %v %%", f.RolloutPercentage)
}

// Start is the record of a new experiment, or a *trial.Error that says why it cannot start.
func Start(id, salt, by string, r Request, s Situation, at time.Time) (Experiment, error) {
	if err := r.Validate(); err != nil {
		return Experiment{}, err
	}
	e := Experiment{
		ID: id, Name: r.Name, ArmA: r.ArmA, ArmB: r.ArmB, Difference: r.Difference, Expected: r.Expected, Day: s.Day,
		Salt: salt, StartedAt: at, StartedBy: by, Formula: FormulaVersion,
	}
	for _, arm := range []struct {
		field, policy string
		terms         *trial.Policy
	}{{"armA", r.ArmA, &e.TermsA}, {"armB", r.ArmB, &e.TermsB}} {
		terms, found := named(s.Offered, arm.policy)
		if !found {
			return Experiment{}, trial.Invalid(arm.field, "is none of the policies offered")
		}
		*arm.terms, e.HorizonDays = terms, max(e.HorizonDays, terms.LengthDays+terms.GraceDays)
	}
	if err := s.CanStart(); err != nil {
		return Experiment{}, err
	}
	return e, nil
}

func named(offered []trial.Policy, name string) (trial.Policy, bool) {
	i := slices.IndexFunc(offered, func(p trial.Policy) bool { return p.Name == name })
	if i < 0 {
		return trial.Policy{}, false
	}
	return offered[i], true
}

// Amiss says why nobody can be dealt while these policies are offered: that of an arm is not among them, or has other terms than
// at the start, for which the horizon was not made. It is empty where both are as they were.
func (e Experiment) Amiss(offered []trial.Policy) string {
	for _, arm := range []struct {
		policy string
		terms  trial.Policy
	}{{e.ArmA, e.TermsA}, {e.ArmB, e.TermsB}} {
		terms, found := named(offered, arm.policy)
		switch {
		case !found:
			return fmt.Sprintf("the policy %s is not offered any more", arm.policy)
		case !terms.Equal(arm.terms):
			return fmt.Sprintf("the policy %s is not what it was when the experiment started", arm.policy)
		}
	}
	return ""
}

// EndDealing deals no more vendors from now on; those dealt are still counted. Where dealing has ended already it is a
// *trial.Error, a conflict.
func (e Experiment) EndDealing(cause Cause, by, reason string, at time.Time) (Experiment, error) {
	if e.Status() != Dealing {
		return e, trial.Conflict("the experiment %s is %s: it deals no more", e.Name, e.Status())
	}
	e.DealingEnded = &DealingEnd{At: at, By: by, Cause: cause, Reason: reason}
	return e, nil
}

// End is a person's decision for an arm, or for neither; which policy is the default from then on is the policies' file's business.
// An unknown arm, and an experiment that has ended, are a *trial.Error.
func (e Experiment) End(picked Arm, by, reason string, at time.Time) (Experiment, error) {
	switch {
	case picked != ArmA && picked != ArmB && picked != "":
		return e, trial.Invalid("picked", "must be a, b or nothing, is %q", picked)
	case by == "":
		return e, trial.Invalid("by", "is missing: a person ends an experiment")
	case e.Status() == Ended:
		return e, trial.Conflict("the experiment %s has ended", e.Name)
	}
	if e.DealingEnded == nil {
		e.DealingEnded = &DealingEnd{At: at, By: by, Cause: ByPerson, Reason: reason}
	}
	e.Ended = &End{At: at, By: by, Picked: picked, Reason: reason}
	return e, nil
}
