package rollout_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// life is a rollout being lived through, hour by hour.
type life struct {
	t      fataler
	state  rollout.State
	events []rollout.Event
	now    time.Time
	// judge returns each hour's judgement; nil for none.
	judge func(rollout.State, time.Time) *rollout.Judgement
	last  *rollout.Judgement
}

// initial is a rollout a day before noon whose preflight passes.
func initial(t fataler, p rollout.Plan) *life {
	t.Helper()
	l := &life{t: t, now: noon.Add(-day), judge: healthy}
	l.apply(rollout.Begin(rollout.Start{ID: "r1", Plan: p, Times: inDays, By: "owner"}, l.now))
	l.apply(rollout.Event{Seq: 2, Type: rollout.EventPreflight, At: l.now, By: "rollout", Checks: []rollout.Check{
		{ID: rollout.CheckHealth, Verdict: rollout.Pass}, {ID: rollout.CheckBackup, Verdict: rollout.Pass},
	}})
	return l
}

func (l *life) apply(e rollout.Event) {
	l.t.Helper()
	require.Equal(l.t, l.state.Seq+1, e.Seq)
	require.NotEmpty(l.t, e.By)
	l.state = l.state.Apply(e)
	l.events = append(l.events, e)
}

// settle lets the rollout do everything that is due now.
func (l *life) settle(each func(rollout.State, rollout.Event)) {
	l.t.Helper()
	for range 100 {
		e, wake := l.state.Next(l.last, l.now)
		if e == nil {
			require.True(l.t, wake.IsZero() || wake.After(l.now), "it wakes later")
			return
		}
		before := l.state
		l.apply(*e)
		if each != nil {
			each(before, *e)
		}
	}
	require.Fail(l.t, "it does not come to rest", "%+v", l.state)
}

func (l *life) until(end time.Time) {
	l.t.Helper()
	for ; !l.now.After(end); l.now = l.now.Add(time.Hour) {
		l.last = l.judge(l.state, l.now)
		l.settle(nil)
	}
	l.now = end
}

func (l *life) days(n float64) { l.t.Helper(); l.until(l.now.Add(time.Duration(n * float64(day)))) }

// toPhase lives on until a phase has been entered and judged.
func (l *life) toPhase(phase int) {
	l.t.Helper()
	for range 1000 {
		if l.state.Stage == (rollout.Stage{Kind: rollout.InPhase, Phase: phase}) {
			l.days(0.25)
			return
		}
		l.days(1.0 / 24)
	}
	require.Fail(l.t, "it never came there")
}

func (l *life) ask(name string, r flags.Request) {
	l.t.Helper()
	if r.Reason == "" {
		r.Reason = "because"
	}
	r.By = "owner"
	e, err := l.state.Request(name, r, l.last, l.now)
	require.NoError(l.t, err)
	require.NotNil(l.t, e)
	l.apply(*e)
}

// of lists what happened of some kinds: what, on which day since noon, at which percentage.
func (l *life) of(kinds ...rollout.EventType) []string {
	var all []string
	var s rollout.State
	for _, e := range l.events {
		s = s.Apply(e)
		if slices.Contains(kinds, e.Type) {
			all = append(all, fmt.Sprintf("%s %s/%d %v%% day %v", e.Type, s.Stage.Kind, s.Stage.Phase, s.Percentage, 1+e.At.Sub(noon).Hours()/24))
		}
	}
	return all
}

// healthy is a judgement in which all is well.
func healthy(s rollout.State, now time.Time) *rollout.Judgement {
	j := &rollout.Judgement{At: now, Position: s.Position(), Enabled: s.Enabled, Percentage: s.Percentage}
	for _, g := range rollout.Gates() {
		j.Gates = append(j.Gates, rollout.GateResult{Gate: g, Verdict: rollout.Pass, Seen: 100})
	}
	return j
}

func raising(name rollout.Trigger, remedy rollout.Remedy) func(rollout.State, time.Time) *rollout.Judgement {
	return func(s rollout.State, now time.Time) *rollout.Judgement {
		j := healthy(s, now)
		j.Triggers = []rollout.TriggerResult{{Trigger: name, Remedy: remedy, Firing: true, Reason: "it is bad"}}
		return j
	}
}

func result(g rollout.Gate, v rollout.Verdict) func(rollout.State, time.Time) *rollout.Judgement {
	return func(s rollout.State, now time.Time) *rollout.Judgement {
		j := healthy(s, now)
		for i := range j.Gates {
			if j.Gates[i].Gate == g {
				j.Gates[i].Verdict, j.Gates[i].Reason = v, "so it is"
				if v == rollout.Insufficient {
					j.Gates[i].Seen = 0
				}
			}
		}
		return j
	}
}
