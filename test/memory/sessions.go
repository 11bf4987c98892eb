package memory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
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

// Sessions are those that are good, the latest first; the cursor is the id of a page's last.
func (s *Store) Sessions(ctx context.Context, now time.Time, after string, limit int) (page []access.Session, next string, err error) {
	err = s.Do(ctx, func() error {
		page = s.good(now)
		if after != "" {
			i := slices.IndexFunc(page, func(session access.Session) bool { return session.ID == after })
			if i < 0 {
				return trial.Invalid("cursor", "is not the nextCursor of a page")
			}
			page = page[i+1:]
		}
		if len(page) > limit {
			page, next = page[:limit], page[limit-1].ID
		}
		return nil
	})
	return page, next, err
}

// good is for those who hold the lock.
func (s *Store) good(now time.Time) []access.Session {
	all := slices.Collect(maps.Values(s.SignedIn))
	all = slices.DeleteFunc(all, func(session access.Session) bool { return session.Status(now) != access.Good })
	slices.SortFunc(all, func(a, b access.Session) int { return cmp.Or(b.Since.Compare(a.Since), cmp.Compare(b.ID, a.ID)) })
	return all
}

func (s *Store) SessionByID(ctx context.Context, id string) (found access.Session, err error) {
	err = s.Do(ctx, func() error {
		for _, session := range s.SignedIn {
			if session.ID == id {
				found = session
				return nil
			}
		}
		return access.NoSession(id)
	})
	return found, err
}

func (s *Store) SessionsOf(ctx context.Context, subject string, now time.Time) (theirs []access.Session, err error) {
	err = s.run(ctx, func() {
		theirs = slices.DeleteFunc(s.good(now), func(session access.Session) bool { return session.Subject != subject })
	})
	return theirs, err
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
