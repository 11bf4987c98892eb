package mongodb

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
)

// evaluate is a change that sees a value of the rule sesPaused, which fires at 1.
func evaluate(value float64, moment time.Time) func(monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error) {
	return func(a monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error) {
		var rule monitoring.Rule
		for _, r := range monitoring.Rules() {
			if r.ID == a.Rule {
				rule = r
			}
		}
		after, e := monitoring.Decide(rule, a, monitoring.Observation{Value: &value, Seen: 1, Text: "seen"},
			monitoring.Evaluation{At: moment, Day: 24 * time.Hour, Alerting: true})
		return after, e, nil
	}
}

func silence(minutes int) func(monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error) {
	return func(a monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error) {
		return a.SilenceUntil(at.Add(time.Duration(minutes)*time.Minute), monitoring.Note{At: at, By: "admin", Reason: "known"})
	}
}

func TestAnAlertIsFoldedFromItsEvents(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	a, err := s.Alert(t.Context(), monitoring.SESPaused)
	require.NoError(t, err)
	require.Equal(t, monitoring.NewAlert(monitoring.SESPaused), a)

	for i, value := range []float64{0, 1, 1, 0} {
		_, err = s.ChangeAlert(t.Context(), monitoring.SESPaused, evaluate(value, at.Add(time.Duration(i)*time.Minute)))
		require.NoError(t, err)
	}
	silent, err := s.ChangeAlert(t.Context(), monitoring.SESPaused, silence(60))
	require.NoError(t, err)
	read, err := s.Alert(t.Context(), monitoring.SESPaused)
	require.NoError(t, err)
	require.Equal(t, 3, read.Seq)
	require.Equal(t, silent.Silence.Until, read.Silence.Until.UTC())
	require.Equal(t, at.Add(3*time.Minute), read.EvaluatedAt.UTC())

	events, err := s.AlertEvents(t.Context(), monitoring.SESPaused, 1, 10)
	require.NoError(t, err)
	require.Len(t, events, 3)
	folded := monitoring.NewAlert(monitoring.SESPaused)
	for _, e := range events {
		folded = folded.Apply(e)
	}
	require.Equal(t, folded.Status, read.Status)
	require.Equal(t, folded.Silence, read.Silence)
	require.Equal(t, monitoring.AlertFired, events[0].Type)
	require.InDelta(t, 1, *events[0].Observation.Value, 0)
	page, err := s.AlertEvents(t.Context(), monitoring.SESPaused, 2, 1)
	require.NoError(t, err)
	require.Equal(t, events[1:2], page)
	none, err := s.AlertEvents(t.Context(), monitoring.BackupLate, 1, 10)
	require.NoError(t, err)
	require.Empty(t, none)
}

// A look and several people at once: each change happens once, on the alert as
// the one before has left it.
func TestChangesOfAnAlertAtOnceAllHappen(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	const people = 12
	errs := make([]error, people+1)
	together(people+1, func(i int) {
		if i == people {
			_, errs[i] = s.ChangeAlert(t.Context(), monitoring.SESPaused, evaluate(1, at))
			return
		}
		_, errs[i] = s.ChangeAlert(t.Context(), monitoring.SESPaused, silence(i+1))
	})
	require.NoError(t, errors.Join(errs...))
	events, err := s.AlertEvents(t.Context(), monitoring.SESPaused, 1, 100)
	require.NoError(t, err)
	require.Len(t, events, people+1)
	fired, until := 0, map[time.Time]bool{}
	folded := monitoring.NewAlert(monitoring.SESPaused)
	for i, e := range events {
		require.Equal(t, i+1, e.Seq)
		folded = folded.Apply(e)
		if e.Type == monitoring.AlertFired {
			fired++
			continue
		}
		until[e.Until.UTC()] = true
	}
	require.Equal(t, 1, fired)
	require.Len(t, until, people)
	read, err := s.Alert(t.Context(), monitoring.SESPaused)
	require.NoError(t, err)
	require.Equal(t, people+1, read.Seq)
	require.Equal(t, folded.Silence.Until, read.Silence.Until)
	require.Equal(t, monitoring.AlertFiring, read.Status)
}

func TestALateWriteOfAnEarlyStateChangesNothing(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	early, err := s.ChangeAlert(t.Context(), monitoring.SESPaused, evaluate(1, at))
	require.NoError(t, err)
	_, err = s.ChangeAlert(t.Context(), monitoring.SESPaused, evaluate(0, at.Add(time.Minute)))
	require.NoError(t, err)
	early.NotifiedSeq, early.EvaluatedAt = 7, at.Add(time.Hour)
	require.NoError(t, s.growAlert(t.Context(), early))
	read, err := s.Alert(t.Context(), monitoring.SESPaused)
	require.NoError(t, err)
	require.Equal(t, 2, read.Seq)
	require.Zero(t, read.NotifiedSeq)

	notified := read
	notified.NotifiedSeq = 2
	require.NoError(t, s.growAlert(t.Context(), notified))
	require.NoError(t, s.growAlert(t.Context(), read))
	again, err := s.Alert(t.Context(), monitoring.SESPaused)
	require.NoError(t, err)
	require.Equal(t, 2, again.NotifiedSeq)
}

// An event that was stored by somebody who died before the state was is found by
// the next who changes the alert.
func TestAStateThatWasNotStoredIsMadeUpFor(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	_, e, err := evaluate(1, at)(monitoring.NewAlert(monitoring.SESPaused))
	require.NoError(t, err)
	_, err = s.addAlertEvent(t.Context(), e)
	require.NoError(t, err)
	known, err := s.Alert(t.Context(), monitoring.SESPaused)
	require.NoError(t, err)
	require.Equal(t, monitoring.AlertFiring, known.Status)
	after, err := s.ChangeAlert(t.Context(), monitoring.SESPaused, evaluate(0, at.Add(time.Minute)))
	require.NoError(t, err)
	require.Equal(t, monitoring.AlertOK, after.Status)
	require.Equal(t, 2, after.Seq, "it has cleared what was on record")
}

func TestARefusedChangeChangesNothing(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	refusal := errors.New("no")
	_, err := s.ChangeAlert(t.Context(), monitoring.SESPaused, func(a monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error) {
		return a, nil, refusal
	})
	require.ErrorIs(t, err, refusal)
	n, err := s.alerts.CountDocuments(t.Context(), byID(string(monitoring.SESPaused)))
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestFindsAreCountedBySlot(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	slot, other := monitoring.Period("slot/1"), monitoring.Period("slot/2")
	together(8, func(int) { _ = s.AddRepairs(t.Context(), slot, 3) })
	found, err := s.Repairs(t.Context(), []monitoring.Period{slot, other})
	require.NoError(t, err)
	require.Equal(t, map[monitoring.Period]int{slot: 24}, found)
}

func TestWhenARolloutWasWatched(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	watched := func() time.Time {
		at, err := s.WatchedAt(t.Context())
		require.NoError(t, err)
		return at.UTC()
	}
	require.Zero(t, watched(), "there is no rollout")
	started := rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), By: "admin", Times: evidence.Times{Day: 24 * time.Hour, TrialDays: 17}}, at)
	state := rollout.State{}.Apply(started)
	_, err := s.AppendDecision(t.Context(), started, state)
	require.NoError(t, err)
	require.Equal(t, at, watched(), "not yet: from its start")
	require.NoError(t, s.PutLedger(t.Context(), "r1", rollout.NewLedger(state.Plan), rollout.Judgement{At: at.Add(time.Hour)}))
	require.Equal(t, at.Add(time.Hour), watched())
	state.Status = rollout.Completed
	require.NoError(t, put(t.Context(), "storing a rollout", s.rollouts, "r1", rolloutDocument{Key: "r1", State: state}))
	require.Equal(t, time.Time{}, watched(), "it is over")
}
