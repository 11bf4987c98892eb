package mongodb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/trial"
)

// erasureKey is where it is kept that a vendor was erased, beside the document,
// which the marketplace may replace.
func erasureKey(vendorID string) string { return vendorID + recovery.ErasureKey }

// EraseVendor removes a vendor's name, address, attributes and texts, and what its e-mails said of it, and lets no e-mail go to it
// any more, whatever address it is given later. Everything else stays: where its
// trial stands, and the hash of an address that is suppressed. The first erasure
// counts; every call answers with that one. Of a vendor whose document is gone it
// is kept for when it comes back. An unknown vendor is a *trial.Error with CodeNotFound.
func (s *Store) EraseVendor(ctx context.Context, id string, e trial.Erasure) (trial.Erasure, error) {
	s = s.of(id)
	key, u, err := s.findUser(ctx, id)
	switch {
	case errors.Is(err, mongo.ErrNoDocuments), err == nil && !u.isVendor:
		// There is nothing to remove; what was asked for holds if the vendor comes back.
		if _, err := s.VendorOnRecord(ctx, id); err != nil {
			return trial.Erasure{}, err
		}
		return s.recordErasure(ctx, id, e)
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
		{Key: "$unset", Value: bson.D{{Key: "email", Value: ""}, {Key: "name", Value: ""}, {Key: "trialAutomation.attributes", Value: ""}}},
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
	return s.recordErasure(ctx, id, e)
}

// recordErasure keeps that a vendor was erased, once what is kept beside its document is gone. The first erasure counts, and
// is returned. A text that comes meanwhile is removed afterwards.
func (s *Store) recordErasure(ctx context.Context, id string, e trial.Erasure) (trial.Erasure, error) {
	if err := s.forgetAttributes(ctx, id); err != nil {
		return trial.Erasure{}, err
	}
	kept, _, err := first(ctx, s, erasureKey(id), e)
	if err != nil {
		return trial.Erasure{}, err
	}
	return kept, s.forgetBeside(ctx, id)
}

// forgetAttributes removes a vendor's attributes from what is on record of its registration.
func (s *Store) forgetAttributes(ctx context.Context, id string) error {
	return update(ctx, "removing the attributes of vendor "+id, s.idempotencyKeys, byID(registrationKey(id)),
		bson.D{{Key: "$unset", Value: bson.D{{Key: "value.attributes", Value: ""}}}})
}

// erased is the erasure on record for a vendor, nil for none.
func (s *Store) erased(ctx context.Context, id string) (*trial.Erasure, error) {
	return lookUp[trial.Erasure](ctx, s, erasureKey(id))
}

// RecordErasure keeps that a vendor was erased without a look at its document, and tells whether that is new.
func (s *Store) RecordErasure(ctx context.Context, id string, e trial.Erasure) (isNew bool, err error) {
	s = s.of(id)
	if err := s.forgetAttributes(ctx, id); err != nil {
		return false, err
	}
	_, isNew, err = first(ctx, s, erasureKey(id), e)
	if err != nil {
		return false, err
	}
	return isNew, s.forgetBeside(ctx, id)
}

// EraseOnRecord erases a vendor whose document has come back from before an erasure that is on record, and tells whether it had.
func (s *Store) EraseOnRecord(ctx context.Context, id string) (again bool, err error) {
	s = s.of(id)
	e, err := s.erased(ctx, id)
	if err != nil || e == nil {
		return false, err
	}
	if err := s.forgetBeside(ctx, id); err != nil { // it came back as well, whatever became of the document
		return false, err
	}
	_, u, err := s.findUser(ctx, id)
	switch {
	case errors.Is(err, mongo.ErrNoDocuments) || err == nil && (!u.isVendor || u.vendor.ErasedAt != nil):
		return false, nil
	case err != nil:
		return false, failed("reading vendor "+id, err)
	}
	_, err = s.EraseVendor(ctx, id, trial.Erasure{At: e.At.UTC(), By: e.By, Reason: e.Reason})
	return err == nil, err
}

// RestoreVendor inserts the document that a backup has of a vendor who has none, and tells whether there is one then.
// That of a vendor who is on record as erased is inserted as the erasure left it.
func (s *Store) RestoreVendor(ctx context.Context, id string, doc bson.Raw) (there bool, err error) {
	action := "restoring the document of vendor " + id
	e, err := s.erased(ctx, id)
	if err != nil {
		return false, err
	}
	var insert any = doc
	if e != nil && readUser(doc).isVendor {
		if insert, err = erasedDocument(doc, *e); err != nil {
			return false, fmt.Errorf("%s: %w", action, err)
		}
	}
	_, err = s.users.InsertOne(ctx, insert)
	if err == nil {
		return true, nil
	}
	if !isRefused(err) {
		return false, failed(action, err)
	}
	s.log.Warn("the database refuses a vendor's document", zap.String("doing", action), zap.String("vendorId", id), zap.Int("code", refusalCode(err)))
	if _, _, err = s.findUser(ctx, id); err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return false, failed(action, err)
	}
	return err == nil, nil // somebody else may have put it there meanwhile
}

// erasedDocument is a vendor's document as EraseVendor leaves it. It is written at once like that: whatever breaks off
// then, no name and no address is there to be removed.
func erasedDocument(doc bson.Raw, e trial.Erasure) (bson.D, error) {
	var fields, automation bson.D
	if err := bson.Unmarshal(doc, &fields); err != nil {
		return nil, fmt.Errorf("reading it: %w", err)
	}
	left := slices.DeleteFunc(fields, func(f bson.E) bool {
		if f.Key == "trialAutomation" {
			automation, _ = f.Value.(bson.D) // what is no document is cleared
		}
		return f.Key == "trialAutomation" || f.Key == "email" || f.Key == "name"
	})
	automation = slices.DeleteFunc(automation, func(f bson.E) bool { return f.Key == "erasedAt" || f.Key == "attributes" })
	automation = append(automation, bson.E{Key: "erasedAt", Value: stored(e.At)})
	return append(left, bson.E{Key: "trialAutomation", Value: automation}), nil
}
