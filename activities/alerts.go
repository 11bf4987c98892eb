package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/monitoring"
	"marketplace.example/trials/rollout"
	"marketplace.example/trials/trial"
)

// AlertStore is what the alerts need of the database.
type AlertStore interface {
	Flags(ctx context.Context) (rollout.Document, error)
	// Counters are the counters of the periods.
	Counters(ctx context.Context, periods []monitoring.Period) (monitoring.Tally, error)
	// Finds are how many trials the reconciler had to mend in each slot.
	Finds(ctx context.Context, slots []monitoring.Period) (map[monitoring.Period]int, error)
	// ChangeAlert lets change decide on an alert, and stores what happened and then
	// how it stands. change is called again where something else happened meanwhile.
	ChangeAlert(ctx context.Context, id monitoring.RuleID,
		change func(monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error)) (monitoring.Alert, error)
	// AlertEvents are up to limit of an alert's events from a number on, in order.
	AlertEvents(ctx context.Context, id monitoring.RuleID, fromSeq, limit int) ([]monitoring.AlertEvent, error)
}

// AlertParts tells how the parts stand of which no counter tells. What cannot be
// asked is left out, so that the rules about the others are judged all the same.
type AlertParts interface {
	AlertParts(ctx context.Context, now time.Time) monitoring.Parts
}

// Teller tells stakeholders, each once for a message's key.
type Teller interface {
	Tell(ctx context.Context, m rollout.Message) error
}

// Alerts looks at the rules' alerts, keeps what happens to them, and tells those
// whom it concerns. Several may look at once: an alert's events decide.
type Alerts struct {
	Store  AlertStore
	Parts  AlertParts
	Teller Teller
	Rules  []monitoring.Rule
	Policy trial.Policy
	// Day is how long a day lasts.
	Day time.Duration
	Now func() time.Time
	Log *zap.Logger
}

// AlertsSeen counts what a look came to.
type AlertsSeen struct {
	Firing     int `json:"firing"`
	Unmeasured int `json:"unmeasured"`
	Happened   int `json:"happened"`
}

// mostUntold bounds how many events of an alert one look tells of.
const mostUntold = 20

// LookAtAlerts looks once. One rule's trouble does not keep the others from being
// judged and told of. While the flag monitoring.enabled is off it does nothing.
func (a *Alerts) LookAtAlerts(ctx context.Context) (AlertsSeen, error) {
	stop := beat(ctx)
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
	look := monitoring.Look{At: situation.Now, Day: a.Day, Alerting: flags.Alerting}
	var errs []error
	for _, rule := range a.Rules {
		alert, err := a.judge(ctx, rule, situation, look, &seen)
		if err == nil && look.Alerting {
			err = a.tell(ctx, rule, alert)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("alert %s: %w", rule.ID, err))
		}
	}
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
	if s.Finds, err = a.Store.Finds(ctx, monitoring.FindPeriods(now, a.Day)); err != nil {
		return s, failed("reading what the reconciler found", err)
	}
	s.Parts = a.Parts.AlertParts(ctx, now)
	return s, nil
}

// judge decides on one alert and stores it.
func (a *Alerts) judge(ctx context.Context, rule monitoring.Rule, s monitoring.Situation, look monitoring.Look, seen *AlertsSeen) (monitoring.Alert, error) {
	var happened *monitoring.AlertEvent
	alert, err := a.Store.ChangeAlert(ctx, rule.ID, func(alert monitoring.Alert) (after monitoring.Alert, e *monitoring.AlertEvent, err error) {
		after, happened = monitoring.Decide(rule, alert, monitoring.Observe(rule.ID, s, alert.LookedAt), look)
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
		seen.Happened++
		a.Log.Warn("alert "+string(happened.Type), zap.String("alert", string(rule.ID)), zap.Int("seq", happened.Seq),
			zap.String("reason", string(happened.Reason)), zap.String("seen", happened.Observation.Text), zap.Bool("told", happened.Told))
	}
	return alert, nil
}

// tell tells of the events that people are to be told of and were not yet: they
// are stored first, so that one that could not be told is told by a later look.
func (a *Alerts) tell(ctx context.Context, rule monitoring.Rule, alert monitoring.Alert) error {
	if alert.ToldSeq >= alert.Seq {
		return nil
	}
	events, err := a.Store.AlertEvents(ctx, rule.ID, alert.ToldSeq+1, mostUntold)
	if err != nil {
		return failed("reading its events", err)
	}
	told, err := alert.ToldSeq, error(nil)
	for _, e := range events {
		if m := monitoring.AlertMessage(rule, e); m != nil {
			if err = a.Teller.Tell(ctx, *m); err != nil {
				err = failed("telling of it", err)
				break
			}
		}
		told = e.Seq
	}
	_, noteErr := a.Store.ChangeAlert(ctx, rule.ID, func(alert monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error) {
		alert.ToldSeq = max(alert.ToldSeq, told)
		return alert, nil, nil
	})
	return errors.Join(err, noteErr)
}
