package monitoring

import "marketplace.example/trials/internal/domain/trial"

// OfTrial is the contribution of a trial's events, all of them and in order,
// to the counters.
func OfTrial(events []trial.Event) Tally {
	t := Tally{}
	var s trial.State
	for _, e := range events {
		after := s.Apply(e)
		t.Add(OfEvent(e, s, after))
		s = after
	}
	return t
}

// OfEvent is the change of the counters by an event that led from one state
// of a trial to the next. Before the first event the state is the zero State.
// An adoption moves the trial from the control cohort to the adopted one.
func OfEvent(e trial.Event, before, after trial.State) Tally {
	t := ofState(after)
	t.Subtract(ofState(before))
	for _, name := range namesOf(e, before, after) {
		t[Counter{DayOf(e.At, after.Day), after.CountedAs(), name}]++
		if name == EnteredExpiry {
			t[Counter{SlotOf(e.At, after.Day), after.CountedAs(), name}]++
		}
	}
	if e.Type == trial.EventConverted && after.Status == trial.Converted {
		name, day := ConvertedAtAge(ageOf(after)), DayOf(after.StartedAt, after.Day)
		if e.Untracked {
			name = BeganUntracked
			t[Counter{day, after.CountedAs(), name.Under(after.RegisteredPolicy())}]++
		}
		t[Counter{day, after.CountedAs(), name}]++
	}
	return t
}

// ofState is a trial's contribution to the counters of the present state.
func ofState(s trial.State) Tally {
	if s.Seq == 0 {
		return Tally{}
	}
	day := DayOf(s.StartedAt, s.Day)
	t := Tally{
		{Current, s.CountedAs(), Running(s.Status)}: 1,
	}
	names := []Name{Began}
	switch s.Status {
	case trial.Converted:
		names = append(names, BeganConverted)
	case trial.Expired:
		names = append(names, BeganExpired)
	case trial.Cancelled:
		names = append(names, BeganCancelled)
	case trial.Active, trial.Grace:
		t[Counter{Current, s.CountedAs(), StillRunning.Under(s.Policy.Name)}] = 1
	}
	for _, name := range names {
		t[Counter{day, s.CountedAs(), name}] = 1
		t[Counter{day, s.CountedAs(), name.Under(s.RegisteredPolicy())}] = 1
	}
	return t
}

// namesOf are the counters that an event increases.
func namesOf(e trial.Event, before, after trial.State) (names []Name) {
	if before.Status != after.Status {
		switch after.Status {
		case trial.Grace:
			names = append(names, EnteredGrace)
		case trial.Expired:
			names = append(names, EnteredExpiry)
		case trial.Cancelled:
			names = append(names, EnteredCancelled)
		case trial.Active, trial.Converted: // counted by their events
		}
	}
	switch e.Type {
	case trial.EventConverted:
		names = append(names, conversion(e))
	case trial.EventExtended:
		names = append(names, Extended)
	case trial.EventShortened:
		names = append(names, Shortened)
	case trial.EventRevived:
		names = append(names, Revived)
	case trial.EventAdopted:
		names = append(names, Adopted)
	case trial.EventReleased:
		names = append(names, Released)
	case trial.EventStep, trial.EventHeld:
		finished := before.Automated && !before.BeforeAdoption(*e.Step) && len(after.Steps) > len(before.Steps)
		if finished || e.Type == trial.EventHeld {
			names = append(names, step(e, after)...)
		}
	case trial.EventStarted, trial.EventCancelled, trial.EventRezoned, trial.EventMoved: // covered by the state, or not counted
	}
	return names
}

func conversion(e trial.Event) Name {
	if e.Late {
		return ConvertedLate
	}
	return ConvertedInTime
}

func step(e trial.Event, s trial.State) []Name {
	switch {
	case e.Type == trial.EventHeld:
		return []Name{StepsHeld}
	case e.Decision.Reason == trial.ReasonAddressRefused, e.Decision.Reason == trial.ReasonNotRendered:
		return []Name{StepsFailed}
	case e.Decision.Action == trial.Skip:
		return []Name{StepsSkipped}
	case e.At.Sub(e.Step.At) > s.Day/24:
		return []Name{StepsDone, StepsLate}
	}
	return []Name{StepsDone}
}
