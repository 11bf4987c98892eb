package main

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	sdkworker "go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/platform/health"
	"marketplace.example/trials/internal/platform/telemetry"
	"marketplace.example/trials/internal/wiring"
	"marketplace.example/trials/temporal"
	"marketplace.example/trials/workflows"
)

const (
	// mailTimeout is how long one call to the mail service may take; less than
	// the first attempt of an activity.
	mailTimeout = 6 * time.Second
	// leastUnknownWait and overdueSlack are minimums, however short a day is. The former
	// is longer than a call to the mail service and the recording of its outcome: if sent again
	// sooner, an e-mail might be sent twice without any failure.
	leastUnknownWait = 12 * time.Second
	overdueSlack     = 30 * time.Second
	// A refusal of everything counts for an hour of a day of 24 after the
	// last attempt, and for at least leastForget however short a day is.
	refusalsPerDay = 24
	leastForget    = 10 * time.Second
	// unknownWaitsPerDay makes the wait after an unknown outcome ten minutes of a day of 24 hours.
	unknownWaitsPerDay = 144
)

// parts are the parts of the running worker.
type parts struct {
	base      *wiring.Base
	worker    sdkworker.Worker
	templates *wiring.Templates
}

// assemble wires the parts; it calls fatal with an error that ends the running worker.
func assemble(ctx context.Context, cfg config.Config, log *zap.Logger, fatal func(error)) (*parts, error) {
	instance, err := telemetry.Instance()
	if err != nil {
		return nil, err
	}
	base, err := wiring.Connect(ctx, cfg, monitoring.RoleWorker, log, temporal.WithIdentity(instance))
	if err != nil {
		return nil, err
	}
	store, client := base.Store, base.Client
	expect(base.Metrics)
	policies, err := cfg.ReadPolicies()
	if err != nil {
		return nil, err
	}
	mailer, err := newMailer(ctx, cfg, policies, base)
	if err != nil {
		return nil, err
	}
	notices, err := base.Notices(mailer)
	if err != nil {
		return nil, err
	}
	w := sdkworker.New(client.SDK, cfg.TaskQueue, workerOptions(cfg, fatal))
	w.RegisterWorkflowWithOptions(workflows.Trial, workflow.RegisterOptions{Name: trial.WorkflowType})
	w.RegisterWorkflowWithOptions(workflows.Reconcile, workflow.RegisterOptions{Name: workflows.ReconcileWorkflowType})
	w.RegisterActivity(&activities.Trials{
		Store: countingStore{Store: store, metrics: base.Metrics}, Mailer: mailer, Policies: policies, Day: cfg.TrialDay,
		UnknownWait: max(cfg.TrialDay/unknownWaitsPerDay, leastUnknownWait), Now: time.Now, Log: log,
	})
	w.RegisterActivity(&activities.Sweep{
		Found: func(s activities.Swept) { swept(base.Metrics, s) },
		Store: store, Starter: client, Rollouts: client, Canaries: cfg.Canaries(), Policies: policies, Day: cfg.TrialDay, Slack: overdueSlack, Now: time.Now, Log: log, Repairs: store,
	})
	w.RegisterWorkflowWithOptions(workflows.Rollout, workflow.RegisterOptions{Name: rollout.WorkflowType})
	w.RegisterWorkflowWithOptions(workflows.Notice, workflow.RegisterOptions{Name: workflows.NoticeWorkflowType})
	w.RegisterWorkflowWithOptions(workflows.Watch, workflow.RegisterOptions{Name: workflows.WatchWorkflowType})
	backupService, err := newBackupService(ctx, cfg, store)
	if err != nil {
		return nil, err
	}
	rollouts, backups := &activities.Rollouts{
		Store: store, Account: mailer.account, Handover: client, Schedule: client, Dashboards: health.Dashboards(cfg.DashboardURLs),
		Policy: policies.Longest(), Day: cfg.TrialDay, Now: time.Now, Log: log,
	}, &activities.Backups{Log: log}
	if backupService != nil {
		rollouts.Backups, backups.BackupService = backupService, backupService
	}
	watch := &activities.Watch{
		Store: store, Account: mailer.account, RolloutSignaler: client, Day: cfg.TrialDay, Settled: mongodb.ObservedAfter,
		Now: time.Now, Log: log,
	}
	registerCanaries(w, base, rollouts, watch)
	w.RegisterActivity(rollouts)
	w.RegisterWorkflowWithOptions(workflows.Backup, workflow.RegisterOptions{Name: workflows.BackupWorkflowType})
	w.RegisterActivity(backups)
	w.RegisterActivity(watch)
	w.RegisterWorkflowWithOptions(workflows.BulkOperation, workflow.RegisterOptions{Name: bulk.WorkflowType})
	w.RegisterActivity(&activities.Bulk{Store: store, Trials: client, Mailer: mailer, Now: time.Now, Log: log})
	w.RegisterWorkflowWithOptions(workflows.Recount, workflow.RegisterOptions{Name: workflows.RecountWorkflowType})
	w.RegisterActivity(&activities.Recount{Store: store, Log: log})
	w.RegisterWorkflowWithOptions(workflows.Report, workflow.RegisterOptions{Name: workflows.ReportWorkflowType})
	w.RegisterActivity(&activities.Reports{
		Store: store, Notifier: notices, Day: cfg.TrialDay, Settled: mongodb.ObservedAfter, Now: time.Now, Log: log,
	})
	alerts, err := base.Alerts(alertParts{base, mailer.account, backupService}, notices, time.Now())
	if err != nil {
		return nil, err
	}
	w.RegisterWorkflowWithOptions(workflows.Alerts, workflow.RegisterOptions{Name: workflows.AlertsWorkflowType})
	w.RegisterActivity(alerts)
	w.RegisterActivity(notices.Notify)
	w.RegisterWorkflowWithOptions(workflows.Preview, workflow.RegisterOptions{Name: workflows.PreviewWorkflowType})
	w.RegisterActivity(notices.SendPreview)
	base.Sampler.Fault = mailer.templates.Fault
	return &parts{base: base, worker: w, templates: mailer.templates}, nil
}

// pollers starts with as many as the SDK's fixed number; a small server should not be kept busy by idle polls.
func pollers() sdkworker.PollerBehaviorAutoscalingOptions {
	return sdkworker.PollerBehaviorAutoscalingOptions{InitialNumberOfPollers: 2, MaximumNumberOfPollers: 10}
}

func workerOptions(cfg config.Config, fatal func(error)) sdkworker.Options {
	return sdkworker.Options{
		Interceptors: workflows.Interceptors(),
		// Some pollers always poll the common queue. With a fixed number all of them may wait for a minute at the worker's own,
		// after many trials had something to do at once, and delay the rollout's watch and every new trial.
		WorkflowTaskPollerBehavior: sdkworker.NewPollerBehaviorAutoscaling(pollers()),
		WorkerStopTimeout:          10 * time.Second, // lets a running send be settled
		// After a worker's death its workflows wait this long for it to return;
		// if a day lasts seconds, that must not be days.
		StickyScheduleToStartTimeout: min(5*time.Second, cfg.TrialDay/4),
		// The SDK stops polling then. A process that kept running would look healthy and do nothing.
		OnFatalError: func(err error) { fatal(&fatalError{cause: err}) },
	}
}

func newMailer(ctx context.Context, cfg config.Config, policies policy.Set, base *wiring.Base) (*mailer, error) {
	log := base.Log
	aws, err := config.AWS(ctx)
	if err != nil {
		return nil, err
	}
	service := sesv2.NewFromConfig(aws)
	rate, err := ses.NewRate(service, cfg.MailSenders, log)
	if err != nil {
		return nil, fmt.Errorf("preparing the account's rate: %w", err)
	}
	sender, err := ses.NewSender(service, ses.SenderConfig{
		From: cfg.MailFrom, ConfigurationSet: cfg.SESConfigurationSet, Timeout: mailTimeout, Rate: rate, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the sender: %w", err)
	}
	links, err := ses.NewLinks(cfg.PublicURL, cfg.LinkSecret)
	if err != nil {
		return nil, fmt.Errorf("preparing the links: %w", err)
	}
	buttons, err := ses.NewButtons(cfg.ButtonSecret)
	if err != nil {
		return nil, fmt.Errorf("preparing the buttons: %w", err)
	}
	templates, err := wiring.NewTemplates(func() (config.Mail, error) { return cfg.Signable(cfg.MailOf(policies)) }, log)
	if err != nil {
		return nil, fmt.Errorf("MAIL_TEMPLATES: %w", err)
	}
	if templates.Current().Brand.Name == "" {
		log.Warn("e-mails to vendors have no brand and no button, as nothing says where it would lead: set MAIL_TEMPLATES")
	} else {
		log.Info("e-mails to vendors have a brand", zap.String("folder", cfg.MailTemplates), zap.Strings("languages", templates.Current().Words.Languages()))
	}
	account := ses.NewAccount(service, max(cfg.TrialDay/refusalsPerDay, leastForget))
	return &mailer{
		sender: sender, rate: rate, account: account, links: links, buttons: buttons, templates: templates, policies: policies, day: cfg.TrialDay, mailed: base.Metrics.Mailed, log: log,
		keep: func(ctx context.Context, hash string, content []byte) error {
			return base.Store.KeepMailVersion(ctx, hash, content, time.Now())
		},
	}, nil
}

func (p *parts) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	p.base.Close(ctx)
}
