package monitoring_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

var began = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

const day = trial.RealDay

// life is a trial's events as they happen, built step by step.
type life struct {
	state  trial.State
	events []trial.Event
}

func newLife(c trial.Cohort) *life {
	l := &life{}
	return l.add(trial.Start(trial.Registration{VendorID: "v1", Cohort: c, Policy: trial.DefaultPolicy(), Day: day, At: began}, began))
}

func (l *life) add(e trial.Event) *life {
	e.Seq = l.state.Seq + 1
	l.state, l.events = l.state.Apply(e), append(l.events, e)
	return l
}

// step ends the next step, so much later than it was due.
func (l *life) step(late time.Duration, d trial.Decision) *life {
	next, _ := l.state.Next()
	return l.add(l.state.StepEvent(next, d, trial.StepFacts{Now: next.At.Add(late)}, false))
}

var run = trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}

func (l *life) toExpiry() *life {
	for !l.state.Status.Final() {
		l.step(0, run)
	}
	return l
}

func tallied(events []trial.Event) map[string]int {
	all := map[string]int{}
	for c, n := range monitoring.OfTrial(events) {
		if !strings.Contains(string(c.Name), ":") {
			all[string(c.Period)+" "+c.Field()] += n
		}
	}
	return all
}

// A move changes where a trial runs, and not where it is counted once it is over.
func TestATrialIsCountedByPolicy(t *testing.T) {
	t.Parallel()
	byPolicy := func(l *life) map[string]int {
		all := map[string]int{}
		for c, n := range monitoring.OfTrial(l.events) {
			if strings.Contains(string(c.Name), ":") {
				all[string(c.Period)+" "+c.Field()] += n
			}
		}
		return all
	}
	l, month := newLife(trial.Automated), trial.Policy{Name: "month", LengthDays: 30}
	require.Equal(t, map[string]int{"standing automated.running:standard-14d": 1, "day/20513 automated.began:standard-14d": 1}, byPolicy(l))
	end := began.Add(30 * day)
	l.add(trial.Event{Type: trial.EventMoved, At: began.Add(day), EndsAt: &end, Request: &trial.Request{ID: "m", Policy: &month}})
	require.Equal(t, map[string]int{"standing automated.running:month": 1, "day/20513 automated.began:standard-14d": 1}, byPolicy(l))
	l.add(trial.Event{Type: trial.EventConverted, At: began.Add(2 * day), Untracked: true, Request: &trial.Request{ID: "c", At: began.Add(2 * day)}})
	require.Equal(t, map[string]int{
		"day/20513 automated.began:standard-14d": 1, "day/20513 automated.beganConverted:standard-14d": 1, "day/20513 automated.beganUntracked:standard-14d": 1,
	}, byPolicy(l))
}

// The days and slots are written out, so that they are not merely what the
// code under test computes: 1 March 2026 is day 20,513 since 1970.
func TestATrialIsCountedWhereItBelongs(t *testing.T) {
	t.Parallel()
	billing := func(at time.Time, late, untracked bool) trial.Event {
		return trial.Event{Type: trial.EventConverted, At: at, Late: late, Untracked: untracked, Request: &trial.Request{ID: "b", At: at}}
	}
	end := began.Add(40 * day)
	for name, c := range map[string]struct {
		life *life
		want map[string]int
	}{
		"begun": {newLife(trial.Automated), map[string]int{
			"standing automated.active": 1, "day/20513 automated.began": 1,
		}},
		"of the control cohort, expired": {newLife(trial.Control).toExpiry(), map[string]int{
			"standing control.expired": 1, "day/20513 control.began": 1, "day/20513 control.beganExpired": 1,
			"day/20527 control.graced": 1, "day/20530 control.expired": 1, "slot/2956380 control.expired": 1,
		}},
		"a step late by an hour, one later, one failed, one skipped": {
			newLife(trial.Automated).step(time.Hour, run).step(time.Hour+time.Millisecond, run).
				step(0, trial.Decision{Action: trial.Run, Reason: trial.ReasonAddressRefused}).
				step(0, trial.Decision{Action: trial.Skip, Reason: trial.ReasonRemindersOff}),
			map[string]int{
				"standing automated.active": 1, "day/20513 automated.began": 1,
				"day/20513 automated.stepsDone": 1, "day/20520 automated.stepsDone": 1, "day/20520 automated.stepsLate": 1,
				"day/20524 automated.stepsFailed": 1, "day/20526 automated.stepsSkipped": 1,
			},
		},
		"held": {newLife(trial.Automated).step(0, trial.Decision{Action: trial.Hold, Reason: trial.ReasonAutomationDisabled}), map[string]int{
			"standing automated.active": 1, "day/20513 automated.began": 1, "day/20513 automated.stepsHeld": 1,
		}},
		"converted": {newLife(trial.Automated).add(billing(began.Add(day), false, false)), map[string]int{
			"standing automated.converted": 1, "day/20513 automated.began": 1, "day/20513 automated.beganConverted": 1, "day/20513 automated.beganConvertedAge01": 1,
			"day/20514 automated.converted": 1,
		}},
		"converted after long extensions": {newLife(trial.Automated).add(billing(began.Add(70*day), false, false)), map[string]int{
			"standing automated.converted": 1, "day/20513 automated.began": 1, "day/20513 automated.beganConverted": 1, "day/20513 automated.beganConvertedAge60": 1,
			"day/20583 automated.converted": 1,
		}},
		"converted, and the figures leave it out": {newLife(trial.Control).add(billing(began.Add(day), false, true)), map[string]int{
			"standing control.converted": 1, "day/20513 control.began": 1, "day/20513 control.beganConverted": 1,
			"day/20513 control.beganUntracked": 1, "day/20514 control.converted": 1,
		}},
		"converted late": {newLife(trial.Control).toExpiry().add(billing(began.Add(20*day), true, false)), map[string]int{
			"standing control.expired": 1, "day/20513 control.began": 1, "day/20513 control.beganExpired": 1,
			"day/20527 control.graced": 1, "day/20530 control.expired": 1, "slot/2956380 control.expired": 1,
			"day/20533 control.convertedLate": 1,
		}},
		"adopted by a backfill: moved to a cohort of its own, with the steps due since": {
			newLife(trial.Control).add(trial.Event{Type: trial.EventAdopted, At: began.Add(8 * day)}).
				step(8*day, trial.Decision{Action: trial.Skip, Reason: trial.ReasonBeforeAdoption}).
				step(day, trial.Decision{Action: trial.Skip, Reason: trial.ReasonBeforeAdoption}).
				step(0, run).step(0, run).step(0, run),
			map[string]int{
				"standing adopted.grace": 1, "day/20513 adopted.began": 1, "day/20521 adopted.adopted": 1,
				"day/20524 adopted.stepsDone": 1, "day/20526 adopted.stepsDone": 1, "day/20527 adopted.stepsDone": 1, "day/20527 adopted.graced": 1,
			},
		},
		"adopted after its end, while the worker was behind": {
			newLife(trial.Control).add(trial.Event{Type: trial.EventAdopted, At: began.Add(14*day + time.Hour)}).
				step(0, trial.Decision{Action: trial.Skip, Reason: trial.ReasonBeforeAdoption}).
				step(0, trial.Decision{Action: trial.Skip, Reason: trial.ReasonBeforeAdoption}).
				step(0, trial.Decision{Action: trial.Skip, Reason: trial.ReasonBeforeAdoption}).
				step(0, trial.Decision{Action: trial.Skip, Reason: trial.ReasonBeforeAdoption}).
				step(2*time.Hour, trial.Decision{Action: trial.Run, Reason: trial.ReasonBeforeAdoption}),
			map[string]int{
				"standing adopted.grace": 1, "day/20513 adopted.began": 1, "day/20527 adopted.adopted": 1, "day/20527 adopted.graced": 1,
			},
		},
		"cancelled, and revived": {
			newLife(trial.Control).
				add(trial.Event{Type: trial.EventCancelled, At: began.Add(day), Request: &trial.Request{ID: "c"}}).
				add(trial.Event{Type: trial.EventRevived, At: began.Add(2 * day), EndsAt: &end, Request: &trial.Request{ID: "r"}}),
			map[string]int{
				"standing control.active": 1, "day/20513 control.began": 1,
				"day/20514 control.cancelled": 1, "day/20515 control.revived": 1,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, tallied(c.life.events))
		})
	}
}

func TestAnEmailStandsInOneCounter(t *testing.T) {
	t.Parallel()
	send := trial.Send{Key: "v1/welcome/0", Status: trial.SendSent, ClaimedAt: began}
	for delivery, want := range map[string]monitoring.Name{
		"": monitoring.MailAccepted, "delay": monitoring.MailDelayed, "delivery": monitoring.MailDelivered,
		"bounce": monitoring.MailBounced, "complaint": monitoring.MailComplained, "reject": monitoring.MailRejected,
	} {
		send.Delivery = delivery
		failed := want == monitoring.MailBounced || want == monitoring.MailRejected
		got := monitoring.OfSend(send, day)
		require.Equal(t, 1, got[monitoring.Counter{Period: "day/20513", Cohort: trial.Automated, Name: want}], delivery)
		require.Equal(t, failed, got[monitoring.Counter{Period: "slot/2953932", Cohort: trial.Automated, Name: monitoring.MailFailed}] == 1, delivery)
		arrived := want == monitoring.MailDelivered || want == monitoring.MailComplained
		require.Equal(t, arrived, got[monitoring.Counter{Period: "slot/2953932", Cohort: trial.Automated, Name: monitoring.MailArrived}] == 1, delivery)
		require.Len(t, got, map[bool]int{false: 1, true: 2}[failed || arrived])
	}
	send.Delivery, send.Cohort = "delivery", trial.Adopted
	adopted := monitoring.OfSend(send, day)
	require.Equal(t, 1, adopted[monitoring.Counter{Period: "day/20513", Cohort: trial.Adopted, Name: monitoring.MailDelivered}])
	require.Equal(t, 1, adopted[monitoring.Counter{Period: "slot/2953932", Cohort: trial.Adopted, Name: monitoring.MailArrived}])
	send.Delivery, send.Cohort = "", ""
	for status, want := range map[trial.SendStatus]monitoring.Name{
		trial.SendClaimed: monitoring.MailClaimed, trial.SendReleased: monitoring.MailClaimed,
		trial.SendUnknown: monitoring.MailUnknown, trial.SendRefused: monitoring.MailRefused,
	} {
		send.Status = status
		require.Equal(t, 1, monitoring.OfSend(send, day)[monitoring.Counter{Period: "day/20513", Cohort: trial.Automated, Name: want}], status)
	}
	require.Empty(t, monitoring.OfSend(trial.Send{}, day))
}

// A day of seconds has slots of a second, and days that count from 1970 as well.
func TestPeriodsOfShortDays(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_000_999)
	require.Equal(t, monitoring.Period("day/500"), monitoring.DayOf(at, 2*time.Second))
	require.Equal(t, monitoring.Period("slot/1000"), monitoring.SlotOf(at, 2*time.Second))
	require.Equal(t, monitoring.Period("day/-1"), monitoring.DayOf(time.UnixMilli(-1), day))
}
