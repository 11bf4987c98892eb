package activities

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/trial"
)

// mail sends the step's e-mail if the decision asks for one, and tells whether it has left. The mail service has no idempotency
// token, so the send is claimed first, under the step's key. A claim with an unknown outcome is left alone until an event
// settles it or the waiting time is over. If the e-mail is refused for good, or has left before, mail corrects the decision.
func (t *Trials) mail(ctx context.Context, due Due, s *evaluation) (bool, error) {
	key := due.Step.Key(due.State.VendorID)
	if !s.decision.Mail {
		return t.leftBefore(ctx, due, key, s)
	}
	send, action, err := t.claim(ctx, due, key, s.vendor)
	switch {
	case err != nil:
		return false, err
	case action == trial.SendDone:
		return true, nil
	case action == trial.SendGiveUp:
		s.decision = refused(due.Step, send.Reason)
		return false, nil
	}
	// The e-mail describes the state after the step: a late expiry moves the end of the grace.
	after := due.State.Apply(due.State.StepEvent(due.Step, s.decision, s.facts, true))
	delivery, err := t.Mailer.Deliver(ctx, Mail{To: s.vendor.Email, Send: send, State: after, Step: due.Step, VendorName: s.vendor.Name, Locale: s.vendor.Locale, Now: s.facts.Now})
	if err != nil {
		delivery = trial.SendResult{Status: trial.SendReleased, Reason: trial.NotRendered}
		if due.Step.Kind.IsOwn() { // the marketplace's wording cannot be had: its trial goes on without it
			t.Log.Error("a mailing cannot be rendered", zap.String("send", key), zap.Error(err))
			delivery.Status, err = trial.SendRefused, nil
		}
	}
	return t.settle(ctx, due, send, delivery, s, err)
}

// leftBefore finds the e-mail of an attempt that died between sending and recording. Then the step has run, whatever the decision
// would be now.
func (t *Trials) leftBefore(ctx context.Context, due Due, key string, s *evaluation) (bool, error) {
	if !due.State.Automated {
		return false, nil
	}
	send, err := t.Store.Send(ctx, key)
	if err != nil {
		return false, failed("reading the send", err)
	}
	if send == nil || send.Status != trial.SendSent {
		return false, nil
	}
	s.decision = trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}
	return true, nil
}

// claim claims the send for this attempt, or says why it is not to send.
func (t *Trials) claim(ctx context.Context, due Due, key string, vendor trial.Vendor) (trial.Send, trial.SendAction, error) {
	hash := trial.AddressHash(vendor.Email)
	claimed, send, err := t.Store.ClaimSend(ctx, trial.Send{
		Key: key, VendorID: due.State.VendorID, Kind: due.Step.Kind, Revision: due.Step.Revision, Cohort: due.State.CountedAs(),
		Status: trial.SendClaimed, Attempt: 1, ClaimedAt: t.Now().UTC().Truncate(time.Millisecond), AddressHash: hash,
	})
	if err != nil {
		return trial.Send{}, "", failed("claiming the send", err)
	}
	if claimed {
		return send, trial.SendNow, nil
	}
	action, until := trial.DecideSend(&send, t.Now(), t.UnknownWait)
	switch action {
	case trial.SendDone, trial.SendGiveUp:
		return send, action, nil
	case trial.SendWait:
		return send, action, mayHaveLeft(fmt.Sprintf("send %s: outcome unknown", key), until.Sub(t.Now()), nil)
	case trial.SendNow, trial.SendResend:
	}
	claimed, send, err = t.Store.ReclaimSend(ctx, key, send.Attempt, action == trial.SendResend, t.Now(), hash)
	if err != nil {
		return send, "", failed("claiming the send again", err)
	}
	if !claimed {
		return send, trial.SendWait, mayHaveLeft(fmt.Sprintf("send %s: claimed by another attempt", key), time.Second, nil)
	}
	if action == trial.SendResend {
		t.Log.Warn("sending again: the first attempt has no outcome", zap.String("send", key), zap.Int("attempt", send.Attempt))
	}
	return send, trial.SendNow, nil
}

// settle records the result of the attempt. A result that cannot be recorded leaves the claim, which counts as unknown. The context
// may have ended; recording the result is worth a moment more.
func (t *Trials) settle(ctx context.Context, due Due, send trial.Send, d trial.SendResult, s *evaluation, cause error) (bool, error) {
	noteCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	settled, err := t.Store.SettleSend(noteCtx, send.Key, send.Attempt, d, t.Now())
	if err != nil && (d.Status == trial.SendSent || d.Status == trial.SendUnknown) {
		return false, mayHaveLeft("recording the send's outcome", 0, err)
	}
	if err != nil {
		return false, failed("recording the send's outcome", err)
	}
	if settled.Status == trial.SendSent { // an event may have been faster than the answer
		return true, nil
	}
	t.Log.Warn("e-mail not accepted", zap.String("send", send.Key), zap.String("status", string(d.Status)), zap.String("reason", d.Reason))
	switch d.Status {
	case trial.SendRefused:
		s.decision = refused(due.Step, d.Reason)
		return false, nil
	case trial.SendUnknown:
		return false, mayHaveLeft(fmt.Sprintf("send %s: outcome unknown (%s)", send.Key, d.Reason), t.UnknownWait, nil)
	case trial.SendReleased, trial.SendClaimed, trial.SendSent:
	}
	if cause != nil {
		return false, failed("preparing the e-mail", cause)
	}
	return false, later(fmt.Sprintf("send %s: not accepted (%s)", send.Key, d.Reason), d.RetryAfter)
}

// refused is the decision after an e-mail was refused for good: the step goes without it, and still ends the trial if that is its work.
func refused(step trial.Step, reason string) trial.Decision {
	if reason == trial.NotRendered {
		return trial.Decision{Action: trial.Skip, Reason: trial.ReasonNotRendered}
	}
	if step.Kind == trial.Expiry || step.Kind == trial.GraceEnd {
		return trial.Decision{Action: trial.Run, Reason: trial.ReasonAddressRefused}
	}
	return trial.Decision{Action: trial.Skip, Reason: trial.ReasonAddressRefused}
}
