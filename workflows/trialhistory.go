package workflows

import (
	"maps"
	"slices"
	"time"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/trial"
)

// TrialHistoryReader reads a trial's events from the history of one run of its workflow: each is the result of an activity.
// So the history knows what a lost database knew. The zero value is ready for a run's first event.
type TrialHistoryReader struct {
	// Trial is what the history tells so far. Its Unsettled is only known once Ask was called.
	recovery.Trial

	// repeated are the regular activities under way, by the number of the event that scheduled them.
	repeated map[int64]repeated
	// unsettled says that a step's e-mail may have left although its first, local attempt failed.
	unsettled bool
}

// repeated is an activity that the server retries.
type repeated struct {
	id, activity string
	// step is the step of a Perform, and unsettled says that the attempt before may have sent its e-mail.
	step      trial.Step
	unsettled bool
}

// Next takes in what an event of the history tells. The first event of a trial is made up from the state that it led to:
// its moment is the registration's.
func (t *TrialHistoryReader) Next(e *history.HistoryEvent) error {
	switch {
	case e.GetWorkflowTaskStartedEventAttributes() != nil:
		t.AtWork = e.GetEventTime().AsTime()
	case e.GetWorkflowTaskCompletedEventAttributes() != nil:
		t.AtWork = time.Time{}
	}
	if a := e.GetActivityTaskScheduledEventAttributes(); a != nil {
		return t.repeating(e.GetEventId(), a)
	}
	if a := e.GetActivityTaskCompletedEventAttributes(); a != nil {
		return t.answered(t.over(a.GetScheduledEventId()), a.GetResult())
	}
	t.over(e.GetActivityTaskFailedEventAttributes().GetScheduledEventId())
	t.over(e.GetActivityTaskCanceledEventAttributes().GetScheduledEventId())
	t.over(e.GetActivityTaskTimedOutEventAttributes().GetScheduledEventId())
	if a := e.GetWorkflowExecutionSignaledEventAttributes(); a.GetSignalName() == trial.SignalNoMail {
		t.suppressed(a.GetInput(), e.GetEventTime().AsTime())
		return nil
	}
	a := e.GetMarkerRecordedEventAttributes()
	if a.GetMarkerName() != localActivityMarker {
		return nil
	}
	t.unsettled = leavesUnsettled(a.GetFailure())
	if a.GetFailure() != nil {
		return nil
	}
	var local struct{ ActivityType string }
	if err := payload(a.GetDetails()["data"], &local); err != nil {
		return err
	}
	return t.answered(local.ActivityType, a.GetDetails()["result"])
}

// repeating notes that the server runs an activity.
func (t *TrialHistoryReader) repeating(event int64, a *history.ActivityTaskScheduledEventAttributes) error {
	r := repeated{id: a.GetActivityId(), activity: a.GetActivityType().GetName(), unsettled: t.unsettled}
	t.unsettled = false
	if r.activity == "Perform" {
		var due activities.Due
		if err := payload(a.GetInput(), &due); err != nil {
			return err
		}
		r.step = due.Step
	}
	if t.repeated == nil {
		t.repeated = map[int64]repeated{}
	}
	t.repeated[event] = r
	return nil
}

// over notes that an activity has ended, and returns its type.
func (t *TrialHistoryReader) over(scheduled int64) string {
	defer delete(t.repeated, scheduled)
	return t.repeated[scheduled].activity
}

// Repeats tells whether the server is retrying a step. Then the history alone does not say whether its e-mail may have left.
func (t *TrialHistoryReader) Repeats() bool {
	for _, r := range t.repeated {
		if r.activity == "Perform" {
			return true
		}
	}
	return false
}

// Ask notes which steps that the server tries may have sent their e-mails, in order. pending is what it says of the
// activities under way.
func (t *TrialHistoryReader) Ask(pending []*workflow.PendingActivityInfo) {
	for _, event := range slices.Sorted(maps.Keys(t.repeated)) {
		r := t.repeated[event]
		unsettled := r.unsettled
		for _, p := range pending {
			unsettled = unsettled || p.GetActivityId() == r.id && mayHaveSent(p)
		}
		if r.activity == "Perform" && unsettled {
			t.Unsettled = append(t.Unsettled, r.step)
		}
	}
}

// mayHaveSent tells whether an attempt at a step may have sent its e-mail: one that runs, one whose worker died, and one that
// reported so.
func mayHaveSent(p *workflow.PendingActivityInfo) bool {
	return p.GetState() != enums.PENDING_ACTIVITY_STATE_SCHEDULED || p.GetHeartbeatDetails() != nil || leavesUnsettled(p.GetLastFailure())
}

// leavesUnsettled tells whether an attempt that failed this way may have sent its e-mail.
func leavesUnsettled(f *failure.Failure) bool {
	return f.GetTimeoutFailureInfo() != nil || f.GetCanceledFailureInfo() != nil || f.GetApplicationFailureInfo().GetType() == activities.MayHaveLeft
}

// suppressed keeps the suppression in a signal, or the lift of one, which is told at a moment. One sent by hand may hold anything,
// and is ignored then.
func (t *TrialHistoryReader) suppressed(input *common.Payloads, at time.Time) {
	var r trial.Request
	if err := payload(input, &r); err != nil {
		return
	}
	reason := trial.Reason(r.Reason)
	if reason == trial.ReasonUnsubscribed || reason == trial.ReasonSuppressedAddress {
		t.NoMail = append(t.NoMail, trial.Suppression{Reason: reason, At: r.At})
	}
	if reason == trial.ReasonLifted && !r.At.IsZero() {
		t.Lifts = append(t.Lifts, recovery.Lift{Of: r.At, At: at})
	}
	if reason == trial.ReasonErased && t.Erased == nil {
		t.Erased = &trial.Erasure{At: r.At, By: r.By, Reason: "erased before the database was restored"}
	}
}

// localActivityMarker is the SDK's name for the marker of a local activity.
const localActivityMarker = "LocalActivity"

// answered takes in the event in the answer of an activity of that type.
func (t *TrialHistoryReader) answered(activity string, result *common.Payloads) (err error) {
	var e *trial.Event
	switch activity {
	case "Begin":
		var s trial.State
		if err = payload(result, &s); s.Seq == 1 {
			start := trial.Start(trial.Registration{
				VendorID: s.VendorID, Cohort: s.Cohort, Policy: s.Policy, Day: s.Day, Zone: s.Zone, At: s.StartedAt, FlagsVersion: s.AutomatedUnder,
			}, s.StartedAt)
			e = &start
		}
	case "Perform", "Rezone":
		var p activities.Performed
		err = payload(result, &p)
		e = p.Event
	case "Record":
		e = &trial.Event{}
		err = payload(result, e)
	}
	if err == nil && e != nil {
		t.Events = append(t.Events, *e)
	}
	return err
}

func payload(p *common.Payloads, v any) error {
	return converter.GetDefaultDataConverter().FromPayloads(p, v)
}
