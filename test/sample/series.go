package sample

import (
	"math"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
)

// series is how the evidence came to the last judgement: from 10 % on there is more each hour, and since yesterday e-mails fail.
func series(last rollout.Judgement) (t rollout.TimeSeries) {
	for n := 1; n < last.Snapshot; n++ {
		t.Add(earlier(last, last.At.Add(-time.Duration(last.Snapshot-n)*10*time.Minute), n))
	}
	t.Add(last)
	return t
}

// earlier is the judgement of a snapshot before the last.
func earlier(last rollout.Judgement, at time.Time, snapshot int) rollout.Judgement {
	j := last
	j.At, j.Snapshot = at, snapshot
	j.Triggers, j.Gates = slices.Clone(last.Triggers), slices.Clone(last.Gates)
	began := Now.Add(-6*day - 2*time.Hour)
	limited, expanded := began.Add(3*day), Now.Add(-20*time.Hour)
	switch {
	case at.Before(began.Add(day)):
		j.Percentage, j.Position = 0, rollout.Position{StageSeq: 1, Stage: rollout.Stage{Kind: rollout.Notice}}
	case at.Before(limited):
		j.Percentage, j.Position = 0, rollout.Position{StageSeq: 2, Stage: rollout.Stage{Kind: rollout.InPhase}}
	case at.Before(expanded):
		j.Percentage, j.Position = 10, rollout.Position{StageSeq: 3, Stage: rollout.Stage{Kind: rollout.InPhase, Phase: 1}}
	}
	// The share of what is known now that was known then.
	known := max(at.Sub(limited).Hours()/last.At.Sub(limited).Hours(), 0)
	failing := max(at.Sub(expanded).Hours()/last.At.Sub(expanded).Hours(), 0)
	for i := range j.Triggers {
		a := &j.Triggers[i]
		a.Seen, a.Evidence = int(known*float64(a.Seen)), math.Pow(a.Evidence, known)
		if a.Trigger == rollout.TriggerEmail {
			a.Estimate, a.Evidence = 0.97-0.085*failing, math.Pow(10, -1.5*known+2*failing)
		}
	}
	for i := range j.Gates {
		r := &j.Gates[i]
		r.Seen, r.Evidence = int(known*float64(r.Seen)), math.Pow(r.Evidence, known)
		if r.Odds = math.Pow(r.Odds, known); known == 0 {
			r.Odds = 0
		}
		if r.Gate == rollout.GateEmail {
			r.Estimate, r.Evidence = 0.97-0.095*failing, math.Pow(10, -known+2.4*failing)
			r.Odds = math.Pow(10, -3*known+5*failing)
			if known == 0 || r.Evidence > 1 {
				r.Odds = 0
			}
		}
		switch {
		case r.Seen == 0:
			r.Verdict = rollout.Insufficient
		case r.Verdict == rollout.Fail && r.Evidence < r.Needed:
			r.Verdict = rollout.Pass
		}
	}
	return j
}
