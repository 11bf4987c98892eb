package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/config"
	"marketplace.example/trials/health"
	"marketplace.example/trials/mongodb"
	"marketplace.example/trials/monitoring"
	"marketplace.example/trials/temporal"
)

// newPages makes the pages of the dashboard, on the API's own code.
func newPages(cfg config.Config, store *mongodb.Store, client *temporal.Client, api *rest.API, callers *auth.Callers, checker *health.Checker, log *zap.Logger) (http.Handler, error) {
	options := dashboard.Options{
		Store: store, Controls: api, Figures: api, Health: shownHealth{checker}, Alerts: shownAlerts{api}, Log: log, Callers: callers,
		// Whoever has a cookie could try whether they guess what signs it: so not by a token that somebody made up.
		SessionSecret: cfg.LinkSecret[0] + cfg.AdminToken,
	}
	if cfg.TemporalUIURL != "" {
		options.WorkflowURL = func(id string) string { return workflowURL(cfg.TemporalUIURL, client.Namespace, id) }
	}
	return dashboard.New(options)
}

// workflowURL is a workflow's page in Temporal's Web UI.
func workflowURL(base, namespace, id string) string {
	return strings.TrimSuffix(base, "/") + "/namespaces/" + url.PathEscape(namespace) + "/workflows/" + url.PathEscape(id)
}

// together answers pages under /admin/ and everything else by the API.
func together(api, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/admin":
			http.Redirect(w, r, "/admin/", http.StatusMovedPermanently)
		case strings.HasPrefix(r.URL.Path, "/admin/"):
			pages.ServeHTTP(w, r)
		default:
			api.ServeHTTP(w, r)
		}
	})
}

// shownHealth shows the health of the parts on the pages.
type shownHealth struct{ checker *health.Checker }

// Parts implements dashboard.Health.
func (h shownHealth) Parts(ctx context.Context) (parts []dashboard.Part) {
	found, err := h.checker.Health(ctx)
	if err != nil {
		return nil // the reader has gone
	}
	for _, p := range found.Parts {
		parts = append(parts, dashboard.Part{
			Name: p.Name, State: dashboard.PartState(p.State), Since: p.Since, Message: p.Message, Action: p.Action,
		})
	}
	for _, a := range found.Advice {
		parts = append(parts, dashboard.Part{
			Name: a.Instance + ", " + string(a.Resource), State: dashboard.PartDegraded, Message: a.Message, Action: a.Action,
		})
	}
	return parts
}

// shownAlerts shows the alerts on the pages.
type shownAlerts struct{ api *rest.API }

// Alerts implements dashboard.Alerts.
func (s shownAlerts) Alerts(ctx context.Context) (alerts []dashboard.Alert, err error) {
	view, err := s.api.AlertsView(ctx)
	if err != nil {
		return nil, err
	}
	for _, v := range view.Alerts {
		alerts = append(alerts, shownAlert(v))
	}
	return alerts, nil
}

func shownAlert(v monitoring.AlertView) dashboard.Alert {
	a := dashboard.Alert{
		Name: string(v.Rule.ID), Severity: string(v.Rule.Severity), Firing: v.Status == monitoring.AlertFiring,
		Reason: v.Text, Action: v.Rule.Todo,
	}
	if v.Since != nil {
		a.Since = *v.Since
	}
	if v.Acknowledgement != nil {
		a.AcknowledgedBy = v.Acknowledgement.By
	}
	return a
}
