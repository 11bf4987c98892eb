package rollout

import "time"

// View is a rollout as the API and the dashboard show it.
type View struct {
	Rollout State `json:"rollout"`
	// Summary describes its state in a sentence.
	Summary   string `json:"summary"`
	StageName string `json:"stageName"`
	// NextMoment is the earliest time that something happens by itself; nil if
	// only news helps.
	NextMoment *time.Time `json:"nextMoment"`
	// Judgement is the latest; nil before the first watch.
	Judgement *Judgement `json:"judgement"`
	// Conversion says from when on a trial counts in judging conversion.
	Conversion string `json:"conversion"`
	// Undecidable are the triggers without a possible verdict, and until when.
	Undecidable []TriggerResult `json:"undecidable"`
	// Gates are those of the present phase.
	Gates    []GateResult      `json:"gates"`
	Criteria []CriterionResult `json:"criteria"`
	// Tasks are those after the deployment, with their reports.
	Tasks []TaskView `json:"tasks"`
	// WatchMissed says that the watch is overdue.
	WatchMissed bool `json:"watchMissed"`
}

// ViewOf returns the view of a rollout now.
func ViewOf(s State, j *Judgement, now time.Time) View {
	v := View{
		Rollout: s, Summary: s.SentenceAt(j, now), StageName: s.StageName(), Judgement: j, Conversion: s.Times.Explanation(),
		Undecidable: []TriggerResult{}, Gates: []GateResult{}, Criteria: JudgeCriteria(s, j, now), Tasks: TasksOf(s, now),
	}
	if at := s.wakeAt(now); !at.IsZero() && !s.Status.Final() {
		v.NextMoment = &at
	}
	passed, failed, insufficient := s.GatesNow(j)
	v.Gates = append(append(append(v.Gates, failed...), insufficient...), passed...)
	last := s.StartedAt
	if j != nil {
		last = j.At
		for _, a := range j.Triggers {
			if a.DecidableFrom != nil || a.Seen == 0 && (a.Weighed == nil || a.Undecidable()) {
				v.Undecidable = append(v.Undecidable, a)
			}
		}
	}
	v.WatchMissed = !s.Status.Final() && WatchMissed(last, now, s.Times.Day)
	return v
}
