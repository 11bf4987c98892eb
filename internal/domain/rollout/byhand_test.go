package rollout_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// flagged are flags of a version.
func flagged(enabled bool, percentage float64, version int) flags.Document {
	d := flags.Document{FeatureFlags: flags.Initial(), Version: version}
	d.FeatureFlags.TrialAutomation.Enabled, d.FeatureFlags.TrialAutomation.RolloutPercentage = enabled, percentage
	return d
}

// switchedOff are flags of a version that somebody has switched off in an earlier one, or in this.
func switchedOff(percentage float64, version, disabled int) flags.Document {
	d := flagged(false, percentage, version)
	d.DisabledVersion = disabled
	return d
}

// on are such flags that are on again.
func on(percentage float64, version, disabled int) flags.Document {
	d := flagged(true, percentage, version)
	d.DisabledVersion = disabled
	return d
}

// enact carries out an event over flags, and returns the event and the flags after it.
func enact(s rollout.State, e rollout.Event, d flags.Document) (rollout.Event, flags.Document) {
	c := d.Change()
	e = s.ApplyToFlags(e, &c)
	after, _ := d.Changed(c, flags.Automatic, noon)
	return e, after
}

// inNotice is a rollout in its notice, which found flags that an earlier one left.
func inNotice(t *testing.T, found *rollout.FlagsFound) *life {
	t.Helper()
	l := &life{t: t, now: noon.Add(-day), judge: healthy}
	l.apply(rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), Times: inDays, By: "owner", FlagsVersion: 7, FlagsFound: found}, l.now))
	return l
}

func TestFlagsSetByHandInTheNoticeHold(t *testing.T) {
	t.Parallel()
	left := &rollout.FlagsFound{Enabled: true, Percentage: 25}
	off := &rollout.FlagsFound{}
	for name, c := range map[string]struct {
		found      *rollout.FlagsFound
		flags      flags.Document
		comes      rollout.EventType
		enabled    bool
		percentage float64
	}{
		"left on by an earlier one":             {left, flagged(true, 25, 7), rollout.EventEntered, true, 0},
		"left off by an earlier one":            {off, flagged(false, 0, 7), rollout.EventEntered, true, 0},
		"left on, another flag changed since":   {left, flagged(true, 25, 8), rollout.EventEntered, true, 0},
		"left off, another flag changed since":  {off, flagged(false, 0, 9), rollout.EventEntered, true, 0},
		"disabled by hand":                      {left, flagged(false, 25, 8), rollout.EventRolledBack, false, 25},
		"disabled by hand, unknown what it was": {nil, flagged(false, 0, 8), rollout.EventRolledBack, false, 0},
		"raised by hand":                        {left, flagged(true, 30, 8), rollout.EventOverridden, true, 30},
		"raised by hand, unknown what it was":   {nil, flagged(true, 30, 8), rollout.EventOverridden, true, 30},
		"off, on, and off again":                {off, switchedOff(0, 10, 10), rollout.EventRolledBack, false, 0},
		"switched off though it was off":        {off, switchedOff(0, 8, 8), rollout.EventRolledBack, false, 0},
		"switched off, another flag since":      {off, switchedOff(0, 9, 8), rollout.EventRolledBack, false, 0},
		"switched off before it started":        {off, switchedOff(0, 9, 7), rollout.EventEntered, true, 0},
		"off, and on again":                     {left, on(25, 9, 8), rollout.EventEntered, true, 0},
		"restored from before it started":       {left, switchedOff(25, 6, 6), rollout.EventRolledBack, false, 25},
		"restored from when it was off":         {off, flagged(false, 0, 5), rollout.EventRolledBack, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := inNotice(t, c.found)
			e, _ := l.state.Next(nil, noon)
			require.Equal(t, rollout.EventEntered, e.Type)
			came, current := enact(l.state, *e, c.flags)
			require.Equal(t, c.comes, came.Type)
			f := current.FeatureFlags.TrialAutomation
			require.Equal(t, c.enabled, f.Enabled)
			require.InDelta(t, c.percentage, f.RolloutPercentage, 0)
			seen := healthy(l.state, l.now.Add(time.Hour))
			now := c.flags.FeatureFlags.TrialAutomation
			seen.Enabled, seen.Percentage, seen.Version, seen.DisabledVersion = now.Enabled, now.RolloutPercentage, c.flags.Version, c.flags.DisabledVersion
			received, _ := l.state.Next(seen, l.now.Add(time.Hour))
			if c.comes == rollout.EventEntered {
				require.Nil(t, received)
			} else {
				require.Equal(t, c.comes, received.Type, "the watch sees it as well")
			}
		})
	}
}

func TestFlagsDisabledInTheSameMomentAsARequestWin(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(2)
	l.ask(rollout.SignalAdvance, flags.Request{})
	e, err := l.state.Request(rollout.SignalAdvance, flags.Request{Reason: "on"}, nil, l.now)
	require.NoError(t, err)
	came, current := enact(l.state, *e, flagged(false, 50, 9))
	require.Equal(t, rollout.EventRolledBack, came.Type)
	require.False(t, current.FeatureFlags.TrialAutomation.Enabled)

	e, err = l.state.Request(rollout.SignalRollback, flags.Request{Reason: "slow", Percentage: 10}, nil, l.now)
	require.NoError(t, err)
	came, _ = enact(l.state, *e, flagged(false, 50, 9))
	require.Equal(t, rollout.Immediate, came.Remedy, "a partial rollback does not take itself for on")
}

// unprepared is a rollout in its phase of 0 %, with a check that is open.
func unprepared(t *testing.T) *life {
	t.Helper()
	l := &life{t: t, now: noon.Add(-day), judge: healthy}
	l.apply(rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), Times: inDays, By: "owner"}, l.now))
	l.days(1.1)
	l.apply(l.state.CheckedEvent([]rollout.Check{{ID: rollout.CheckBackup, Verdict: rollout.Insufficient, Reason: "none"}}, l.now))
	return l
}

func TestNobodyGoesPastAnOpenPreflight(t *testing.T) {
	t.Parallel()
	byFlags := func(l *life) {
		l.judge = func(s rollout.State, now time.Time) *rollout.Judgement {
			j := healthy(s, now)
			j.Percentage = 30
			return j
		}
		l.days(0.1)
		l.judge = healthy
	}
	set := func(l *life) { l.ask(rollout.SignalSetPercentage, flags.Request{Percentage: 50}) }
	for name, c := range map[string]struct {
		before func(*life)
		name   string
	}{
		"advance":                            {func(*life) {}, rollout.SignalAdvance},
		"set, resume":                        {set, rollout.SignalResume},
		"set, advance":                       {set, rollout.SignalAdvance},
		"set, pause, resume":                 {func(l *life) { set(l); l.ask(rollout.SignalPause, flags.Request{}) }, rollout.SignalResume},
		"set, back, resume":                  {func(l *life) { set(l); l.ask(rollout.SignalRollback, flags.Request{Percentage: 25}) }, rollout.SignalResume},
		"flags by hand, resume":              {byFlags, rollout.SignalResume},
		"flags by hand, advance":             {byFlags, rollout.SignalAdvance},
		"after the rollout paused, advance":  {func(l *life) { l.days(9) }, rollout.SignalAdvance},
		"after it paused, set and resume it": {func(l *life) { l.days(9); set(l) }, rollout.SignalResume},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := unprepared(t)
			c.before(l)
			_, err := l.state.Request(c.name, flags.Request{Reason: "r"}, nil, l.now)
			require.ErrorContains(t, err, "preflight check backup is INSUFFICIENT: none; waive it first")
			l.days(5)
			require.NotEqual(t, rollout.Running, l.state.Status, "it waits")
			require.Equal(t, 0, l.state.Stage.Phase)
			l.ask(rollout.SignalWaive, flags.Request{Subject: rollout.CheckBackup})
			_, err = l.state.Request(c.name, flags.Request{Reason: "r"}, nil, l.now)
			require.NoError(t, err)
		})
	}
}

func TestAnOpenPreflightIsMadeAgainWhileAPersonHoldsAPercentage(t *testing.T) {
	t.Parallel()
	l := inNotice(t, nil)
	require.False(t, l.state.PreflightDue(l.now))
	l.ask(rollout.SignalSetPercentage, flags.Request{Percentage: 50})
	require.True(t, l.state.PreflightDue(l.now))
	l.apply(l.state.CheckedEvent([]rollout.Check{{ID: rollout.CheckBackup, Verdict: rollout.Pass}}, l.now))
	require.False(t, l.state.PreflightDue(l.now.Add(day)))
}

func TestARolloutGoesOnFromThePercentageThatWasSetByHand(t *testing.T) {
	t.Parallel()
	inStage := func(kind rollout.StageKind) func(*life) {
		return func(l *life) {
			for l.state.Stage.Kind != kind {
				l.days(0.5)
			}
		}
	}
	for name, c := range map[string]struct {
		before     func(*life)
		percentage float64
		phase      int
		then       float64
	}{
		"25 in the guard":          {inStage(rollout.Guard), 25, 2, 50},
		"30 in the guard":          {inStage(rollout.Guard), 30, 2, 50},
		"25 in stability":          {inStage(rollout.Stability), 25, 2, 50},
		"5 in stability":           {inStage(rollout.Stability), 5, 0, 10},
		"50 in the notice":         {func(*life) {}, 50, 3, 75},
		"30 in the notice":         {func(*life) {}, 30, 2, 50},
		"60 in the phase of 25":    {func(l *life) { l.toPhase(2) }, 60, 3, 75},
		"10 in the phase of 25":    {func(l *life) { l.toPhase(2) }, 10, 1, 25},
		"100 in the phase of 25":   {func(l *life) { l.toPhase(2) }, 100, 5, 100},
		"0.01 in the phase of 100": {func(l *life) { l.toPhase(5) }, 0.01, 0, 10},
	} {
		for _, over := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, paused over it: %t", name, over), func(t *testing.T) {
				t.Parallel()
				l := initial(t, rollout.DefaultPlan())
				c.before(l)
				l.ask(rollout.SignalSetPercentage, flags.Request{Percentage: c.percentage})
				if over {
					l.ask(rollout.SignalPause, flags.Request{})
				}
				l.days(0.5)
				advanced, err := l.state.Request(rollout.SignalAdvance, flags.Request{Reason: "r"}, nil, l.now)
				require.NoError(t, err)
				require.InDelta(t, c.then, *advanced.Percentage, 0)
				l.ask(rollout.SignalResume, flags.Request{})
				require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: c.phase}, l.state.Stage)
				require.InDelta(t, c.percentage, l.state.Percentage, 0)
				require.Contains(t, l.state.Sentence(), fmt.Sprintf("The rollout is at %v %%", c.percentage))
				l.days(2.1)
				require.InDelta(t, c.then, l.state.Percentage, 0)
				l.days(60)
				require.Equal(t, rollout.Completed, l.state.Status)
				require.Equal(t, "The rollout is complete: it ended at 100 % of new vendors.", l.state.Sentence())
			})
		}
	}
}

func TestAPersonsPauseHoldsOverEveryOther(t *testing.T) {
	t.Parallel()
	outage := func(s rollout.State, now time.Time) *rollout.Judgement {
		j := healthy(s, now)
		j.Outage = &rollout.Outage{Cause: rollout.OutageSESPaused}
		return j
	}
	for name, pause := range map[string]func(*life){
		"outage": func(l *life) { l.judge = outage; l.days(0.1) },
		"gate":   func(l *life) { l.judge = result(rollout.GateEmail, rollout.Fail); l.days(3) },
		"triggers": func(l *life) {
			l.judge = raising(rollout.TriggerEmail, rollout.Partial)
			l.days(3)
		},
		"override": func(l *life) { l.ask(rollout.SignalSetPercentage, flags.Request{Percentage: 25}) },
	} {
		for _, first := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, person first: %t", name, first), func(t *testing.T) {
				t.Parallel()
				l := initial(t, rollout.DefaultPlan())
				l.toPhase(3)
				if first && name != "triggers" { // those take a rollout back that a person has paused
					l.ask(rollout.SignalPause, flags.Request{})
					pause(l)
				} else {
					pause(l)
					require.Equal(t, rollout.Paused, l.state.Status)
					l.ask(rollout.SignalPause, flags.Request{})
				}
				l.judge = healthy
				percentage := l.state.Percentage
				l.days(9)
				require.Equal(t, rollout.Paused, l.state.Status)
				require.InDelta(t, percentage, l.state.Percentage, 0)
				l.ask(rollout.SignalResume, flags.Request{})
				require.Equal(t, rollout.Running, l.state.Status)
				require.False(t, l.state.StageEnds().Before(l.now), "its time has not run on while it was paused")
			})
		}
	}
}

func TestAStageBeginsAnewAfterAGateThatAPersonPausedOver(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(3)
	l.judge = result(rollout.GateEmail, rollout.Fail)
	l.days(3)
	require.Equal(t, rollout.PausedByGate, l.state.Pause.Cause)
	l.ask(rollout.SignalPause, flags.Request{})
	l.days(1)
	l.ask(rollout.SignalResume, flags.Request{})
	require.Equal(t, l.now, l.state.EnteredAt)
}

func TestWhenItsTimeIsOverAStageSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(2)
	ends := l.state.StageEnds()
	require.Contains(t, l.state.SentenceAt(l.last, ends.Add(-1)), "until 8 March 2026 12:00 UTC at the earliest.")
	j := result(rollout.GateEmail, rollout.Insufficient)(l.state, ends)
	require.Equal(t, "The rollout is at 25 %, in phase 3 of 6, expansion-25 (25 %). Its time was over on 8 March 2026 12:00 UTC; it waits for the figures (E-mails delivered: so it is), "+
		"and pauses on 12 March 2026 12:00 UTC if that is still open.", l.state.SentenceAt(j, ends))
	require.Contains(t, l.state.SentenceAt(healthy(l.state, ends), ends), "the rollout advances at the next check")
	require.NotContains(t, unprepared(t).state.SentenceAt(nil, noon.Add(3*day)), "earliest")
	require.Contains(t, unprepared(t).state.SentenceAt(nil, noon.Add(3*day)), "it waits for preflight check backup to pass or to be waived")
}

func TestOfARolloutThatIsOverNothingIsSaidOfNow(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(2)
	l.ask(rollout.SignalRollback, flags.Request{})
	require.Equal(t, "The rollout was rolled back completely, which switched the automation off; it is over.", l.state.Sentence())
}
