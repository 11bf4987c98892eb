package memory

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

func (s *Store) Suppress(ctx context.Context, id string, p trial.Suppression) (since time.Time, isNew bool, err error) {
	err = s.Do(ctx, func() error {
		record := trial.RecordOf(s.Suppressed[id])
		if p.Reason == trial.ReasonUnsubscribed {
			if record.OptedOut() {
				return nil
			}
			if !p.At.After(record.AskedAt) { // by the clock of another process
				p.At = record.AskedAt.Add(time.Millisecond)
			}
			s.Suppressed[id] = slices.DeleteFunc(s.Suppressed[id], func(k trial.Suppression) bool { return k.Reason == trial.ReasonResubscribed })
		}
		after := record.With(p)
		isNew = after.StopsMore(record)
		if !reflect.DeepEqual(after, record) {
			s.Suppressed[id] = append(s.Suppressed[id], p)
			s.Writes++
		}
		return nil
	})
	return p.At, isNew, err
}

func (s *Store) Resubscribe(ctx context.Context, id string, at time.Time) error {
	return s.Do(ctx, func() error {
		at, asks := s.stopped(s.VendorsByID[id]).AskAgainAt(trial.RecordOf(s.Suppressed[id]), at)
		if !asks {
			return nil
		}
		s.Suppressed[id] = slices.DeleteFunc(s.Suppressed[id], func(k trial.Suppression) bool { return k.Reason == trial.ReasonUnsubscribed })
		s.Suppressed[id] = append(s.Suppressed[id], trial.Suppression{Reason: trial.ReasonResubscribed, At: at})
		s.Writes++
		return nil
	})
}

func (s *Store) LiftSuppression(ctx context.Context, id, hash string, at time.Time) error {
	return s.Do(ctx, func() error {
		s.Suppressed[id] = append(s.Suppressed[id], trial.Suppression{Reason: trial.ReasonLifted, At: at, AddressHash: hash})
		s.Writes++
		return nil
	})
}

// SuppressedVendors has the id of a page's last vendor for its next.
func (s *Store) SuppressedVendors(ctx context.Context, cause trial.Cause, after string, limit int) (page []trial.SuppressedVendor, next string, err error) {
	var all []trial.SuppressedVendor
	err = s.run(ctx, func() {
		for id := range s.Suppressed {
			v, there := s.VendorsByID[id]
			if row, is := s.stopped(v).SuppressedView(); there && is && row.HasCause(cause) {
				all = append(all, row)
			}
		}
	})
	slices.SortFunc(all, func(a, b trial.SuppressedVendor) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.VendorID, a.VendorID))
	})
	if after != "" {
		i := slices.IndexFunc(all, func(v trial.SuppressedVendor) bool { return v.VendorID == after })
		if err == nil && i < 0 {
			err = trial.Invalid("cursor", "is not the nextCursor of a page")
		}
		all = all[i+1:]
	}
	if len(all) > limit {
		all, next = all[:limit], all[limit-1].VendorID
	}
	return all, next, err
}
