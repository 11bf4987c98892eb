package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

var calendarBegin = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func onDay(days float64) time.Time { return calendarBegin.Add(rollout.Days(days, trial.RealDay)) }

func TestPlannedStages(t *testing.T) {
	t.Parallel()
	p := rollout.DefaultPlan()
	stages := p.Planned(0, calendarBegin, trial.RealDay)
	require.Len(t, stages, 9)
	require.Equal(t, rollout.StageTime{Stage: rollout.Stage{Kind: rollout.Notice}, From: onDay(0), To: onDay(1)}, stages[0])
	require.Equal(t, rollout.StageTime{Stage: rollout.Stage{Kind: rollout.InPhase, Phase: 2}, Percentage: 25, From: onDay(5), To: onDay(7)}, stages[3])
	require.Equal(t, rollout.StageTime{Stage: rollout.Stage{Kind: rollout.Guard, Phase: 5}, Percentage: 100, From: onDay(18), To: onDay(35)}, stages[8])
	restart := p.Planned(2, calendarBegin, trial.RealDay)
	require.Len(t, restart, 7)
	require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: 2}, restart[1].Stage)
}

// What a rollout went through is told from its events alone, with pauses and rollbacks, and without what lasted no time.
func TestActualStages(t *testing.T) {
	t.Parallel()
	p := rollout.DefaultPlan()
	start := rollout.Start{ID: "r", Plan: p, Times: evidence.Times{Day: trial.RealDay}}
	events := []rollout.Event{rollout.Begin(start, onDay(0))}
	add := func(days float64, e rollout.Event) {
		e.Seq, e.At = len(events)+1, onDay(days)
		events = append(events, e)
	}
	phase := func(i int) *rollout.Stage { return &rollout.Stage{Kind: rollout.InPhase, Phase: i} }
	enter := func(i int) rollout.Event {
		return rollout.Event{Type: rollout.EventEntered, Stage: phase(i), Enabled: new(true), Percentage: new(p.Phases[i].Percentage)}
	}
	add(1, enter(0))
	add(2, rollout.Event{Type: rollout.EventUpdate})
	add(3, enter(1))
	add(4, rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByAdmin})
	add(5, rollout.Event{Type: rollout.EventResumed})
	add(6, enter(2))
	add(7, rollout.Event{Type: rollout.EventRolledBack, Remedy: rollout.Partial, Stage: phase(1), Enabled: new(true), Percentage: new(10.0), InFlight: flags.Keep})
	add(8, enter(2))
	add(8, rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByAdmin})
	require.Equal(t, []rollout.StageTime{
		{Stage: rollout.Stage{Kind: rollout.Notice}, From: onDay(0), To: onDay(1)},
		{Stage: *phase(0), From: onDay(1), To: onDay(3)},
		{Stage: *phase(1), Percentage: 10, From: onDay(3), To: onDay(4)},
		{Stage: *phase(1), Percentage: 10, From: onDay(4), To: onDay(5), Paused: true},
		{Stage: *phase(1), Percentage: 10, From: onDay(5), To: onDay(6)},
		{Stage: *phase(2), Percentage: 25, From: onDay(6), To: onDay(7)},
		{Stage: *phase(1), Percentage: 10, From: onDay(7), To: onDay(8)},
		{Stage: *phase(2), Percentage: 25, From: onDay(8), To: onDay(9), Paused: true},
	}, rollout.Actual(events, onDay(9)))

	later := rollout.Fold(events).Ahead(onDay(9))
	require.Equal(t, *phase(2), later[0].Stage)
	require.Equal(t, onDay(9), later[0].From)
	require.Equal(t, onDay(11), later[0].To, "it has been paused from its beginning on")
	require.Equal(t, rollout.Guard, later[len(later)-1].Stage.Kind)
	for i, s := range later[1:] {
		require.Equal(t, later[i].To, s.From)
	}

	add(10, rollout.Event{Type: rollout.EventRolledBack, Remedy: rollout.Immediate, Enabled: new(false), Percentage: new(0.0), InFlight: flags.Keep})
	went := rollout.Actual(events, onDay(12))
	require.Equal(t, onDay(10), went[len(went)-1].To, "it ended then")
	require.Empty(t, rollout.Fold(events).Ahead(onDay(12)))
	require.Empty(t, rollout.Actual(nil, onDay(12)))
}
