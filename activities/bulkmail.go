package activities

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// resend sends a step's e-mail again, under a claim of the operation's own, so once per operation. If nobody knows whether it left, it
// is not repeated: one e-mail too many is worse than one too few. An event of the mail service may settle it later, and resuming
// the operation then finds it sent.
func (b *Bulk) resend(ctx context.Context, o bulk.Operation, step trial.Step, f bulk.ItemFacts) (bulk.Result, error) {
	send, mine, err := b.claim(ctx, o, f)
	if err != nil {
		return bulk.Result{}, err
	}
	if !mine {
		return b.sent(send.Status, send.Reason), nil
	}
	delivery, err := b.deliver(ctx, send, step, f)
	if err != nil {
		return bulk.Result{}, err
	}
	if delivery.Status == trial.SendReleased {
		return bulk.Result{}, later(fmt.Sprintf("send %s: not accepted (%s)", send.Key, delivery.Reason), delivery.RetryAfter)
	}
	return b.sent(delivery.Status, delivery.Reason), nil
}

// sent is the result for an e-mail that may have left.
func (b *Bulk) sent(status trial.SendStatus, reason string) bulk.Result {
	switch status {
	case trial.SendSent:
		return bulk.NewResult(bulk.Succeeded, bulk.ReasonCarriedOut, "", b.Now())
	case trial.SendRefused:
		return bulk.NewResult(bulk.Refused, bulk.ReasonMailRefused, reason, b.Now())
	case trial.SendClaimed, trial.SendUnknown, trial.SendReleased:
	}
	return bulk.NewResult(bulk.Failed, bulk.ReasonMailUnknown, cmp.Or(reason, "an attempt was interrupted"), b.Now())
}

// undone is the result of an item that is not carried out. An attempt that died may have sent its e-mail, and its vendor may have
// unsubscribed or converted since.
func (b *Bulk) undone(ctx context.Context, o bulk.Operation, item bulk.Item, d bulk.Decision) (bulk.Result, error) {
	if o.Action.Resends() {
		send, err := b.Store.Send(ctx, trial.Step{Kind: o.ResendKind()}.Key(item.VendorID))
		if err != nil {
			return bulk.Result{}, failed("looking for the e-mail of an attempt before", err)
		}
		if send != nil && send.Status != trial.SendReleased {
			return b.sent(send.Status, send.Reason), nil
		}
	}
	return bulk.NewResult(d.Outcome, d.Reason, d.Detail, b.Now()), nil
}

// claim claims the send for this attempt, or returns the e-mail's record.
func (b *Bulk) claim(ctx context.Context, o bulk.Operation, f bulk.ItemFacts) (send trial.Send, mine bool, err error) {
	key, hash := trial.Step{Kind: o.ResendKind()}.Key(f.Vendor.ID), trial.AddressHash(f.Vendor.Email)
	mine, send, err = b.Store.ClaimSend(ctx, trial.Send{
		Key: key, VendorID: f.Vendor.ID, Kind: o.ResendKind(), Cohort: f.Trial.CountedAs(), Status: trial.SendClaimed, Attempt: 1,
		ClaimedAt: b.Now().UTC().Truncate(time.Millisecond), AddressHash: hash,
	})
	if err != nil {
		return send, false, failed("claiming the send", err)
	}
	if mine || send.Status != trial.SendReleased {
		return send, mine, nil
	}
	mine, send, err = b.Store.ReclaimSend(ctx, key, send.Attempt, false, b.Now(), hash)
	return send, mine, failed("claiming the send again", err)
}

// deliver sends, unless the kill switch is off by now, and records the result.
func (b *Bulk) deliver(ctx context.Context, send trial.Send, step trial.Step, f bulk.ItemFacts) (trial.SendResult, error) {
	delivery := trial.SendResult{Status: trial.SendReleased, Reason: string(trial.ReasonAutomationDisabled)}
	flags, err := b.Store.Flags(ctx)
	if err == nil && flags.FeatureFlags.TrialAutomation.Enabled {
		delivery, err = b.Mailer.Deliver(ctx, Mail{To: f.Vendor.Email, Send: send, State: f.Trial, Step: step, VendorName: f.Vendor.Name, Locale: f.Vendor.Locale, Now: b.Now()})
	}
	if err != nil {
		delivery = trial.SendResult{Status: trial.SendReleased, Reason: "not-sent"}
	}
	// The context may have ended; recording the result is worth a moment more.
	noteCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	settled, settleErr := b.Store.SettleSend(noteCtx, send.Key, send.Attempt, delivery, b.Now())
	switch {
	case settleErr != nil:
		return delivery, failed("recording the send's outcome", settleErr)
	case err != nil:
		return delivery, failed("sending again", err)
	case settled.Status == trial.SendSent: // an event may have been faster than the answer
		delivery.Status = trial.SendSent
	}
	b.Log.Info("sent again", zap.String("send", send.Key), zap.String("step", step.Key(f.Vendor.ID)), zap.String("status", string(delivery.Status)))
	return delivery, nil
}
