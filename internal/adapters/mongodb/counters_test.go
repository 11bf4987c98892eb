package mongodb

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

func newCountingStore(t *testing.T) *Store {
	t.Helper()
	s := newTestStore(t)
	WithCounters(trial.RealDay)(s)
	return s
}

// recount compares the counters with the truth, after all is written.
func recount(t *testing.T, s *Store, checkOnly bool) monitoring.Recount {
	t.Helper()
	s.tallies.flush(t.Context())
	r, err := s.Recount(t.Context(), checkOnly, func(int) {})
	require.NoError(t, err)
	require.Empty(t, r.Moving)
	return r
}

// Whatever happened, and however its writing was repeated, the counters say
// what the events and the sends say.
func TestCountersAgreeWithTheTruth(t *testing.T) {
	t.Parallel()
	s := newCountingStore(t)
	for seed := range uint64(12) {
		id := fmt.Sprintf("v%d", seed)
		register(t, s, id, trial.Automated)
		events, _ := randomHistory(t, id, seed)
		var state trial.State
		for _, e := range events {
			before := state
			state = state.Apply(e)
			_, err := s.Append(t.Context(), e, state)
			require.NoError(t, err)
			switch {
			case e.Seq%3 == 0: // an attempt thought dead writes it again
				_, err = s.Append(t.Context(), e, state)
				require.NoError(t, err)
			case e.Seq%3 == 1 && e.Seq > 1: // one that died right after the event was written
				_, err = s.replaceTrial(t.Context(), before, nil)
				require.NoError(t, err)
				_, err = s.Refold(t.Context(), id)
				require.NoError(t, err)
			}
		}
	}
	// The e-mails are counted by the days of the trial that began last.
	last := registration14d("last")
	last.At = at.AddDate(0, 1, 0)
	start := trial.Start(last, last.At)
	_, err := s.Append(t.Context(), start, trial.State{}.Apply(start))
	require.NoError(t, err)
	claim(t, s)
	settle(t, s, 1, trial.SendUnknown)
	reclaim(t, s, 1, true)
	settle(t, s, 2, trial.SendSent)
	for _, delivery := range []string{"delay", "delivery", "bounce", "delivery"} {
		_, err := s.SendEvent(t.Context(), key, 2, "message-2", delivery, at.Add(time.Minute))
		require.NoError(t, err)
	}
	r := recount(t, s, true)
	require.Equal(t, 13, r.Trials)
	require.Equal(t, 1, r.Sends)
	require.Greater(t, r.Counters, 20)
	require.Zero(t, r.Wrong)

	counters, err := s.Counters(t.Context(), []monitoring.Period{monitoring.DayOf(at, trial.RealDay)})
	require.NoError(t, err)
	n := func(name monitoring.Name) int {
		return counters[monitoring.Counter{Period: monitoring.DayOf(at.Add(time.Hour), trial.RealDay), Cohort: trial.Automated, Name: name}]
	}
	require.Equal(t, 1, n(monitoring.MailBounced))
	require.Equal(t, 1, n(monitoring.MailResent))
	require.Zero(t, n(monitoring.MailDelivered))
	require.Zero(t, n(monitoring.MailClaimed))
}

// What a killed process did not write is found, and set right.
func TestARecountSetsCountersRight(t *testing.T) {
	t.Parallel()
	s := newCountingStore(t)
	register(t, s, "v1", trial.Control)
	events, _ := randomHistory(t, "v1", 3)
	var state trial.State
	for _, e := range events {
		state = state.Apply(e)
		_, err := s.Append(t.Context(), e, state)
		require.NoError(t, err)
	}
	s.tallies.flush(t.Context())
	standing := bson.D{{Key: "$inc", Value: bson.D{{Key: "counts.control.active", Value: 7}}}}
	require.NoError(t, s.counters.FindOneAndUpdate(t.Context(), byID("standing"), standing).Err())

	require.Equal(t, 1, recount(t, s, true).Wrong, "a check finds it")
	require.Equal(t, 1, recount(t, s, false).Wrong, "and changes nothing")
	require.Zero(t, recount(t, s, true).Wrong)
}

// The server's $max and $min, and what we take them to be, are the same.
func TestASendChangesAsTheServerChangesIt(t *testing.T) {
	t.Parallel()
	s := newCountingStore(t)
	claim(t, s)
	later := at.Add(time.Minute)
	attempts := []sendAttempt{
		{Number: 1, Rank: 1, Status: trial.SendUnknown, ClaimedAt: at, SettledAt: &later, Reason: "b", AddressHash: "hash-1"},
		{Number: 1, Rank: 1, Status: trial.SendUnknown, ClaimedAt: at, Reason: "c", AddressHash: "hash-1"},
		{Number: 1, Rank: 1, Status: trial.SendUnknown, ClaimedAt: at, SettledAt: &later, Reason: "a", AddressHash: "hash-1"},
		{Number: 2, Status: trial.SendClaimed, ClaimedAt: later, AddressHash: "hash-2"},
		{Number: 1, Rank: 3, Status: trial.SendRefused, ClaimedAt: at, AddressHash: "hash-1"},
		{Number: 2, Status: trial.SendClaimed, Resends: 1, ClaimedAt: at, AddressHash: "hash-2"},
	}
	for i, attempt := range attempts {
		change := sendChange{
			attempt:  &attempt,
			sent:     acceptance(1+i%2, fmt.Sprintf("message-%d", 3-i), at.Add(time.Duration(i%3)*time.Second)),
			delivery: &sendDelivery{Rank: 1 + i%3, At: at.Add(time.Duration(-i) * time.Second), Kind: "delivery"},
		}
		_, after, err := s.changeSend(t.Context(), key, change)
		require.NoError(t, err)
		stands, err := s.findSend(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, stands.send(), after.send(), "after change %d", i)
	}
}

// A write whose answer is lost may have been made all the same: it counts once.
func TestAWriteWhoseAnswerIsLostCountsOnce(t *testing.T) {
	t.Parallel()
	s := newCountingStore(t)
	one := monitoring.Tally{{Period: monitoring.Current, Cohort: trial.Control, Name: monitoring.Running(trial.Active)}: 1}
	s.writeCounters(t.Context(), one)
	s.tallies.unsure[monitoring.Current] = batch{number: s.tallies.batch, change: one} // as if nobody had heard of it
	s.writeCounters(t.Context(), one)
	counters, err := s.Counters(t.Context(), []monitoring.Period{monitoring.Current})
	require.NoError(t, err)
	require.Equal(t, 2, counters[monitoring.Counter{Period: monitoring.Current, Cohort: trial.Control, Name: monitoring.Running(trial.Active)}])
}

// lastWrites are the last writes that are kept of a period.
func lastWrites(t *testing.T, s *Store, period monitoring.Period) map[string]int64 {
	t.Helper()
	doc, err := s.counterDocument(t.Context(), period)
	require.NoError(t, err)
	return doc.Batches
}

// restarted is a process of its own on the same database.
func restarted(t *testing.T, s *Store) *Store {
	t.Helper()
	other, err := Connect(t.Context(), server, s.users.Database().Name())
	require.NoError(t, err)
	WithCounters(trial.RealDay)(other)
	t.Cleanup(func() { _ = other.client.Disconnect(context.WithoutCancel(t.Context())) })
	return other
}

// However often processes were started, the counters hold the last writes of those that write still.
func TestProcessesThatAreGoneLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	s := newCountingStore(t)
	one := monitoring.Tally{{Period: monitoring.Current, Cohort: trial.Control, Name: monitoring.Running(trial.Active)}: 1}
	for range 20 {
		WithCounters(trial.RealDay)(s) // its process begins anew
		s.writeCounters(t.Context(), one)
	}
	require.Len(t, lastWrites(t, s, monitoring.Current), 20)
	require.NoError(t, s.forgetBatches(t.Context()))
	require.Len(t, lastWrites(t, s, monitoring.Current), 20, "they may be about to look them up")
	s.writeCounters(t.Context(), one)
	require.NoError(t, s.forgetBatches(t.Context()))
	require.Equal(t, map[string]int64{s.tallies.writer: 2}, lastWrites(t, s, monitoring.Current))
	doc, err := s.counterDocument(t.Context(), monitoring.Current)
	require.NoError(t, err)
	require.Equal(t, doc.Batches, doc.Marks)
	counters, err := s.Counters(t.Context(), []monitoring.Period{monitoring.Current})
	require.NoError(t, err)
	require.Equal(t, 21, counters[monitoring.Counter{Period: monitoring.Current, Cohort: trial.Control, Name: monitoring.Running(trial.Active)}])
}

// Processes that were frozen come back and look up their last writes: what these held is counted once, though two
// recounts have come meanwhile and forgotten those that were made.
func TestProcessesThatComeBackCountOnce(t *testing.T) {
	t.Parallel()
	awake := newCountingStore(t)
	var frozen []*Store
	for i, made := range []bool{true, false, true, false} {
		s := restarted(t, awake)
		s.tallies.flushing = true // by hand alone
		begin(t, s, fmt.Sprintf("a%d", i))
		if i < 2 { // others have written nothing before
			s.tallies.flush(t.Context())
		}
		begin(t, s, fmt.Sprintf("b%d", i))
		ctx, cancel := context.WithCancel(t.Context())
		if !made {
			cancel()
		}
		losesTheAnswer(ctx, s)
		cancel()
		frozen = append(frozen, s)
	}
	for range forgottenAfter {
		recount(t, awake, false)
	}
	require.Empty(t, lastWrites(t, awake, monitoring.Current))
	for _, s := range frozen {
		require.NotEmpty(t, s.tallies.unsure)
		s.tallies.flush(t.Context())
		require.Empty(t, s.tallies.unsure)
	}
	require.Zero(t, recount(t, awake, true).Wrong)
	begin(t, frozen[0], "c")
	frozen[0].tallies.flush(t.Context())
	require.Zero(t, recount(t, awake, true).Wrong, "they go on counting")
}

// A write that was not made is known not to be, until it might have been forgotten.
func TestAWriteThatWasNotMadeIsKnown(t *testing.T) {
	t.Parallel()
	for recounts := range 4 {
		for _, there := range []bool{true, false} {
			d := counterDocument{Recounts: 7 + recounts}
			if there {
				d.Batches = map[string]int64{"w": 4}
			}
			made, known := d.holds("w", batch{number: 5, recounts: 7})
			require.False(t, made)
			require.Equal(t, there || recounts < forgottenAfter, known, "%d recounts, there %t", recounts, there)
		}
	}
}

// begin has a trial begin.
func begin(t *testing.T, s *Store, id string) {
	t.Helper()
	register(t, s, id, trial.Automated)
	r := registration14d(id)
	start := trial.Start(r, r.At)
	_, err := s.Append(t.Context(), start, trial.State{}.Apply(start))
	require.NoError(t, err)
}

// losesTheAnswer writes what was counted, and hears nothing of it.
func losesTheAnswer(ctx context.Context, s *Store) {
	g := s.tallies.batchWriter
	g.mu.Lock()
	pending := g.pending
	g.pending, g.some = g.empty(), false
	g.mu.Unlock()
	for period, change := range pending.ByPeriod() {
		s.tallies.batch++
		_ = s.addToCounters(ctx, period, change, bson.E{Key: "batches." + s.tallies.writer, Value: s.tallies.batch})
		s.tallies.unsure[period] = batch{number: s.tallies.batch, change: change}
	}
	s.tallies.note(func(monitoring.Tally) {}) // has the next flush look at it
}

// Counters that cannot be written are written later.
func TestCountersOutliveTheDatabasesAbsence(t *testing.T) {
	t.Parallel()
	s := newCountingStore(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	one := monitoring.Tally{{Period: monitoring.Current, Cohort: trial.Control, Name: monitoring.Running(trial.Active)}: 1}
	s.writeCounters(ended, one)
	s.tallies.flush(t.Context())
	counters, err := s.Counters(t.Context(), []monitoring.Period{monitoring.Current})
	require.NoError(t, err)
	require.Equal(t, one, counters)
}
