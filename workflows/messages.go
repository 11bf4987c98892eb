package workflows

import (
	"fmt"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/trial"
)

// letter is a request on its way to the main loop, and the answer back.
type letter struct {
	message string
	request trial.Request
	done    bool
	err     error
}

// Changes of the workflow that recorded histories do not have, by the names that
// workflow.GetVersion keeps.
const (
	// changeExtendFromNow lets extensions in grace count from now.
	changeExtendFromNow = "extend-from-now"
	// changeAttributesAtBegin sets the search attributes that a run lacks.
	changeAttributesAtBegin = "attributes-at-begin"
	// changeConvertUnread takes conversions whose payload cannot be read.
	changeConvertUnread = "convert-unread"
)

type signal struct {
	message string
	channel workflow.ReceiveChannel
}

// listen registers every handler; it runs before anything is awaited, so that
// nothing sent with the start is missed.
func (t *trialRun) listen(ctx workflow.Context) error {
	for _, message := range []string{
		trial.MessageConvert, trial.MessageExtend, trial.MessageShorten, trial.MessageCancel, trial.MessageRevive, trial.SignalWake,
		trial.MessageAdopt, trial.MessageRelease, trial.SignalNoMail,
	} {
		t.signals = append(t.signals, signal{message, workflow.GetSignalChannel(ctx, message)})
	}
	for _, message := range []string{trial.MessageExtend, trial.MessageShorten, trial.MessageCancel, trial.MessageRevive} {
		if err := t.handleUpdate(ctx, message); err != nil {
			return fmt.Errorf("registering update %s: %w", message, err)
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
func (t *trialRun) handleUpdate(ctx workflow.Context, message string) error {
	handle := func(ctx workflow.Context, r trial.Request) (trial.Overview, error) {
		if r.ID == "" {
			r.ID = workflow.GetCurrentUpdateInfo(ctx).ID
		}
		l := &letter{message: message, request: r}
		t.inbox = append(t.inbox, l)
		if err := workflow.Await(ctx, func() bool { return l.done }); err != nil {
			return trial.Overview{}, err
		}
		return t.state.Overview(), refusal(l.err)
	}
	validate := func(ctx workflow.Context, r trial.Request) error {
		if err := r.Validate(message); err != nil || !t.begun {
			return refusal(err)
		}
		_, err := t.state.Request(message, r, workflow.Now(ctx))
		return refusal(err)
	}
	return workflow.SetUpdateHandlerWithOptions(ctx, message, handle, workflow.UpdateHandlerOptions{Validator: validate})
}

// hasMail tells whether a message waits.
func (t *trialRun) hasMail() bool {
	for _, s := range t.signals {
		if s.channel.Len() > 0 {
			return true
		}
	}
	return len(t.inbox) > 0
}

// collect moves the signals that have arrived into the inbox. A payload that
// cannot be read is dropped with a log line: a signal has nobody to refuse to.
// But a conversion is never refused: the money has moved, so what can be
// read of it will do.
func (t *trialRun) collect(ctx workflow.Context) {
	for _, s := range t.signals {
		for s.channel.Len() > 0 {
			var raw converter.RawValue // which every payload is
			if !s.channel.ReceiveAsync(&raw) {
				continue
			}
			r, err := readRequest(raw)
			if err != nil && !mustTake(ctx, s.message) {
				workflow.GetLogger(ctx).Warn("unreadable signal dropped", "signal", s.message)
				continue
			}
			t.inbox = append(t.inbox, &letter{message: s.message, request: r})
		}
	}
}

// readRequest is a signal's request, and what was wrong with the rest of it.
func readRequest(raw converter.RawValue) (trial.Request, error) {
	var r trial.Request
	if raw.Payload() == nil {
		return r, nil // sent without any, which is an empty request
	}
	err := converter.GetDefaultDataConverter().FromPayload(raw.Payload(), &r)
	return r, err
}

// mustTake tells whether a message counts also where its payload cannot be
// read. Recordings from before any did have nothing to show for one.
func mustTake(ctx workflow.Context, message string) bool {
	return message == trial.MessageConvert &&
		workflow.GetVersion(ctx, changeConvertUnread, workflow.DefaultVersion, 1) != workflow.DefaultVersion
}

func (t *trialRun) take() *letter {
	l := t.inbox[0]
	t.inbox = t.inbox[1:]
	return l
}

// answer carries out one request: decided purely, recorded, applied.
func (t *trialRun) answer(ctx workflow.Context, l *letter) error {
	defer func() { l.done = true }()
	switch l.message {
	case trial.SignalWake:
		t.asleep = false
		return nil
	case trial.SignalNoMail: // each step asks the database; a restored one asks the history
		return nil
	}
	for {
		event, err := t.decide(ctx, l)
		if err != nil {
			l.err = err
			workflow.GetLogger(ctx).Info("request refused", "message", l.message, "reason", err.Error())
			return nil
		}
		if event == nil {
			return nil
		}
		var stored trial.Event
		if err := t.do(ctx, l.message, t.doing.Record, activities.Happened{State: t.state, Event: *event}).future.Get(ctx, &stored); err != nil {
			return fmt.Errorf("recording %s: %w", l.message, err)
		}
		t.apply(ctx, stored)
		if stored.Same(*event) {
			return nil
		}
		// An earlier attempt had got ahead of us in the database: its event
		// comes first, and the request is decided anew.
	}
}

// decide is what a request leads to. Where the rule for extensions that it was
// recorded under accepts what today's refuses, or the other way round, the
// rule of the recording counts: it decided whether there is anything to replay.
func (t *trialRun) decide(ctx workflow.Context, l *letter) (*trial.Event, error) {
	event, err := t.state.Request(l.message, l.request, workflow.Now(ctx))
	old, oldErr := t.state.RequestFromEnd(l.message, l.request, workflow.Now(ctx))
	if (err == nil) == (oldErr == nil) {
		return event, err
	}
	if workflow.GetVersion(ctx, changeExtendFromNow, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return old, oldErr
	}
	return event, err
}
