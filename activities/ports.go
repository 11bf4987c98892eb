package activities

import (
	"context"
	"time"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Store is what the activities need of the database.
type Store interface {
	app.FlagReader
	app.VendorReader
	// CurrentRollout is the latest rollout, running or not, and whether there is one.
	CurrentRollout(ctx context.Context) (rollout.State, bool, error)
	Trial(ctx context.Context, vendorID string) (trial.State, bool, error)
	// Event is a trial's event with this number, nil for none.
	Event(ctx context.Context, vendorID string, seq int) (*trial.Event, error)
	// Append stores an event and the state after it. If an event with its number exists, it returns that and stores nothing.
	Append(ctx context.Context, e trial.Event, after trial.State) (existing *trial.Event, err error)

	SendStore
}

// SendStore keeps what is known of the e-mails to vendors.
type SendStore interface {
	// Send is an e-mail's record, nil for none.
	Send(ctx context.Context, key string) (*trial.Send, error)
	ClaimSend(ctx context.Context, s trial.Send) (claimed bool, current trial.Send, err error)
	ReclaimSend(ctx context.Context, key string, fromAttempt int, resend bool, at time.Time, addressHash string) (claimed bool, current trial.Send, err error)
	SettleSend(ctx context.Context, key string, attempt int, result trial.SendResult, at time.Time) (trial.Send, error)
}

// Mail is one e-mail to send.
type Mail struct {
	To string
	// Send is the claim under which it is sent.
	Send trial.Send
	// State is the trial after the step, VendorName is for the greeting, and Locale for the language.
	State      trial.State
	Step       trial.Step
	VendorName string
	Locale     string
	// Now is the moment of the decision to send it.
	Now time.Time
}

// Mailer sends e-mail.
type Mailer interface {
	// Wait waits for a turn within the account's rate. It tells whether that took noticeable time, and fails if it would
	// take too long.
	Wait(ctx context.Context) (waited bool, err error)
	// Deliver renders and sends. With an error, nothing has left.
	Deliver(ctx context.Context, m Mail) (trial.SendResult, error)
}

// Starter is what the sweep needs of Temporal.
type Starter interface {
	// Start starts a trial's workflow. started is false if it runs already.
	Start(ctx context.Context, r trial.Registration) (started bool, err error)
	// Restart starts the workflow of a trial with this state, as Start does.
	Restart(ctx context.Context, s trial.State) (started bool, err error)
	Convert(ctx context.Context, vendorID string, r trial.Request) error
	Wake(ctx context.Context, vendorID string) error
}
