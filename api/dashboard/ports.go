package dashboard

import (
	"context"
	"time"

	"marketplace.example/trials/monitoring"
	"marketplace.example/trials/rollout"
	"marketplace.example/trials/trial"
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
}

// Controls steer the rollout.
type Controls interface {
	// Steer puts a request before a rollout. One that does not apply is a
	// *rollout.FieldError, a *rollout.ConflictError or a *trial.Error.
	Steer(ctx context.Context, id, name string, r rollout.Request) error
}

// Figures make the report of the present moment.
type Figures interface {
	Report(ctx context.Context) (monitoring.Report, error)
}

// Health tells how the parts of the system are, within two seconds.
type Health interface {
	Parts(ctx context.Context) []Part
}

// Part is how one part of the system is.
type Part struct {
	Name  string
	State PartState
	// Since is when the state began, zero where nobody knows.
	Since time.Time
	// Message says what was seen, Action what to do about it; a healthy part needs none.
	Message, Action string
}

// PartState is how a part is.
type PartState string

// The states. PartUnknown says that nothing could be learnt.
const (
	PartHealthy   PartState = "healthy"
	PartUnknown   PartState = "unknown"
	PartDegraded  PartState = "degraded"
	PartUnhealthy PartState = "unhealthy"
)

// Alerts tell which alerts there are.
type Alerts interface {
	Alerts(ctx context.Context) ([]Alert, error)
}

// Alert is one alert and how it stands.
type Alert struct {
	Name, Severity string
	Firing         bool
	// Since is when it began to fire, or when it was last seen to.
	Since time.Time
	// Reason says what led to it, Action what to do about it.
	Reason, Action string
	// AcknowledgedBy is empty until somebody has taken it on.
	AcknowledgedBy string
}
