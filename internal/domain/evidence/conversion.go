package evidence

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// Curve gives the share of all eventual conversions that has arrived by an
// age, in days. It rises from 0 to 1. The points are in order of age;
// between two points the earlier one holds.
type Curve []CurvePoint

// CurvePoint is the share that has arrived by an age.
type CurvePoint struct {
	Age   float64 `json:"age"`
	Share float64 `json:"share"`
}

// Matured is the curve that counts nothing before a trial is over: 0 until
// that age, then 1. It may be late, which is safe, but is never early.
func Matured(days float64) Curve { return Curve{{Age: days, Share: 1}} }

// At returns the share at an age.
func (c Curve) At(age float64) float64 {
	i, found := slices.BinarySearchFunc(c, age, func(p CurvePoint, age float64) int { return cmp.Compare(p.Age, age) })
	switch {
	case found:
		return c[i].Share
	case i == 0:
		return 0
	}
	return c[i-1].Share
}

// Shifted returns the curve with every share some days later: a conversion
// curve that is early makes healthy rollouts look bad.
func (c Curve) Shifted(days float64) Curve {
	later := slices.Clone(c)
	for i := range later {
		later[i].Age += days
	}
	return later
}

// Lifetime is one vendor watched up to an age, in days: converted then, or not yet.
type Lifetime struct {
	Age       float64
	Converted bool
	// Whole says that it began long enough ago for trial and grace to be over.
	Whole bool
}

// KaplanMeier estimates the curve from earlier vendors, some of whom are
// still watched: 1 - S(a) by the product-limit estimator (Kaplan and Meier
// 1958), scaled so that it ends at 1. Without a conversion it is empty, which
// counts no conversion at any age.
func KaplanMeier(lifetimes []Lifetime) Curve {
	sorted := slices.Clone(lifetimes)
	// A vendor that leaves at an age was still at risk at it.
	slices.SortFunc(sorted, func(a, b Lifetime) int {
		if c := cmp.Compare(a.Age, b.Age); c != 0 || a.Converted == b.Converted {
			return c
		}
		if a.Converted {
			return -1
		}
		return 1
	})
	var curve Curve
	left := 1.0
	for i, life := range sorted {
		if !life.Converted {
			continue
		}
		left *= 1 - 1/float64(len(sorted)-i)
		if n := len(curve); n > 0 && curve[n-1].Age == life.Age {
			curve[n-1].Share = 1 - left
			continue
		}
		curve = append(curve, CurvePoint{Age: life.Age, Share: 1 - left})
	}
	for i := range curve {
		curve[i].Share /= 1 - left
	}
	return curve
}

// AdmissionDay counts the vendors admitted on one day.
type AdmissionDay struct {
	// Day counts days from the first admission.
	Day       int `json:"day"`
	Admitted  int `json:"admitted"`
	Converted int `json:"converted"`
}

// Age is how old a day's vendors are, counted from the end of that day.
func (d AdmissionDay) Age(today float64) float64 { return today - float64(d.Day) - 1 }

// Weighed is how many vendors count for conversion, how many of them
// converted, and how many completed trials they are worth.
type Weighed struct {
	Vendors   int     `json:"vendors"`
	Converted int     `json:"converted"`
	Full      float64 `json:"full"`
}

// Weigh counts the vendors that ConversionSums weighs.
func Weigh(curve Curve, days []AdmissionDay, today float64) Weighed {
	var w Weighed
	for _, d := range days {
		if share := curve.At(d.Age(today)); share > 0 {
			w.Vendors += d.Admitted
			w.Converted += d.Converted
			w.Full += share * float64(d.Admitted)
		}
	}
	return w
}

// EarliestVerdict is the first day on which a verdict is possible: the evidence would reach
// 1/alpha if none of the vendors admitted so far converted. It is false
// when they are too few.
func EarliestVerdict(n Null, curve Curve, admitted []AdmissionDay, alpha float64) (float64, bool) {
	none := make([]AdmissionDay, len(admitted))
	var moments []float64
	for i, d := range admitted {
		none[i] = AdmissionDay{Day: d.Day, Admitted: d.Admitted}
		if d.Admitted > 0 {
			for _, p := range curve {
				moments = append(moments, float64(d.Day)+1+p.Age)
			}
		}
	}
	slices.Sort(moments)
	moments = slices.Compact(moments)
	// The older vendors get without a conversion, the stronger the evidence.
	i := sort.Search(len(moments), func(i int) bool { return Reaches(ConversionSums(n, curve, none, moments[i]).Log(), alpha) })
	if i == len(moments) {
		return 0, false
	}
	return moments[i], true
}

// ConversionSums weighs the conversions known at one time: c
// conversions, and the others by their ages,
//
//	S_j = c ln(q_j/p0) + sum_i ln((1 - q_j F(a_i)) / (1 - p0 F(a_i))).
//
// It is safe if the curve F is right or late, and unsafe if it is early.
// Vendors so young that F is 0 do not count at all, converted or not: if only
// their conversions counted, evidence for the rollout would arrive weeks before
// evidence against it. today counts days as AdmissionDay does; a day's vendors are as old as its end.
func ConversionSums(n Null, curve Curve, days []AdmissionDay, today float64) Sums {
	var s Sums
	for _, d := range days {
		share := curve.At(d.Age(today))
		if share <= 0 {
			continue
		}
		waiting := float64(d.Admitted - d.Converted)
		for j := range s {
			q := n.alternative(j)
			s[j] += float64(d.Converted) * math.Log(q/n.Limit)
			s[j] += waiting * math.Log((1-q*share)/(1-n.Limit*share))
		}
	}
	return s
}
