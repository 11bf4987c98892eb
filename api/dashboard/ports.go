package dashboard

import (
	"context"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Store is what the pages read of the database. Where the database is away an
// error is a *trial.Error with trial.CodeUnavailable.
type Store interface {
	Flags(ctx context.Context) (rollout.Document, error)
	// CurrentRollout returns the latest rollout, and whether there is one.
	CurrentRollout(ctx context.Context) (rollout.State, bool, error)
	// Ledger returns what was seen of a rollout and the latest judgement.
	Ledger(ctx context.Context, id string) (rollout.Ledger, *rollout.Judgement, bool, error)
	// Decisions lists a rollout's events in order, from a number on.
	Decisions(ctx context.Context, id string, fromSeq, limit int) ([]rollout.Event, error)
	// Vendor returns a vendor; one that does not exist is a *trial.Error with
	// trial.CodeNotFound.
	Vendor(ctx context.Context, id string) (trial.Vendor, error)
	// Trial returns a trial's state; false where its workflow has not begun yet.
	Trial(ctx context.Context, vendorID string) (trial.State, bool, error)
	// Trials lists up to limit trials in the order of their ids, after the id
	// given; next is the id to go on after, empty at the end.
	Trials(ctx context.Context, filter trial.Filter, after string, limit int) (page []trial.State, next string, err error)
	// Events lists a trial's events in order, from a number on.
	Events(ctx context.Context, vendorID string, fromSeq int) ([]trial.Event, error)
	// Send returns an e-mail by its step's key, nil where there is none.
	Send(ctx context.Context, key string) (*trial.Send, error)
	// AlertEvents are up to limit of an alert's events from a number on, in order.
	AlertEvents(ctx context.Context, id monitoring.RuleID, fromSeq, limit int) ([]monitoring.AlertEvent, error)
	// AuditEntries lists up to limit entries that a filter means, latest first, of
	// those before a number (0: from the latest on); next is 0 at the end.
	AuditEntries(ctx context.Context, f audit.Filter, before, limit int) (entries []audit.Entry, next int, err error)
	// Tokens are all tokens, those that open nothing any more too.
	Tokens(ctx context.Context) ([]access.Token, error)
	// Bulks lists bulk operations, the latest first, from before an id on (empty: from
	// the latest); next is the id to go on before, empty at the end.
	Bulks(ctx context.Context, before string, limit int) (page []bulk.View, next string, err error)
	// Bulk returns a bulk operation; one that does not exist is a *trial.Error with
	// trial.CodeNotFound.
	Bulk(ctx context.Context, id string) (bulk.Operation, bulk.State, error)
	// BulkItem returns one item of an operation, and whether there is one of that number.
	BulkItem(ctx context.Context, id string, number int) (bulk.Item, bool, error)
}

// Controls steer the rollout, and answer alerts.
type Controls interface {
	// Steer puts a request before a rollout. One that does not apply is a *trial.Error.
	Steer(ctx context.Context, id, name string, r rollout.Request) error
	// ControlAlert carries out what an admin wants of an alert. What does not apply
	// is a *trial.Error.
	ControlAlert(ctx context.Context, id monitoring.RuleID, r monitoring.AlertRequest) error
}

// Figures make the report of the present moment.
type Figures interface {
	Report(ctx context.Context) (monitoring.Report, error)
}

// Health tells how the parts of the system are, within two seconds.
type Health interface {
	// Health fails only where the reader has gone.
	Health(ctx context.Context) (monitoring.Health, error)
}

// Alerts tell how the alerts stand.
type Alerts interface {
	AlertsView(ctx context.Context) (*monitoring.AlertsView, error)
}
