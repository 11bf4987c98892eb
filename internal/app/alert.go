package app

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// AlertsView is how the alerts stand.
func (a *App) AlertsView(ctx context.Context) (*monitoring.AlertsView, error) {
	doc, err := a.Store.Flags(ctx)
	if err != nil {
		return nil, err
	}
	var alerts []monitoring.Alert
	for _, rule := range a.Alerts {
		alert, err := a.Store.Alert(ctx, rule.ID)
		if err != nil {
			return nil, err
		}
		alerts = append(alerts, alert)
	}
	return new(monitoring.ViewOfAlerts(doc.FeatureFlags.Monitoring, a.Alerts, alerts, a.Present(), a.Day)), nil
}

// AlertRule is the rule whose name a path has.
func (a *App) AlertRule(name string) (monitoring.Rule, error) {
	for _, rule := range a.Alerts {
		if string(rule.ID) == name {
			return rule, nil
		}
	}
	return monitoring.Rule{}, &trial.Error{Code: trial.CodeNotFound, Field: "alert", Message: fmt.Sprintf("there is no alert %q", name)}
}

// ChangeAlert carries out what an admin wants of an alert.
func (a *App) ChangeAlert(
	ctx context.Context, name, reason string, change func(monitoring.Alert, monitoring.Note) (monitoring.Alert, *monitoring.AlertEvent, error),
) (monitoring.AlertView, error) {
	rule, err := a.AlertRule(name)
	if err != nil {
		return monitoring.AlertView{}, err
	}
	now := a.Present()
	if keyOf(ctx).done() { // what came after it stays
		alert, err := a.Store.Alert(ctx, rule.ID)
		return monitoring.ViewOfAlert(rule, alert, now), err
	}
	var before monitoring.Alert
	alert, err := a.Store.ChangeAlert(ctx, rule.ID, func(found monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error) {
		before = found
		return change(found, monitoring.Note{At: now, By: actor(ctx), Reason: reason})
	})
	if err != nil {
		return monitoring.AlertView{}, err
	}
	noteChange(ctx, alertStatusOf(before), alertStatusOf(alert))
	a.Log.Info("alert changed by hand", zap.String("requestId", requestID(ctx)), zap.String("alert", name), zap.Int("seq", alert.Seq))
	return monitoring.ViewOfAlert(rule, alert, now), nil
}

// alertStatus is how an alert stands, for the audit record.
type alertStatus struct {
	Status         monitoring.AlertStatus `json:"status"`
	AcknowledgedBy string                 `json:"acknowledgedBy,omitempty"`
	SilencedUntil  *time.Time             `json:"silencedUntil,omitempty"`
}

func alertStatusOf(a monitoring.Alert) alertStatus {
	status := alertStatus{Status: a.Status}
	if a.Acknowledgement != nil {
		status.AcknowledgedBy = a.Acknowledgement.By
	}
	if a.Silence != nil {
		status.SilencedUntil = &a.Silence.Until
	}
	return status
}

// ChangeAlertRecorded is ChangeAlert on record.
func (a *App) ChangeAlertRecorded(ctx context.Context, id monitoring.RuleID, r monitoring.AlertRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	r.Until = Millisecond(r.Until) // as it is stored
	asked := audit.Entry{Action: string(r.Control) + "Alert", Subject: "monitoring/alerts/" + string(id), Reason: r.Reason, Key: r.ID}
	if r.Control == monitoring.ControlSilence {
		asked.Asked = audit.Document(map[string]any{"until": r.Until})
	}
	return a.Record(ctx, asked, r, func(ctx context.Context) error {
		_, err := a.ChangeAlert(ctx, string(id), r.Reason, r.Change)
		return err
	})
}
