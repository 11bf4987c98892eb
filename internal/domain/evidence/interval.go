package evidence

import "math"

// z95 is the quantile of a two-sided interval of 95 %.
const z95 = 1.959964

// Wilson is the 95 % interval of a share seen in n observations, from E. B. Wilson, "Probable Inference, the Law of
// Succession, and Statistical Inference" (1927). For n = 0 it is 0 to 1. It is for people to read; of
// the rollout's verdicts only that on the vendors' feedback uses it. Where observations are themselves shares it is wider than
// need be.
func Wilson(share, n float64) (low, high float64) {
	if !(n > 0) {
		return 0, 1
	}
	middle := share + z95*z95/(2*n)
	width := z95 * math.Sqrt(share*(1-share)/n+z95*z95/(4*n*n))
	scale := 1 + z95*z95/n
	return max(0, (middle-width)/scale), min(1, (middle+width)/scale)
}

// Estimated is a share with its 95 % interval.
type Estimated struct{ Share, Low, High float64 }

// Difference is a minus b with its 95 % interval, from those of the two: method 10 of R. G. Newcombe, "Interval estimation for
// the difference between independent proportions" (1998).
func Difference(a, b Estimated) Estimated {
	d := a.Share - b.Share
	return Estimated{
		Share: d,
		Low:   d - math.Hypot(a.Share-a.Low, b.High-b.Share),
		High:  d + math.Hypot(a.High-a.Share, b.Share-b.Low),
	}
}
