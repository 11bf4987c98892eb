package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"go.uber.org/zap"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/adapters/mail"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/platform/health"
	"marketplace.example/trials/internal/platform/telemetry"
	"marketplace.example/trials/temporal"
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
	store         *mongodb.Store
	client        *temporal.Client
	handler       http.Handler
	app           *app.App
	certificate   *certificate // nil where TLS is somebody else's matter
	instruments   instruments
	alertFallback *alertFallback
	log           *zap.Logger
}

// assemble wires the parts. Neither MongoDB nor Temporal need be there: the API
// says on /readyz what it can reach.
func assemble(ctx context.Context, cfg config.Config, log *zap.Logger) (*parts, error) {
	store, err := mongodb.Connect(ctx, cfg.MongoDBURI, cfg.MongoDBDatabase, mongodb.WithLogger(log), mongodb.WithObservations(cfg.TrialDay), mongodb.WithCounters(cfg.TrialDay))
	if err != nil {
		return nil, err
	}
	instruments, err := newInstruments(ctx, store, log)
	if err != nil {
		return nil, err
	}
	instruments.ExpectWorkers(cfg.MailSenders)
	meter, err := instruments.Meter("temporal")
	if err != nil {
		return nil, err
	}
	client, err := temporal.Dial(cfg.TaskQueue, log, temporal.WithMeter(meter), temporal.WithTracer(instruments.traces.Tracer("temporal")))
	if err != nil {
		return nil, err
	}
	client.Day = cfg.TrialDay
	verifier, err := mail.NewVerifier(verifierConfig(cfg))
	if err != nil {
		return nil, fmt.Errorf("preparing to verify mail events: %w", err)
	}
	links, err := mail.NewLinks("", cfg.LinkSecret)
	if err != nil {
		return nil, fmt.Errorf("preparing to verify links: %w", err)
	}
	plan, err := cfg.Plan()
	if err != nil {
		return nil, err
	}
	account, err := mailAccount(ctx)
	if err != nil {
		return nil, err
	}
	checker := &health.Checker{Store: store, Workflows: client, Mail: account, Now: time.Now, Log: log}
	var shown *certificate
	if cfg.TLSCertFile != "" {
		if shown, err = newCertificate(cfg.TLSCertFile, cfg.TLSKeyFile, log, time.Now); err != nil {
			return nil, err
		}
		checker.Certificate, instruments.sampler.Certificate = shown.validity, shown.validity
	}
	if err := instruments.Register(telemetry.Health{Check: checker.Health}); err != nil {
		return nil, err
	}
	alerts, err := cfg.AlertRules()
	if err != nil {
		return nil, err
	}
	callers, err := auth.New(auth.Options{
		AdminToken: cfg.AdminToken, ServiceToken: cfg.ServiceToken, Tokens: store, BehindProxy: cfg.BehindProxy, RateLimit: cfg.RateLimit,
		Failed: func(reason auth.Reason) { instruments.TokenRefused(string(reason)) },
	})
	if err != nil {
		return nil, err
	}
	cases := app.New(app.Options{
		Store: store, Trials: client, Rollouts: client, Plan: plan, Bulks: client, Policy: trial.DefaultPolicy(), Day: cfg.TrialDay, Alerts: alerts, Log: log,
	})
	api, err := rest.New(rest.Options{
		App: cases, Mail: mailbox{verifier: verifier, links: links, refused: instruments.Refused, log: log},
		Health: checker, Calls: instruments, Tracer: instruments.traces.Tracer("http"), Callers: callers, Log: log,
	})
	if err != nil {
		return nil, err
	}
	alertFallback, err := newAlertFallback(cfg, store, client, log)
	if err != nil {
		return nil, err
	}
	pages, err := newPages(cfg, store, cases, client, callers, checker, log)
	if err != nil {
		return nil, err
	}
	return &parts{
		store: store, client: client, handler: together(api, pages), app: cases, certificate: shown, instruments: instruments, alertFallback: alertFallback, log: log,
	}, nil
}

// mailAccount asks SES how the account stands; the API sends nothing itself.
func mailAccount(ctx context.Context) (*mail.Account, error) {
	aws, err := config.AWS(ctx)
	if err != nil {
		return nil, err
	}
	return mail.NewAccount(sesv2.NewFromConfig(aws), 0), nil
}

func verifierConfig(cfg config.Config) mail.VerifierConfig {
	return mail.VerifierConfig{TopicARN: cfg.SNSTopicARN, CertificateHosts: cfg.SNSCertificateHost, MaxAge: snsMaxAge}
}

// setUp makes the indexes and the first flags, as soon as MongoDB is there.
func (p *parts) setUp(ctx context.Context) {
	ticker := time.NewTicker(setUpEvery)
	defer ticker.Stop()
	for {
		err := p.store.Setup(ctx)
		if err == nil {
			return
		}
		p.log.Warn("database not set up yet", zap.Error(err))
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// settleForgotten settles what other processes left open on the audit record, until the context ends.
func (p *parts) settleForgotten(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	seen := audit.Unsettled{}
	for {
		var err error
		if seen, err = p.store.SweepAudit(ctx, seen, time.Now()); err != nil && ctx.Err() == nil {
			p.log.Warn("sweeping the audit record", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (p *parts) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := p.app.Close(ctx); err != nil {
		p.log.Error("closing", zap.Error(err))
	}
	_ = p.store.Close(ctx) // the process ends anyway
	p.client.Close()
	p.instruments.traces.Close() // last: whoever collects them may not answer
}
