package workflows

import (
	"go.temporal.io/api/history/v1"

	"marketplace.example/trials/internal/domain/rollout"
)

// RolloutHistoryReader reads a rollout's decisions out of the history of one run of its workflow: each that was
// carried out is the answer of an activity. The zero value is ready for a run's first event.
type RolloutHistoryReader struct {
	// RolloutID is whose run it is; empty before the first event.
	RolloutID string
	// enacting are the activities that carry a decision out, by the number of the event that scheduled them.
	enacting map[int64]bool
}

// Next is the decision that an event of the history tells of, nil where it tells of none.
func (t *RolloutHistoryReader) Next(e *history.HistoryEvent) (*rollout.Event, error) {
	if a := e.GetWorkflowExecutionStartedEventAttributes(); a != nil {
		var in RolloutInput
		err := payload(a.GetInput(), &in)
		switch {
		case in.Start != nil:
			t.RolloutID = in.Start.ID
		case in.State != nil:
			t.RolloutID = in.State.ID
		case in.Lost != "":
			t.RolloutID = in.Lost
		}
		return nil, err
	}
	if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == "Enact" {
		if t.enacting == nil {
			t.enacting = map[int64]bool{}
		}
		t.enacting[e.GetEventId()] = true
		return nil, nil //nolint:nilnil // documented: it tells of none, and nothing is wrong
	}
	a := e.GetActivityTaskCompletedEventAttributes()
	if !t.enacting[a.GetScheduledEventId()] {
		return nil, nil //nolint:nilnil // documented: it tells of none, and nothing is wrong
	}
	var decided rollout.Event
	err := payload(a.GetResult(), &decided)
	return &decided, err
}
