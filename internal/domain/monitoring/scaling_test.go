package monitoring

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// steady is a process that has sampled the same n times until now.
func steady(n int, s Sample) Process {
	p := Process{Role: RoleAPI, Instance: "a1"}
	for i := range n {
		s.At = ago(time.Duration(n-1-i) * SampleEvery)
		p.Observe(s)
	}
	return p
}

func TestAdviceAtItsEdges(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		process Process
		message string // none: no advice
		action  string
	}{
		"nothing":                {process: Process{Role: RoleAPI}},
		"idle":                   {process: steady(44, Sample{CPU: 0.1, Memory: 0.1})},
		"CPU at the threshold":   {process: steady(44, Sample{CPU: 0.70})},
		"CPU above it":           {steady(44, Sample{CPU: 0.711}), "CPU at 71.1 % over 10 minutes, above 70 %", "Consider horizontal scaling: run another api."},
		"not for long enough":    {process: steady(31, Sample{CPU: 1})},
		"for just long enough":   {steady(32, Sample{CPU: 1}), "CPU at 100.0 % over 10 minutes, above 70 %", "Consider horizontal scaling: run another api."},
		"a spike":                {process: func() Process { p := steady(40, Sample{CPU: 0.2}); p.Samples[7].CPU = 1; return p }()},
		"memory at 80 %":         {process: steady(44, Sample{Memory: 0.80})},
		"memory above it":        {steady(44, Sample{Memory: 0.82}), "memory at 82.0 % over 10 minutes, above 80 %", "Review memory leaks: compare the heap with that of a week ago, or give the process more memory."},
		"one call in 20 is slow": {process: steady(40, Sample{Calls: 20, Slow: 1})},
		"more are slow": {steady(40, Sample{Calls: 10, Slow: 1}), "10.0 % of 400 calls took longer than 3s over 10 minutes, more than 5 %",
			"Performance optimization needed: find out which routes are slow, and whether MongoDB or Temporal answers late."},
		"too few calls": {process: func() Process { p := steady(40, Sample{}); p.Samples[39].Calls, p.Samples[39].Slow = 19, 19; return p }()},
		"it is gone":    {process: func() Process { p := steady(44, Sample{CPU: 1}); p.Samples[43].At = ago(46 * time.Second); return p }()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			advice := Advise([]Process{c.process}, now)
			if c.message == "" {
				require.Empty(t, advice)
				return
			}
			require.Len(t, advice, 1)
			require.Equal(t, c.message, advice[0].Message)
			require.Equal(t, c.action, advice[0].Action)
			require.Equal(t, RoleAPI, advice[0].Role)
			require.Equal(t, "a1", advice[0].Instance)
			require.Greater(t, advice[0].Value, advice[0].Threshold)
		})
	}
}

// What was before the window does not count.
func TestAdviceForgets(t *testing.T) {
	t.Parallel()
	p := steady(44, Sample{CPU: 0.69})
	for i := range 4 { // of 44 samples, 40 lie in the window
		p.Samples[i].CPU = 1
	}
	require.Empty(t, Advise([]Process{p}, now))
}

func TestAProcessKeepsItsLastSamples(t *testing.T) {
	t.Parallel()
	p := steady(1000, Sample{})
	require.Len(t, p.Samples, KeptSamples)
	require.Equal(t, now, p.Last())
}
