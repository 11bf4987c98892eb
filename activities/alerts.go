package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
)

// AlertStore is what the alerts need of the database.
type AlertStore interface {
	app.FlagReader
	app.AlertReader
	// Counters are the counters of the periods.
	Counters(ctx context.Context, periods []monitoring.Period) (monitoring.Tally, error)
	// Repairs are the numbers of trials that the reconciler repaired, by slot.
	Repairs(ctx context.Context, slots []monitoring.Period) (map[monitoring.Period]int, error)
	// ChangeAlert lets change decide on an alert, and stores the event and then the alert. It calls change again if another
	// event was stored meanwhile.
	ChangeAlert(ctx context.Context, id monitoring.RuleID,
		change func(monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error)) (monitoring.Alert, error)
}

// AlertParts is the state of the parts without counters. A part that does not answer is left out, so that the rules about the
// others are still evaluated.
type AlertParts interface {
	AlertParts(ctx context.Context, now time.Time) monitoring.Parts
}

// Notifier notifies stakeholders, each once per message key.
type Notifier interface {
	Notify(ctx context.Context, m notice.Message) error
}

// GroupNotifier notifies stakeholders of related messages.
type GroupNotifier interface {
	// NotifyTogether notifies each once per message key. It returns by key why a message has not reached everybody yet.
	NotifyTogether(ctx context.Context, messages []notice.Message, how Together) map[string]error
}

// Alerts evaluates the alerts, stores their events, and notifies people. Several processes may evaluate at once: the alert's events
// decide.
type Alerts struct {
	Store    AlertStore
	Parts    AlertParts
	Notifier GroupNotifier
	Rules    []monitoring.Rule
	// Policy is the one whose trials last longest.
	Policy trial.Policy
	// Day is the length of a day.
	Day time.Duration
	// MailsFrom is since when this process may send e-mails, zero for never: another process sends them.
	MailsFrom time.Time
	Now       func() time.Time
	Log       *zap.Logger
}

// AlertsSeen counts the results of an evaluation.
type AlertsSeen struct {
	Firing     int `json:"firing"`
	Unmeasured int `json:"unmeasured"`
	Changes    int `json:"changes"`
}

// mostUnnotified bounds the events of an alert that one evaluation notifies people of.
const mostUnnotified = 20

// EvaluateAlerts evaluates every alert once. A failure with one rule does not stop the others. While the flag monitoring.enabled is
// off, it does nothing.
func (a *Alerts) EvaluateAlerts(ctx context.Context) (AlertsSeen, error) {
	defer heartbeat(ctx)()
	var seen AlertsSeen
	doc, err := a.Store.Flags(ctx)
	if err != nil {
		return seen, failed("reading the flags", err)
	}
	flags := doc.FeatureFlags.Monitoring
	if !flags.Enabled {
		return seen, nil
	}
	situation, err := a.situation(ctx, flags.TrialMetrics)
	if err != nil {
		return seen, err
	}
	evaluation := monitoring.Evaluation{At: situation.Now, Day: a.Day, Alerting: flags.Alerting}
	var errs []error
	var all []unnotified
	for _, rule := range a.Rules {
		alert, err := a.judge(ctx, rule, situation, evaluation, &seen)
		if err == nil && evaluation.Alerting && alert.NotifiedSeq < alert.Seq {
			one := unnotified{rule: rule, alert: alert}
			one.events, err = a.Store.AlertEvents(ctx, rule.ID, alert.NotifiedSeq+1, mostUnnotified)
			all = append(all, one)
			err = failed("reading its events", err)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("alert %s: %w", rule.ID, err))
		}
	}
	errs = append(errs, a.notify(ctx, all, evaluation)...)
	return seen, failed("evaluating the alerts", errors.Join(errs...))
}

// situation reads the facts for the alerts.
func (a *Alerts) situation(ctx context.Context, counted bool) (monitoring.Situation, error) {
	now := a.Now().UTC().Truncate(time.Millisecond)
	s := monitoring.Situation{ReportFacts: monitoring.ReportFacts{Now: now, Day: a.Day, Policy: a.Policy}, Counted: counted}
	var err error
	if counted {
		if s.Tally, err = a.Store.Counters(ctx, monitoring.AlertPeriods(now, a.Day, a.Policy)); err != nil {
			return s, failed("reading the counters", err)
		}
	}
	if s.Repairs, err = a.Store.Repairs(ctx, monitoring.FindPeriods(now, a.Day)); err != nil {
		return s, failed("reading what the reconciler found", err)
	}
	s.Parts = a.Parts.AlertParts(ctx, now)
	return s, nil
}

// judge decides on one alert and stores it.
func (a *Alerts) judge(ctx context.Context, rule monitoring.Rule, s monitoring.Situation, evaluation monitoring.Evaluation, seen *AlertsSeen) (monitoring.Alert, error) {
	var happened *monitoring.AlertEvent
	alert, err := a.Store.ChangeAlert(ctx, rule.ID, func(alert monitoring.Alert) (after monitoring.Alert, e *monitoring.AlertEvent, err error) {
		after, happened = monitoring.Decide(rule, alert, monitoring.Observe(rule.ID, s, alert.EvaluatedAt), evaluation)
		return after, happened, nil
	})
	if err != nil {
		return alert, failed("keeping it", err)
	}
	if alert.Status == monitoring.AlertFiring {
		seen.Firing++
	}
	if alert.Observation.Value == nil {
		seen.Unmeasured++
	}
	if happened != nil {
		seen.Changes++
		a.Log.Warn("alert "+string(happened.Type), zap.String("alert", string(rule.ID)), zap.Int("seq", happened.Seq),
			zap.String("reason", string(happened.Reason)), zap.String("seen", happened.Observation.Text), zap.Bool("told", happened.Notified))
	}
	return alert, nil
}

// unnotified is an alert with the events that people may have to be notified of.
type unnotified struct {
	rule   monitoring.Rule
	alert  monitoring.Alert
	events []monitoring.AlertEvent
}

// notify sends the events that people have not been notified of. Events are stored first, so that a later evaluation sends what
// this one could not. Webhooks get each event by itself, people one e-mail with all.
func (a *Alerts) notify(ctx context.Context, all []unnotified, evaluation monitoring.Evaluation) []error {
	var messages []notice.Message
	notices := map[string]monitoring.AlertNotice{}
	for _, one := range all {
		for _, e := range one.events {
			if m := monitoring.AlertMessage(one.rule, e); m != nil {
				messages = append(messages, *m)
				notices[m.Key] = monitoring.AlertNotice{Rule: one.rule, Event: e}
			}
		}
	}
	mails := !a.MailsFrom.IsZero() && evaluation.At.Sub(a.MailsFrom) >= monitoring.GroupWait(a.Day)
	failures := a.Notifier.NotifyTogether(ctx, messages, Together{Mail: mails, Join: func(messages []notice.Message) notice.Message {
		var joined []monitoring.AlertNotice
		for _, m := range messages {
			joined = append(joined, notices[m.Key])
		}
		return monitoring.AlertsMessage(joined)
	}})
	var errs []error
	for _, one := range all {
		if err := a.recordNotified(ctx, one, mails, failures); err != nil {
			errs = append(errs, fmt.Errorf("alert %s: %w", one.rule.ID, err))
		}
	}
	return errs
}

// recordNotified stores up to which event of an alert people were notified.
func (a *Alerts) recordNotified(ctx context.Context, one unnotified, mails bool, failures map[string]error) error {
	notifiedSeq, failure := one.alert.NotifiedSeq, error(nil)
	for _, e := range one.events {
		if m := monitoring.AlertMessage(one.rule, e); m != nil {
			if failure = failed("notifying people", failures[m.Key]); failure != nil || !mails {
				break
			}
		}
		notifiedSeq = e.Seq
	}
	if notifiedSeq == one.alert.NotifiedSeq {
		return failure
	}
	_, err := a.Store.ChangeAlert(ctx, one.rule.ID, func(alert monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error) {
		alert.NotifiedSeq = max(alert.NotifiedSeq, notifiedSeq)
		return alert, nil, nil
	})
	return errors.Join(failure, err)
}
