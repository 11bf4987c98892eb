package recovery_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// What only the workflow knows is added; what both know stays, and what does not fit is told.
func TestTrialsAreCompared(t *testing.T) {
	t.Parallel()
	events, _ := lived(trial.Automated, 4)
	other := slices.Clone(events)
	other[2].Type = trial.EventCancelled
	for name, c := range map[string]struct {
		stored, recovered []trial.Event
		want              recovery.Comparison[trial.Event]
	}{
		"nothing is missing":         {stored: events, recovered: events},
		"everything is missing":      {recovered: events, want: recovery.Comparison[trial.Event]{Missing: events}},
		"the end is missing":         {stored: events[:2], recovered: events[1:], want: recovery.Comparison[trial.Event]{Missing: events[2:]}},
		"the workflow knows less":    {stored: events, recovered: events[:2]},
		"what is between is unknown": {stored: events[:1], recovered: events[3:], want: recovery.Comparison[trial.Event]{Gap: 2}},
		"they differ":                {stored: events[:3], recovered: other, want: recovery.Comparison[trial.Event]{Differs: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, recovery.CompareTrial(c.stored, c.recovered))
		})
	}
}

// Whatever is stored and whatever runs know: what is stored stays, what is added goes on from it without a gap, and a
// second time nothing is missing.
func TestComparingAddsWithoutGaps(t *testing.T) {
	t.Parallel()
	types := []rollout.EventType{rollout.EventPaused, rollout.EventResumed}
	rapid.Check(t, func(t *rapid.T) {
		stored := make([]rollout.Event, rapid.IntRange(0, 5).Draw(t, "stored"))
		for i := range stored {
			stored[i] = rollout.Event{Seq: i + 1, Type: rapid.SampledFrom(types).Draw(t, "type")}
		}
		before := slices.Clone(stored)
		recovered := make([]rollout.Event, rapid.IntRange(0, 8).Draw(t, "recovered"))
		for i := range recovered {
			recovered[i] = rollout.Event{Seq: rapid.IntRange(1, 9).Draw(t, "seq"), Type: rapid.SampledFrom(types).Draw(t, "type")}
		}
		slices.SortFunc(recovered, func(a, b rollout.Event) int { return a.Seq - b.Seq })
		got := recovery.CompareRollout(stored, recovered)
		require.Equal(t, before, stored, "what is stored stays")
		all := slices.Concat(stored, got.Missing)
		for i, e := range all {
			if e.Seq != i+1 {
				t.Fatalf("event %d stands at %d", e.Seq, i+1)
			}
		}
		again := recovery.CompareRollout(all, recovered)
		if len(again.Missing) > 0 || again.Gap != got.Gap || again.Differs != got.Differs {
			t.Fatalf("a second time it is %+v after %+v", again, got)
		}
	})
}

// The runs of one rollout are put together, and the rollout that began last comes last.
func TestRunsOfRolloutsAreJoined(t *testing.T) {
	t.Parallel()
	event := func(seq, hours int) rollout.Event {
		return rollout.Event{Seq: seq, At: at.Add(time.Duration(hours) * time.Hour)}
	}
	got := recovery.JoinRuns([]recovery.Rollout{
		{ID: "r2", Decisions: []rollout.Event{event(1, 5)}},
		{ID: "r1", Decisions: []rollout.Event{event(3, 2)}},
		{ID: "empty"},
		{ID: "r1", Decisions: []rollout.Event{event(1, 0), event(2, 1)}},
	})
	require.Equal(t, []recovery.Rollout{
		{ID: "r1", Decisions: []rollout.Event{event(1, 0), event(2, 1), event(3, 2)}},
		{ID: "r2", Decisions: []rollout.Event{event(1, 5)}},
	}, got)
}
