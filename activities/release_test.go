package activities_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// handedOver has trials held under flags of version 4, and a rollback of version 5 that handed them over.
func handedOver(ids ...string) *sweepFake {
	y := &sweepFake{flags: flags.Initial(), rollout: rollout.State{ID: "r-1", Seq: 9, Status: rollout.RolledBack, ReleasedBefore: 5}, runs: true}
	y.flags.TrialAutomation.Enabled = false
	for _, id := range ids {
		y.held = append(y.held, trial.State{VendorID: id, AutomatedUnder: 4, Held: &trial.HeldStep{Reason: trial.ReasonAutomationDisabled}})
	}
	return y
}

// The rollout may have been terminated while it handed trials over. The next sweep has them look again, once a
// rollback: whatever a rollout decides after it hands nobody over.
func TestTrialsThatAreHeldAfterAReleaseLookAgainOnce(t *testing.T) {
	t.Parallel()
	y := handedOver("v1")
	s := y.sweeper()
	y.sweepWith(t, s)
	require.Equal(t, []string{"wake v1"}, y.done)
	y.rollout.Seq = 10
	y.sweepWith(t, s)
	require.Len(t, y.done, 1)
	y.rollout.ReleasedBefore = 7
	y.sweepWith(t, s)
	require.Len(t, y.done, 2)
	y.rollout.ReleasedBefore = 0
	y.sweepWith(t, s)
	require.Len(t, y.done, 2)
}

// At a rollback above 0 % too: where the expiry is switched off, trials are held.
func TestHeldTrialsLookAgainThoughTheRolloutGoesOn(t *testing.T) {
	t.Parallel()
	y := handedOver("v1", "v2")
	y.rollout.Status, y.flags.TrialAutomation.Enabled, y.flags.TrialAutomation.AutoExpiration = rollout.Running, true, false
	for i := range y.held {
		y.held[i].Held.Reason = trial.ReasonExpirationOff
	}
	y.held[1].AutomatedUnder = 5 // admitted at the percentage that it went back to
	y.sweep(t)
	require.Equal(t, []string{"wake v1"}, y.done)
}

// A trial that has looked again is held no more, so only who was not reached is woken by a later pass. Who was and
// has not looked yet is woken ever more rarely.
func TestAHandoverThatFailedIsRepeatedForThoseItDidNotReach(t *testing.T) {
	t.Parallel()
	y := handedOver("v1", "v2", "v3")
	y.broken = "v2"
	s := y.sweeper()
	y.sweepWith(t, s)
	require.Equal(t, []string{"wake v1", "wake v3"}, y.done)

	y.held, y.done = y.held[1:], nil // v1 has looked, v3 has not
	y.sweepWith(t, s)
	require.Empty(t, y.done, "the next pass rests")
	passes := 0
	for range 2 * 60 * 4 { // four hours, a sweep every half a minute
		y.elapsed += 30 * time.Second
		y.sweepWith(t, s)
		passes = len(y.done)
	}
	require.Equal(t, 8, passes, "of v3 alone: after 1, 2, 4, 8, 16, 32 minutes, and then each hour")
	require.NotContains(t, y.done, "wake v2")
	require.NotContains(t, y.done, "wake v1")

	y.broken, y.done = "", nil
	y.elapsed += time.Hour
	y.sweepWith(t, s)
	require.Equal(t, []string{"wake v2", "wake v3"}, y.done)
	y.elapsed += time.Hour
	y.sweepWith(t, s)
	require.Len(t, y.done, 2, "all were reached")
}

// Where nobody is reached there is nothing to rest from.
func TestAHandoverIsRepeatedAtOnceWhenTemporalIsBack(t *testing.T) {
	t.Parallel()
	y := handedOver("v1")
	y.broken = "v1"
	s := y.sweeper()
	y.sweepWith(t, s)
	y.broken = ""
	y.sweepWith(t, s)
	require.Equal(t, []string{"wake v1"}, y.done)
}

// pages are held trials that are read page by page, where the database fails for some.
type pages struct {
	*sweepFake
	fails bool
	asked []string
}

func (p *pages) HeldTrials(_ context.Context, _ []trial.Reason, after string, limit int) ([]trial.State, error) {
	p.asked = append(p.asked, after)
	if p.fails && after != "" {
		return nil, errors.New("away")
	}
	from, _ := slices.BinarySearchFunc(p.held, after, func(s trial.State, id string) int {
		if s.VendorID > id {
			return 1
		}
		return -1
	})
	return p.held[from:min(from+limit, len(p.held))], nil
}

func TestAHandoverGoesThroughAllPages(t *testing.T) {
	t.Parallel()
	ids := make([]string, 2500)
	for i := range ids {
		ids[i] = fmt.Sprintf("v%04d", i)
	}
	p := &pages{sweepFake: handedOver(ids...)}
	s := p.sweeper()
	s.Store = p
	require.Equal(t, int64(2500), p.sweepWith(t, s).Woken)

	p = &pages{sweepFake: handedOver(ids...), fails: true}
	s = p.sweeper()
	s.Store = p
	_, err := s.Sweep(t.Context())
	require.Error(t, err)
	require.Len(t, p.done, 1000)
	p.fails, p.held, p.done = false, p.held[1000:], nil
	p.elapsed = 59 * time.Second
	require.Equal(t, activities.Swept{}, p.sweepWith(t, s))
	p.elapsed = time.Minute
	require.Equal(t, int64(1500), p.sweepWith(t, s).Woken, "the rest")

	p = &pages{sweepFake: handedOver(ids...)}
	s = p.sweeper()
	s.Store, s.Starter = p, unavailable{p.sweepFake}
	p.sweepWith(t, s)
	require.Equal(t, []string{""}, p.asked, "where nobody is reached, the other pages are left for the next sweep")
}

// unavailable is a Temporal that does not answer.
type unavailable struct{ *sweepFake }

func (unavailable) Wake(context.Context, string) error { return errors.New("away") }
