package dashboard

import (
	"context"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Store is what the pages read of the database. Where the database is away an
// error is a *trial.Error with trial.CodeUnavailable.
type Store interface {
	app.FlagReader
	app.RolloutReader
	app.DecisionReader
	app.VendorReader
	app.SuppressionReader
	app.TrialReader
	app.AlertReader
	app.AuditReader
	app.TokenReader
	app.SessionReader
	SessionStore
	app.BulkReader
	app.FeedbackReader
	// TimeSeries is how a rollout's judgements have developed; empty before the first.
	TimeSeries(ctx context.Context, rolloutID string) (rollout.TimeSeries, error)
	// Send returns an e-mail by its step's key, nil where there is none.
	Send(ctx context.Context, key string) (*trial.Send, error)
}

// PersonalData shows what is personal of vendors. Each look is on the audit record by then; where that fails it is a *trial.Error with
// trial.CodeUnavailable.
type PersonalData interface {
	// ViewVendorRecorded returns a vendor with name and address.
	ViewVendorRecorded(ctx context.Context, id string) (trial.Vendor, error)
	// FindVendorsRecorded finds vendors by one of both.
	FindVendorsRecorded(ctx context.Context, s trial.VendorSearch) (trial.FoundVendors, error)
}

// Controls steer the rollout, change trials, and answer alerts.
type Controls interface {
	PersonalData
	// SteerRolloutRecorded puts a request before a rollout. One that does not apply is a *trial.Error.
	SteerRolloutRecorded(ctx context.Context, id, name string, r flags.Request) error
	// StopAutomationRecorded stops the automation, whether a rollout is under way or not.
	StopAutomationRecorded(ctx context.Context, r flags.Request) error
	// ChangeTrialRecorded puts a message of an admin before a trial. What does not apply is a *trial.Error.
	ChangeTrialRecorded(ctx context.Context, message, vendorID string, r trial.Request) error
	// LiftSuppressionRecorded lifts what stops e-mail to a vendor, once a key. What cannot be lifted is a *trial.Error.
	LiftSuppressionRecorded(ctx context.Context, key string, o app.LiftOrder) error
	// ChangeAlertRecorded carries out what an admin wants of an alert. What does not apply
	// is a *trial.Error.
	ChangeAlertRecorded(ctx context.Context, id monitoring.RuleID, r monitoring.AlertRequest) error
	// EndSessionsRecorded ends sessions of the identity provider. One that does not exist is a *trial.Error.
	EndSessionsRecorded(ctx context.Context, end app.SessionEnd) error
}

// Bulks begin and steer bulk operations. What does not apply is a *trial.Error.
type Bulks interface {
	Resends
	// StartBulkRecorded begins an operation on a list, or on what its filter takes, once a key.
	StartBulkRecorded(ctx context.Context, key string, o bulk.Operation, list []bulk.Listing) (bulk.View, error)
	// SteerBulkRecorded asks an operation for something, UndoBulkRecorded begins one that undoes it.
	SteerBulkRecorded(ctx context.Context, s app.BulkSteering) error
	UndoBulkRecorded(ctx context.Context, s app.BulkSteering) (bulk.View, error)
}

// Rollouts start rollouts. What does not apply is a *trial.Error.
type Rollouts interface {
	// PlanRollout says what one would begin with now, and starts nothing.
	PlanRollout(ctx context.Context, r app.NewRollout) (rollout.Start, error)
	// StartRolloutRecorded starts one, once a key, and returns its id.
	StartRolloutRecorded(ctx context.Context, b app.RolloutBegin) (id string, err error)
}

// Forecasts say what a rollout will be able to decide, and what it risks. They may take a second when they are new.
type Forecasts interface {
	// Forecast is that of a plan, nil for the configured one, at a rate, nil for that of the last four weeks and some others.
	Forecast(ctx context.Context, plan *rollout.Plan, perDay *float64) (rollout.Forecast, error)
}

// Experiments are the policy experiments, and what people do to them. What does not apply is a *trial.Error.
type Experiments interface {
	// Experiments are the latest, the latest first, without figures.
	Experiments(ctx context.Context) ([]experiment.View, error)
	// Experiment is one by its id, or app.Latest, with its figures.
	Experiment(ctx context.Context, id string) (experiment.View, error)
	// ForecastExperiment says how long an experiment would take. That may take a second when it is new.
	ForecastExperiment(ctx context.Context, asked app.NewExperiment) (experiment.Outlook, error)
	// StartExperimentRecorded starts one under a key, where the latest is still the one that was seen (its id, or none).
	StartExperimentRecorded(ctx context.Context, key, seen string, asked app.NewExperiment) error
	// EndExperimentRecorded ends one.
	EndExperimentRecorded(ctx context.Context, end app.ExperimentEnd) error
	// OfferedPolicies are those that new vendors may get.
	OfferedPolicies() policy.Set
}

// Figures make the report of the present moment, and tell how things went in so many days before today.
type Figures interface {
	Report(ctx context.Context) (monitoring.Report, error)
	Trends(ctx context.Context, days int) (monitoring.Trends, error)
}

// Canaries tell what canaries have shown, and start them.
type Canaries interface {
	CanaryView(ctx context.Context) (canary.View, error)
	// StartCanaryRecorded starts a canary, unless one is under way. Where none are configured it is a *trial.Error.
	StartCanaryRecorded(ctx context.Context) error
}

// Alerts tell how the alerts stand.
type Alerts interface {
	AlertsView(ctx context.Context) (*monitoring.AlertsView, error)
}

// Mails shows the e-mails to vendors, and has them sent to stakeholders.
type Mails interface {
	// SentMail returns the e-mail of a key as it was sent.
	SentMail(ctx context.Context, key string) (app.SentMail, error)
	// MailOverview says which e-mails there are.
	MailOverview(ctx context.Context) (app.MailOverview, error)
	// PreviewMails are the e-mails that a vendor who registers now would get, PreviewMail is the one of a kind.
	PreviewMails(ask app.MailAsk) ([]app.PreviewedMail, error)
	PreviewMail(ask app.MailAsk, kind trial.Kind) (app.PreviewedMail, error)
	// SendMailRecorded sends one of them to a stakeholder, once for each key.
	SendMailRecorded(ctx context.Context, key string, o app.MailOrder) error
}
