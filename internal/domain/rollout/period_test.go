package rollout_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// deployed is a rollout that has reached its stability at noon.
func deployed() rollout.State {
	last := len(rollout.DefaultPlan().Phases) - 1
	return rollout.Fold([]rollout.Event{
		rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), Times: inDays, By: "owner"}, noon.Add(-11*day)),
		{Seq: 2, Type: rollout.EventEntered, At: noon, By: "rollout", Enabled: new(true), Percentage: new(100.0),
			Stage: &rollout.Stage{Kind: rollout.Stability, Phase: last}},
	})
}

func ids(periods []rollout.Period) []string {
	all := []string{}
	for _, p := range periods {
		all = append(all, p.ID())
	}
	return all
}

func TestReportsThatAreDue(t *testing.T) {
	t.Parallel()
	week := []string{"daily-1", "daily-2", "daily-3", "daily-4", "daily-5", "daily-6", "daily-7"}
	month := append(slices.Clone(week), "weekly-2", "weekly-3", "weekly-4")
	for name, c := range map[string]struct {
		after time.Duration
		want  []string
	}{
		"at once":                  {0, []string{}},
		"before the day is over":   {day - 1, []string{}},
		"when the day is over":     {day, week[:1]},
		"on the third day":         {3*day - time.Minute, week[:2]},
		"after the first week":     {7 * day, week},
		"in the second week":       {14*day - 1, week},
		"after the second week":    {14 * day, month[:8]},
		"after the fourth week":    {28 * day, month},
		"after a month":            {30 * day, append(slices.Clone(month), "monthly-1")},
		"after three months":       {90 * day, append(slices.Clone(month), "monthly-1", "monthly-2", "monthly-3")},
		"and none after those":     {400 * day, append(slices.Clone(month), "monthly-1", "monthly-2", "monthly-3")},
		"before it was reached at": {-day, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, ids(deployed().ReportsDue(noon.Add(c.after))))
		})
	}
}

func TestReportsBeginWithTheFirstStability(t *testing.T) {
	t.Parallel()
	s := rollout.Fold([]rollout.Event{rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), Times: inDays, By: "owner"}, noon)})
	require.Empty(t, s.Periods())
	s = deployed()
	back := s.Apply(rollout.Event{Seq: 3, Type: rollout.EventRolledBack, At: noon.Add(day / 2), Remedy: rollout.Partial, Trigger: rollout.TriggerEmail,
		Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 4}, Enabled: new(true), Percentage: new(75.0)})
	again := back.Apply(rollout.Event{Seq: 4, Type: rollout.EventEntered, At: noon.Add(3 * day), Stage: &rollout.Stage{Kind: rollout.Stability, Phase: 5},
		Enabled: new(true), Percentage: new(100.0)})
	require.Equal(t, s.Periods(), again.Periods(), "a phase back moves no report")
}

func TestWhatWasTakenBackHasNoReportsOnLaterDays(t *testing.T) {
	t.Parallel()
	s := deployed().Apply(rollout.Event{Seq: 3, Type: rollout.EventRolledBack, At: noon.Add(2*day + time.Hour), Remedy: rollout.Immediate,
		Enabled: new(false), Percentage: new(0.0)})
	require.Equal(t, []string{"daily-1", "daily-2"}, ids(s.ReportsDue(noon.Add(400*day))))
	done := deployed().Apply(rollout.Event{Seq: 3, Type: rollout.EventCompleted, At: noon.Add(24 * day)})
	require.Len(t, done.ReportsDue(noon.Add(400*day)), 13, "they go on after the guard")
}

// Whenever it is looked, what is due was due before or has just ended; nothing
// comes twice, nothing is left out, and each kind's periods lie end to end.
func TestEachPeriodIsDueOnce(t *testing.T) {
	t.Parallel()
	s := deployed()
	rapid.Check(t, func(t *rapid.T) {
		var seen []string
		now := noon
		for range rapid.IntRange(1, 40).Draw(t, "looks") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(10*day)).Draw(t, "pause")))
			due := ids(s.ReportsDue(now))
			require.GreaterOrEqual(t, len(due), len(seen))
			require.Equal(t, seen, append([]string(nil), due[:len(seen)]...), "what was due stays, in its order")
			seen = append([]string(nil), due...)
		}
		want := []string(nil)
		ends := map[rollout.ReportKind]time.Time{}
		for _, p := range s.Periods() {
			if end, known := ends[p.Kind]; known {
				require.Equal(t, end, p.From)
			}
			ends[p.Kind] = p.To
			if !p.To.After(now) {
				want = append(want, p.ID())
			}
		}
		require.Equal(t, want, seen)
	})
}

func TestTasksAfterTheDeployment(t *testing.T) {
	t.Parallel()
	standing := func(s rollout.State, after time.Duration) map[string]rollout.TaskStatus {
		all := map[string]rollout.TaskStatus{}
		for _, task := range rollout.TasksOf(s, noon.Add(after)) {
			all[task.ID] = task.Status
		}
		return all
	}
	s := deployed()
	require.Len(t, standing(s, 0), 9)
	require.Equal(t, rollout.TaskOpen, standing(s, 0)["daily-monitoring-review"])
	require.Equal(t, rollout.TaskToCome, standing(s, 7*day-1)["feature-usage-analysis"])
	require.Equal(t, rollout.TaskOpen, standing(s, 7*day)["feature-usage-analysis"])
	require.Equal(t, rollout.TaskToCome, standing(s, 29*day)["next-feature-planning"])
	require.Equal(t, rollout.TaskOpen, standing(s, 30*day)["next-feature-planning"])

	tick := flags.Request{Subject: "daily-monitoring-review", Met: true, Reason: "read all", By: "owner"}
	early := rollout.Fold([]rollout.Event{rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), Times: inDays, By: "owner"}, noon)})
	_, err := early.Request(rollout.SignalTick, tick, nil, noon)
	require.ErrorContains(t, err, "there is nothing to tick yet")

	s = s.Apply(rollout.Event{Seq: 3, Type: rollout.EventCompleted, At: noon.Add(24 * day)})
	e, err := s.Request(rollout.SignalTick, tick, nil, noon.Add(31*day))
	require.NoError(t, err, "tasks are ticked after the rollout as well")
	s = s.Apply(*e)
	require.Equal(t, rollout.Completed, s.Status)
	require.Equal(t, rollout.TaskDone, standing(s, 31*day)["daily-monitoring-review"])
	tick.Met = false
	e, err = s.Request(rollout.SignalTick, tick, nil, noon.Add(32*day))
	require.NoError(t, err)
	require.Equal(t, rollout.TaskOpen, standing(s.Apply(*e), 32*day)["daily-monitoring-review"])

	tick.Subject = "feedback-positive"
	_, err = s.Request(rollout.SignalTick, tick, nil, noon.Add(31*day))
	require.Error(t, err, "criteria are not")
	_, err = s.Request(rollout.SignalPause, flags.Request{Reason: "why"}, nil, noon.Add(31*day))
	require.Error(t, err)
}
