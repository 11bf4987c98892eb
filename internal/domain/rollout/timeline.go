package rollout

import (
	"time"
)

// CalendarEntry is a stage and when it begins.
type CalendarEntry struct {
	Stage
	From time.Time
}

// Calendar lists the present stage and those after it, each with its earliest
// begin.
func (s State) Calendar() []CalendarEntry {
	stages := []CalendarEntry{{s.Stage, s.EnteredAt}}
	at := s.StageEnds()
	for {
		next, more := s.Plan.next(stages[len(stages)-1].Stage)
		if !more {
			return stages
		}
		stages = append(stages, CalendarEntry{next, at})
		at = at.Add(s.Plan.soak(next, s.Times.Day))
	}
}

// Timeline lists the phases, stability and guard, and marks the present one. Once its time is over by now, nobody knows when
// the later ones begin.
func (s State) Timeline(now time.Time) []TimelineEntry {
	from := map[Stage]time.Time{}
	for i, at := range s.Calendar() {
		if i == 0 || s.Status == Running && now.Before(s.StageEnds()) {
			from[at.Stage] = at.From
		}
	}
	entries := make([]TimelineEntry, 0, len(s.Plan.Phases)+2)
	for _, stage := range s.Plan.stages() {
		e := TimelineEntry{Name: s.Plan.shortName(stage), Percentage: s.Plan.PercentageIn(stage), State: s.timeOf(stage)}
		if at, known := from[stage]; known && (e.State == TimePresent || e.State == TimeToCome) {
			e.From = &at
		}
		entries = append(entries, e)
	}
	return entries
}

// stages are all stages after the notice, in their order.
func (p Plan) stages() []Stage {
	last := len(p.Phases) - 1
	stages := make([]Stage, 0, len(p.Phases)+2)
	for i := range p.Phases {
		stages = append(stages, Stage{InPhase, i})
	}
	return append(stages, Stage{Stability, last}, Stage{Guard, last})
}

func (p Plan) shortName(s Stage) string {
	if s.Kind == InPhase {
		return p.Phases[s.Phase].Name
	}
	return string(s.Kind)
}

// timeOf reports whether a stage is past, present or to come.
func (s State) timeOf(stage Stage) string {
	here, there := s.Stage.rank(), stage.rank()
	switch {
	case s.Status == Completed, there < here:
		return TimePast
	case s.Status == RolledBack && there == here:
		return TimeStopped
	case s.Status == RolledBack:
		return TimeNotReached
	case there == here:
		return TimePresent
	}
	return TimeToCome
}

// rank orders stages. A notice comes right before its phase.
func (s Stage) rank() int {
	const afterPhases = 2 * maxPhases
	switch s.Kind {
	case Notice:
		return 2*s.Phase - 1
	case InPhase:
		return 2 * s.Phase
	case Stability:
		return afterPhases
	case Guard:
	}
	return afterPhases + 1
}

// FormatTime formats a time, to the second if a day is shorter than 24 hours.
func (s State) FormatTime(t time.Time) string {
	if s.Times.Day > 0 && s.Times.Day < 24*time.Hour {
		return t.UTC().Format("2 January 2006 15:04:05 UTC")
	}
	return t.UTC().Format(ClockFormat)
}

// Telling tells whether a rate says anything: enough was seen, or the evidence has decided.
func Telling(seen, enough int, v Verdict) bool { return seen > 0 && (seen >= enough || v == Fail) }

// TimelineEntry is one phase, or what follows the last one: its percentage, and
// whether it is past, present or to come.
type TimelineEntry struct {
	Name       string  `json:"name"`
	Percentage float64 `json:"percentage"`
	State      string  `json:"state"`
	// From is when the present one began, or the earliest begin of one to come; nil if
	// unknown.
	From *time.Time `json:"from"`
}

// The states of an entry of the timeline. Where a rollout was rolled back
// completely, its stage is TimeStopped and the later ones are TimeNotReached.
const (
	TimePast       = "past"
	TimePresent    = "present"
	TimeToCome     = "to-come"
	TimeStopped    = "stopped"
	TimeNotReached = "not-reached"
)
