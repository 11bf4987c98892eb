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

// anyPlan is a valid plan, beginning at 0 % or above.
func anyPlan(t *rapid.T) rollout.Plan {
	p := rollout.DefaultPlan()
	p.NoticeDays = rapid.SampledFrom([]float64{0, 1}).Draw(t, "notice")
	p.StabilityDays = rapid.SampledFrom([]float64{0, 0.5, 3}).Draw(t, "stability")
	p.GuardDays = rapid.SampledFrom([]float64{0, 2}).Draw(t, "guard")
	first := rapid.IntRange(0, 2).Draw(t, "first")
	p.Phases = slices.Clone(p.Phases[first:rapid.IntRange(first+2, 6).Draw(t, "end")])
	for i := range p.Phases {
		p.Phases[i].SoakDays = rapid.SampledFrom([]float64{0.1, 1, 2}).Draw(t, "soak")
	}
	return p
}

// anyJudgement is of the present, or of some time ago.
func anyJudgement(t *rapid.T, s rollout.State, now time.Time) *rollout.Judgement {
	j := healthy(s, now.Add(-time.Duration(rapid.IntRange(0, 2).Draw(t, "old"))*time.Hour))
	if rapid.IntRange(0, 9).Draw(t, "elsewhere") == 0 {
		j.Position.StageSeq--
	}
	for i := range j.Gates {
		j.Gates[i].Verdict = rapid.SampledFrom([]rollout.Verdict{rollout.Pass, rollout.Pass, rollout.Pass, rollout.Pass, rollout.Insufficient, rollout.Fail}).Draw(t, "verdict")
	}
	switch rapid.IntRange(0, 24).Draw(t, "trouble") {
	case 0:
		j.Triggers = []rollout.TriggerResult{{Trigger: rollout.TriggerErrors, Remedy: rollout.Immediate, Firing: true}}
	case 1, 2, 3, 4:
		j.Triggers = []rollout.TriggerResult{{Trigger: rollout.TriggerEmail, Remedy: rollout.Partial, Firing: true}}
	case 5, 6:
		j.Outage = &rollout.Outage{Cause: rollout.OutageSESRefusesAll}
	case 7:
		j.Percentage = float64(rapid.IntRange(0, 100).Draw(t, "by hand"))
	case 8:
		j.Enabled = false
	default:
	}
	return j
}

func TestWhateverHappensTheRolloutKeepsItsPromises(t *testing.T) {
	t.Parallel()
	names := []string{
		rollout.SignalRollback, rollout.SignalPause, rollout.SignalResume, rollout.SignalResume, rollout.SignalResume,
		rollout.SignalAdvance, rollout.SignalSetPercentage, "dance",
	}
	rapid.Check(t, func(t *rapid.T) {
		l := initial(t, anyPlan(t))
		entered, byHand := map[rollout.Stage]bool{}, false
		check := func(before rollout.State, e rollout.Event) {
			switch e.Type {
			case rollout.EventEntered:
				if e.By == "rollout" {
					require.False(t, entered[*e.Stage], "%v is entered twice", *e.Stage)
					require.Equal(t, rollout.Running, before.Status)
					require.False(t, e.At.Before(before.StageEnds()), "its time is not over")
				}
				entered[*e.Stage], byHand = true, false
			case rollout.EventRolledBack:
				clear(entered)
				byHand = e.Trigger == ""
				require.True(t, byHand || l.state.Percentage < before.Percentage || before.Enabled && !l.state.Enabled, "it went up")
			case rollout.EventOverridden:
				clear(entered)
				byHand = true
			case rollout.EventResumed:
				clear(entered)
			default:
				require.Equal(t, [2]any{before.Percentage, before.Enabled}, [2]any{l.state.Percentage, l.state.Enabled})
			}
			if !byHand {
				planned := l.state.Percentage == 0 || slices.ContainsFunc(l.state.Plan.Phases, func(p rollout.Phase) bool { return p.Percentage == l.state.Percentage })
				require.True(t, planned, "%v %% is no phase's", l.state.Percentage)
			}
			if before.Status == rollout.Paused && before.Pause.Cause == rollout.PausedByAdmin && e.By == "rollout" {
				require.True(t, l.state.Status == rollout.Paused || l.state.Status == rollout.RolledBack, "a person has it wait")
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.IntRange(0, 4).Draw(t, "asked") == 0 {
				r := flags.Request{By: "owner", Reason: "because", Percentage: float64(rapid.IntRange(0, 100).Draw(t, "percentage"))}
				before := l.state
				e, err := l.state.Request(rapid.SampledFrom(names).Draw(t, "name"), r, l.last, l.now)
				require.Equal(t, err == nil, e != nil)
				if e != nil {
					l.apply(*e)
					check(before, *e)
				}
			} else {
				l.now = l.now.Add(time.Duration(rapid.IntRange(0, 72).Draw(t, "hours")) * time.Hour)
				l.last = anyJudgement(t, l.state, l.now)
			}
			l.settle(check)
		}
		require.Equal(t, jsonOf(t, l.state), jsonOf(t, rollout.Fold(l.events)))
	})
}
