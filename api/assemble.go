package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/identity"
	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/vendorpage"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/platform/health"
	"marketplace.example/trials/internal/platform/telemetry"
	"marketplace.example/trials/internal/wiring"
)

const (
	// setUpEvery is how long to wait before trying to set up the database again.
	setUpEvery = 5 * time.Second
	// sweepEvery is how often the audit record is looked through for what nobody settled.
	sweepEvery = time.Minute
	// closeTimeout bounds writing down what is left, and giving back the connections; an entry of the audit record that
	// is being written then is waited for.
	closeTimeout = 5 * time.Second
	// snsMaxAge is for what SNS could not deliver in its hour of retries and an
	// operator takes from the dead-letter queue. Each message counts once, however old.
	snsMaxAge = 24 * time.Hour
)

// parts are what the API is made of.
type parts struct {
	base          *wiring.Base
	handler       http.Handler
	app           *app.App
	templates     *wiring.Templates
	certificate   *certificate // nil where TLS is somebody else's matter
	alertFallback *alertFallback
	provider      *identity.Provider // nil where people sign in by tokens alone
}

// assemble wires the parts. Neither MongoDB nor Temporal need be there: the API
// says on /readyz what it can reach.
func assemble(ctx context.Context, cfg config.Config, log *zap.Logger) (*parts, error) {
	base, err := wiring.Connect(ctx, cfg, monitoring.RoleAPI, log)
	if err != nil {
		return nil, err
	}
	store, client := base.Store, base.Client
	base.Metrics.Expect(nil, nil, ses.Codes())
	base.Metrics.ExpectTokensRefused(auth.Reasons())
	verifier, err := ses.NewVerifier(verifierConfig(cfg))
	if err != nil {
		return nil, fmt.Errorf("preparing to verify mail events: %w", err)
	}
	links, err := ses.NewLinks("", cfg.LinkSecret)
	if err != nil {
		return nil, fmt.Errorf("preparing to verify links: %w", err)
	}
	buttons, err := ses.NewButtons(cfg.ButtonSecret)
	if err != nil {
		return nil, fmt.Errorf("preparing the buttons: %w", err)
	}
	policies, err := cfg.ReadPolicies()
	if err != nil {
		return nil, err
	}
	templates, err := wiring.NewTemplates(func() (config.Mail, error) { return cfg.Signable(cfg.MailOf(policies)) }, log) // as the worker reads them
	if err != nil {
		return nil, fmt.Errorf("MAIL_TEMPLATES: %w", err)
	}
	base.Sampler.Fault = templates.Fault
	checker, shown, err := checkHealth(ctx, cfg, base)
	if err != nil {
		return nil, err
	}
	cases, err := useCases(ctx, cfg, policies, base, templates)
	if err != nil {
		return nil, err
	}
	callers, err := auth.New(auth.Options{
		AdminToken: cfg.AdminToken, ServiceToken: cfg.ServiceToken, Tokens: store, BehindProxy: cfg.BehindProxy, RateLimit: cfg.RateLimit,
		Failed: func(reason auth.Reason) { base.Metrics.TokenRefused(string(reason)) },
	})
	if err != nil {
		return nil, err
	}
	api, err := rest.New(rest.Options{
		App: cases, Mail: mailbox{verifier: verifier, links: links, buttons: buttons, refused: base.Metrics.Refused, log: log},
		Health: checker, Calls: calls{base.Metrics, base.Sampler}, Tracer: base.Traces.Tracer("http"), Callers: callers, Log: log,
		Look: func() vendorpage.Look {
			mail := templates.Current()
			return vendorpage.Look{Brand: mail.Brand, Words: mail.Words}
		},
	})
	if err != nil {
		return nil, err
	}
	alertFallback, err := newAlertFallback(base)
	if err != nil {
		return nil, err
	}
	provider, err := newProvider(cfg)
	if err != nil {
		return nil, err
	}
	pages, err := newPages(cfg, store, cases, client, callers, provider, checker, log)
	if err != nil {
		return nil, err
	}
	return &parts{base: base, handler: together(api, pages), app: cases, templates: templates, certificate: shown, alertFallback: alertFallback, provider: provider}, nil
}

// useCases makes what the API and its pages ask for. They show e-mails as the templates make them.
func useCases(ctx context.Context, cfg config.Config, policies policy.Set, base *wiring.Base, templates *wiring.Templates) (*app.App, error) {
	plan, err := cfg.Plan()
	if err != nil {
		return nil, err
	}
	alerts, err := cfg.AlertRules()
	if err != nil {
		return nil, err
	}
	stakeholders, err := cfg.ReadStakeholders()
	if err != nil {
		return nil, err
	}
	backups, err := newBackups(ctx, cfg, base.Client)
	if err != nil {
		return nil, err
	}
	options := app.Options{
		Store: rest.WithCohorts(base.Store), Trials: base.Client, Rollouts: base.Client, Bulks: base.Client, Backups: backups,
		Plan: plan, Policies: policies, Day: cfg.TrialDay, Alerts: alerts, Mails: wiring.Mails{Templates: templates}, Previews: base.Client, Stakeholders: stakeholders,
		Log: base.Log,
	}
	if cfg.Canaries() {
		options.Canaries = base.Canaries()
	}
	return app.New(options), nil
}

// checkHealth makes the health answer and the metrics of what it finds, with the certificate where the API serves TLS itself.
func checkHealth(ctx context.Context, cfg config.Config, base *wiring.Base) (*health.Checker, *certificate, error) {
	account, err := mailAccount(ctx)
	if err != nil {
		return nil, nil, err
	}
	checker := &health.Checker{Store: base.Store, Workflows: base.Client, Mail: account, Now: time.Now, Log: base.Log}
	var shown *certificate
	if cfg.TLSCertFile != "" {
		if shown, err = newCertificate(cfg.TLSCertFile, cfg.TLSKeyFile, base.Log, time.Now); err != nil {
			return nil, nil, err
		}
		checker.Certificate, base.Sampler.Certificate = shown.validity, shown.validity
	}
	if err := base.Metrics.Register(telemetry.Health{Check: checker.Health}); err != nil {
		return nil, nil, err
	}
	return checker, shown, base.Metrics.Register(telemetry.Canary{Latest: base.Store.LatestCanary})
}

// mailAccount asks SES how the account stands; the API sends nothing itself.
func mailAccount(ctx context.Context) (*ses.Account, error) {
	aws, err := config.AWS(ctx)
	if err != nil {
		return nil, err
	}
	return ses.NewAccount(sesv2.NewFromConfig(aws), 0), nil
}

func verifierConfig(cfg config.Config) ses.VerifierConfig {
	return ses.VerifierConfig{TopicARN: cfg.SNSTopicARN, CertificateHosts: cfg.SNSCertificateHost, MaxAge: snsMaxAge}
}

// setUp makes the indexes and the first flags, as soon as MongoDB is there.
func (p *parts) setUp(ctx context.Context) {
	ticker := time.NewTicker(setUpEvery)
	defer ticker.Stop()
	for {
		err := p.base.Store.Setup(ctx)
		if err == nil {
			return
		}
		p.base.Log.Warn("database not set up yet", zap.Error(err))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// settleForgotten settles what other processes left open on the audit record, until the context ends.
func (p *parts) settleForgotten(ctx context.Context) {
	seen := audit.Unsettled{}
	sweep := func(ctx context.Context) (err error) {
		seen, err = p.base.Store.SweepAudit(ctx, seen, time.Now())
		return err
	}
	_ = sweep(ctx) // an error that lasts is logged with the next one
	wiring.Every(ctx, sweepEvery, p.base.Log, "sweeping the audit record", sweep)
}

func (p *parts) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := p.app.Close(ctx); err != nil {
		p.base.Log.Error("closing", zap.Error(err))
	}
	p.base.Close(ctx)
}
