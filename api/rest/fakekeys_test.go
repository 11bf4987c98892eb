package rest_test

import (
	"context"

	"marketplace.example/trials/internal/domain/idempotency"
)

func (s *store) ClaimKey(_ context.Context, key string, c idempotency.Claim) (first idempotency.Claim, mine bool, err error) {
	err = s.guarded(func() error {
		var there bool
		if first, there = s.keys[key]; !there {
			s.keys[key], first, mine = c, c, true
		}
		return nil
	})
	return first, mine, err
}

func (s *store) SettleKey(ctx context.Context, key string, c idempotency.Claim, done bool) error {
	if err := s.answers(ctx); err != nil {
		return err
	}
	return s.guarded(func() error {
		kept, there := s.keys[key]
		switch {
		case !there || kept.Request != c.Request || kept.Done:
		case done:
			kept.Done = true
			s.keys[key] = kept
		default:
			delete(s.keys, key)
		}
		return nil
	})
}
