package activities_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

var now = time.Date(2026, 3, 9, 15, 0, 1, 0, time.UTC)

const unknownWait = 10 * time.Minute

// stepFake is one due step before a database and a mail service in memory.
type stepFake struct {
	flags  flags.Flags
	vendor trial.Vendor
	sends  map[string]trial.Send
	events []trial.Event
	// deaf are the calls that the database does not answer.
	deaf map[string]bool
	// rollout is the latest rollout, none where it has no id; unreadable is what reading it fails with.
	rollout    rollout.State
	unreadable error
	// full says that events are there already.
	full bool
	// outcome is what the mail service answers with.
	outcome trial.SendResult
	broken  error
	mails   []activities.Mail
	now     time.Time
	// waited is what waiting for the rate answers; while it lasts, during happens.
	waited bool
	during func()
}

func newStepFake() *stepFake {
	return &stepFake{
		flags: flags.Initial(), sends: map[string]trial.Send{}, now: now,
		outcome: trial.SendResult{Status: trial.SendSent, MessageID: "m1"},
		vendor: trial.Vendor{ID: "v1", Email: "v1@vendors.example.com", StartedAt: now.Add(-7 * 24 * time.Hour).Add(-time.Second),
			Automation: &trial.Automation{Cohort: trial.Automated}},
	}
}

// due is reminder-7d of a trial whose welcome is done.
func (b *stepFake) due() activities.Due { return b.dueAfter(1) }

// dueAfter is the step after so many that ran on time.
func (b *stepFake) dueAfter(steps int) activities.Due {
	s := trial.NewState(b.vendor.Registration(trial.DefaultPolicy(), trial.RealDay))
	for range steps {
		step, _ := s.Next()
		f := trial.StepFacts{Now: step.At}
		s = s.Apply(s.StepEvent(step, trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}, f, true))
	}
	step, _ := s.Next()
	return activities.Due{State: s, Step: step}
}

func (b *stepFake) perform(t *testing.T) (activities.Performed, error) {
	t.Helper()
	return b.performStep(t, b.due())
}

func (b *stepFake) performStep(t *testing.T, due activities.Due) (activities.Performed, error) {
	t.Helper()
	return b.trials().Perform(t.Context(), due)
}

func (b *stepFake) trials() *activities.Trials {
	return &activities.Trials{Store: b, Mailer: b, Policies: policy.BuiltIn(), Day: trial.RealDay, UnknownWait: unknownWait,
		Now: func() time.Time { return b.now }, Log: zap.NewNop()}
}

func (b *stepFake) Flags(context.Context) (flags.Document, error) {
	return flags.Document{FeatureFlags: b.flags}, nil
}
func (b *stepFake) CurrentRollout(context.Context) (rollout.State, bool, error) {
	return b.rollout, b.rollout.ID != "", b.unreadable
}
func (b *stepFake) Vendor(context.Context, string) (trial.Vendor, error) { return b.vendor, nil }
func (b *stepFake) Trial(context.Context, string) (trial.State, bool, error) {
	return trial.State{}, false, nil
}

func (b *stepFake) Event(_ context.Context, _ string, seq int) (*trial.Event, error) {
	for i := range b.events {
		if b.events[i].Seq == seq && b.full {
			return &b.events[i], nil
		}
	}
	return nil, nil
}

func (b *stepFake) Append(_ context.Context, e trial.Event, _ trial.State) (*trial.Event, error) {
	if b.deaf["append"] {
		return nil, errDeaf
	}
	b.events = append(b.events, e)
	return nil, nil
}

func (b *stepFake) Send(_ context.Context, key string) (*trial.Send, error) {
	if s, ok := b.sends[key]; ok {
		return &s, nil
	}
	return nil, nil
}

func (b *stepFake) ClaimSend(_ context.Context, s trial.Send) (bool, trial.Send, error) {
	if current, ok := b.sends[s.Key]; ok {
		return false, current, nil
	}
	b.sends[s.Key] = s
	return true, s, nil
}

func (b *stepFake) ReclaimSend(_ context.Context, key string, from int, resend bool, at time.Time, _ string) (bool, trial.Send, error) {
	s := b.sends[key]
	s.Attempt, s.Status, s.ClaimedAt = from+1, trial.SendClaimed, at
	if resend {
		s.Resends++
	}
	b.sends[key] = s
	return true, s, nil
}

func (b *stepFake) SettleSend(_ context.Context, key string, _ int, result trial.SendResult, _ time.Time) (trial.Send, error) {
	s := b.sends[key]
	if b.deaf["settle"] {
		return s, errDeaf
	}
	if s.Status != trial.SendSent { // an event may have been faster
		s.Status, s.MessageID, s.Reason = result.Status, result.MessageID, result.Reason
	}
	b.sends[key] = s
	return s, nil
}

func (b *stepFake) Wait(context.Context) (bool, error) {
	if b.during != nil {
		b.during()
	}
	return b.waited, nil
}

func (b *stepFake) Deliver(_ context.Context, m activities.Mail) (trial.SendResult, error) {
	b.mails = append(b.mails, m)
	return b.outcome, b.broken
}

const key = "v1/reminder-7d/0"

var errDeaf = errors.New("no answer")
