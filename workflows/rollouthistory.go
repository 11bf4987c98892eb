package workflows

import (
	"go.temporal.io/api/history/v1"

	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/rollout"
)

// RolloutHistoryReader reads a rollout's decisions from the history of one run of its workflow: each is the result of an
// activity. The zero value is ready for a run's first event.
type RolloutHistoryReader struct {
	// Rollout is what the history tells so far; its ID is empty before the first event.
	recovery.Rollout

	// enacting are the activities that carry a decision out, by the number of the event that scheduled them.
	enacting map[int64]bool
}

// Next takes in what an event of the history tells.
func (t *RolloutHistoryReader) Next(e *history.HistoryEvent) error {
	if a := e.GetWorkflowExecutionStartedEventAttributes(); a != nil {
		var in RolloutInput
		err := payload(a.GetInput(), &in)
		switch {
		case in.Start != nil:
			t.ID = in.Start.ID
		case in.State != nil:
			t.ID = in.State.ID
		case in.Lost != "":
			t.ID = in.Lost
		}
		return err
	}
	if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == "Enact" {
		if t.enacting == nil {
			t.enacting = map[int64]bool{}
		}
		t.enacting[e.GetEventId()] = true
		return nil
	}
	a := e.GetActivityTaskCompletedEventAttributes()
	if !t.enacting[a.GetScheduledEventId()] {
		return nil
	}
	var decided rollout.Event
	err := payload(a.GetResult(), &decided)
	if err == nil {
		t.Decisions = append(t.Decisions, decided)
	}
	return err
}
