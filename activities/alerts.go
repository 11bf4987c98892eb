package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// AlertStore is what the alerts need of the database.
type AlertStore interface {
	app.FlagReader
	app.AlertReader
	// Counters are the counters of the periods.
	Counters(ctx context.Context, periods []monitoring.Period) (monitoring.Tally, error)
	// Repairs are how many trials the reconciler had to mend in each slot.
	Repairs(ctx context.Context, slots []monitoring.Period) (map[monitoring.Period]int, error)
	// ChangeAlert lets change decide on an alert, and stores what happened and then
	// how it stands. change is called again where something else happened meanwhile.
	ChangeAlert(ctx context.Context, id monitoring.RuleID,
		change func(monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error)) (monitoring.Alert, error)
}

// AlertParts tells how the parts stand of which no counter tells. What cannot be
// asked is left out, so that the rules about the others are judged all the same.
type AlertParts interface {
	AlertParts(ctx context.Context, now time.Time) monitoring.Parts
}

// Notifier tells stakeholders, each once for a message's key.
type Notifier interface {
	Notify(ctx context.Context, m rollout.Message) error
}

// GroupNotifier tells stakeholders of what belongs together.
type GroupNotifier interface {
	// NotifyTogether tells each once for a message's key, and returns by key why a message could not be told to all yet.
	NotifyTogether(ctx context.Context, messages []rollout.Message, how Together) map[string]error
}

// Alerts looks at the rules' alerts, keeps what happens to them, and tells those
// whom it concerns. Several may look at once: an alert's events decide.
type Alerts struct {
	Store    AlertStore
	Parts    AlertParts
	Notifier GroupNotifier
	Rules    []monitoring.Rule
	Policy   trial.Policy
	// Day is how long a day lasts.
	Day time.Duration
	// MailsFrom is since when this process may send e-mails. Zero is never: they wait for one that may.
	MailsFrom time.Time
	Now       func() time.Time
	Log       *zap.Logger
}

// AlertsSeen counts what a look came to.
type AlertsSeen struct {
	Firing     int `json:"firing"`
	Unmeasured int `json:"unmeasured"`
	Changes    int `json:"happened"`
}

// mostUnnotified bounds how many events of an alert one look tells of.
const mostUnnotified = 20

// EvaluateAlerts looks once. One rule's trouble does not keep the others from being
// judged and told of. While the flag monitoring.enabled is off it does nothing.
func (a *Alerts) EvaluateAlerts(ctx context.Context) (AlertsSeen, error) {
	stop := heartbeat(ctx)
	defer stop()
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
	return seen, failed("looking at the alerts", errors.Join(errs...))
}

// situation gathers what the alerts are judged on.
func (a *Alerts) situation(ctx context.Context, counted bool) (monitoring.Situation, error) {
	now := a.Now().UTC().Truncate(time.Millisecond)
	s := monitoring.Situation{Facts: monitoring.Facts{Now: now, Day: a.Day, Policy: a.Policy}, Counted: counted}
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

// unnotified is an alert with what has happened to it that people may have to be told of.
type unnotified struct {
	rule   monitoring.Rule
	alert  monitoring.Alert
	events []monitoring.AlertEvent
}

// notify tells of the events that people are to be told of and were not yet: they are stored first, so that one
// that could not be told is told by a later look. Webhooks are told of each at once, people by one e-mail of all.
func (a *Alerts) notify(ctx context.Context, all []unnotified, evaluation monitoring.Evaluation) []error {
	var messages []rollout.Message
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
	failures := a.Notifier.NotifyTogether(ctx, messages, Together{Mail: mails, Join: func(messages []rollout.Message) rollout.Message {
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

// recordNotified notes up to which event of an alert people have been told.
func (a *Alerts) recordNotified(ctx context.Context, one unnotified, mails bool, failures map[string]error) error {
	notifiedSeq, failure := one.alert.NotifiedSeq, error(nil)
	for _, e := range one.events {
		if m := monitoring.AlertMessage(one.rule, e); m != nil {
			if failure = failed("telling of it", failures[m.Key]); failure != nil || !mails {
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
