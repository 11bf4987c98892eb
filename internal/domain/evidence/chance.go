package evidence

import "math"

// Chance draws numbers that are always the same for the same seed: SplitMix64 (Steele, Lea, Flood, Fast Splittable
// Pseudorandom Number Generators, 2014). A copy goes on as its original does.
type Chance uint64

// Share draws from [0,1).
func (c *Chance) Share() float64 {
	const fraction = 53 // bits of a float64
	return float64(c.next()>>(64-fraction)) / (1 << fraction)
}

func (c *Chance) next() uint64 {
	*c += 0x9e3779b97f4a7c15
	z := uint64(*c)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// many is from which mean on a number is drawn from the normal distribution.
const many = 50

// Poisson draws a number of independent events.
func (c *Chance) Poisson(mean float64) int {
	if mean > many {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*c.normal())))
	}
	n, limit := 0, math.Exp(-mean)
	for p := c.Share(); p > limit; p *= c.Share() {
		n++
	}
	return n
}

// Binomial draws how many of n have what a share of all has.
func (c *Chance) Binomial(n int, share float64) int {
	if n > many {
		mean := float64(n) * share
		return min(max(0, int(math.Round(mean+math.Sqrt(mean*(1-share))*c.normal()))), n)
	}
	have := 0
	for range n {
		if c.Share() < share {
			have++
		}
	}
	return have
}

// normal draws from the standard normal distribution, nearly: the sum of twelve shares has a variance of 1.
func (c *Chance) normal() float64 {
	sum := -6.0
	for range 12 {
		sum += c.Share()
	}
	return sum
}
