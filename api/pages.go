package main

import (
	"net/http"
	"net/url"
	"runtime"
	"strings"

	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/platform/health"
	"marketplace.example/trials/internal/platform/version"
	"marketplace.example/trials/temporal"
)

// newPages makes the pages of the dashboard.
func newPages(cfg config.Config, store *mongodb.Store, cases *app.App, client *temporal.Client, callers *auth.Callers, checker *health.Checker, log *zap.Logger) (http.Handler, error) {
	options := dashboard.Options{
		Store: store, Controls: cases, Bulks: cases, Rollouts: cases, ReadPlan: config.ReadPlan, Forecasts: cases, Figures: cases, Health: checker, Alerts: cases, Experiments: cases, Canaries: cases, Policies: cases.Policies, Mails: cases, Log: log, Callers: callers,
		Administration: cases, Processes: store,
		Settings: dashboard.Settings{
			Variables: cfg.Settings(), Version: version.Of(), Go: runtime.Version(), Namespace: client.Namespace, TaskQueue: client.TaskQueue,
		},
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
