package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/api/identity"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/platform/health"
	"marketplace.example/trials/internal/platform/version"
	"marketplace.example/trials/temporal"
)

// findProviderEvery is how long to wait before asking again an identity provider that has not answered yet.
const findProviderEvery = 10 * time.Second

// newPages makes the pages of the dashboard.
func newPages(
	cfg config.Config, store *mongodb.Store, cases *app.App, client *temporal.Client, callers *auth.Callers, provider *identity.Provider, checker *health.Checker, log *zap.Logger,
) (http.Handler, error) {
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
	if provider != nil {
		options.Provider = provider
	}
	return dashboard.New(options)
}

// newProvider is the OpenID Connect provider that signs people in; nil where none is configured.
func newProvider(cfg config.Config) (*identity.Provider, error) {
	if cfg.OIDCIssuer == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	groups, err := access.ParseGroups(cfg.OIDCGroups)
	if err != nil {
		return nil, fmt.Errorf("OIDC_GROUPS: %w", err)
	}
	return identity.New(identity.Options{
		Issuer: cfg.OIDCIssuer, ClientID: cfg.OIDCClientID, ClientSecret: cfg.OIDCClientSecret, Redirect: cfg.PublicURL + dashboard.CallbackPath,
		Groups: groups, Claim: cfg.OIDCGroupsClaim,
	}), nil
}

// findProvider asks the provider where its parts are until it answers or the context ends. Nothing else waits for it.
func (p *parts) findProvider(ctx context.Context) {
	if p.provider == nil {
		return
	}
	ticker := time.NewTicker(findProviderEvery)
	defer ticker.Stop()
	for {
		err := p.provider.Discover(ctx)
		if err == nil {
			p.base.Log.Info("identity provider found", zap.String("issuer", p.provider.Issuer))
			return
		}
		p.base.Log.Warn("identity provider not found yet: people sign in by tokens alone", zap.String("issuer", p.provider.Issuer), zap.Error(err))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
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
