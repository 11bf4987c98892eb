package trial

// Filter narrows a list of trials. Its zero value selects every trial.
type Filter struct {
	// Status selects trials of one status; empty selects all.
	Status Status
	// Cohort selects the trials that are counted in a cohort (State.CountedAs); empty selects all.
	Cohort Cohort
	// Held selects trials that wait for a flag (true) or all others (false); nil selects both.
	Held *bool
}
