package rollout

import (
	"fmt"
	"math"
)

// History is what the trials from before a rollout told when it started.
type History struct {
	// Trials is how many were looked at.
	Trials int `json:"trials"`
	// Converted is how many of them converted, of those that began long enough
	// before for trial and grace to be over.
	Converted int `json:"converted"`
	// Later is by how many days their curve was moved; 0 where there is none.
	Later float64 `json:"later"`
}

const (
	// enoughPast is how many conversions a curve needs.
	enoughPast = 50
	// curvePoints bounds a curve: it is stored with the rollout.
	curvePoints = 40
	// laterShare is by which share of a trial a curve is moved, and leastLater is
	// the least, in days. With 50 conversions the share that has come by an age is
	// known to 0.07, so that three standard errors are a fifth of a trial.
	laterShare = 0.25
	leastLater = 1
)

// WithConversionCurve are the times with the curve that trials from before the rollout show,
// and with what they were. With too few conversions there is no curve. Trials too young to
// be seen whole count as watched until now: those alone would show early
// conversions only, which is why enough must be old.
func (t Times) WithConversionCurve(lifetimes []Lifetime) Times {
	past := History{Trials: len(lifetimes)}
	for _, life := range lifetimes {
		if life.Whole && life.Converted {
			past.Converted++
		}
	}
	t.Curve, t.History = nil, &past
	if past.Converted < enoughPast {
		return t
	}
	past.Later = max(laterShare*t.TrialDays, leastLater)
	t.Curve = KaplanMeier(lifetimes).compact(curvePoints).Shifted(past.Later).closed(t.TrialDays, past.Later)
	return t
}

// compact keeps some of the points, the last among them, so that no share comes
// earlier than it did. Ages are rounded up, to a hundredth of a day.
func (c Curve) compact(points int) Curve {
	kept := make(Curve, 0, points)
	for i := range c {
		// Of each run of points the last: what has come by then.
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

// closed ends a curve that was moved when trial and grace are over: nobody converts
// after that whose trial was not extended. Where some of before did, it is
// left as it is.
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

// Explanation says from when on a trial counts in judging conversion, in a sentence.
func (t Times) Explanation() string {
	ended := fmt.Sprintf("A trial counts for conversion once it and its grace are over, after %v days", t.TrialDays)
	switch {
	case t.History == nil:
		return ended + "."
	case len(t.Curve) == 0:
		return fmt.Sprintf("%s: it takes %d conversions from before the rollout to know how they come with age, and there are %d, of %d trials.",
			ended, enoughPast, t.History.Converted, t.History.Trials)
	}
	return fmt.Sprintf("A trial counts for conversion from %.1f days on, by how %d conversions of %d trials from before the rollout came with age, taken to come %.1f days later.",
		t.Curve[0].Age, t.History.Converted, t.History.Trials, t.History.Later)
}
