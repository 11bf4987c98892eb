package workflows

import (
	"cmp"
	"fmt"
	"slices"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/trial"
)

// pendingRequest is a request that waits for the main loop, and its answer.
type pendingRequest struct {
	message string
	request trial.Request
	// handled identifies the signals handled up to and including this one; empty for an update.
	handled string
	// unread is why a signal's payload cannot be read, nil where it can.
	unread error
	done   bool
	err    error
}

// trialShapes are the fields of a trial's messages that are read strictly. A conversion is not: see readConversion.
var trialShapes = map[string]shape{
	trial.MessageExtend:  {needs: []string{"reason"}, may: []string{"days", "endsAt", "ifRevision", "id", "by", "at"}},
	trial.MessageShorten: {needs: []string{"reason"}, may: []string{"days", "endsAt", "ifRevision", "id", "by", "at"}},
	trial.MessageRevive:  {needs: []string{"reason"}, may: []string{"days", "endsAt", "ifRevision", "id", "by", "at"}},
	trial.MessagePolicy:  {needs: []string{"reason", "policy"}, may: []string{"endsAt", "ifRevision", "id", "by", "at"}},
	trial.MessageCancel:  {needs: []string{"reason"}, may: []string{"ifRevision", "id", "by", "at"}},
	trial.MessageAdopt:   {may: []string{"id", "by", "reason", "at", "flagsVersion"}},
	trial.MessageRelease: {may: []string{"id", "by", "reason", "at"}},
}

// listen registers every handler. It runs before anything is awaited, so that no message sent with the start is missed.
func (t *trialRun) listen(ctx workflow.Context, carried *SignalNumbers) error {
	t.queue = queueOf(ctx, carried)
	t.handled = t.queue.numbers.Handled
	for _, name := range []string{trial.MessageExtend, trial.MessageShorten, trial.MessageCancel, trial.MessageRevive, trial.MessagePolicy} {
		if err := t.handleUpdate(ctx, name); err != nil {
			return fmt.Errorf("registering update %s: %w", name, err)
		}
	}
	known := func() bool { return t.initialized }
	if err := answer(ctx, trial.QueryStatus, known, func() trial.Overview { return t.state.Overview() }); err != nil {
		return err
	}
	return answer(ctx, trial.QuerySchedule, known, func() trial.Timetable { return t.state.Timetable() })
}

// handleUpdate answers an update with the new status. The validator refuses what it can, which leaves no trace in the history.
func (t *trialRun) handleUpdate(ctx workflow.Context, name string) error {
	handle := func(ctx workflow.Context, raw converter.RawValue) (trial.Overview, error) {
		r, err := readUpdate(name, raw)
		if err != nil {
			return trial.Overview{}, refusal(err) // never reached: the validator refuses it
		}
		if r.ID == "" {
			r.ID = workflow.GetCurrentUpdateInfo(ctx).ID
		}
		t.drain() // earlier signals come first
		a := &pendingRequest{message: name, request: r}
		t.requests = append(t.requests, a)
		ctx, _ = workflow.NewDisconnectedContext(ctx) // a cancellation of the workflow cancels no request
		if err := workflow.Await(ctx, func() bool { return a.done }); err != nil {
			return trial.Overview{}, err
		}
		return t.state.Overview(), refusal(a.err)
	}
	validate := func(ctx workflow.Context, raw converter.RawValue) error {
		r, err := readUpdate(name, raw)
		if err == nil {
			err = r.Validate(name)
		}
		if err != nil || !t.initialized {
			return refusal(err)
		}
		_, err = t.state.Request(name, r, workflow.Now(ctx))
		return refusal(err)
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, name, handle, workflow.UpdateHandlerOptions{Validator: validate})
}

// readUpdate reads the request of an update.
func readUpdate(name string, raw converter.RawValue) (trial.Request, error) {
	r, err := decode[trial.Request](message{name: name, payload: &common.Payloads{Payloads: []*common.Payload{raw.Payload()}}}, trialShapes[name])
	if err != nil {
		return r, &trial.Error{Code: trial.CodeInvalid, Message: err.Error()}
	}
	return r, nil
}

// pending tells whether a request or a signal waits.
func (t *trialRun) pending() bool { return len(t.requests) > 0 || t.queue.pending() }

// drain moves the signals that have arrived behind the waiting requests.
func (t *trialRun) drain() {
	for t.queue.pending() {
		m := t.queue.pop()
		r, err := readSignal(m)
		if r.ID == "" {
			r.ID = m.id
		}
		a := &pendingRequest{message: m.name, request: r, handled: t.queue.numbers.Handled}
		if m.name != trial.MessageConvert { // a conversion counts with what could be read of it
			a.unread = err
		}
		t.requests = append(t.requests, a)
	}
}

// readSignal reads the request of a signal. It does not read the payload of wake, on which nothing depends, and of no-mail what it
// can: one sent by hand may hold anything.
func readSignal(m message) (trial.Request, error) {
	switch m.name {
	case trial.MessageConvert:
		return readConversion(m)
	case trial.SignalWake:
		return trial.Request{}, nil
	case trial.SignalNoMail:
		r, _ := readConversion(m)
		return trial.Request{Reason: r.Reason, By: r.By}, nil
	}
	s, known := trialShapes[m.name]
	if !known {
		return trial.Request{}, errUnknownMessage
	}
	return decode[trial.Request](m, s)
}

// readConversion reads a conversion's request as far as it can, and says what was wrong with the rest. A conversion is never
// refused: the vendor has paid.
func readConversion(m message) (trial.Request, error) {
	var r trial.Request
	payloads := m.payload.GetPayloads()
	if len(payloads) == 0 {
		return r, nil // without a payload it is an empty request
	}
	err := converter.GetDefaultDataConverter().FromPayload(payloads[0], &r)
	return r, err
}

// dropHandled drops the requests that the stored state says were handled. A conversion always counts.
func (t *trialRun) dropHandled() {
	last := slices.IndexFunc(t.requests, func(a *pendingRequest) bool { return a.handled != "" && a.handled == t.state.HandledSignals })
	if last < 0 {
		return
	}
	t.handled = t.requests[last].handled
	var kept []*pendingRequest
	for i, a := range t.requests {
		if i <= last && a.handled != "" {
			if a.message != trial.MessageConvert {
				continue
			}
			a.handled = "" // it came before the last handled one
		}
		kept = append(kept, a)
	}
	t.requests = kept
}

// pop takes out the oldest request.
func (t *trialRun) pop() *pendingRequest {
	a := t.requests[0]
	t.requests = t.requests[1:]
	t.handled = cmp.Or(a.handled, t.handled)
	return a
}

// current is the trial's state with the signals handled so far, which every record carries.
func (t *trialRun) current() trial.State {
	s := t.state
	s.HandledSignals = t.handled
	return s
}

// handle carries out one request: it decides, records and applies.
func (t *trialRun) handle(ctx workflow.Context, a *pendingRequest) error {
	defer func() { a.done = true }()
	switch {
	case a.unread != nil:
		refuseMessage(ctx, message{name: a.message}, a.unread)
		return nil
	case a.message == trial.SignalWake:
		return t.wake(ctx)
	case a.message == trial.SignalNoMail && (a.request.Reason != string(trial.ReasonErased) || !t.state.Status.Final() || t.state.Over()):
		return nil // each step reads the database, and a restore reads the history
	case a.message == trial.SignalNoMail: // of an expired trial, only e-mails to the erased vendor are left
		a.message = trial.MessageCancel
	}
	for {
		event, err := t.state.Request(a.message, a.request, workflow.Now(ctx))
		if err != nil {
			a.err = err
			workflow.GetLogger(ctx).Info("request refused", "message", a.message, "reason", err.Error())
			return nil
		}
		if event == nil {
			return nil
		}
		var stored trial.Event
		if err := t.execute(ctx, a.message, t.activities.Record, activities.RecordInput{State: t.current(), Event: *event}).future.Get(ctx, &stored); err != nil {
			return fmt.Errorf("recording %s: %w", a.message, err)
		}
		t.apply(ctx, stored)
		if stored.Same(*event) {
			return nil
		}
		// Another attempt stored an event under this number: it comes first, and the request is decided again.
	}
}

// wake makes a held trial decide its step again. For any other trial it looks up the vendor's time zone, which may have
// changed; a step that is due does that itself.
func (t *trialRun) wake(ctx workflow.Context) error {
	held := t.held
	t.held = false
	if _, due := t.due(ctx); held || due || !t.state.Rezonable() {
		return nil
	}
	var p activities.Performed
	if err := t.execute(ctx, "rezone", t.activities.Rezone, t.current()).future.Get(ctx, &p); err != nil {
		return fmt.Errorf("looking in which zone the vendor is: %w", err)
	}
	if p.Event != nil {
		t.apply(ctx, *p.Event)
	}
	return nil
}
