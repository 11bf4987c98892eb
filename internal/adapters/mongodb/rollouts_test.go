package mongodb

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

const aRoute = "GET /api/openapi.yaml"

func TestObservationsAreKeptByInterval(t *testing.T) {
	t.Parallel()
	const day = 2 * time.Second
	s := newTestStore(t)
	WithObservations(day)(s)
	ctx := t.Context()
	began := time.Now()
	v := vendor("v1", trial.Automated)
	_, _, err := s.RegisterVendor(ctx, v)
	require.NoError(t, err)
	start := trial.Start(v.Registration(trial.DefaultPolicy(), day), began)
	_, err = s.Append(ctx, start, trial.State{}.Apply(start))
	require.NoError(t, err)
	s.ObserveCall(rollout.Call{Route: aRoute, Took: 30 * time.Millisecond})
	s.ObserveCall(rollout.Call{Route: aRoute, Took: 30 * time.Millisecond, Failed: true, About: trial.Automated})
	s.ObserveCall(rollout.Call{Route: aRoute, Took: 3 * time.Second, About: trial.Control})

	var outcomes []rollout.Outcome
	var calls rollout.Calls
	require.Eventually(t, func() bool {
		var err error
		outcomes, calls, err = s.Observations(context.WithoutCancel(ctx), began.Add(-day), time.Now().Add(2*day), day)
		return err == nil && len(outcomes) > 0 && calls.Count() == 3
	}, patience, 50*time.Millisecond)
	require.Len(t, outcomes, 1)
	require.Equal(t, rollout.Admitted, outcomes[0].Kind)
	require.Equal(t, "v1", outcomes[0].VendorID)
	require.WithinRange(t, outcomes[0].At, began.Truncate(time.Millisecond), time.Now())
	require.Equal(t, 1, calls.Failed)
	require.Equal(t, 1, calls.SlowerThan(2*time.Second))
	require.Equal(t, map[string]rollout.Durations{"GET /api/openapi_yaml": calls.Took}, calls.Routes)
	require.Equal(t, rollout.CallCount{Seen: 1, Failed: 1}, calls.Automated)
	require.Equal(t, rollout.CallCount{Seen: 1}, calls.Control)
	require.NotEmpty(t, calls.Intervals)
}

// A watch reads an interval once, as soon as it is settled. Where the database is slow, what was
// noted meanwhile goes into the interval in which it is written, which no watch has read yet.
func TestObservationsReachTheWatchOfASlowDatabase(t *testing.T) {
	t.Parallel()
	const day = 2 * time.Second
	writing, goOn := make(chan struct{}), make(chan struct{})
	markBegun := sync.OnceFunc(func() { close(writing) })
	client, err := mongo.Connect(clientOptions(server).SetMonitor(&event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) {
			if e.CommandName == "findAndModify" {
				markBegun()
				<-goOn
			}
		},
	}))
	require.NoError(t, err)
	reading := newTestStore(t)
	slow := newStore(client, reading.users.Database().Name())
	WithObservations(day)(slow)
	t.Cleanup(func() { _ = slow.Close(context.WithoutCancel(t.Context())) })

	slow.ObserveCall(rollout.Call{Route: aRoute, Took: time.Millisecond})
	<-writing
	slow.ObserveCall(rollout.Call{Route: aRoute, Took: time.Millisecond, Failed: true})
	noted := rollout.Interval(time.Now(), day)
	require.Eventually(t, func() bool { return rollout.Interval(time.Now(), day) > noted }, patience, time.Millisecond)
	later := time.Now()
	close(goOn)

	require.Eventually(t, func() bool {
		_, calls, err := reading.Observations(context.WithoutCancel(t.Context()), later, time.Now().Add(day), day)
		return err == nil && calls.Failed == 1
	}, patience, 50*time.Millisecond)
	require.NoError(t, slow.Close(t.Context()))
	_, calls, err := reading.Observations(t.Context(), later.Add(-time.Hour), time.Now().Add(day), day)
	require.NoError(t, err)
	require.Equal(t, 2, calls.Count(), "nothing is lost or written twice")
}

func aRollout(id string) rollout.Event {
	return rollout.Begin(rollout.Start{ID: id, Plan: rollout.DefaultPlan(), By: "admin", Times: evidence.Times{Day: trial.RealDay, TrialDays: 17}},
		time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC))
}

func TestDecisionsAreTheTruthOfARollout(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	ctx := t.Context()
	_, found, err := s.CurrentRollout(ctx)
	require.NoError(t, err)
	require.False(t, found)

	initial := aRollout("r1")
	state := rollout.State{}.Apply(initial)
	existing, err := s.AppendDecision(ctx, initial, state)
	require.NoError(t, err)
	require.Nil(t, existing)
	current, found, err := s.CurrentRollout(ctx)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, state.Plan, current.Plan)

	// An attempt that died after the insert is repeated, and finds its event.
	other := initial
	other.Reason = "another attempt"
	existing, err = s.AppendDecision(ctx, other, rollout.State{}.Apply(other))
	require.NoError(t, err)
	require.Equal(t, initial.Reason, existing.Reason)

	events, err := s.Decisions(ctx, "r1", 1, 10)
	require.NoError(t, err)
	require.Len(t, events, 1)
	_, err = s.Rollout(ctx, "r2")
	require.ErrorContains(t, err, "no rollout")
}

// A restored database may know less than a run, which goes on from what it has.
func TestADecisionIsFoundThoughThoseBeforeItAreLost(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, known := range []int{0, 1} {
		s := newTestStore(t)
		initial := aRollout("r1")
		state := rollout.State{}.Apply(initial)
		if known > 0 {
			_, err := s.AppendDecision(ctx, initial, state)
			require.NoError(t, err)
		}
		state.Seq = 2
		third := rollout.Event{Seq: 3, Type: rollout.EventUpdate, At: initial.At.Add(time.Hour), By: flags.Automatic, Reason: "as planned"}
		after := state.Apply(third)
		for range 2 {
			existing, err := s.AppendDecision(ctx, third, after)
			require.NoError(t, err)
			require.True(t, existing == nil || existing.Seq == 3, "%+v", existing)
			stored, err := s.Rollout(ctx, "r1")
			require.NoError(t, err)
			require.Equal(t, 3, stored.Seq)
		}
	}
}

func TestASnapshotIsStoredOnceUnderItsNumber(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	ctx := t.Context()
	at := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	first := rollout.Snapshot{
		RolloutID: "r1", Number: 1, At: at, From: at, To: at.Add(time.Minute),
		Outcomes: []rollout.Outcome{{Kind: rollout.MailDelivered, VendorID: "v1", Key: "v1/welcome/0", At: at}},
		Calls:    rollout.Calls{Failed: 1, Took: map[int]int{0: 2, 17: 3}},
	}
	kept, err := s.AddSnapshot(ctx, first)
	require.NoError(t, err)
	require.Equal(t, first.Calls, kept.Calls)
	require.Equal(t, first.Outcomes, kept.Outcomes)
	second := first
	second.Percentage = 50
	kept, err = s.AddSnapshot(ctx, second)
	require.NoError(t, err)
	require.Zero(t, kept.Percentage, "the first stands")

	ledger := rollout.NewLedger(rollout.DefaultPlan())
	ledger.Apply(rollout.DefaultPlan(), kept, trial.RealDay)
	judgement := rollout.Judge(rollout.DefaultPlan(), evidence.Times{Day: trial.RealDay, TrialDays: 17}, ledger, kept)
	require.NoError(t, s.PutLedger(ctx, "r1", ledger, judgement))
	got, found, err := s.Ledger(ctx, "r1")
	require.NoError(t, err)
	require.True(t, found)
	judged, err := s.LatestJudgement(ctx, "r1")
	require.NoError(t, err)
	require.Equal(t, ledger.Gates, got.Gates)
	require.Equal(t, judgement.Triggers, judged.Triggers)
	var series rollout.TimeSeries
	empty, err := s.TimeSeries(ctx, "r1")
	require.NoError(t, err)
	require.Equal(t, series, empty)
	series.Add(judgement)
	require.NoError(t, s.PutTimeSeries(ctx, "r1", series))
	again, err := s.TimeSeries(ctx, "r1")
	require.NoError(t, err)
	require.Equal(t, series.Points[0].Gates, again.Points[0].Gates)
	require.True(t, series.Points[0].At.Equal(again.Points[0].At))
	got.Apply(rollout.DefaultPlan(), rollout.Snapshot{Number: 2, To: at}, trial.RealDay) // a ledger read back goes on
	require.Equal(t, 2, got.Number)
}
