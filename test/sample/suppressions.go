package sample

import (
	"context"
	"time"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/trial"
)

// suppress has no e-mail go to some vendors, each for another cause.
func (w *World) suppress() {
	for id, p := range map[string]trial.Suppression{
		"vendor-002": {Reason: trial.ReasonSuppressedAddress, At: Now.Add(-3 * time.Hour), Cause: trial.CauseBounce, SentAt: Now.Add(-4 * time.Hour)},
		"vendor-004": {Reason: trial.ReasonSuppressedAddress, At: Now.Add(-2 * day), Cause: trial.CauseComplaint},
		"vendor-005": {Reason: trial.ReasonUnsubscribed, At: Now.Add(-5 * time.Hour)},
		"vendor-007": {Reason: trial.ReasonSuppressedAddress, At: Now.Add(-9 * day)},
	} {
		v := w.VendorsByID[id]
		v.Email = id + "@example.com"
		w.VendorsByID[id] = v
		if p.Reason == trial.ReasonSuppressedAddress {
			p.AddressHash = trial.AddressHash(v.Email)
		}
		w.Suppressed[id] = append(w.Suppressed[id], p)
	}
}

// LiftSuppressionRecorded lifts what stops e-mail to a vendor, once a key.
func (w *World) LiftSuppressionRecorded(ctx context.Context, key string, o app.LiftOrder) error {
	v, err := w.Vendor(ctx, o.VendorID)
	if err != nil {
		return err
	}
	if w.lifts[key] {
		return nil
	}
	refusal := v.LiftRefusal()
	switch {
	case o.Reason == "":
		return trial.Invalid("reason", "is missing")
	case refusal != nil:
		return refusal
	case o.Seen != v.StopMark():
		return trial.Conflict("what stops e-mail to this vendor has changed since it was shown: look again")
	}
	if w.lifts == nil {
		w.lifts = map[string]bool{}
	}
	w.lifts[key] = true
	return w.LiftSuppression(ctx, v.ID, trial.AddressHash(v.Email), v.LiftAt(w.Moment))
}
