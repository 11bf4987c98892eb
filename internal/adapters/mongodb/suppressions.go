package mongodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/trial"
)

// Suppress stops e-mail to a vendor, or to one of its addresses, and tells
// whether that is new, and the moment that is kept then. It never lets through what was stopped: a vendor who
// unsubscribed stays so until [Store.Resubscribe], and each address keeps its own state. The vendor's
// document need not be there: it may come back.
func (s *Store) Suppress(ctx context.Context, vendorID string, p trial.Suppression) (since time.Time, isNew bool, err error) {
	s = s.of(vendorID)
	switch {
	case p.Reason != trial.ReasonUnsubscribed && p.Reason != trial.ReasonSuppressedAddress:
		return p.At, false, trial.Invalid("reason", "must be %s or %s, is %q", trial.ReasonUnsubscribed, trial.ReasonSuppressedAddress, p.Reason)
	case !trial.ValidVendorID(vendorID):
		return p.At, false, trial.NotFound(vendorID)
	}
	p.At, p.SentAt = stored(p.At), stored(p.SentAt)
	if p.Reason == trial.ReasonUnsubscribed {
		p.AddressHash, p.Cause = "", "" // it is the vendor who wants no more, at any address
		return s.unsubscribe(ctx, vendorID, p)
	}
	if p.AddressHash != "" {
		change := changes(
			bson.E{Key: "$min", Value: bson.D{{Key: "value", Value: p}}},
			bson.E{Key: "$max", Value: bson.D{{Key: "known." + string(p.Why()), Value: p.Latest()}}},
		)
		if err := s.keepOldStops(ctx, addressSuppressionKey(p.AddressHash)); err != nil {
			return p.At, false, err
		}
		err = upsert(ctx, "suppressing an address of vendor "+vendorID, s.suppressions, addressSuppressionKey(p.AddressHash), change)
		if err != nil {
			return p.At, false, err
		}
	}
	if err := s.keepOldStops(ctx, vendorSuppressionKey(vendorID)); err != nil {
		return p.At, false, err
	}
	key := addressKey(p.AddressHash)
	isNew, err = s.changeSuppressions(ctx, vendorID, p,
		bson.E{Key: "$min", Value: bson.D{{Key: "addresses." + key, Value: p}}},
		bson.E{Key: "$max", Value: append(listed(p.Why(), p.At), bson.E{Key: "known." + key + "." + string(p.Why()), Value: p.Latest()})})
	return p.At, isNew, err
}

// unsubscribe keeps the first of those that hold. One that comes with an earlier moment than the end of another, as of a clock
// that is behind, counts from that end on: in doubt nobody is written to.
func (s *Store) unsubscribe(ctx context.Context, vendorID string, p trial.Suppression) (since time.Time, isNew bool, err error) {
	known, err := s.suppressed(ctx, vendorID)
	if err != nil || known.record().OptedOut() {
		return p.At, false, err
	}
	if !p.At.After(known.ResubscribedAt) {
		p.At = known.ResubscribedAt.UTC().Add(time.Millisecond)
	}
	doc := suppressionDocument{Rank: p.Rank(), Suppression: p}
	isNew, err = s.changeSuppressions(ctx, vendorID, p,
		bson.E{Key: "$max", Value: append(listed(p.Why(), p.At), bson.E{Key: "everywhere", Value: doc})})
	return p.At, isNew, err
}

// Resubscribe keeps that a vendor asks for e-mail again: it takes back that it unsubscribed. What stops e-mail to an address stays
// as it is; a person may lift a complaint then. Where there is nothing to take back, nothing is kept.
func (s *Store) Resubscribe(ctx context.Context, vendorID string, at time.Time) error {
	s = s.of(vendorID)
	known, err := s.suppressed(ctx, vendorID)
	if err != nil {
		return err
	}
	v, err := s.VendorOnRecord(ctx, vendorID) // what stops its address may be on record of another vendor alone
	if err != nil && trial.CodeOf(err) != trial.CodeNotFound {
		return err
	}
	at, asks := v.AskAgainAt(known.record(), stored(at))
	if !asks {
		return nil
	}
	return upsert(ctx, "keeping that vendor "+vendorID+" asks for e-mail again", s.suppressions, vendorSuppressionKey(vendorID),
		bson.D{{Key: "$max", Value: bson.D{{Key: "resubscribedAt", Value: at}}}})
}

// LiftSuppression keeps that a person has lifted what stopped e-mail to one address of a vendor, given by its hash. It ends what is
// older, as trial.SuppressionRecord says, and only ever becomes later. Repeating it changes nothing.
func (s *Store) LiftSuppression(ctx context.Context, vendorID, hash string, at time.Time) error {
	s = s.of(vendorID)
	action := "lifting what stops e-mail to vendor " + vendorID
	err := upsert(ctx, action, s.suppressions, addressSuppressionKey(hash), bson.D{{Key: "$max", Value: bson.D{{Key: "liftedAt", Value: stored(at)}}}})
	if err != nil {
		return err
	}
	return upsert(ctx, action, s.suppressions, vendorSuppressionKey(vendorID), bson.D{{Key: "$max", Value: bson.D{{Key: "lifts." + hash, Value: stored(at)}}}})
}

// changeSuppressions makes a change that has one more suppression on record, and tells whether more stops e-mail then.
func (s *Store) changeSuppressions(ctx context.Context, vendorID string, p trial.Suppression, change ...bson.E) (isNew bool, err error) {
	var before vendorSuppressions
	opts := options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.Before)
	err = s.suppressions.FindOneAndUpdate(ctx, byID(vendorSuppressionKey(vendorID)), changes(change...), opts).Decode(&before)
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return false, failed("suppressing e-mail to vendor "+vendorID, err)
	}
	record := before.record()
	return record.With(p).StopsMore(record), nil
}

// MergeSuppression adds a stored suppression to what is kept under its key: of each part the one that stands whatever came first.
func (s *Store) MergeSuppression(ctx context.Context, doc bson.Raw) error {
	most, least := bson.D{}, bson.D{}
	elements, err := doc.Elements()
	if err != nil {
		return fmt.Errorf("reading a suppression: %w", err)
	}
	for _, e := range elements {
		switch e.Key() {
		case "everywhere", "resubscribedAt", "liftedAt":
			most = append(most, parts(e.Key(), e.Value(), 0)...)
		case "lifts":
			most = append(most, parts(e.Key(), e.Value(), 1)...)
		case "known":
			depth := 2 // by address and cause
			if isAddress(doc) {
				depth = 1
			}
			most = append(most, parts(e.Key(), e.Value(), depth)...)
		case "addresses":
			least = append(least, parts(e.Key(), e.Value(), 1)...)
		case "value":
			least = append(least, parts(e.Key(), e.Value(), 0)...)
		}
	}
	if !isAddress(doc) {
		vendor, err := readSuppressions[vendorSuppressions](doc)
		if err != nil {
			return err
		}
		most = append(most, vendor.listed()...)
	}
	latest, err := oldStops(doc)
	if err != nil {
		return err
	}
	most = append(most, latest...)
	if len(least) > 0 {
		if id, isText := doc.Lookup("_id").StringValueOK(); isText {
			if err := s.keepOldStops(ctx, id); err != nil {
				return err
			}
		}
	}
	update := changes(bson.E{Key: "$max", Value: most}, bson.E{Key: "$min", Value: least})
	if len(update) == 0 {
		return nil
	}
	return upsert(ctx, "restoring collection "+suppressionsCollection, s.suppressions, doc.Lookup("_id"), update)
}
