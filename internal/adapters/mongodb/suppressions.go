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

// suppressionDocument is a suppression as stored. Two are compared field by
// field in this order; the greater stands.
type suppressionDocument struct {
	Rank              int `json:"rank"`
	trial.Suppression `bson:",inline"`
}

// vendorSuppressions are what stops e-mail to a vendor: at every address, and at
// each of the addresses that bounced or complained. They are kept beside the
// vendor's document, which the marketplace may replace or remove.
type vendorSuppressions struct {
	Key        string                       `bson:"_id"`
	Everywhere *suppressionDocument         `json:"everywhere"`
	Addresses  map[string]trial.Suppression `json:"addresses"`
	// ResubscribedAt is when the vendor last asked to be written to again; zero for never.
	ResubscribedAt time.Time `json:"resubscribedAt"`
}

// unknownAddress is the key of an address that bounced or complained of which nobody knows which it was.
const unknownAddress = "unknown"

// addressSuppression stops e-mail to an address, whichever vendor has it.
type addressSuppression struct {
	Key   string            `bson:"_id"`
	Value trial.Suppression `json:"value"`
}

// The keys of suppressions.
func vendorSuppressionKey(vendorID string) string { return "vendor/" + vendorID }
func addressSuppressionKey(hash string) string    { return "address/" + hash }

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
	p.At = stored(p.At)
	if p.Reason == trial.ReasonUnsubscribed {
		p.AddressHash = "" // it is the vendor who wants no more, at any address
	}
	if p.Reason == trial.ReasonUnsubscribed {
		return s.unsubscribe(ctx, vendorID, p)
	}
	key := unknownAddress
	if p.AddressHash != "" {
		key = p.AddressHash
		_, err = insert(ctx, "suppressing an address of vendor "+vendorID, s.suppressions, addressSuppression{Key: addressSuppressionKey(key), Value: p})
		if err != nil {
			return p.At, false, err
		}
	}
	isNew, err = s.changeSuppressions(ctx, vendorID, bson.E{Key: "$min", Value: bson.D{{Key: "addresses." + key, Value: p}}},
		func(before vendorSuppressions) bool { _, known := before.Addresses[key]; return !known })
	return p.At, isNew, err
}

// unsubscribe keeps the first of those that hold. One that comes with an earlier moment than the end of another, as of a clock
// that is behind, counts from that end on: in doubt nobody is written to.
func (s *Store) unsubscribe(ctx context.Context, vendorID string, p trial.Suppression) (since time.Time, isNew bool, err error) {
	known, err := s.suppressed(ctx, vendorID)
	if err != nil || known.Everywhere != nil && known.Everywhere.Rank >= p.Rank() && !known.resubscribed() {
		return p.At, false, err
	}
	if !p.At.After(known.ResubscribedAt) {
		p.At = known.ResubscribedAt.UTC().Add(time.Millisecond)
	}
	doc := suppressionDocument{Rank: p.Rank(), Suppression: p}
	isNew, err = s.changeSuppressions(ctx, vendorID, bson.E{Key: "$max", Value: bson.D{{Key: "everywhere", Value: doc}}},
		func(before vendorSuppressions) bool {
			return before.Everywhere == nil || before.Everywhere.Rank < p.Rank() || before.resubscribed()
		})
	return p.At, isNew, err
}

// Resubscribe takes back that a vendor unsubscribed. What stops e-mail to an address stays as it is.
func (s *Store) Resubscribe(ctx context.Context, vendorID string, at time.Time) error {
	s = s.of(vendorID)
	known, err := s.suppressed(ctx, vendorID)
	if err != nil || known.Everywhere == nil || known.resubscribed() {
		return err
	}
	if at = stored(at); at.Before(known.Everywhere.At) { // by the clock of another process
		at = known.Everywhere.At
	}
	_, err = s.changeSuppressions(ctx, vendorID, bson.E{Key: "$max", Value: bson.D{{Key: "resubscribedAt", Value: at}}},
		func(vendorSuppressions) bool { return true })
	return err
}

// resubscribed reports whether the vendor has taken back that it unsubscribed.
func (d vendorSuppressions) resubscribed() bool {
	return d.Everywhere != nil && d.Everywhere.Reason == trial.ReasonUnsubscribed && !d.Everywhere.At.After(d.ResubscribedAt)
}

func (s *Store) changeSuppressions(ctx context.Context, vendorID string, change bson.E, isNew func(before vendorSuppressions) bool) (bool, error) {
	var before vendorSuppressions
	opts := options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.Before)
	err := s.suppressions.FindOneAndUpdate(ctx, byID(vendorSuppressionKey(vendorID)), bson.D{change}, opts).Decode(&before)
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return false, failed("suppressing e-mail to vendor "+vendorID, err)
	}
	return isNew(before), nil
}

// MergeSuppression adds a stored suppression to what is kept under its key: of what stops e-mail at every address
// the greater stands, as always, of what ends that the last, and of each address the first.
func (s *Store) MergeSuppression(ctx context.Context, doc bson.Raw) error {
	only, most, least := bson.D{}, bson.D{}, bson.D{}
	elements, err := doc.Elements()
	if err != nil {
		return fmt.Errorf("reading a suppression: %w", err)
	}
	for _, e := range elements {
		addresses, several := e.Value().DocumentOK()
		switch {
		case e.Key() == "_id":
		case e.Key() == "everywhere" && e.Value().Type == bson.TypeEmbeddedDocument, e.Key() == "resubscribedAt" && e.Value().Type == bson.TypeDateTime:
			most = append(most, bson.E{Key: e.Key(), Value: e.Value()})
		case e.Key() == "addresses" && several:
			hashes, err := addresses.Elements()
			if err != nil {
				return fmt.Errorf("reading a suppression's addresses: %w", err)
			}
			for _, a := range hashes {
				least = append(least, bson.E{Key: "addresses." + a.Key(), Value: a.Value()})
			}
		case e.Key() == "value":
			only = append(only, bson.E{Key: e.Key(), Value: e.Value()})
		}
	}
	update := bson.D{}
	for operator, fields := range map[string]bson.D{"$setOnInsert": only, "$max": most, "$min": least} {
		if len(fields) > 0 {
			update = append(update, bson.E{Key: operator, Value: fields})
		}
	}
	if len(update) == 0 {
		return nil
	}
	return upsert(ctx, "restoring collection "+suppressionsCollection, s.suppressions, doc.Lookup("_id"), update)
}

// suppressed is what is kept of a vendor; nothing where there is none.
func (s *Store) suppressed(ctx context.Context, vendorID string) (doc vendorSuppressions, err error) {
	doc, _, err = find[vendorSuppressions](ctx, "reading whether vendor "+vendorID+" may be e-mailed", s.suppressions, byID(vendorSuppressionKey(vendorID)))
	return doc, err
}

// addressSuppressed is what is kept of an address, nil for nothing.
func (s *Store) addressSuppressed(ctx context.Context, hash string) (*trial.Suppression, error) {
	doc, found, err := find[addressSuppression](ctx, "reading whether an address may be written to", s.suppressions, byID(addressSuppressionKey(hash)))
	if !found {
		return nil, err
	}
	return &doc.Value, nil
}

// Suppressions are all that is kept of a vendor's wish and of its addresses, at
// every address first, then by hash.
func (s *Store) Suppressions(ctx context.Context, vendorID string) ([]trial.Suppression, error) {
	s = s.of(vendorID)
	doc, err := s.suppressed(ctx, vendorID)
	return doc.all(), err
}
