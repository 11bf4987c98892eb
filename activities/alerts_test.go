package activities_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
)

// alarms are a database, parts and people in memory.
type alarms struct {
	t       *testing.T
	clock   time.Time
	flags   flags.Monitoring
	tally   monitoring.Tally
	repairs map[monitoring.Period]int
	parts   monitoring.Parts
	alerts  map[monitoring.RuleID]monitoring.Alert
	events  map[monitoring.RuleID][]monitoring.AlertEvent
	// broken is the rule whose alert cannot be kept.
	broken monitoring.RuleID
	// deaf is why nobody can be told.
	deaf     error
	notified []notice.Message
	// mailsFrom is when the process began that looks; zero where it may send no e-mails.
	mailsFrom time.Time
	posted    []string
}

func newAlarms(t *testing.T) *alarms {
	t.Helper()
	return &alarms{
		t: t, clock: now, mailsFrom: now.Add(-time.Hour), flags: flags.Initial().Monitoring, tally: monitoring.Tally{}, repairs: map[monitoring.Period]int{},
		parts:  monitoring.Parts{Workers: new(1), WorkersNeeded: 1, MaySend: new(true), Watched: new(time.Time{})},
		alerts: map[monitoring.RuleID]monitoring.Alert{}, events: map[monitoring.RuleID][]monitoring.AlertEvent{},
	}
}

func (a *alarms) Flags(context.Context) (flags.Document, error) {
	return flags.Document{FeatureFlags: flags.Flags{Monitoring: a.flags}}, nil
}

func (a *alarms) Counters(_ context.Context, periods []monitoring.Period) (monitoring.Tally, error) {
	if a.tally == nil {
		return nil, errors.New("the counters are away")
	}
	read := monitoring.Tally{}
	parts := a.tally.ByPeriod()
	for _, p := range periods {
		read.Add(parts[p])
	}
	return read, nil
}

func (a *alarms) Repairs(context.Context, []monitoring.Period) (map[monitoring.Period]int, error) {
	return a.repairs, nil
}

func (a *alarms) AlertParts(context.Context, time.Time) monitoring.Parts { return a.parts }

func (a *alarms) ChangeAlert(
	_ context.Context, id monitoring.RuleID, change func(monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error),
) (monitoring.Alert, error) {
	if id == a.broken {
		return monitoring.Alert{}, errors.New("cannot be kept")
	}
	alert, there := a.alerts[id]
	if !there {
		alert = monitoring.NewAlert(id)
	}
	after, e, err := change(alert)
	if err != nil {
		return alert, err
	}
	if e != nil {
		a.events[id] = append(a.events[id], *e)
	}
	a.alerts[id] = after
	return after, nil
}

func (a *alarms) AlertEvents(_ context.Context, id monitoring.RuleID, from, limit int) ([]monitoring.AlertEvent, error) {
	events := a.events[id][min(from-1, len(a.events[id])):]
	return events[:min(limit, len(events))], nil
}

func (a *alarms) NotifyTogether(_ context.Context, messages []notice.Message, how activities.Together) map[string]error {
	failures := map[string]error{}
	for _, m := range messages {
		if a.deaf != nil {
			failures[m.Key] = a.deaf
		} else if !slices.Contains(a.posted, m.Key) {
			a.posted = append(a.posted, m.Key)
		}
	}
	if len(messages) == 0 || a.deaf != nil || !how.Mail {
		return failures
	}
	stored := 0
	for _, events := range a.events {
		stored += len(events)
	}
	require.NotZero(a.t, stored, "told before it was stored")
	a.notified = append(a.notified, how.Join(messages))
	return nil
}

// evaluate looks after some minutes more.
func (a *alarms) evaluate(minutes int) (activities.AlertsSeen, error) {
	a.t.Helper()
	a.clock = a.clock.Add(time.Duration(minutes) * time.Minute)
	looking := &activities.Alerts{
		Store: a, Parts: a, Notifier: a, Rules: monitoring.Rules(), Policy: trial.DefaultPolicy(), Day: trial.RealDay,
		MailsFrom: a.mailsFrom, Now: func() time.Time { return a.clock }, Log: zap.NewNop(),
	}
	return looking.EvaluateAlerts(a.t.Context())
}

// keys are what people were told, in order.
func (a *alarms) keys() []string {
	keys := []string{}
	for _, m := range a.notified {
		keys = append(keys, m.Key)
	}
	return keys
}

func (a *alarms) subjects() []string {
	subjects := []string{}
	for _, m := range a.notified {
		subjects = append(subjects, m.Subject)
	}
	return subjects
}

// bounced notes e-mails of now with these outcomes.
func (a *alarms) mails(arrived, failed int) {
	slot := monitoring.SlotOf(a.clock, trial.RealDay)
	a.tally[monitoring.Counter{Period: slot, Cohort: trial.Automated, Name: monitoring.MailArrived}] += arrived
	a.tally[monitoring.Counter{Period: slot, Cohort: trial.Automated, Name: monitoring.MailFailed}] += failed
}

func TestTwelvePercentOfBouncesNotifyOncePerCooldownUntilTheyAreOver(t *testing.T) {
	t.Parallel()
	a := newAlarms(t)
	seen, err := a.evaluate(0)
	require.NoError(t, err)
	require.Zero(t, seen.Firing)
	require.Equal(t, 5, seen.Unmeasured, "conversion, delivery rate, backups, certificates and canaries")

	a.mails(22, 3)
	for range 60 { // the rule's cooldown
		seen, err = a.evaluate(1)
		require.NoError(t, err)
		require.Equal(t, 1, seen.Firing)
	}
	require.Equal(t, []string{"alert/emailDeliveryRateLow/1"}, a.keys())
	_, err = a.evaluate(1)
	require.NoError(t, err)
	require.Equal(t, []string{"alert/emailDeliveryRateLow/1", "alert/emailDeliveryRateLow/2"}, a.keys())

	a.mails(100, 0)
	for range 3 {
		seen, err = a.evaluate(1)
		require.NoError(t, err)
		require.Zero(t, seen.Firing)
	}
	require.Equal(t, []string{"alert/emailDeliveryRateLow/1", "alert/emailDeliveryRateLow/2", "alert/emailDeliveryRateLow/3"}, a.keys())
	require.Equal(t, notice.NoticeAlertOver, a.notified[2].Kind)
	require.Equal(t, 3, a.alerts[monitoring.EmailDeliveryRateLow].NotifiedSeq)
}

func TestAFailedAlertNoticeIsRepeatedByALaterEvaluation(t *testing.T) {
	t.Parallel()
	a := newAlarms(t)
	a.deaf = errors.New("no way to tell")
	a.parts.MaySend, a.parts.Workers = new(false), new(0)
	seen, err := a.evaluate(0)
	require.ErrorContains(t, err, "alert sesPaused: notifying people: no way to tell")
	require.ErrorContains(t, err, "alert workerAway")
	require.Equal(t, 2, seen.Firing, "one that cannot be told keeps no other from being judged")
	_, err = a.evaluate(1)
	require.Error(t, err)
	require.Len(t, a.events[monitoring.SESPaused], 1, "it fires once")

	a.deaf = nil
	_, err = a.evaluate(1)
	require.NoError(t, err)
	require.Equal(t, []string{"Trial alerts, high: 2 fire"}, a.subjects())
}

func TestAnAlertThatCannotBeStoredDoesNotStopNoticesOfOthers(t *testing.T) {
	t.Parallel()
	a := newAlarms(t)
	a.broken, a.parts.Workers, a.parts.MaySend = monitoring.WorkerAway, new(0), new(false)
	_, err := a.evaluate(0)
	require.ErrorContains(t, err, "alert workerAway: keeping it: cannot be kept")
	require.Equal(t, []string{"alert/sesPaused/1"}, a.keys())
	a.tally = nil
	_, err = a.evaluate(1)
	require.ErrorContains(t, err, "reading the counters: the counters are away")
}

func TestTheMonitoringFlagsDoWhatTheirNamesSay(t *testing.T) {
	t.Parallel()
	a := newAlarms(t)
	a.parts.MaySend = new(false)
	a.mails(0, 30)

	a.flags.Enabled = false
	seen, err := a.evaluate(0)
	require.NoError(t, err)
	require.Zero(t, seen)
	require.Empty(t, a.alerts, "nothing is looked at")

	a.flags.Enabled, a.flags.Alerting = true, false
	seen, err = a.evaluate(1)
	require.NoError(t, err)
	require.Equal(t, 3, seen.Firing)
	require.Empty(t, a.notified)
	require.Equal(t, monitoring.ReasonAlertingOff, a.events[monitoring.SESPaused][0].SuppressedReason)

	a.flags.Alerting, a.flags.TrialMetrics = true, false
	tally := a.tally
	a.tally = nil // is not even read
	_, err = a.evaluate(1)
	require.NoError(t, err)
	require.Equal(t, []string{"alert/sesPaused/2"}, a.keys())
	require.Equal(t, monitoring.ReasonUnmeasured, a.alerts[monitoring.EmailDeliveryFailed].Reason)
	require.Equal(t, monitoring.AlertFiring, a.alerts[monitoring.EmailDeliveryFailed].Status, "not measured is not over")

	a.flags.TrialMetrics, a.tally = true, tally
	_, err = a.evaluate(1)
	require.NoError(t, err)
	require.Equal(t, []string{"Trial alert, high: still firing, the mail service accepts no e-mail", "Trial alerts, medium: 2 fire"}, a.subjects())
}

// While no worker ran the API looked and posted; then a worker starts, and most of it is over within a minute.
func TestAfterARestartPeopleGetOneEMailOfAllThatFiredAndIsOver(t *testing.T) {
	t.Parallel()
	a := newAlarms(t)
	a.mailsFrom = time.Time{}
	watched := a.clock.Add(-2 * time.Hour)
	a.parts.Workers, a.parts.Watched, a.parts.MaySend = new(0), &watched, new(false)
	for range 3 {
		_, err := a.evaluate(1)
		require.NoError(t, err)
	}
	a.mailsFrom = a.clock.Add(time.Minute)
	a.parts.Workers = new(1)
	_, err := a.evaluate(1)
	require.NoError(t, err)
	require.Empty(t, a.notified, "what is over in a moment is waited for")
	a.parts.Watched = new(a.clock)
	for range 3 {
		_, err = a.evaluate(1)
		require.NoError(t, err)
	}
	require.Equal(t, []string{"Trial alerts, high: 1 firing, 2 over"}, a.subjects())
	require.Equal(t, []string{"alert/watchMissed/1", "alert/workerAway/1", "alert/sesPaused/1", "alert/workerAway/2", "alert/watchMissed/2"}, a.posted)

	a.mailsFrom = a.clock // another restart
	for range 3 {
		_, err = a.evaluate(1)
		require.NoError(t, err)
	}
	require.Len(t, a.notified, 1, "what fired before a restart is not told again")
}

func TestThoseNotifiedOfAFiringAlertAreNotifiedOfItsEnd(t *testing.T) {
	t.Parallel()
	for name, quiet := range map[string]func(*alarms){
		"silenced": func(a *alarms) {
			_, err := a.ChangeAlert(t.Context(), monitoring.SESPaused, func(alert monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error) {
				return alert.SilenceUntil(a.clock.Add(time.Hour), monitoring.Note{At: a.clock, By: "admin", Reason: "known"})
			})
			require.NoError(t, err)
		},
		"alerting is off": func(a *alarms) { a.flags.Alerting = false },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, notified := range []bool{true, false} {
				a := newAlarms(t)
				if !notified {
					quiet(a)
				}
				a.parts.MaySend = new(false)
				_, err := a.evaluate(1)
				require.NoError(t, err)
				if notified {
					quiet(a)
				}
				a.parts.MaySend = new(true)
				_, err = a.evaluate(1)
				require.NoError(t, err)
				a.flags.Alerting = true
				_, err = a.evaluate(1)
				require.NoError(t, err)
				want := []string{}
				if notified {
					want = []string{"Trial alert, high: the mail service accepts no e-mail", "Trial alert over: the mail service accepts no e-mail"}
				}
				require.Equal(t, want, a.subjects())
			}
		})
	}
}
