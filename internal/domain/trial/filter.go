package trial

// Filter narrows a list of trials. Its zero value takes every trial.
type Filter struct {
	// Status takes trials of one status; empty takes all.
	Status Status
	// Cohort takes trials of one cohort; empty takes all.
	Cohort Cohort
	// Held takes only trials that wait for a flag (true) or only the others (false); nil takes all.
	Held *bool
}
