package trial

// Filter narrows a list of trials. Its zero value selects every trial.
type Filter struct {
	// Status selects trials of one status; empty selects all.
	Status Status
	// Cohort selects the trials that are counted in a cohort (State.CountedAs); empty selects all.
	Cohort Cohort
	// Held selects trials that wait for a flag (true) or all others (false); nil selects both.
	Held *bool
	// HeldBy selects trials that wait for this reason, whatever Held says; empty leaves it to Held.
	HeldBy Reason
	// Policy selects trials under the policy of this name; empty selects all.
	Policy string
	// Experiment selects trials whose vendors that experiment dealt an arm, Arm those of one arm of it; empty selects all. An arm
	// without an experiment selects nothing.
	Experiment, Arm string
}

// Holding lists the reasons that a due step waits for.
func Holding() []Reason { return []Reason{ReasonAutomationDisabled, ReasonExpirationOff} }

// Means reports whether the filter selects a trial.
func (f Filter) Means(s State) bool {
	return (f.Status == "" || f.Status == s.Status) &&
		(f.Cohort == "" || f.Cohort == s.CountedAs()) &&
		(f.Policy == "" || f.Policy == s.Policy.Name) &&
		f.meansHeld(s.Held) && f.meansDealt(s.Experiment)
}

func (f Filter) meansHeld(held *HeldStep) bool {
	if f.HeldBy != "" {
		return held != nil && held.Reason == f.HeldBy
	}
	return f.Held == nil || *f.Held == (held != nil)
}

func (f Filter) meansDealt(dealt *Assignment) bool {
	if f.Experiment == "" && f.Arm == "" {
		return true
	}
	return dealt != nil && f.Experiment == dealt.Experiment && (f.Arm == "" || f.Arm == dealt.Arm)
}
