package workflows

import (
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/converter"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/trial"
)

// Told reads the trial's events out of the history of one run of its workflow: every activity that
// recorded one answered with it. So the history knows what a database that was lost has known. The zero
// value is ready for a run's first event.
type Told struct {
	// NoMail are the suppressions that the trial was told of so far, all of them of every address.
	NoMail []trial.Suppression
	// AtWork is when a worker took up the workflow that has not said what came of it; zero where none has.
	AtWork time.Time
	// scheduled are the types of regular activities, by the number of the event that scheduled them.
	scheduled map[int64]string
}

// Next is the event of the trial that an event of the history tells of, nil where it tells of none. The
// first event of a trial is made up from the state that it led to: its moment is the registration's.
func (t *Told) Next(e *history.HistoryEvent) (*trial.Event, error) {
	switch {
	case e.GetWorkflowTaskStartedEventAttributes() != nil:
		t.AtWork = e.GetEventTime().AsTime()
	case e.GetWorkflowTaskCompletedEventAttributes() != nil:
		t.AtWork = time.Time{}
	}
	if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
		if t.scheduled == nil {
			t.scheduled = map[int64]string{}
		}
		t.scheduled[e.GetEventId()] = a.GetActivityType().GetName()
		return nil, nil //nolint:nilnil // documented: it tells of none, and nothing is wrong
	}
	if a := e.GetActivityTaskCompletedEventAttributes(); a != nil {
		return toldBy(t.scheduled[a.GetScheduledEventId()], a.GetResult())
	}
	if a := e.GetWorkflowExecutionSignaledEventAttributes(); a.GetSignalName() == trial.SignalNoMail {
		t.suppressed(a.GetInput())
		return nil, nil //nolint:nilnil // documented: it tells of none, and nothing is wrong
	}
	a := e.GetMarkerRecordedEventAttributes()
	if a.GetMarkerName() != localActivityMarker || a.GetFailure() != nil {
		return nil, nil //nolint:nilnil // documented: it tells of none, and nothing is wrong
	}
	var local struct{ ActivityType string }
	if err := payload(a.GetDetails()["data"], &local); err != nil {
		return nil, err
	}
	return toldBy(local.ActivityType, a.GetDetails()["result"])
}

// suppressed keeps what a signal says. One that somebody sent by hand may say anything, and counts for
// nothing then.
func (t *Told) suppressed(input *common.Payloads) {
	var r trial.Request
	if err := payload(input, &r); err != nil {
		return
	}
	if reason := trial.Reason(r.Reason); reason == trial.ReasonUnsubscribed || reason == trial.ReasonSuppressedAddress {
		t.NoMail = append(t.NoMail, trial.Suppression{Reason: reason, At: r.At})
	}
}

// localActivityMarker is what the SDK records local activities as.
const localActivityMarker = "LocalActivity"

// toldBy is the event in the answer of an activity of that type.
func toldBy(activity string, result *common.Payloads) (*trial.Event, error) {
	switch activity {
	case "Begin":
		var s trial.State
		if err := payload(result, &s); err != nil || s.Seq != 1 {
			return nil, err
		}
		e := trial.Start(trial.Registration{
			VendorID: s.VendorID, Cohort: s.Cohort, Policy: s.Policy, Day: s.Day, Zone: s.Zone, At: s.StartedAt,
		}, s.StartedAt)
		return &e, nil
	case "Perform":
		var p activities.Performed
		err := payload(result, &p)
		return p.Event, err
	case "Record":
		var e trial.Event
		err := payload(result, &e)
		return &e, err
	}
	return nil, nil //nolint:nilnil // documented: it tells of none, and nothing is wrong
}

func payload(p *common.Payloads, v any) error {
	return converter.GetDefaultDataConverter().FromPayloads(p, v)
}
