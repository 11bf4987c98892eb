package mongodb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/trial"
)

// RecordConversion keeps billing's word that a vendor has converted, until its
// trial has recorded it and after. Only the first counts; every call answers
// with that one. Recorded is not the caller's to set. The vendor's document need
// not be there: what was said is kept beside it.
// An unknown vendor is a *trial.Error with CodeNotFound, one that has not been
// taken in yet with CodeConflict; nothing is kept then.
func (s *Store) RecordConversion(ctx context.Context, vendorID string, c trial.Conversion) (kept trial.Conversion, isFirst bool, err error) {
	s = s.of(vendorID)
	v, err := s.VendorOnRecord(ctx, vendorID)
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
	kept.At = kept.At.UTC()
	kept.Recorded = kept.Recorded || v.Automation.Conversion != nil && v.Automation.Conversion.Recorded
	var note vendorNote
	note.conversion(kept)
	_, err = s.updateUser(ctx, vendorID, note.update())
	return kept, isFirst, s.copied("recording the conversion of vendor "+vendorID, vendorID, err)
}

// copied is what a failure to copy something into a vendor's document comes to,
// which is kept elsewhere: the marketplace may have removed the document, and its
// own rules may refuse the change. The latter is logged; neither is in the way.
func (s *Store) copied(action, vendorID string, err error) error {
	switch {
	case err == nil || errors.Is(err, mongo.ErrNoDocuments):
		return nil
	case isRefused(err):
		s.log.Warn("the database refuses a change of a vendor's document", zap.String("doing", action), zap.String("vendorId", vendorID), zap.Int("code", refusalCode(err)))
		return nil
	}
	return failed(action, err)
}

// setRecorded notes whether the trial knows of its vendor's conversion.
func (s *Store) setRecorded(ctx context.Context, vendorID string, recorded bool) error {
	return update(ctx, "noting whether the trial knows the conversion of vendor "+vendorID, s.idempotencyKeys, byID(conversionKey(vendorID)),
		bson.D{{Key: "$set", Value: bson.D{{Key: "value.recorded", Value: recorded}}}})
}

// RedeliverConversion has a conversion delivered again that its trial does not know, since it was set back to before.
func (s *Store) RedeliverConversion(ctx context.Context, vendorID string) error {
	s = s.of(vendorID)
	state, _, err := s.Trial(ctx, vendorID)
	if err != nil || state.ConvertedAt != nil {
		return err
	}
	return s.setRecorded(ctx, vendorID, false)
}

// UnrecordedConversions are up to limit conversions that their trials do not
// know of yet, by vendor. They are those on record, whatever has become of the
// documents of vendors whose trials have begun. One of a vendor who has no trial,
// and from whose document none can begin, waits for that: its trial's workflow
// would fail each time that it is told.
func (s *Store) UnrecordedConversions(ctx context.Context, limit int) (found []trial.Vendor, err error) {
	const action = "looking for conversions to deliver"
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	cursor, err := s.idempotencyKeys.Find(ctx, bson.D{{Key: "value.recorded", Value: false}})
	if err != nil {
		return nil, failed(action, err)
	}
	defer func() { _ = cursor.Close(ctx) }() // it ends by itself as well
	var waiting []string
	for len(found) < limit && cursor.Next(ctx) {
		var doc firstDocument[trial.Conversion]
		if cursor.Decode(&doc) != nil {
			continue // it is something else
		}
		id, ok := strings.CutSuffix(doc.Key, conversionKey(""))
		if !ok || !trial.ValidVendorID(id) {
			continue
		}
		state, initial, err := s.Trial(ctx, id)
		if err != nil {
			return found, err
		}
		if state.ConvertedAt != nil { // it is known, and was not noted
			if err := s.setRecorded(ctx, id, true); err != nil {
				return found, err
			}
			continue
		}
		if !initial {
			can, err := s.canBegin(ctx, id)
			if err != nil {
				return found, err
			}
			if !can {
				waiting = append(waiting, id)
				continue
			}
		}
		doc.Value.At = doc.Value.At.UTC()
		found = append(found, trial.Vendor{ID: id, Automation: &trial.Automation{Conversion: &doc.Value}})
	}
	if err := cursor.Err(); err != nil {
		return nil, failed(action, err)
	}
	if len(waiting) > 0 {
		const some = 10
		s.log.Warn("conversions wait for vendors who have no trial, and whose document is gone or not taken in",
			zap.Int("vendors", len(waiting)), zap.Strings("vendorIds", waiting[:min(some, len(waiting))]))
	}
	return found, nil
}

// canBegin tells whether a vendor's trial can begin: its document is there, and has been taken in.
func (s *Store) canBegin(ctx context.Context, id string) (bool, error) {
	v, err := s.Vendor(ctx, id)
	if trial.CodeOf(err) == trial.CodeNotFound {
		return false, nil
	}
	return v.Automation != nil, err
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
	return changes(bson.E{Key: "$set", Value: n.set}, bson.E{Key: "$max", Value: n.most})
}
