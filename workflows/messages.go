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

// ask is a request on its way to the main loop, and the answer back.
type ask struct {
	message string
	request trial.Request
	// handled is what stands for the signals that are handled once it is; empty for an update.
	handled string
	// unread says why a signal is refused whose payload cannot be read; nil for any other.
	unread error
	done   bool
	err    error
}

// trialShapes are the fields of a trial's messages that are read exactly. A conversion is not among them: see readConversion.
var trialShapes = map[string]shape{
	trial.MessageExtend:  {needs: []string{"reason"}, may: []string{"days", "endsAt", "ifRevision", "id", "by", "at"}},
	trial.MessageShorten: {needs: []string{"reason"}, may: []string{"days", "endsAt", "ifRevision", "id", "by", "at"}},
	trial.MessageRevive:  {needs: []string{"reason"}, may: []string{"days", "endsAt", "ifRevision", "id", "by", "at"}},
	trial.MessageCancel:  {needs: []string{"reason"}, may: []string{"ifRevision", "id", "by", "at"}},
	trial.MessageAdopt:   {may: []string{"id", "by", "reason", "at", "flagsVersion"}},
	trial.MessageRelease: {may: []string{"id", "by", "reason", "at"}},
}

// listen registers every handler; it runs before anything is awaited, so that
// nothing sent with the start is missed.
func (t *trialRun) listen(ctx workflow.Context, carried *SignalNumbers) error {
	t.queue = queueOf(ctx, carried)
	t.handled = t.queue.numbers.Handled
	for _, name := range []string{trial.MessageExtend, trial.MessageShorten, trial.MessageCancel, trial.MessageRevive} {
		if err := t.handleUpdate(ctx, name); err != nil {
			return fmt.Errorf("registering update %s: %w", name, err)
		}
	}
	if err := workflow.SetQueryHandler(ctx, trial.QueryStatus, func() (trial.Overview, error) {
		return t.state.Overview(), nil
	}); err != nil {
		return fmt.Errorf("registering query: %w", err)
	}
	return workflow.SetQueryHandler(ctx, trial.QuerySchedule, func() (trial.Timetable, error) {
		return t.state.Timetable(), nil
	})
}

// handleUpdate answers an update with the new status. What can be refused is
// refused by the validator, which leaves no trace in the history.
func (t *trialRun) handleUpdate(ctx workflow.Context, name string) error {
	handle := func(ctx workflow.Context, raw converter.RawValue) (trial.Overview, error) {
		r, err := readUpdate(name, raw)
		if err != nil {
			return trial.Overview{}, refusal(err) // the validator has refused it before
		}
		if r.ID == "" {
			r.ID = workflow.GetCurrentUpdateInfo(ctx).ID
		}
		t.drain(ctx) // what has arrived before it comes first
		a := &ask{message: name, request: r}
		t.asked = append(t.asked, a)
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

// readUpdate is what an update asks for.
func readUpdate(name string, raw converter.RawValue) (trial.Request, error) {
	r, err := decode[trial.Request](message{name: name, payload: &common.Payloads{Payloads: []*common.Payload{raw.Payload()}}}, trialShapes[name])
	if err != nil {
		return r, &trial.Error{Code: trial.CodeInvalid, Message: err.Error()}
	}
	return r, nil
}

// pending tells whether a message waits.
func (t *trialRun) pending() bool { return len(t.asked) > 0 || t.queue.pending() }

// drain moves the signals that have arrived behind what is asked already.
func (t *trialRun) drain(ctx workflow.Context) {
	for t.queue.pending() {
		m := t.queue.pop()
		r, err := readSignal(m)
		if r.ID == "" {
			r.ID = m.id
		}
		a := &ask{message: m.name, request: r, handled: t.queue.numbers.Handled}
		if m.name != trial.MessageConvert { // a conversion counts with what could be read of it
			a.unread = err
		}
		t.asked = append(t.asked, a)
	}
}

// readSignal is what a signal asks for. The payloads of wake and no-mail are not read: neither does anything
// that hangs on what they hold.
func readSignal(m message) (trial.Request, error) {
	switch m.name {
	case trial.MessageConvert:
		return readConversion(m)
	case trial.SignalWake, trial.SignalNoMail:
		return trial.Request{}, nil
	}
	s, known := trialShapes[m.name]
	if !known {
		return trial.Request{}, errUnknownMessage
	}
	return decode[trial.Request](m, s)
}

// readConversion is a conversion's request, and what was wrong with the rest of it. A conversion is never
// refused: the money has moved, so what can be read of it will do.
func readConversion(m message) (trial.Request, error) {
	var r trial.Request
	payloads := m.payload.GetPayloads()
	if len(payloads) == 0 {
		return r, nil // sent without any, which is an empty request
	}
	err := converter.GetDefaultDataConverter().FromPayload(payloads[0], &r)
	return r, err
}

// forget drops, as the queue does, what was handled before what is stored. A conversion always counts.
func (t *trialRun) forget() {
	last := slices.IndexFunc(t.asked, func(a *ask) bool { return a.handled != "" && a.handled == t.state.HandledSignals })
	if last < 0 {
		return
	}
	t.handled = t.asked[last].handled
	var kept []*ask
	for i, a := range t.asked {
		if i <= last && a.handled != "" {
			if a.message != trial.MessageConvert {
				continue
			}
			a.handled = "" // it was before the last
		}
		kept = append(kept, a)
	}
	t.asked = kept
}

// pop takes out what was asked first.
func (t *trialRun) pop() *ask {
	a := t.asked[0]
	t.asked = t.asked[1:]
	t.handled = cmp.Or(a.handled, t.handled)
	return a
}

// current is the trial as it stands, with the signals that are handled by now: what is recorded of it says so.
func (t *trialRun) current() trial.State {
	s := t.state
	s.HandledSignals = t.handled
	return s
}

// answer carries out one request: decided purely, recorded, applied.
func (t *trialRun) answer(ctx workflow.Context, a *ask) error {
	defer func() { a.done = true }()
	switch {
	case a.unread != nil: // a signal has nobody to refuse to
		refuseMessage(ctx, message{name: a.message}, a.unread)
		return nil
	case a.message == trial.SignalWake:
		return t.wake(ctx)
	case a.message == trial.SignalNoMail: // each step asks the database; a restored one asks the history
		return nil
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
		// An earlier attempt had got ahead of us in the database: its event
		// comes first, and the request is decided anew.
	}
}

// wake has a held trial decide its step anew. Any other may have been woken since its vendor is in another zone by
// now; a step that is due looks by itself.
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
