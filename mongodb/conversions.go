package mongodb

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/trial"
)

// RecordConversion keeps billing's word that a vendor has converted, until its
// trial has recorded it and after. Only the first counts; every call answers
// with that one. Recorded is not the caller's to set.
// An unknown vendor is a *trial.Error with CodeNotFound, one that has not been
// taken in yet with CodeConflict; nothing is kept then.
func (s *Store) RecordConversion(ctx context.Context, vendorID string, c trial.Conversion) (kept trial.Conversion, isFirst bool, err error) {
	v, err := s.Vendor(ctx, vendorID)
	if err != nil {
		return trial.Conversion{}, false, err
	}
	if v.Automation == nil {
		return trial.Conversion{}, false, &trial.Error{Code: trial.CodeConflict, Field: "id", Message: fmt.Sprintf("vendor %q has not been taken in yet", vendorID)}
	}
	if c.At.IsZero() {
		return trial.Conversion{}, false, trial.Invalid("at", "is missing")
	}
	kept, isFirst, err = first(ctx, s, conversionKey(vendorID), trial.Conversion{At: c.At, RequestID: c.RequestID})
	if err != nil {
		return trial.Conversion{}, false, err
	}
	var note vendorNote
	note.conversion(kept)
	u, err := s.updateUser(ctx, vendorID, note.update())
	if err != nil {
		return trial.Conversion{}, false, failed("recording the conversion of vendor "+vendorID, err)
	}
	if u.vendor.Automation != nil && u.vendor.Automation.Conversion != nil {
		kept.Recorded = u.vendor.Automation.Conversion.Recorded
	}
	return kept, isFirst, nil
}

// vendorNote is what is written into a vendor's document.
type vendorNote struct{ set, most bson.D }

// conversion copies the first conversion. That the trial knows of it may have
// been noted before and stays: true is more than false.
func (n *vendorNote) conversion(c trial.Conversion) {
	n.set = append(n.set,
		bson.E{Key: "trialAutomation.conversion.at", Value: c.At},
		bson.E{Key: "trialAutomation.conversion.requestId", Value: c.RequestID})
	n.most = append(n.most, bson.E{Key: "trialAutomation.conversion.recorded", Value: c.Recorded})
}

func (n *vendorNote) update() bson.D {
	update := bson.D{{Key: "$set", Value: n.set}}
	if len(n.most) > 0 {
		update = append(update, bson.E{Key: "$max", Value: n.most})
	}
	return update
}

// suppressionDocument is a suppression as stored. Two are compared field by
// field in this order; the greater stands.
type suppressionDocument struct {
	Rank              int `json:"rank"`
	trial.Suppression `bson:",inline"`
}

// Suppress stops e-mail to a vendor, and never lets through what was stopped:
// a vendor who unsubscribed stays so, whatever address bounces. Of two
// addresses the one suppressed later counts, since it is the vendor's present
// one. An unknown vendor is a *trial.Error with CodeNotFound.
func (s *Store) Suppress(ctx context.Context, vendorID string, p trial.Suppression) error {
	if p.Reason != trial.ReasonUnsubscribed && p.Reason != trial.ReasonSuppressedAddress {
		return trial.Invalid("reason", "must be %s or %s, is %q", trial.ReasonUnsubscribed, trial.ReasonSuppressedAddress, p.Reason)
	}
	doc := suppressionDocument{Rank: suppressionRank(p), Suppression: p}
	if p.Reason == trial.ReasonUnsubscribed {
		doc.AddressHash = "" // it is the vendor who wants no more, at any address
	}
	_, err := s.updateUser(ctx, vendorID, bson.D{{Key: "$max", Value: bson.D{{Key: "trialAutomation.suppression", Value: doc}}}})
	if errors.Is(err, mongo.ErrNoDocuments) {
		return trial.NotFound(vendorID)
	}
	if err != nil {
		return failed("suppressing e-mail to vendor "+vendorID, err)
	}
	return nil
}

// suppressionRank orders suppressions by how much they stop.
func suppressionRank(p trial.Suppression) int {
	switch {
	case p.Reason == trial.ReasonUnsubscribed:
		return 3
	case p.AddressHash == "":
		return 2
	}
	return 1
}
