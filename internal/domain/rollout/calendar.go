package rollout

import "time"

// StageTime is a time in one stage.
type StageTime struct {
	Stage Stage
	// Percentage is the share of new vendors that is admitted.
	Percentage float64
	From, To   time.Time
	// Paused says that the rollout was paused meanwhile.
	Paused bool
}

// Planned are the stages of a plan from the notice before a phase (from 0) on, where each lasts exactly as long as it must. day is
// how long a day of the plan is.
func (p Plan) Planned(phase int, at time.Time, day time.Duration) []StageTime {
	var spans []StageTime
	for stage, more := (Stage{Kind: Notice, Phase: phase}), true; more; stage, more = p.next(stage) {
		to := at.Add(p.soak(stage, day))
		spans = append(spans, StageTime{Stage: stage, Percentage: p.PercentageIn(stage), From: at, To: to})
		at = to
	}
	return spans
}

// Actual are the stages that a rollout has gone through, by its events from the first on, in order. The last one lasts until the
// rollout's end, or until now. A stage that was paused in between, or left by a rollback, comes several times.
func Actual(events []Event, now time.Time) []StageTime {
	var spans []StageTime
	var s State
	for _, e := range events {
		before := s
		s = s.Apply(e)
		if s.StageSeq == before.StageSeq && s.Percentage == before.Percentage && s.Status == before.Status {
			continue
		}
		if n := len(spans); n > 0 {
			spans[n-1].To = e.At
			if !e.At.After(spans[n-1].From) { // it was left in the moment in which it was entered
				spans = spans[:n-1]
			}
		}
		if s.Status.Final() {
			break
		}
		spans = append(spans, StageTime{Stage: s.Stage, Percentage: s.Percentage, From: e.At, To: now, Paused: s.Status == Paused})
	}
	return spans
}

// Ahead are the stages to come of a rollout that is not over, each at its earliest from now on: as if one that is paused were
// resumed now.
func (s State) Ahead(now time.Time) []StageTime {
	if s.Status.Final() {
		return nil
	}
	calendar, at, ends := s.Calendar(), now, s.StageEnds()
	if s.Pause != nil {
		ends = ends.Add(now.Sub(s.Pause.Since)) // time spent paused does not count
	}
	if ends.After(now) {
		at = ends
	}
	spans := []StageTime{{Stage: s.Stage, Percentage: s.Percentage, From: now, To: at}}
	for _, entry := range calendar[1:] {
		to := at.Add(s.Plan.soak(entry.Stage, s.Times.Day))
		spans = append(spans, StageTime{Stage: entry.Stage, Percentage: s.Plan.PercentageIn(entry.Stage), From: at, To: to})
		at = to
	}
	if !spans[0].To.After(spans[0].From) {
		spans = spans[1:]
	}
	return spans
}
