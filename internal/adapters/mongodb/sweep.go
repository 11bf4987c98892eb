package mongodb

import (
	"context"
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/trial"
)

// UnstartedVendors are up to limit vendors whose trial's workflow has not begun:
// registered ones, and those that the marketplace put straight into its
// collection, whose Automation is nil. Those to skip are left out, and vendors
// whose id cannot name a trial, or of which only a person can say what they are: they are
// counted in the log. None of them use up the limit.
func (s *Store) UnstartedVendors(ctx context.Context, limit int, skip func(vendorID string) bool) ([]trial.Vendor, error) {
	filter := bson.D{{Key: "isVendor", Value: true}, {Key: "trialAutomation.status", Value: nil}}
	undecided := 0
	var unknown error
	found, err := s.scanUsers(ctx, "looking for vendors without a trial", filter, limit, func(u user) bool {
		if !u.undecided {
			return !skip(u.vendor.ID)
		}
		known, err := s.known(ctx, u.vendor.ID)
		if known == nil {
			undecided, unknown = undecided+1, errors.Join(unknown, err)
			return false
		}
		return !skip(u.vendor.ID) // the marketplace has written over what was decided
	})
	if undecided > 0 {
		s.log.Warn("vendors whose trialStartDate or trialAutomation cannot be read are left out; starter migrate validate names them",
			zap.Int("vendors", undecided))
	}
	return found, errors.Join(err, unknown)
}

// scanUsers reads users until limit of them are usable.
func (s *Store) scanUsers(ctx context.Context, action string, filter bson.D, limit int, usable func(user) bool) (found []trial.Vendor, err error) {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	cursor, err := s.users.Find(ctx, filter)
	if err != nil {
		return nil, failed(action, err)
	}
	defer func() { _ = cursor.Close(ctx) }() // it ends by itself as well
	ignored := 0
	for len(found) < limit && cursor.Next(ctx) {
		u := readUser(cursor.Current)
		switch {
		case !trial.ValidVendorID(u.vendor.ID):
			ignored++
		case usable(u):
			found = append(found, u.vendor)
		}
	}
	if err := cursor.Err(); err != nil {
		return nil, failed(action, err)
	}
	if ignored > 0 {
		// Not their ids: those may be anything, addresses as well.
		s.log.Warn("vendors whose id cannot name a trial are left out", zap.String("doing", action), zap.Int("vendors", ignored))
	}
	return found, nil
}
