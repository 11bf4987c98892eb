package main

import (
	"context"
	"errors"
	"time"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/wiring"
)

// alertFallback evaluates the alerts while no worker does: that none runs would go
// unseen otherwise. It posts to webhooks at once; e-mails wait for a worker.
type alertFallback struct {
	*wiring.Base
	alerts *activities.Alerts
	// began is when this process did: until then nobody is late.
	began time.Time
	// mine is when this process evaluated last.
	mine time.Time
}

func newAlertFallback(b *wiring.Base) (*alertFallback, error) {
	notices, err := b.Notices(nil)
	if err != nil {
		return nil, err
	}
	alerts, err := b.Alerts(b, notices, time.Time{})
	return &alertFallback{Base: b, alerts: alerts, began: time.Now()}, err
}

// keep evaluates until the context ends.
func (l *alertFallback) keep(ctx context.Context) {
	wiring.Every(ctx, monitoring.EvaluateEvery(l.Config.TrialDay), l.Log, "evaluating the alerts in a worker's place", l.evaluate)
}

// evaluate evaluates once, unless somebody else has lately.
func (l *alertFallback) evaluate(ctx context.Context) error {
	last, err := l.lastEvaluation(ctx)
	if err != nil {
		return err
	}
	alone := !l.mine.IsZero() && last.Equal(l.mine)
	if last.Before(l.began) {
		last = l.began
	}
	if !alone && !monitoring.EvaluatedLate(last, time.Now(), l.Config.TrialDay) {
		return nil
	}
	_, err = l.alerts.EvaluateAlerts(ctx)
	mine, readErr := l.lastEvaluation(ctx)
	l.mine = mine
	return errors.Join(err, readErr)
}

// lastEvaluation is when somebody evaluated last.
func (l *alertFallback) lastEvaluation(ctx context.Context) (time.Time, error) {
	last, err := l.Store.Alert(ctx, monitoring.WorkerAway)
	return last.EvaluatedAt, err
}
