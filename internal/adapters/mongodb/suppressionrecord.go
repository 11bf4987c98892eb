package mongodb

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/trial"
)

// suppressionDocument is a vendor's wish as stored. Two are compared field by
// field in this order; the greater stands.
type suppressionDocument struct {
	Rank              int `json:"rank"`
	trial.Suppression `bson:",inline"`
}

// vendorSuppressions are what stops e-mail to a vendor: at every address, and at
// each of the addresses that bounced or complained. They are kept beside the
// vendor's document, which the marketplace may replace or remove. Each part only grows, by $max, but Addresses, by $min: no order
// of writes, and no restore, undoes what is known.
type vendorSuppressions struct {
	Key        string               `bson:"_id"`
	Everywhere *suppressionDocument `json:"everywhere"`
	// Addresses are the first bounce or complaint of each, by hash or unknownAddress; Known the latest of each cause.
	Addresses map[string]trial.Suppression                `json:"addresses"`
	Known     map[string]map[trial.Cause]trial.LatestStop `json:"known"`
	// Lifts are when what stopped an address was lifted, by hash.
	Lifts map[string]time.Time `json:"lifts"`
	// ResubscribedAt is when the vendor last asked to be written to again; zero for never.
	ResubscribedAt time.Time `json:"resubscribedAt"`
	// Latest are the moments that lists go by: of the latest of each cause, and of anyCause.
	Latest map[trial.Cause]time.Time `json:"latest"`
}

const (
	// unknownAddress is the key of an address that bounced or complained of which nobody knows which it was.
	unknownAddress = "unknown"
	// anyCause is the key of the latest of all causes.
	anyCause trial.Cause = "any"
)

// addressSuppression is what is known of an address, whichever vendor has it.
type addressSuppression struct {
	Key      string                           `bson:"_id"`
	Value    *trial.Suppression               `json:"value"`
	Known    map[trial.Cause]trial.LatestStop `json:"known"`
	LiftedAt time.Time                        `json:"liftedAt"`
}

// The keys of suppressions.
const (
	vendorSuppressionPrefix  = "vendor/"
	addressSuppressionPrefix = "address/"
)

func vendorSuppressionKey(vendorID string) string { return vendorSuppressionPrefix + vendorID }
func addressSuppressionKey(hash string) string    { return addressSuppressionPrefix + hash }

// addressKey is the key of an address in a vendor's suppressions.
func addressKey(hash string) string {
	if hash == "" {
		return unknownAddress
	}
	return hash
}

func hashOf(key string) string {
	if key == unknownAddress {
		return ""
	}
	return key
}

func isAddress(doc bson.Raw) bool {
	id, _ := doc.Lookup("_id").StringValueOK()
	return strings.HasPrefix(id, addressSuppressionPrefix)
}

// record is what the rules judge.
func (d vendorSuppressions) record() trial.SuppressionRecord {
	r := trial.SuppressionRecord{AskedAt: utc(d.ResubscribedAt), Addresses: map[string]trial.AddressRecord{}, Lifts: map[string]time.Time{}}
	for key, first := range d.Addresses {
		first.At = first.At.UTC()
		r.Addresses[hashOf(key)] = trial.AddressRecord{First: &first}
	}
	for key, known := range d.Known {
		a := r.Addresses[hashOf(key)]
		a.Latest = known
		r.Addresses[hashOf(key)] = a
	}
	for hash, at := range d.Lifts {
		r.Lifts[hash] = at.UTC()
	}
	if d.Everywhere == nil {
		return r
	}
	everywhere := d.Everywhere.Suppression
	if everywhere.At = everywhere.At.UTC(); everywhere.Reason == trial.ReasonUnsubscribed {
		r.Unsubscribed = &everywhere
		return r
	}
	return r.With(everywhere)
}

// utc is a stored moment; the zero one stays that.
func utc(at time.Time) time.Time {
	if at.IsZero() {
		return time.Time{}
	}
	return at.UTC()
}

// record is what the rules judge of the address, for a vendor that last asked for e-mail at a moment.
func (d addressSuppression) record(askedAt time.Time) trial.SuppressionRecord {
	hash := strings.TrimPrefix(d.Key, addressSuppressionPrefix)
	r := trial.SuppressionRecord{AskedAt: askedAt, Addresses: map[string]trial.AddressRecord{hash: {First: d.Value, Latest: d.Known}}}
	if !d.LiftedAt.IsZero() {
		r.Lifts = map[string]time.Time{hash: d.LiftedAt.UTC()}
	}
	return r
}

// stopped has what is on record stop e-mail to a vendor. shared is what is known of its present address, nil for nothing.
func (d vendorSuppressions) stopped(v trial.Vendor, shared *addressSuppression) trial.Vendor {
	hash, record := trial.AddressHash(v.Email), d.record()
	stops := record.Stopping(hash)
	if shared != nil {
		stops = append(stops, shared.record(record.AskedAt).Stopping(hash)...)
	}
	v.LiftedAt = record.Lifts[hash]
	v.Stopped(stops)
	return v
}

// listed are the moments that lists go by once something is on record, for $max.
func listed(cause trial.Cause, at time.Time) bson.D {
	return bson.D{{Key: "latest." + string(cause), Value: at}, {Key: "latest." + string(anyCause), Value: at}}
}

// listed are those of all that is on record, also where it was stored before there were lists.
func (d vendorSuppressions) listed() bson.D {
	latest := map[trial.Cause]time.Time{}
	add := func(cause trial.Cause, at time.Time) {
		for _, c := range []trial.Cause{cause, anyCause} {
			if at.After(latest[c]) {
				latest[c] = at
			}
		}
	}
	if d.Everywhere != nil {
		add(d.Everywhere.Why(), d.Everywhere.At)
	}
	for key, first := range d.Addresses {
		add(first.Why(), first.At)
		for cause, l := range d.Known[key] {
			add(cause, l.At)
		}
	}
	var moments bson.D
	for cause, at := range latest {
		moments = append(moments, bson.E{Key: "latest." + string(cause), Value: at})
	}
	return moments
}

// parts are the moments and documents at a depth of a stored value, by their paths.
func parts(path string, value bson.RawValue, depth int) (found bson.D) {
	doc, isDocument := value.DocumentOK()
	if depth == 0 {
		if isDocument || value.Type == bson.TypeDateTime {
			found = bson.D{{Key: path, Value: value}}
		}
		return found
	}
	elements, _ := doc.Elements() // the whole was validated
	for _, e := range elements {
		found = append(found, parts(path+"."+e.Key(), e.Value(), depth-1)...)
	}
	return found
}

// readSuppressions reads a document of a vendor or of an address as the driver does.
func readSuppressions[D vendorSuppressions | addressSuppression](raw bson.Raw) (d D, err error) {
	decoder := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(raw)))
	decoder.UseJSONStructTags()
	if err := decoder.Decode(&d); err != nil {
		return d, fmt.Errorf("reading a suppression: %w", err)
	}
	return d, nil
}

// oldStops are the first bounces and complaints of a document that was stored before the latest were, as the latest of their causes,
// for $max: an earlier one takes the place of the first, and they count all the same.
func oldStops(doc bson.Raw) (latest bson.D, err error) {
	add := func(path string, first *trial.Suppression, known map[trial.Cause]trial.LatestStop) {
		if first == nil {
			return
		}
		if _, kept := known[first.Why()]; !kept {
			latest = append(latest, bson.E{Key: path + "." + string(first.Why()), Value: first.Latest()})
		}
	}
	if isAddress(doc) {
		d, err := readSuppressions[addressSuppression](doc)
		add("known", d.Value, d.Known)
		return latest, err
	}
	d, err := readSuppressions[vendorSuppressions](doc)
	for key, first := range d.Addresses {
		add("known."+key, &first, d.Known[key])
	}
	return latest, err
}

// keepOldStops has what is stored under a key keep its oldStops as the latest, before an earlier one takes their place.
func (s *Store) keepOldStops(ctx context.Context, key string) error {
	const action = "keeping what stops e-mail"
	doc, found, err := find[bson.Raw](ctx, action, s.suppressions, byID(key))
	if err != nil || !found {
		return err
	}
	latest, err := oldStops(doc)
	if err != nil || len(latest) == 0 {
		return err
	}
	return upsert(ctx, action, s.suppressions, key, bson.D{{Key: "$max", Value: latest}})
}

// suppressed is what is kept of a vendor; nothing where there is none.
func (s *Store) suppressed(ctx context.Context, vendorID string) (doc vendorSuppressions, err error) {
	doc, _, err = find[vendorSuppressions](ctx, "reading whether vendor "+vendorID+" may be e-mailed", s.suppressions, byID(vendorSuppressionKey(vendorID)))
	return doc, err
}

// addressSuppressed is what is kept of an address, nil for nothing.
func (s *Store) addressSuppressed(ctx context.Context, hash string) (*addressSuppression, error) {
	doc, found, err := find[addressSuppression](ctx, "reading whether an address may be written to", s.suppressions, byID(addressSuppressionKey(hash)))
	if !found {
		return nil, err
	}
	return &doc, nil
}

// Suppressions are all that is kept of a vendor's wish and of its addresses, at
// every address first, then by hash.
func (s *Store) Suppressions(ctx context.Context, vendorID string) ([]trial.Suppression, error) {
	s = s.of(vendorID)
	doc, err := s.suppressed(ctx, vendorID)
	return doc.record().All(), err
}
