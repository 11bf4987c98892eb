package rollout_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
)

// A criterion is as good as the worst of its gates.
func TestWhichGatesACriterionJudges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		id      string
		results []rollout.GateResult
		want    rollout.Verdict
	}{
		{"all-metrics-met", nil, rollout.Pass},
		{"all-metrics-met", []rollout.GateResult{{Gate: rollout.GateEmail, Verdict: rollout.Fail}, {Gate: rollout.GateErrors, Verdict: rollout.Insufficient}}, rollout.Fail},
		{"all-metrics-met", []rollout.GateResult{{Gate: rollout.GateConversion, Verdict: rollout.Insufficient}}, rollout.Insufficient},
		{"performance-stable", []rollout.GateResult{{Gate: rollout.GateAPI, Verdict: rollout.Fail}}, rollout.Fail},
		{"performance-stable", []rollout.GateResult{{Gate: rollout.GateErrors, Verdict: rollout.Insufficient}}, rollout.Insufficient},
		{"performance-stable", []rollout.GateResult{{Gate: rollout.GateEmail, Verdict: rollout.Fail}}, rollout.Pass},
		{"conversion-maintained", []rollout.GateResult{{Gate: rollout.GateConversion, Verdict: rollout.Fail}}, rollout.Fail},
		{"conversion-maintained", []rollout.GateResult{{Gate: rollout.GateEmail, Verdict: rollout.Fail}}, rollout.Pass},
	} {
		l := initial(t, rollout.DefaultPlan())
		l.last = healthy(l.state, l.now)
		for _, r := range c.results {
			l.last = with(l.last, r)
		}
		verdict, reason := criterion(l, c.id)
		require.Equal(t, c.want, verdict, "%+v: %s", c, reason)
	}
}

// with is a judgement with another result of one gate.
func with(j *rollout.Judgement, r rollout.GateResult) *rollout.Judgement {
	for i := range j.Gates {
		if j.Gates[i].Gate == r.Gate {
			j.Gates[i] = r
		}
	}
	return j
}

func TestACriterionAsksForThePlainSample(t *testing.T) {
	t.Parallel()
	for gate, c := range map[rollout.Gate]struct {
		id    string
		least int
		says  string
	}{
		rollout.GateEmail: {"email-delivery", 20, "at least 95 % of 20 or more"}, rollout.GateConversion: {"conversion-maintained", 30, "at least 95 % of 30 or more"},
		rollout.GateAPI: {"performance-stable", 100, "at most 95 % of 100 or more"}, rollout.GateErrors: {"performance-stable", 100, "at most 95 % of 100 or more"},
		rollout.GateAutomation: {"all-metrics-met", 10, "at least 95 % of 10 or more"},
	} {
		for seen, want := range map[int]rollout.Verdict{c.least - 1: rollout.Insufficient, c.least: rollout.Pass} {
			l := initial(t, rollout.DefaultPlan())
			l.last = with(healthy(l.state, l.now), rollout.GateResult{Gate: gate, Verdict: rollout.Pass, Seen: seen, Estimate: 0.95, Limit: 0.95, Reason: "so it is"})
			verdict, reason := criterion(l, c.id)
			require.Equal(t, want, verdict, gate)
			if want == rollout.Insufficient {
				require.Equal(t, "so it is; the criterion asks for "+c.says, reason)
			}
		}
	}
}

func TestNoRollbackIsRequired(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"no-rollback", "no-critical-errors"} {
		l := initial(t, rollout.DefaultPlan())
		requireCriterion(l, id, rollout.Insufficient, "there is no data yet")
		l.toPhase(3)
		requireCriterion(l, id, rollout.Pass, "the rollout has not been rolled back so far")
		l.judge = raising(rollout.TriggerEmail, rollout.Partial)
		l.until(l.now)
		require.Equal(t, rollout.Running, l.state.Status)
		requireCriterion(l, id, rollout.Fail, "the rollout was rolled back")
	}
}
