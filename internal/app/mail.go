package app

import (
	"cmp"
	"context"
	"strings"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/trial"
)

// suppress stops e-mail to a vendor: in the database, which decides, and then in the trial's history, from which a database that
// was lost and restored learns it again. The hash of an address stays out of the latter. What is stopped already is not told
// twice, however often a link is followed. Nor is it told later where Temporal was away: each step asks the database, and a
// restore has people look for the line that is logged here. The vendor's document may be gone: what was asked for holds if it
// comes back.
func (a *App) suppress(ctx context.Context, vendorID string, p trial.Suppression) error {
	since, isNew, err := a.Store.Suppress(ctx, vendorID, p)
	if err != nil || !isNew {
		return err
	}
	a.signal(ctx, "a suppression is not in the trial's history", zap.String("vendorId", vendorID), func(ctx context.Context) error {
		return a.Trials.NoMail(ctx, vendorID, trial.Request{Reason: string(p.Reason), By: "vendor", At: since})
	})
	return nil
}

// Unsubscribe stops e-mail to a vendor that asks for it.
func (a *App) Unsubscribe(ctx context.Context, vendorID string) error {
	return a.suppress(ctx, vendorID, trial.Suppression{Reason: trial.ReasonUnsubscribed, At: a.Present()})
}

// Resubscribe keeps that a vendor asks for e-mail again. One that unsubscribed gets it; of one that complained a person may lift that
// then. It is not in the trial's history: where a database is lost and
// restored without it, the vendor has to ask again, and is not written to until then.
func (a *App) Resubscribe(ctx context.Context, vendorID string) error {
	v, err := a.Store.VendorOnRecord(ctx, vendorID)
	switch {
	case err != nil:
		return err
	case v.ErasedAt != nil:
		return trial.NotFound(vendorID)
	}
	return a.Store.Resubscribe(ctx, v.ID, a.Present())
}

// VendorFacts are what a vendor is told of its trial; the state is nil where its workflow has not begun. A vendor that is erased
// does not exist here.
func (a *App) VendorFacts(ctx context.Context, vendorID string) (trial.Vendor, *trial.State, error) {
	v, err := a.Store.VendorOnRecord(ctx, vendorID)
	switch {
	case err != nil:
		return v, nil, err
	case v.ErasedAt != nil:
		return trial.Vendor{}, nil, trial.NotFound(vendorID)
	}
	state, started, err := a.Store.Trial(ctx, v.ID)
	if err != nil || !started {
		return v, nil, err
	}
	return v, &state, nil
}

// VendorLocale is the language to answer a vendor in; empty where it is not known, or where the vendor is erased.
func (a *App) VendorLocale(ctx context.Context, vendorID string) (string, error) {
	v, err := a.Store.VendorOnRecord(ctx, vendorID)
	if v.ErasedAt != nil || trial.CodeOf(err) == trial.CodeNotFound {
		return "", nil
	}
	return v.Locale, err
}

// MailResult is what became of a message of the mail service.
type MailResult string

// The results.
const (
	MailConfirmed MailResult = "confirmed"
	MailIgnored   MailResult = "ignored"
	MailRecorded  MailResult = "recorded"
	MailRepeated  MailResult = "repeated"
)

// TakeMail does what a message asks for, then keeps that it did, in this order: a message whose handling broke off is delivered
// again, and must not pass for done. Each part is safe to repeat, so one delivered twice changes nothing.
func (a *App) TakeMail(ctx context.Context, m MailMessage) (MailResult, error) {
	if m.Confirmed {
		return MailConfirmed, nil
	}
	if m.Event == nil {
		return MailIgnored, nil
	}
	ours, err := a.recordSend(ctx, *m.Event)
	if err != nil || !ours {
		return MailIgnored, err
	}
	if m.OfCanary() { // nothing of it is kept
		return MailRecorded, nil
	}
	isFirst, err := a.Store.SeenMessage(ctx, m.ID, a.Present())
	if err != nil || isFirst {
		return MailRecorded, err
	}
	return MailRepeated, nil
}

// recordSend keeps what happened to a send, and stops e-mail where it must. It tells whether either was done. Of a send that is
// not on record, as after a restore, the event itself says by its tags whose it is, and which address to stop.
func (a *App) recordSend(ctx context.Context, e MailEvent) (bool, error) {
	send, err := a.Store.SendEvent(ctx, e.Key, e.Attempt, e.MessageID, e.Delivery, Millisecond(e.At))
	if err != nil {
		return false, err
	}
	hash := e.AddressHash
	if send != nil {
		hash = addressOf(*send, e)
	}
	vendorID, _, _ := strings.Cut(e.Key, "/")
	if !e.Suppress || send == nil && (hash == "" || !trial.ValidVendorID(vendorID)) {
		return send != nil, nil
	}
	return true, a.suppress(ctx, vendorID, trial.Suppression{
		Reason: trial.ReasonSuppressedAddress, At: Millisecond(e.At), AddressHash: hash, Cause: e.Cause, SentAt: sentAt(send, e),
	})
}

// sentAt is when the e-mail of an event was sent, by the clock that is ahead: in doubt after a lift, so that nobody is written to.
func sentAt(send *trial.Send, e MailEvent) time.Time {
	if send != nil && send.Attempt == e.Attempt && send.ClaimedAt.After(e.SentAt) {
		return send.ClaimedAt
	}
	return e.SentAt
}

// addressOf is the hash of the address that the e-mail of an event went to: the one that was stored with the send, unless that is
// of another attempt or there is none, as where a restored database learned of the e-mail from a history; empty for unknown.
func addressOf(send trial.Send, e MailEvent) string {
	if send.Attempt != e.Attempt {
		return cmp.Or(e.AddressHash, send.AddressHash)
	}
	return cmp.Or(send.AddressHash, e.AddressHash)
}
