package rest

import (
	"context"
	"time"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// ListAlerts answers with how the alerts stand.
func (s *server) ListAlerts(ctx context.Context, _ ListAlertsRequestObject) (ListAlertsResponseObject, error) {
	view, err := s.App.AlertsView(ctx)
	if err != nil {
		return nil, err
	}
	return ListAlerts200JSONResponse(*view), nil
}

// ListAlertEvents answers with what happened to an alert.
func (s *server) ListAlertEvents(ctx context.Context, request ListAlertEventsRequestObject) (ListAlertEventsResponseObject, error) {
	rule, err := s.App.AlertRule(request.Alert)
	if err != nil {
		return nil, err
	}
	after, limit := 0, defaultPage
	set(&limit, request.Params.Limit)
	if request.Params.After == nil {
		alert, err := s.App.Store.Alert(ctx, rule.ID)
		if err != nil {
			return nil, err
		}
		after = max(0, alert.Seq-limit)
	}
	set(&after, request.Params.After)
	events, err := s.App.Store.AlertEvents(ctx, rule.ID, after+1, limit)
	return ListAlertEvents200JSONResponse{Events: append([]AlertEvent{}, events...)}, err
}

// AcknowledgeAlert keeps that somebody sees to an alert.
func (s *server) AcknowledgeAlert(ctx context.Context, r AcknowledgeAlertRequestObject) (AcknowledgeAlertResponseObject, error) {
	alert, err := s.App.ChangeAlert(ctx, r.Alert, r.Body.Reason, monitoring.Alert.Acknowledge)
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
		until = new(s.App.Present().Add(time.Duration(*minutes) * time.Minute))
	}
	end := app.Millisecond(*until) // as it is stored
	alert, err := s.App.ChangeAlert(ctx, r.Alert, r.Body.Reason, func(a monitoring.Alert, n monitoring.Note) (monitoring.Alert, *monitoring.AlertEvent, error) {
		return a.SilenceUntil(end, n)
	})
	return SilenceAlert200JSONResponse(alert), err
}

// UnsilenceAlert lets people be told of an alert again.
func (s *server) UnsilenceAlert(ctx context.Context, r UnsilenceAlertRequestObject) (UnsilenceAlertResponseObject, error) {
	alert, err := s.App.ChangeAlert(ctx, r.Alert, r.Body.Reason, func(a monitoring.Alert, n monitoring.Note) (monitoring.Alert, *monitoring.AlertEvent, error) {
		after, e := a.Unsilence(n)
		return after, e, nil
	})
	return UnsilenceAlert200JSONResponse(alert), err
}
