package simulation

import (
	"math"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// The API's calls: where their times are not drawn, each takes one of two.
const (
	quick    = 100 * time.Millisecond
	tardy    = 500 * time.Millisecond
	spread   = 0.5
	baseline = 2 // days at 0 %
)

// intervals is how many of a day the calls are kept by: ten minutes each.
const intervals = 144

// calls draws the API's calls of a watch, evenly over its intervals.
func (r *run) calls(from time.Time) (c rollout.Calls) {
	n, parts := r.CallsPerDay/r.Watches, intervals/r.Watches
	for part := range parts {
		var interval rollout.Calls
		for range n*(part+1)/parts - n*part/parts {
			call := rollout.Call{Route: "POST /api/vendors", Took: r.took(from)}
			call.About, call.Failed = r.fails(from)
			interval.Observe(call)
		}
		c.AddInterval(interval)
	}
	return c
}

// took is how long a call takes.
func (r *run) took(from time.Time) time.Duration {
	truth := r.truth(from)
	switch {
	case truth.Tiny > 0:
		return truth.Tiny
	case from.Before(r.at(baseline)):
		if r.Drawn {
			return r.drawn(1)
		}
	case r.Drawn:
		return r.drawn(truth.Slowdown)
	case r.random.Float64() < truth.Slow:
		return tardy
	}
	return quick
}

// fails draws which cohort's vendor a call is about, and whether it fails.
func (r *run) fails(from time.Time) (about trial.Cohort, failed bool) {
	truth := r.truth(from)
	about, share := trial.Control, truth.ControlFails
	if r.OnlyAutomated || 100*r.chance.Float64() < r.state.Percentage {
		about, share = trial.Automated, truth.CallsFail
	}
	return about, r.chance.Float64() < share
}

func (r *run) drawn(slowdown float64) time.Duration {
	return time.Duration(slowdown * float64(quick) * math.Exp(spread*r.random.NormFloat64()))
}
