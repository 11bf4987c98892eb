package activities

import (
	"sync"
	"time"
)

const (
	// queryShare bounds a query to a twentieth of the time.
	queryShare = 20
	// longestPause bounds the pause after a query, however long that took.
	longestPause = 10 * time.Minute
)

// queryThrottle paces a query that reads a whole collection where the server has no index for it: after a slow query comes a
// pause. With an index it runs in every sweep. The zero value is ready to use.
type queryThrottle struct {
	mu   sync.Mutex
	next time.Time
}

// throttled runs a query, or returns nothing during the pause. A failed query is followed by a pause too.
func throttled[T any](l *queryThrottle, now func() time.Time, ask func() ([]T, error)) ([]T, error) {
	startedAt := now()
	if l.deferUntil(startedAt) {
		return nil, nil
	}
	found, err := ask()
	ended := now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = ended.Add(min(queryShare*ended.Sub(startedAt), longestPause))
	return found, err
}

func (l *queryThrottle) deferUntil(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Before(l.next)
}

// now ends the pause.
func (l *queryThrottle) now() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = time.Time{}
}
