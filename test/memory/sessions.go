package memory

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/access"
)

func (s *Store) Session(ctx context.Context, key access.Key) (found access.Session, there bool, err error) {
	err = s.run(ctx, func() { found, there = s.SignedIn[key] })
	return found, there, err
}

func (s *Store) AddSession(ctx context.Context, key access.Key, added access.Session) error {
	return s.run(ctx, func() { s.setSession(key, added) })
}

// setSession is for those who hold the lock.
func (s *Store) setSession(key access.Key, session access.Session) {
	if s.SignedIn == nil {
		s.SignedIn = map[access.Key]access.Session{}
	}
	s.SignedIn[key] = session
	s.Writes++
}

// Sessions are all there are, in the order of their ids.
func (s *Store) Sessions(ctx context.Context) (all []access.Session, err error) {
	err = s.run(ctx, func() {
		all = slices.SortedFunc(maps.Values(s.SignedIn), func(a, b access.Session) int { return strings.Compare(a.ID, b.ID) })
	})
	return all, err
}

func (s *Store) ClaimRenewal(ctx context.Context, key access.Key, seen, next time.Time) (mine bool, err error) {
	err = s.run(ctx, func() {
		session, there := s.SignedIn[key]
		if mine = there && session.RenewAt.Equal(seen); mine {
			session.RenewAt = next
			s.setSession(key, session)
		}
	})
	return mine, err
}

func (s *Store) RenewSession(ctx context.Context, key access.Key, renewed access.Session) (goesOn bool, err error) {
	err = s.run(ctx, func() {
		session, there := s.SignedIn[key]
		if goesOn = there && session.EndedAt == nil; goesOn {
			s.setSession(key, renewed)
		}
	})
	return goesOn, err
}

func (s *Store) EndSession(ctx context.Context, id, by string, at time.Time) (ended access.Session, err error) {
	err = s.Do(ctx, func() error {
		for key, session := range s.SignedIn {
			if session.ID != id {
				continue
			}
			if ended = session; ended.EndedAt == nil {
				ended.EndedAt, ended.EndedBy = &at, by
				s.setSession(key, ended)
			}
			return nil
		}
		return access.NoSession(id)
	})
	return ended, err
}

func (s *Store) DropSession(ctx context.Context, key access.Key) error {
	return s.run(ctx, func() {
		delete(s.SignedIn, key)
		s.Writes++
	})
}
