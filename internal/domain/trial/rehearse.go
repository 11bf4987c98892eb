package trial

// Rehearsed is a step to come, when that is, and the trial after it.
type Rehearsed struct {
	TimetableEntry
	Step  Step
	After State
}

// Rehearse runs every step that is still to come, each on time and with its e-mail, and returns them in order.
func (s State) Rehearse() []Rehearsed {
	run := Decision{Action: Run, Reason: ReasonDue, Mail: true}
	var all []Rehearsed
	for {
		step, more := s.Next()
		if !more {
			return all
		}
		entry := s.entry(step)
		s = s.Apply(s.StepEvent(step, run, StepFacts{Now: step.At}, true))
		all = append(all, Rehearsed{entry, step, s})
	}
}

// entry is a step's in a timetable.
func (s State) entry(step Step) TimetableEntry {
	entry := TimetableEntry{Kind: step.Kind, At: step.At}
	if loc, known := location(s.Zone); known {
		entry.Local = step.At.In(loc).Format("Mon 2006-01-02 15:04 MST")
	}
	return entry
}
