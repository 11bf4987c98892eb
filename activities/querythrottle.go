package activities

import (
	"sync"
	"time"
)

const (
	// queryShare keeps a look below a twentieth of the time.
	queryShare = 20
	// longestPause bounds how long a look is put off, however long it took.
	longestPause = 10 * time.Minute
)

// queryThrottle paces a query that reads a whole collection where the server has no
// index for it: what took long is not asked again at once. Where an index
// serves it, it is asked in every sweep. The zero value is ready.
type queryThrottle struct {
	mu   sync.Mutex
	next time.Time
}

// throttled asks, or answers with nothing while the look is put off. A look that
// failed is put off as well.
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
