package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// Trials carries out what the trial workflow has the time for.
type Trials struct {
	Store  Store
	Mailer Mailer
	// Policies and Day are for new trials; running ones have their own.
	Policies policy.Set
	Day      time.Duration
	// UnknownWait is how long an event may still settle an e-mail with an unknown outcome before it is sent again.
	UnknownWait time.Duration
	Now         func() time.Time
	Log         *zap.Logger
}

// Begin is the trial's stored state, or a new one for a vendor that is only registered.
func (t *Trials) Begin(ctx context.Context, vendorID string) (trial.State, error) {
	state, found, err := t.Store.Trial(ctx, vendorID)
	if err != nil {
		return trial.State{}, failed("reading the trial", err)
	}
	if found {
		return state, nil
	}
	vendor, err := t.Store.Vendor(ctx, vendorID)
	if err != nil {
		return trial.State{}, failed("reading the vendor", err)
	}
	if vendor.Automation == nil {
		return trial.State{}, failed("beginning the trial", &trial.Error{Code: trial.CodeConflict, Field: "id", Message: "the vendor was never registered"})
	}
	terms, known := t.Policies.Of(vendor.Automation.Policy)
	day := t.Day
	switch {
	case trial.IsCanary(vendorID):
		terms, day = canary.Policy(), canary.Day(t.Day)
	case !known: // another process chose it by another file; no trial is lost for that
		t.Log.Warn("the vendor's policy is not in POLICIES here: its trial gets the default one", zap.String("vendorId", vendorID),
			zap.String("policy", vendor.Automation.Policy), zap.String("default", terms.Name))
	}
	event := trial.Start(vendor.Registration(terms, day), t.Now())
	stored, err := t.append(ctx, trial.State{}, event)
	if err != nil {
		return trial.State{}, err
	}
	return trial.State{}.Apply(stored), nil
}

// RecordInput is an event to record, and the state before it.
type RecordInput struct {
	State trial.State `json:"state"`
	Event trial.Event `json:"event"`
}

// Record stores an event, and returns the stored event with this number: another one, if an attempt thought dead was faster.
func (t *Trials) Record(ctx context.Context, h RecordInput) (trial.Event, error) {
	if h.Event.Type == trial.EventConverted {
		doc, err := t.Store.Flags(ctx)
		if err != nil {
			return trial.Event{}, failed("reading the flags", err)
		}
		h.Event.Untracked = !doc.FeatureFlags.TrialAutomation.ConversionTracking
	}
	if h.Event.EndsAt != nil {
		zone, err := t.zoneNow(ctx, h.State)
		if err != nil {
			return trial.Event{}, err
		}
		h.Event.Zone = zone
	}
	return t.append(ctx, h.State, h.Event)
}

// Due is a step whose moment has come.
type Due struct {
	State trial.State `json:"state"`
	Step  trial.Step  `json:"step"`
}

// Performed is the result of a due step.
type Performed struct {
	// Event is nil if the step stays held for the same reason.
	Event *trial.Event `json:"event"`
}

// Perform decides a due step on fresh facts and carries out the decision. An error after which the e-mail may have left is of the
// type MayHaveLeft.
func (t *Trials) Perform(ctx context.Context, due Due) (Performed, error) {
	p, err := t.perform(ctx, due)
	noteMayHaveLeft(ctx, err)
	return p, err
}

func (t *Trials) perform(ctx context.Context, due Due) (Performed, error) {
	if successor, err := t.storedSuccessor(ctx, due.State); successor != nil || err != nil {
		return Performed{Event: successor}, err
	}
	now, first, err := t.decide(ctx, due)
	if first != nil || err != nil {
		return Performed{Event: first}, err
	}
	if now.decision.Mail {
		waited, err := t.Mailer.Wait(ctx)
		if err != nil {
			return Performed{}, failed("waiting for the account's rate", err)
		}
		if waited { // the facts may have changed
			if now, first, err = t.decide(ctx, due); first != nil || err != nil {
				return Performed{Event: first}, err
			}
		}
	}
	mailed, err := t.mail(ctx, due, &now)
	if err != nil {
		return Performed{}, err
	}
	if held := due.State.Held; held != nil && now.decision.Action == trial.Hold && held.Reason == now.decision.Reason {
		return Performed{}, nil
	}
	event, err := t.append(ctx, due.State, due.State.StepEvent(due.Step, now.decision, now.facts, mailed))
	if err != nil && mailed {
		return Performed{}, mayHaveLeft("recording the step", 0, err)
	}
	if err != nil {
		return Performed{}, err
	}
	t.Log.Info("step decided", zap.String("step", due.Step.Key(due.State.VendorID)), zap.String("action", string(now.decision.Action)),
		zap.String("reason", string(now.decision.Reason)), zap.Bool("mailed", mailed), zap.Duration("late", now.facts.Now.Sub(due.Step.At)))
	return Performed{Event: &event}, nil
}

// decide reads the facts and decides the step. first is an event that must come before the step, nil for none: a release that has
// not reached the trial, or a move to another time zone.
func (t *Trials) decide(ctx context.Context, due Due) (now evaluation, first *trial.Event, err error) {
	if now, err = t.evaluate(ctx, due); err != nil {
		return now, nil, err
	}
	if first, err = t.released(ctx, due, now.vendor); first != nil || err != nil {
		return now, first, err
	}
	first, err = t.moved(ctx, due, now.vendor.Zone)
	return now, first, err
}

// released is the event of a release that the rollback's own pass has missed: the trial had not begun yet, or was about to be adopted,
// or the rollout's workflow was terminated. It is nil where the trial stays automated. A step whose e-mail has left is finished
// first, so that the record has it.
func (t *Trials) released(ctx context.Context, due Due, vendor trial.Vendor) (*trial.Event, error) {
	if !due.State.Automated || trial.IsCanary(due.State.VendorID) {
		return nil, nil //nolint:nilnil // documented: there is nothing to hand over
	}
	current, found, err := t.Store.CurrentRollout(ctx)
	if e, ok := errors.AsType[*trial.Error](err); ok && e.Code == trial.CodeNotFound {
		// A rollout is named before it is stored: the next attempt finds it.
		return nil, fmt.Errorf("reading the latest rollout: %s", e.Message)
	}
	if err != nil {
		return nil, failed("reading the latest rollout", err)
	}
	if !found || automatedUnder(due.State, vendor) >= current.ReleasedBefore {
		return nil, nil //nolint:nilnil // documented: it stays automated
	}
	send, err := t.Store.Send(ctx, due.Step.Key(due.State.VendorID))
	if err != nil || send != nil && send.Status == trial.SendSent {
		return nil, failed("reading the send", err)
	}
	event, err := due.State.Request(trial.MessageRelease, handover(current.ID, due.State.VendorID), t.Now())
	if err != nil || event == nil {
		return nil, failed("handing the trial over", err)
	}
	stored, err := t.append(ctx, due.State, *event)
	return &stored, err
}

// automatedUnder is the version of the flags that automated the trial. If the state does not say, it is that of the vendor's
// registration.
func automatedUnder(s trial.State, v trial.Vendor) int {
	if s.AutomatedUnder == 0 && v.Automation != nil {
		return v.Automation.FlagsVersion
	}
	return s.AutomatedUnder
}

// handover is a rollout's request to adopt or release a trial.
func handover(rolloutID, vendorID string) trial.Request {
	return trial.Request{ID: rolloutID + "/" + vendorID, By: flags.Automatic, Reason: "rollout " + rolloutID}
}

// moved records that the vendor is in another time zone, so that the step is planned again. A step whose e-mail may have left is
// finished first: planned again it would have another key, and be sent twice.
func (t *Trials) moved(ctx context.Context, due Due, zone string) (*trial.Event, error) {
	event := due.State.Rezone(zone, t.Now())
	if event == nil {
		return nil, nil //nolint:nilnil // documented: it has not moved, and nothing is wrong
	}
	send, err := t.Store.Send(ctx, due.Step.Key(due.State.VendorID))
	if err != nil || send != nil {
		return nil, err
	}
	stored, err := t.append(ctx, due.State, *event)
	return &stored, err
}

// Rezone plans a trial again if its vendor is in another time zone.
func (t *Trials) Rezone(ctx context.Context, s trial.State) (Performed, error) {
	if successor, err := t.storedSuccessor(ctx, s); successor != nil || err != nil {
		return Performed{Event: successor}, err
	}
	zone, err := t.zoneNow(ctx, s)
	if err != nil {
		return Performed{}, err
	}
	next, _ := s.Next()
	event, err := t.moved(ctx, Due{State: s, Step: next}, zone)
	return Performed{Event: event}, err
}

// zoneNow is the vendor's time zone if it differs from its trial's, otherwise empty.
func (t *Trials) zoneNow(ctx context.Context, s trial.State) (string, error) {
	vendor, err := t.Store.Vendor(ctx, s.VendorID)
	if e, ok := errors.AsType[*trial.Error](err); ok && e.Code == trial.CodeNotFound {
		return "", nil
	}
	if err != nil || vendor.Zone == s.Zone {
		return "", failed("reading the vendor", err)
	}
	return vendor.Zone, nil
}

// storedSuccessor is the event that an attempt thought dead has stored after the state, nil for none. It comes first: an e-mail decided
// on an old state might say something wrong.
func (t *Trials) storedSuccessor(ctx context.Context, state trial.State) (*trial.Event, error) {
	event, err := t.Store.Event(ctx, state.VendorID, state.Seq+1)
	if err != nil {
		return nil, failed("looking for a later event", err)
	}
	if event == nil {
		return nil, nil //nolint:nilnil // documented: there is none, and nothing is wrong
	}
	// Storing it again completes what the attempt may have left undone.
	stored, err := t.append(ctx, state, *event)
	return &stored, err
}

// evaluation are the facts of one moment, and the decision on them.
type evaluation struct {
	facts    trial.StepFacts
	decision trial.Decision
	vendor   trial.Vendor
}

func (t *Trials) evaluate(ctx context.Context, due Due) (evaluation, error) {
	vendor, err := t.Store.Vendor(ctx, due.State.VendorID)
	var gone *trial.Error
	if err != nil && (!errors.As(err, &gone) || gone.Code != trial.CodeNotFound) {
		return evaluation{}, failed("reading the vendor", err)
	}
	// The flags are read last: they must hold at the moment of sending.
	doc, err := t.Store.Flags(ctx)
	if err != nil {
		return evaluation{}, failed("reading the flags", err)
	}
	current := doc.FeatureFlags.TrialAutomation
	facts := trial.StepFacts{
		Now: t.Now(), AutomationEnabled: current.Enabled, EmailReminders: current.EmailReminders, AutoExpiration: current.AutoExpiration,
		Converted: vendor.Automation != nil && vendor.Automation.Conversion != nil && due.State.ConvertedAt == nil,
		NoMail:    vendor.NoMail(),
	}
	if trial.IsCanary(due.State.VendorID) { // the switches are for what happens to vendors; the path is tried before them
		facts.AutomationEnabled, facts.EmailReminders, facts.AutoExpiration = true, true, true
	}
	return evaluation{facts: facts, decision: trial.Decide(due.State, due.Step, facts), vendor: vendor}, nil
}

// append stores an event and returns the stored one.
func (t *Trials) append(ctx context.Context, before trial.State, event trial.Event) (trial.Event, error) {
	event.HandledSignals = before.HandledSignals
	existing, err := t.Store.Append(ctx, event, before.Apply(event))
	if err != nil {
		return trial.Event{}, failed(fmt.Sprintf("recording %s", event.Type), err)
	}
	if existing != nil {
		return *existing, nil
	}
	return event, nil
}
