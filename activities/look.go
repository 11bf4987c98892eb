package activities

import (
	"sync"
	"time"
)

const (
	// lookShare keeps a look below a twentieth of the time.
	lookShare = 20
	// longestPause bounds how long a look is put off, however long it took.
	longestPause = 10 * time.Minute
)

// look paces a query that reads a whole collection where the server has no
// index for it: what took long is not asked again at once. Where an index
// serves it, it is asked in every sweep. The zero value is ready.
type look struct {
	mu   sync.Mutex
	next time.Time
}

// through asks, or answers with nothing while the look is put off. A look that
// failed is put off as well.
func through[T any](l *look, now func() time.Time, ask func() ([]T, error)) ([]T, error) {
	begun := now()
	if l.putOff(begun) {
		return nil, nil
	}
	found, err := ask()
	ended := now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = ended.Add(min(lookShare*ended.Sub(begun), longestPause))
	return found, err
}

func (l *look) putOff(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Before(l.next)
}

// now ends the pause.
func (l *look) now() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = time.Time{}
}
