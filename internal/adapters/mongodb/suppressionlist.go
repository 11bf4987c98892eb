package mongodb

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"marketplace.example/trials/internal/domain/trial"
)

// mostSkipped bounds how many batches a page reads for its rows: of those whose suppression has ended, or is of an address that
// they have no more, there may be many.
const mostSkipped = 10

// SuppressedVendors are up to limit vendors to whose present address no e-mail may go, by a cause or by any (empty), those of whom
// the latest was heard first. after is a page's next: where to go on, empty for the beginning, and at the end. A page may be short,
// or empty, and not the last. Who was erased is not among them, nor whoever is stopped by what another vendor's e-mail did at the
// same address. A wrong after is a *trial.Error with CodeInvalid.
func (s *Store) SuppressedVendors(ctx context.Context, cause trial.Cause, after string, limit int) (page []trial.SuppressedVendor, next string, err error) {
	by := cause
	if by == "" {
		by = anyCause
	}
	from, err := readPlace(after)
	if err != nil {
		return nil, "", err
	}
	for range mostSkipped {
		docs, err := s.latestSuppressions(ctx, by, from, limit+1)
		if err != nil {
			return nil, "", err
		}
		vendors, err := s.stoppedVendors(ctx, docs)
		if err != nil {
			return nil, "", err
		}
		for i, doc := range docs[:min(len(docs), limit)] {
			if len(page) == limit {
				return page, from.text(), nil
			}
			from = place{doc.Latest[by].UTC(), doc.vendorID()}
			if row, is := vendors[i].SuppressedView(); is && row.HasCause(cause) {
				page = append(page, row)
			}
		}
		if len(docs) <= limit {
			return page, "", nil
		}
		if len(page) == limit {
			return page, from.text(), nil
		}
	}
	return page, from.text(), nil
}

// latestSuppressions are vendors' suppressions after a place in the list of a cause.
func (s *Store) latestSuppressions(ctx context.Context, by trial.Cause, from place, limit int) ([]vendorSuppressions, error) {
	field := "latest." + string(by)
	filter := bson.D{{Key: field, Value: bson.D{{Key: "$gt", Value: time.Unix(0, 0)}}}} // those that have one
	if from != (place{}) {
		filter = bson.D{{Key: "$or", Value: bson.A{
			bson.D{{Key: field, Value: bson.D{{Key: "$lt", Value: from.at}, {Key: "$gt", Value: time.Unix(0, 0)}}}},
			bson.D{{Key: field, Value: from.at}, {Key: "_id", Value: bson.D{{Key: "$lt", Value: vendorSuppressionKey(from.vendorID)}}}},
		}}}
	}
	return list[vendorSuppressions](ctx, "listing suppressions", s.suppressions, filter,
		options.Find().SetSort(bson.D{{Key: field, Value: -1}, {Key: "_id", Value: -1}}).SetLimit(int64(limit)))
}

func (d vendorSuppressions) vendorID() string {
	return strings.TrimPrefix(d.Key, vendorSuppressionPrefix)
}

// stoppedVendors are the vendors of suppressions, as Vendor knows them, but without their trials: three queries for all of them.
func (s *Store) stoppedVendors(ctx context.Context, docs []vendorSuppressions) ([]trial.Vendor, error) {
	vendors := make([]trial.Vendor, len(docs))
	var userIDs, erasures bson.A
	place := map[string]int{}
	for i, doc := range docs {
		id := doc.vendorID()
		vendors[i], place[id] = trial.Vendor{ID: id}, i
		erasures = append(erasures, erasureKey(id))
		for _, key := range userKeys(id) {
			userIDs = append(userIDs, key)
		}
	}
	if len(docs) == 0 {
		return vendors, nil
	}
	g, both := errgroup.WithContext(ctx)
	g.Go(func() error {
		users, err := list[bson.Raw](both, "reading the vendors of suppressions", s.users, byID(bson.D{{Key: "$in", Value: userIDs}}))
		for _, raw := range users {
			if u := readUser(raw); u.isVendor {
				vendors[place[u.vendor.ID]].Email, vendors[place[u.vendor.ID]].ErasedAt = u.vendor.Email, u.vendor.ErasedAt
			}
		}
		return err
	})
	erased := map[string]bool{}
	g.Go(func() error {
		found, err := list[struct {
			Key string `bson:"_id"`
		}](both, "reading who was erased", s.idempotencyKeys, byID(bson.D{{Key: "$in", Value: erasures}}))
		for _, doc := range found {
			erased[doc.Key] = true
		}
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var addresses bson.A
	for i, v := range vendors {
		addresses = append(addresses, addressSuppressionKey(trial.AddressHash(v.Email)))
		if erased[erasureKey(v.ID)] {
			vendors[i].ErasedAt = new(time.Time)
		}
	}
	shared, err := list[addressSuppression](ctx, "reading which addresses may be written to", s.suppressions, byID(bson.D{{Key: "$in", Value: addresses}}))
	byKey := map[string]*addressSuppression{}
	for _, doc := range shared {
		byKey[doc.Key] = &doc
	}
	for i, doc := range docs {
		vendors[i] = doc.stopped(vendors[i], byKey[addressSuppressionKey(trial.AddressHash(vendors[i].Email))])
	}
	return vendors, err
}

// place is where a page ends: the moment and the vendor of its last row.
type place struct {
	at       time.Time
	vendorID string
}

func (p place) text() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(p.at.UnixMilli(), 10) + "/" + p.vendorID))
}

func readPlace(text string) (place, error) {
	if text == "" {
		return place{}, nil
	}
	whole, err := base64.RawURLEncoding.DecodeString(text)
	moment, id, _ := strings.Cut(string(whole), "/")
	milliseconds, badMoment := strconv.ParseInt(moment, 10, 64)
	if err != nil || badMoment != nil || !trial.ValidVendorID(id) {
		return place{}, trial.Invalid("cursor", "is not the nextCursor of a page")
	}
	return place{time.UnixMilli(milliseconds).UTC(), id}, nil
}
