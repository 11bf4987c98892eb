package sample

import (
	"context"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// resending sends e-mails again, as the API does. Its workers are slow: Resend does their work.
func (w *World) resending() *app.App {
	return app.New(app.Options{
		Store: resendStore{administered{world: w}}, Bulks: heldBulks{}, Log: zap.NewNop(), Now: func() time.Time { return w.Moment },
	})
}

// heldBulks are started, and do nothing.
type heldBulks struct{ app.Bulks }

func (heldBulks) StartBulk(context.Context, bulk.Operation) error { return nil }

// resendStore is the part of a store that sending an e-mail again needs.
type resendStore struct{ administered }

func (s resendStore) Vendor(ctx context.Context, id string) (trial.Vendor, error) {
	return s.world.Vendor(ctx, id)
}

func (s resendStore) Trial(ctx context.Context, id string) (trial.State, bool, error) {
	return s.world.Trial(ctx, id)
}

func (s resendStore) Sends(ctx context.Context, vendorID string) (sends []trial.Send, err error) {
	err = s.world.Do(ctx, func() error {
		for _, key := range slices.Sorted(maps.Keys(s.world.Sends)) {
			if s.world.Sends[key].VendorID == vendorID {
				sends = append(sends, s.world.Sends[key])
			}
		}
		return nil
	})
	return sends, err
}

func (s resendStore) BulkParts(ctx context.Context, vendorID string) ([]bulk.Part, error) {
	return s.world.BulkParts(ctx, vendorID)
}

func (s resendStore) Bulk(ctx context.Context, id string) (bulk.Operation, bulk.State, error) {
	return s.world.Bulk(ctx, id)
}

func (s resendStore) AddBulk(ctx context.Context, o bulk.Operation, state bulk.State) error {
	return s.world.AddBulk(ctx, o, state)
}

func (s resendStore) AddBulkItems(ctx context.Context, id string, items []bulk.Item) error {
	return s.world.AddBulkItems(ctx, id, items)
}

// TrialEmails and the others implement dashboard.Resends.
func (w *World) TrialEmails(ctx context.Context, vendorID string) ([]app.TrialEmail, error) {
	return w.resending().TrialEmails(ctx, vendorID)
}

func (w *World) LookAtEmail(ctx context.Context, vendorID string, e bulk.Email) (app.ResendLook, error) {
	return w.resending().LookAtEmail(ctx, vendorID, e)
}

func (w *World) ResendEmailRecorded(ctx context.Context, key string, o app.ResendOrder) (bulk.View, error) {
	return w.resending().ResendEmailRecorded(ctx, key, o)
}

// Resend does what a worker does with an operation that sends one e-mail again, and comes to a result; one that is carried out
// leaves the e-mail behind.
func (w *World) Resend(id string, outcome bulk.ItemOutcome, reason bulk.Reason) {
	w.Look(func() {
		v, item := &w.Operations[w.operation(id)], &w.Items[id][0]
		result := bulk.NewResult(outcome, reason, "", w.Moment)
		item.Result = &result
		counts := bulk.Tally{}.Add(outcome, reason)
		*v = bulk.ViewOf(v.Operation, v.State.Carried(v.State.Page(v.Operation), counts, w.Moment))
		if outcome != bulk.Succeeded {
			return
		}
		step := trial.Step{Kind: v.Operation.Email.Kind, Revision: v.Operation.Email.Revision}
		again := w.Sends[step.Key(item.VendorID)]
		again.Kind, again.Revision, again.ClaimedAt, again.SettledAt, again.VendorID = v.Operation.ResendKind(), 0, w.Moment, &result.At, item.VendorID
		again.Delivery, again.DeliveryAt, again.Status, again.Attempt = "", nil, trial.SendSent, 1
		again.Key = trial.Step{Kind: again.Kind}.Key(item.VendorID)
		w.Sends[again.Key] = again
	})
}
