package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
)

// SuppressedVendors are a page of the vendors to whose present address no e-mail may go. The marks are for whoever may lift that:
// with them guesses of an address can be tested.
func (a *App) SuppressedVendors(ctx context.Context, cause trial.Cause, after string, limit int) (page []trial.SuppressedVendor, next string, err error) {
	page, next, err = a.Store.SuppressedVendors(ctx, cause, after, limit)
	if !access.Of(ctx).Role.Covers(access.Operator) {
		for i := range page {
			page[i].Mark = ""
		}
	}
	return page, next, err
}

// LiftOrder asks to lift what stops e-mail to a vendor.
type LiftOrder struct {
	VendorID, Reason string
	// Seen is the trial.Vendor's StopMark that was shown; empty for whatever stops it.
	Seen string
}

// LiftSuppression lifts what stops e-mail to a vendor's present address, once a key. What the vendor has said itself it does not
// lift: that is a *trial.Error with CodeConflict.
func (a *App) LiftSuppression(ctx context.Context, o LiftOrder) (trial.Lift, error) {
	known, err := a.Store.Suppressions(ctx, o.VendorID) // before what is judged: only that may pass for lifted
	if err != nil {
		return trial.Lift{}, err
	}
	v, err := a.Store.VendorOnRecord(ctx, o.VendorID)
	if err != nil {
		return trial.Lift{}, err
	}
	lift := trial.Lift{VendorID: v.ID, LiftedAt: v.LiftedAt, Lifted: []trial.StoppedFrom{}, Note: trial.LiftNote}
	if k := keyOf(ctx); k.done() || k.key != "" && !k.first && len(v.Stops) == 0 && !v.LiftedAt.IsZero() {
		noteRepeated(ctx)
		return lift, nil
	}
	for _, s := range v.Stops {
		lift.Lifted = append(lift.Lifted, trial.StoppedFrom{Cause: s.Why(), At: s.At.UTC()})
	}
	noteChange(ctx, lift.Lifted, nil)
	if refusal := v.LiftRefusal(); refusal != nil {
		return trial.Lift{}, refusal
	}
	if o.Seen != "" && o.Seen != v.StopMark() {
		return trial.Lift{}, &trial.Error{
			Code: trial.CodeConflict, Field: trial.LiftSeen, Detail: "what stops e-mail to this vendor, or its address, has changed since it was shown: look again",
		}
	}
	lift.LiftedAt = v.LiftAt(a.Present())
	hash := trial.AddressHash(v.Email)
	if err := a.Store.LiftSuppression(ctx, v.ID, hash, lift.LiftedAt); err != nil {
		return trial.Lift{}, err
	}
	noteChange(ctx, lift.Lifted, map[string]time.Time{"liftedAt": lift.LiftedAt})
	a.signalLift(ctx, v, hash, known)
	a.Log.Info("suppression lifted", zap.String("requestId", requestID(ctx)), zap.String("vendorId", v.ID))
	return lift, nil
}

// signalLift has the trial's history know which suppressions were lifted, by their moments: a database that was lost and restored
// learns it there. Where it does not, the vendor is not written to until somebody lifts them again.
func (a *App) signalLift(ctx context.Context, v trial.Vendor, hash string, known []trial.Suppression) {
	if v.Automation == nil {
		return
	}
	a.signal(ctx, "a lift is not in the trial's history", zap.String("vendorId", v.ID), func(ctx context.Context) error {
		for _, k := range known {
			if k.Reason != trial.ReasonSuppressedAddress || k.AddressHash != "" && k.AddressHash != hash {
				continue
			}
			if err := a.Trials.NoMail(ctx, v.ID, trial.Request{Reason: string(trial.ReasonLifted), By: actor(ctx), At: k.At}); err != nil {
				return err
			}
		}
		return nil
	})
}

// LiftSuppressionRecorded is LiftSuppression with an entry on the audit record, under a key.
func (a *App) LiftSuppressionRecorded(ctx context.Context, key string, o LiftOrder) error {
	if err := checkReason(o.Reason); err != nil {
		return err
	}
	asked := audit.Entry{Action: "liftSuppression", Subject: "vendors/" + o.VendorID, Reason: o.Reason, Key: key}
	v, err := a.Store.VendorOnRecord(ctx, o.VendorID)
	if err != nil {
		return err
	}
	if err := CheckNamesNobody(asked, []trial.Vendor{v}); err != nil {
		return err
	}
	body := struct{ Reason string }{o.Reason} // a repetition may have seen what it has done
	return a.Record(ctx, asked, body, func(ctx context.Context) error {
		_, err := a.LiftSuppression(ctx, o)
		return err
	})
}
