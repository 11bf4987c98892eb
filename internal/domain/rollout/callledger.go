package rollout

import (
	"maps"
	"slices"
	"time"
)

// CallTotals counts API calls: all, those that were slow, and those answered with a server error. Who keeps it says
// from when on a call is slow.
type CallTotals struct {
	Seen   int `json:"seen"`
	Slow   int `json:"slow"`
	Failed int `json:"failed"`
}

// CallStart counts the API calls since one start of the triggers' evidence.
type CallStart struct {
	// Routes are the calls that the performance trigger weighs, by route; slow is longer than the route's SlowLimit.
	Routes map[string]CallTotals `json:"routes,omitempty"`
	// Automated and Control are those about vendors of either cohort, ByInterval the automated ones as the API's trigger weighs them.
	Automated  CallCount     `json:"automated"`
	Control    CallCount     `json:"control"`
	ByInterval FailingShares `json:"byInterval"`
}

// FailingShares sums, over intervals, the share of an interval's calls that failed.
type FailingShares struct {
	// Seen are the intervals that had such calls.
	Seen int     `json:"seen"`
	Sum  float64 `json:"sum"`
}

func (f *FailingShares) add(c CallCount) {
	if c.Seen > 0 {
		f.Seen, f.Sum = f.Seen+1, f.Sum+c.share()
	}
}

func (f FailingShares) mean() float64 { return f.Sum / float64(max(f.Seen, 1)) }

const (
	// SlowCall is the longest call that the requirements allow.
	SlowCall = 2 * time.Second
	// SlowFloor is below which no call counts as slow, however fast its route was before: a tenth of SlowCall.
	SlowFloor = SlowCall / 10
	// SlowShare is the share of calls beyond the 95th percentile.
	SlowShare = 0.05
	// LeastBaseline is how many calls a baseline needs: a route's for the performance trigger, the API's for the gates.
	LeastBaseline = 100
	// leastInInterval is how many calls an interval must have to be weighed; intervals with fewer are joined until they have.
	leastInInterval = 5
)

// calls weighs the API calls of a snapshot.
func (l *Ledger) calls(p Plan, s Snapshot) {
	n := s.Calls.Count()
	gate := func(name Gate, bad int) {
		e := l.Gates[name]
		e.ObserveMany(1, bad)
		e.ObserveMany(0, n-bad)
		l.Gates[name] = e
	}
	beyond, failed := s.Calls.SlowerThan(SlowCall), min(s.Calls.Failed, n)
	gate(GateAPI, beyond)
	gate(GateErrors, failed)
	// The last of them may be read only after a phase that admits has begun.
	before := s.Position.Percentage == 0 || len(l.Slow.Runs) == 0 && !s.To.After(s.Position.Since)
	if len(l.Admissions) == 0 && before {
		l.Baseline.Add(s.Calls)
		return
	}
	l.Served.Seen, l.Served.Slow, l.Served.Failed = l.Served.Seen+n, l.Served.Slow+beyond, l.Served.Failed+failed
	for len(l.Starts) < len(l.Slow.Runs) {
		l.Starts = append(l.Starts, CallStart{})
	}
	l.slowness(p, s.Calls)
	l.failures(s.Calls.Intervals)
}

// failures weighs by interval how many calls failed: calls that come together fail together. Once a backfill has adopted vendors,
// nobody is left to compare with: calls about them count as about control vendors, whose cohort they were dealt.
func (l *Ledger) failures(intervals []CallInterval) {
	for _, i := range intervals {
		l.Interval.add(i)
		if l.Interval.All.Seen < leastInInterval {
			continue
		}
		l.API.ObserveMany(l.Interval.All.share(), 1)
		for k := range l.Starts {
			l.Starts[k].Automated.add(l.Interval.Automated)
			l.Starts[k].Control.add(l.Interval.Control)
			l.Starts[k].ByInterval.add(l.Interval.Automated)
		}
		l.Interval = CallInterval{}
	}
	if l.Adopted.Vendors == 0 {
		return
	}
	for k := range l.Starts {
		l.Starts[k].Control = CallCount{}
	}
}

// slowness weighs the calls of routes whose normal speed is known.
func (l *Ledger) slowness(p Plan, calls Calls) {
	for _, route := range slices.Sorted(maps.Keys(calls.Routes)) {
		limit, known := l.slowLimit(p, route)
		if !known {
			continue
		}
		took := calls.Routes[route]
		n, slow := took.Count(), took.SlowerThan(limit)
		l.Slow.ObserveMany(1, slow)
		l.Slow.ObserveMany(0, n-slow)
		for i := range l.Starts {
			if l.Starts[i].Routes == nil {
				l.Starts[i].Routes = map[string]CallTotals{}
			}
			of := l.Starts[i].Routes[route]
			of.Seen, of.Slow = of.Seen+n, of.Slow+slow
			l.Starts[i].Routes[route] = of
		}
	}
}

// slowLimit is the duration above which a call of a route counts as slow, and whether the
// route's baseline is large enough to tell.
func (l *Ledger) slowLimit(p Plan, route string) (time.Duration, bool) {
	baseline := l.Baseline.Routes[route]
	if baseline.Count() < LeastBaseline {
		return 0, false
	}
	return max(time.Duration((1+p.Triggers.Slowdown)*float64(baseline.Quantile(1-SlowShare))), SlowFloor), true
}

// busiest is the route with the most calls in the baseline, and their number; empty without calls.
func (l *Ledger) busiest() (route string, n int) {
	for _, r := range slices.Sorted(maps.Keys(l.Baseline.Routes)) {
		if k := l.Baseline.Routes[r].Count(); k > n {
			route, n = r, k
		}
	}
	return route, n
}

// slowest is the route with the most slow calls since a start of the evidence, by its index, and its calls; empty for none.
func (l *Ledger) slowest(start int) (route string, of CallTotals) {
	if start >= len(l.Starts) {
		return "", of
	}
	routes := l.Starts[start].Routes
	for _, r := range slices.Sorted(maps.Keys(routes)) {
		if routes[r].Slow > of.Slow {
			route, of = r, routes[r]
		}
	}
	return route, of
}
