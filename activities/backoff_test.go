package activities

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestAFailureRestsLongerEachTime(t *testing.T) {
	t.Parallel()
	var s backoff
	unavailable, now := errors.New("away"), time.Date(2026, 3, 9, 15, 0, 0, 0, time.UTC)
	for _, minutes := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		delay := time.Duration(minutes) * time.Minute
		s.note("a", unavailable, now)
		require.True(t, s.backingOff(now.Add(delay-1))("a"))
		require.False(t, s.backingOff(now)("b"), "others are looked at")
		now = now.Add(delay)
		require.False(t, s.backingOff(now)("a"))
	}
	s.note("a", nil, now)
	s.note("a", unavailable, now)
	require.False(t, s.backingOff(now.Add(time.Minute))("a"), "what went well is forgotten")
}

func TestAnOutageIsNobodysSetback(t *testing.T) {
	t.Parallel()
	var s backoff
	now := time.Date(2026, 3, 9, 15, 0, 0, 0, time.UTC)
	s.note("a", fmt.Errorf("starting: %w", &trial.Error{Code: trial.CodeUnavailable}), now)
	require.False(t, s.backingOff(now)("a"))
}

func TestFailuresAreRememberedWithinBounds(t *testing.T) {
	t.Parallel()
	var s backoff
	now := time.Date(2026, 3, 9, 15, 0, 0, 0, time.UTC)
	for i := range mostRemembered + 10 {
		s.note(fmt.Sprint(i), errors.New("away"), now)
	}
	require.Len(t, s.all, mostRemembered)
	require.True(t, s.backingOff(now)(fmt.Sprint(mostRemembered+9)), "the latest is kept")
}
