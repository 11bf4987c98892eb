package evidence

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The first numbers of the published SplitMix64 from seed 0.
func TestChanceIsTheOneThatIsPublished(t *testing.T) {
	t.Parallel()
	c := Chance(0)
	require.Equal(t, []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f}, []uint64{c.next(), c.next(), c.next()})
}

func TestDrawnNumbersHaveTheirMeanAndSpread(t *testing.T) {
	t.Parallel()
	const draws = 20_000
	tests := []struct {
		name           string
		draw           func(*Chance) int
		mean, variance float64
	}{
		{"few events", func(c *Chance) int { return c.Poisson(0.3) }, 0.3, 0.3},
		{"many events", func(c *Chance) int { return c.Poisson(400) }, 400, 400},
		{"of a few", func(c *Chance) int { return c.Binomial(10, 0.4) }, 4, 2.4},
		{"of many", func(c *Chance) int { return c.Binomial(1000, 0.4) }, 400, 240},
		{"none", func(c *Chance) int { return c.Poisson(0) + c.Binomial(0, 0.5) + c.Binomial(100, 0) }, 0, 0},
		{"all", func(c *Chance) int { return c.Binomial(100, 1) }, 100, 0},
	}
	for _, tt := range tests {
		c := Chance(7)
		sum, squares := 0.0, 0.0
		for range draws {
			x := float64(tt.draw(&c))
			sum, squares = sum+x, squares+x*x
		}
		mean := sum / draws
		require.InDelta(t, tt.mean, mean, 5*math.Sqrt(tt.variance/draws)+1e-9, tt.name)
		require.InDelta(t, tt.variance, squares/draws-mean*mean, 0.1*tt.variance+1e-6, tt.name)
	}
}
