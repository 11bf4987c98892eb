package auth

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// forgetEvery bounds how often those are looked for that can be forgotten.
const forgetEvery = time.Second

// sources give each source of requests an allowance of its own.
type sources struct {
	limit rate.Limit
	// burst is how much a source may take at once, most how many sources are
	// remembered one by one.
	burst, most int

	mu        sync.Mutex
	known     map[string]*rate.Limiter
	forgotten time.Time
	// others is shared by those who come while most are remembered.
	others *rate.Limiter
}

func newSources(limit rate.Limit, burst, most int) *sources {
	return &sources{limit: limit, burst: burst, most: most, known: map[string]*rate.Limiter{}, others: rate.NewLimiter(limit, burst)}
}

// take takes one from a source's allowance. Where nothing is left nothing is
// taken, and it says how long to wait: whoever waits for their turn must not wait
// for what others were refused.
func (s *sources) take(source string, now time.Time) (wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	allowance := s.allowance(source, now)
	if missing := 1 - allowance.TokensAt(now); missing > 0 && s.limit != rate.Inf {
		return max(time.Duration(missing/float64(s.limit)*float64(time.Second)), 1)
	}
	allowance.ReserveN(now, 1)
	return 0
}

func (s *sources) allowance(source string, now time.Time) *rate.Limiter {
	if limiter, known := s.known[source]; known {
		return limiter
	}
	s.forget(now)
	if len(s.known) >= s.most {
		return s.others
	}
	s.known[source] = rate.NewLimiter(s.limit, s.burst)
	return s.known[source]
}

// forget makes room, where there is none, in the place of those that are as if
// they had never come.
func (s *sources) forget(now time.Time) {
	if len(s.known) < s.most || now.Sub(s.forgotten).Abs() < forgetEvery {
		return
	}
	s.forgotten = now
	maps.DeleteFunc(s.known, func(_ string, l *rate.Limiter) bool { return l.TokensAt(now) >= float64(s.burst) })
}
