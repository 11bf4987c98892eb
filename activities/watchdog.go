package activities

import (
	"context"
	"time"

	"marketplace.example/trials/rollout"
)

// WatchdogStore is what the watchdog needs of the database.
type WatchdogStore interface {
	CurrentRollout(ctx context.Context) (rollout.State, bool, error)
	Ledger(ctx context.Context, id string) (rollout.Ledger, *rollout.Judgement, bool, error)
}

// Teller tells stakeholders, each once for a message's key.
type Teller interface {
	Tell(ctx context.Context, m rollout.Message) error
}

// Watchdog tells people of a watch that does not come. It runs with the sweep,
// which has a schedule of its own, so that each is missed by the other.
type Watchdog struct {
	Store  WatchdogStore
	Teller Teller
	Now    func() time.Time
}

// Look looks once.
func (w *Watchdog) Look(ctx context.Context) error {
	state, found, err := w.Store.CurrentRollout(ctx)
	if err != nil || !found || state.Status.Final() {
		return failed("reading the rollout", err)
	}
	_, judged, _, err := w.Store.Ledger(ctx, state.ID)
	if err != nil {
		return failed("reading the latest judgement", err)
	}
	message := rollout.WatchMissedMessage(state, judged, w.Now())
	if message == nil {
		return nil
	}
	return failed("telling of the missing watch", w.Teller.Tell(ctx, *message))
}
