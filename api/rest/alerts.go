package rest

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// ListAlerts answers with how the alerts stand.
func (s *server) ListAlerts(ctx context.Context, _ ListAlertsRequestObject) (ListAlertsResponseObject, error) {
	view, err := s.alerts(ctx)
	if err != nil {
		return nil, err
	}
	return ListAlerts200JSONResponse(*view), nil
}

// AlertsView is how the alerts stand.
func (a *API) AlertsView(ctx context.Context) (*monitoring.AlertsView, error) {
	return a.server.alerts(ctx)
}

func (s *server) alerts(ctx context.Context) (*monitoring.AlertsView, error) {
	doc, err := s.Store.Flags(ctx)
	if err != nil {
		return nil, err
	}
	var alerts []monitoring.Alert
	for _, rule := range s.Alerts {
		alert, err := s.Store.Alert(ctx, rule.ID)
		if err != nil {
			return nil, err
		}
		alerts = append(alerts, alert)
	}
	return new(monitoring.ViewOfAlerts(doc.FeatureFlags.Monitoring, s.Alerts, alerts, s.now(), s.Day)), nil
}

// alertRule is the rule whose name a path has.
func (s *server) alertRule(name string) (monitoring.Rule, error) {
	for _, rule := range s.Alerts {
		if string(rule.ID) == name {
			return rule, nil
		}
	}
	return monitoring.Rule{}, &trial.Error{Code: trial.CodeNotFound, Field: "alert", Message: fmt.Sprintf("there is no alert %q", name)}
}

// ListAlertEvents answers with what happened to an alert.
func (s *server) ListAlertEvents(ctx context.Context, request ListAlertEventsRequestObject) (ListAlertEventsResponseObject, error) {
	rule, err := s.alertRule(request.Alert)
	if err != nil {
		return nil, err
	}
	after, limit := 0, defaultPage
	set(&limit, request.Params.Limit)
	if request.Params.After == nil {
		alert, err := s.Store.Alert(ctx, rule.ID)
		if err != nil {
			return nil, err
		}
		after = max(0, alert.Seq-limit)
	}
	set(&after, request.Params.After)
	events, err := s.Store.AlertEvents(ctx, rule.ID, after+1, limit)
	if events == nil {
		events = []AlertEvent{}
	}
	return ListAlertEvents200JSONResponse{Events: events}, err
}

// changeAlert carries out what an admin wants of an alert.
func (s *server) changeAlert(
	ctx context.Context, name, reason string, change func(monitoring.Alert, monitoring.Note) (monitoring.Alert, *monitoring.AlertEvent, error),
) (Alert, error) {
	rule, err := s.alertRule(name)
	if err != nil {
		return Alert{}, err
	}
	now := s.now()
	if keyOf(ctx).done() { // what came after it stays
		alert, err := s.Store.Alert(ctx, rule.ID)
		return monitoring.ViewOfAlert(rule, alert, now), err
	}
	var before monitoring.Alert
	alert, err := s.Store.ChangeAlert(ctx, rule.ID, func(a monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error) {
		before = a
		return change(a, monitoring.Note{At: now, By: actor(ctx), Reason: reason})
	})
	if err != nil {
		return Alert{}, err
	}
	noteChange(ctx, alertStatusOf(before), alertStatusOf(alert))
	s.log.Info("alert changed by hand", zap.String("requestId", callOf(ctx).id), zap.String("alert", name), zap.Int("seq", alert.Seq))
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

// AcknowledgeAlert keeps that somebody sees to an alert.
func (s *server) AcknowledgeAlert(ctx context.Context, r AcknowledgeAlertRequestObject) (AcknowledgeAlertResponseObject, error) {
	alert, err := s.changeAlert(ctx, r.Alert, r.Body.Reason, monitoring.Alert.Acknowledge)
	return AcknowledgeAlert200JSONResponse(alert), err
}

// SilenceAlert keeps an alert from being told of for a while.
func (s *server) SilenceAlert(ctx context.Context, r SilenceAlertRequestObject) (SilenceAlertResponseObject, error) {
	minutes, until := r.Body.Minutes, r.Body.Until
	switch {
	case minutes == nil && until == nil:
		return nil, trial.Invalid("minutes", "is missing: say minutes, or until")
	case minutes != nil && until != nil:
		return nil, trial.Invalid("until", "cannot be said together with minutes")
	case minutes != nil:
		until = new(s.now().Add(time.Duration(*minutes) * time.Minute))
	}
	end := until.UTC().Truncate(time.Millisecond) // as it is stored
	alert, err := s.changeAlert(ctx, r.Alert, r.Body.Reason, func(a monitoring.Alert, n monitoring.Note) (monitoring.Alert, *monitoring.AlertEvent, error) {
		return a.SilenceUntil(end, n)
	})
	return SilenceAlert200JSONResponse(alert), err
}

// UnsilenceAlert lets people be told of an alert again.
func (s *server) UnsilenceAlert(ctx context.Context, r UnsilenceAlertRequestObject) (UnsilenceAlertResponseObject, error) {
	alert, err := s.changeAlert(ctx, r.Alert, r.Body.Reason, func(a monitoring.Alert, n monitoring.Note) (monitoring.Alert, *monitoring.AlertEvent, error) {
		after, e := a.Unsilence(n)
		return after, e, nil
	})
	return UnsilenceAlert200JSONResponse(alert), err
}
