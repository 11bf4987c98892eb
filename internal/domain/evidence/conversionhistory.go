package evidence

import (
	"fmt"
	"math"
)

// History summarizes the trials from before a rollout, as of its start.
type History struct {
	// Trials is how many were read.
	Trials int `json:"trials"`
	// Converted is how many of them converted, of those that began long enough
	// before for trial and grace to be over.
	Converted int `json:"converted"`
	// Later is by how many days their curve was shifted; 0 without a curve.
	Later float64 `json:"later"`
}

const (
	// EnoughHistory is how many conversions a curve needs.
	EnoughHistory = 50
	// curvePoints bounds a curve: it is stored with the rollout.
	curvePoints = 40
	// laterShare is the share of a trial by which a curve is shifted, and leastLater is
	// the minimum, in days. With 50 conversions the share at an age is known
	// to 0.07, so that three standard errors are a fifth of a trial.
	laterShare = 0.25
	leastLater = 1
)

// WithConversionCurve returns the times with the curve estimated from trials before the rollout,
// and a summary of those trials. With too few conversions there is no curve. Trials too young to
// be seen whole count as watched until now: on their own they would show early
// conversions only, which is why enough conversions must come from old trials.
func (t Times) WithConversionCurve(lifetimes []Lifetime) Times {
	past := History{Trials: len(lifetimes)}
	for _, life := range lifetimes {
		if life.Whole && life.Converted {
			past.Converted++
		}
	}
	t.Curve, t.History = nil, &past
	if past.Converted < EnoughHistory {
		return t
	}
	past.Later = max(laterShare*t.TrialDays, leastLater)
	t.Curve = KaplanMeier(lifetimes).compact(curvePoints).Shifted(past.Later).closed(t.TrialDays, past.Later)
	return t
}

// compact keeps some of the points, including the last, so that no share comes
// earlier than before. Ages are rounded up, to a hundredth of a day.
func (c Curve) compact(points int) Curve {
	kept := make(Curve, 0, points)
	for i := range c {
		// The last of each run of points: what has arrived by then.
		if (i+1)*points/len(c) == i*points/len(c) {
			continue
		}
		p := CurvePoint{Age: math.Ceil(c[i].Age*100) / 100, Share: c[i].Share}
		if n := len(kept); n > 0 && kept[n-1].Age == p.Age {
			kept[n-1] = p
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// closed ends a shifted curve when trial and grace are over: nobody converts
// later unless the trial was extended. If some earlier trials did convert later,
// the curve stays as it is.
func (c Curve) closed(trialDays, later float64) Curve {
	if c[len(c)-1].Age-later > trialDays {
		return c
	}
	for i, p := range c {
		if p.Age >= trialDays {
			return append(c[:i:i], CurvePoint{Age: trialDays, Share: 1})
		}
	}
	return c
}

// Explanation says in a sentence from when on a trial counts in judging conversion.
func (t Times) Explanation() string {
	ended := fmt.Sprintf("A trial counts for conversion once it and its grace are over, after %s", Counted(t.TrialDays, "day", "days"))
	switch {
	case t.History == nil:
		return ended + "."
	case len(t.Curve) == 0:
		return fmt.Sprintf("%s: to know at which age vendors convert takes %d conversions from before the rollout, and there are %d, of %s.",
			ended, EnoughHistory, t.History.Converted, Counted(t.History.Trials, "trial", "trials"))
	}
	return fmt.Sprintf("A trial counts for conversion from %.1f days on. The ages come from %d conversions of %d trials before the rollout, shifted by %.1f days to be safe.",
		t.Curve[0].Age, t.History.Converted, t.History.Trials, t.History.Later)
}
