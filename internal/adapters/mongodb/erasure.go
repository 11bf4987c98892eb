package mongodb

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/trial"
)

// erasureKey is where it is kept that a vendor was erased, beside the document,
// which the marketplace may replace.
func erasureKey(vendorID string) string { return vendorID + recovery.ErasureKey }

// EraseVendor removes a vendor's name and address, and lets no e-mail go to it
// any more, whatever address it is given later. Everything else stays: where its
// trial stands, and the hash of an address that is suppressed. The first erasure
// counts; every call answers with that one. Of a vendor whose document is gone it
// is kept for when it comes back. An unknown vendor is a *trial.Error with CodeNotFound.
func (s *Store) EraseVendor(ctx context.Context, id string, e trial.Erasure) (trial.Erasure, error) {
	key, u, err := s.findUser(ctx, id)
	switch {
	case errors.Is(err, mongo.ErrNoDocuments), err == nil && !u.isVendor:
		// There is nothing to remove; what was asked for holds if the vendor comes back.
		if _, err := s.VendorOnRecord(ctx, id); err != nil {
			return trial.Erasure{}, err
		}
		kept, _, err := first(ctx, s, erasureKey(id), e)
		return kept, err
	case err != nil:
		return trial.Erasure{}, failed("reading vendor "+id, err)
	}
	if u.vendor.ErasedAt != nil {
		e.At = *u.vendor.ErasedAt
	}
	if u.foreign {
		if err := s.clearForeign(ctx, id, key); err != nil {
			return trial.Erasure{}, err
		}
	}
	// What is asked for comes first, and the record of it afterwards: a crash in
	// between leaves something to repeat, and nothing that is on record and was not done.
	_, err = s.updateUser(ctx, id, bson.D{
		{Key: "$unset", Value: bson.D{{Key: "email", Value: ""}, {Key: "name", Value: ""}}},
		{Key: "$set", Value: bson.D{{Key: "trialAutomation.erasedAt", Value: stored(e.At)}}},
	})
	if mongo.IsDuplicateKeyError(err) {
		return trial.Erasure{}, &trial.Error{
			Code: trial.CodeConflict, Field: "id", Message: "a unique index of the marketplace's stands against a user without an address",
		}
	}
	if err != nil {
		return trial.Erasure{}, refusedDocument("erasing vendor "+id, err)
	}
	kept, _, err := first(ctx, s, erasureKey(id), e)
	return kept, err
}

// erased is the erasure on record for a vendor, nil for none.
func (s *Store) erased(ctx context.Context, id string) (*trial.Erasure, error) {
	return lookUp[trial.Erasure](ctx, s, erasureKey(id))
}
