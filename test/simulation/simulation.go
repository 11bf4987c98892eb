// Package simulation lives through rollouts in worlds whose truth is known, to
// show how often the judgement is wrong and how soon it is right. Vendors,
// e-mails, calls and conversions are drawn here; everything that is decided, is
// decided by package rollout.
package simulation

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
)

const day = 24 * time.Hour

// dawn is when a rollout's first phase begins: days of a run count from it, and
// its first day is day 1.
var dawn = time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)

// World is the truth that a run is drawn from. Days count from the first phase's
// beginning, so that day 8 begins when 7 days are over.
type World struct {
	Plan  rollout.Plan
	Times evidence.Times
	// PerDay registrations come, as a Poisson process; with Registered, these and
	// no others.
	PerDay     float64
	Registered []Registration
	// Watches is how often a day the rollout is watched.
	Watches int
	// Last is the day on which the run ends at the latest; 0 for when the rollout
	// is over, a guard that goes on included.
	Last float64
	// Truth holds until the day Break begins, and Broken from then on; 0 for never.
	Truth  Truth
	Break  float64
	Broken Truth
	// Clustering is with which chance a vendor's e-mails share one fate, and
	// StepClustering the same of its steps.
	Clustering     float64
	StepClustering float64
	// Conversion is the share of vendors that ever convert.
	Conversion float64
	// Before is how many conversions are known when the rollout starts, of vendors
	// who converted as those to come do.
	Before int
	// Backfilled is how many control trials, in the middle of their lives, the backfill finds once the last phase is over.
	Backfilled int
	// Lag delays each step by up to so much, as a slow worker does.
	Lag time.Duration
	// Outage is the day on which the mail service refuses everything for 24 hours,
	// 0 for never. Unnoticed leaves it out of the snapshots.
	Outage    float64
	Unnoticed bool
	// Mute is the day, from 1, from which the mail service's events are lost; 0 for never.
	Mute float64
	// CallsPerDay come to the API. Drawn takes their times from a distribution
	// that slows by Truth.Slowdown; otherwise a share Truth.Slow of them is slow.
	CallsPerDay int
	Drawn       bool
	// OnlyAutomated has all of them be about automated vendors; otherwise the percentage of them is.
	OnlyAutomated bool
}

// Truth is what holds at a time.
type Truth struct {
	// Delivered is the share of e-mails that arrive, Failing of steps that finally
	// fail, Slow of calls that take longer than half as long again as the baseline's 95th percentile.
	Delivered float64
	Failing   float64
	Slow      float64
	// Slowdown stretches calls, 1.5 for half as long again.
	Slowdown float64
	// Tiny is how long every call takes; 0 for what the others say.
	Tiny time.Duration
	// CallsFail is the share of calls about automated vendors that fail, ControlFails that of the others.
	CallsFail, ControlFails float64
}

// Registration is a vendor that came in reality.
type Registration struct {
	ID string
	// After is when, since the first phase's beginning.
	After time.Duration
	// Converts is how many days later, or -1.
	Converts float64
}

// Result is what became of a run.
type Result struct {
	// Trigger is the one that rolled back the rollout first; empty where none did.
	Trigger rollout.Trigger
	// Day is when, in days since the first phase's beginning.
	Day float64
	// Trials is how many had ended by then or by the end, Converted of them.
	Trials, Converted int
	// Paused is the percentage at which the rollout first paused, Delayed the one at which people were first notified of
	// a delay; -1 for never.
	Paused, Delayed float64
	// Full is the day on which all vendors were first admitted, counted as Day; -1 for never.
	Full float64
	// Adopted is how many the backfill had adopted by the end; PastMails how many e-mails were about a time before.
	Adopted, PastMails int
	// Admitted is how many vendors were admitted by the end, Highest the largest percentage that was.
	Admitted int
	Highest  float64
	// Plain is the day on which the plain comparison "converted / registered below
	// the limit, at least 10 seen" first held, and -1 where it never did.
	Plain  float64
	Status rollout.Status
}

// healthy is how things are where nothing is wrong.
var healthy = Truth{Delivered: 0.97, Failing: 0.03, Slow: 0.01, Slowdown: 1}

// Healthy is a world where nothing is wrong, and one in four vendors converts. Its plan has triggers and no gates, as for
// an operator who advances each phase by the calendar: so chance has most to act on. Gates are compared with it.
func Healthy(perDay float64) World {
	return World{
		Plan: calendar(), Times: evidence.Times{Day: day, TrialDays: withGrace},
		PerDay: perDay, Watches: 4, Truth: healthy, Broken: healthy, Conversion: 0.25, CallsPerDay: 200,
	}
}

func calendar() rollout.Plan {
	p := rollout.DefaultPlan()
	for i := range p.Phases {
		p.Phases[i].Gates = nil
	}
	return p
}

// run is a World being lived through.
type run struct {
	World
	random *rand.Rand
	// chance draws which calls fail, so that no other draw depends on it.
	chance *rand.Rand
	salt   string
	state  rollout.State
	ledger rollout.Ledger
	result Result
	// due are the outcomes to come, by the watch that will see them.
	due [][]rollout.Outcome
	// vendors were registered, admitted and converted those admitted.
	vendors, admitted, converted int
	// nextBatch is when the backfill adopts again, and tried how many trials it has come to.
	nextBatch time.Time
	tried     int
}

// Run lives through a world once. The same seed comes to the same.
func Run(w World, seed uint64) Result {
	r := &run{
		World: w, random: rand.New(rand.NewPCG(seed, 0x5eed)), chance: rand.New(rand.NewPCG(seed, 0xca11)), salt: strconv.FormatUint(seed, 10),
		ledger: rollout.NewLedger(w.Plan), result: Result{Paused: -1, Delayed: -1, Full: -1, Plain: -1},
	}
	if w.Before > 0 {
		r.Times = r.Times.WithConversionCurve(r.past())
	}
	watches := int(math.Ceil(r.last())) * w.Watches
	r.due = make([][]rollout.Outcome, watches)
	r.apply(rollout.Begin(rollout.Start{ID: "simulated", Plan: w.Plan, Times: r.Times, By: "simulation"}, r.at(-w.Plan.NoticeDays)))
	r.apply(rollout.Event{Type: rollout.EventPreflight, Checks: []rollout.Check{{ID: rollout.CheckHealth, Verdict: rollout.Pass}}})
	r.decide(nil, dawn)
	for k := range watches {
		if r.state.Status.Final() || r.result.Trigger != "" {
			break
		}
		r.watch(k)
	}
	r.result.Status, r.result.Admitted = r.state.Status, r.admitted
	return r.result
}

// last is how many days are lived through at most: in doubt a guard goes on for as
// long again.
func (w World) last() float64 {
	if w.Last > 0 {
		return w.Last
	}
	return w.length() + w.Plan.GuardDays
}

// length is how many days a rollout takes at least.
func (w World) length() float64 {
	n := w.Plan.StabilityDays + w.Plan.GuardDays
	for _, p := range w.Plan.Phases {
		n += p.SoakDays
	}
	return n
}

func (r *run) at(d float64) time.Time { return dawn.Add(time.Duration(d * float64(day))) }

func (r *run) apply(e rollout.Event) { r.state = r.state.Apply(e) }

// watch lives through one interval, takes its snapshot and lets the rollout decide.
func (r *run) watch(k int) {
	interval := day / time.Duration(r.Watches)
	from := dawn.Add(time.Duration(k) * interval)
	to := from.Add(interval)
	r.backfill(from, to)
	r.arrivals(from, to)
	s := rollout.Snapshot{
		RolloutID: r.state.ID, Number: k + 1, At: to, From: from, To: to, Position: r.state.Position(),
		Outcomes: r.due[k], Calls: r.calls(from), Outage: r.outage(from, to), Enabled: r.state.Enabled, Percentage: r.state.Percentage,
	}
	r.due[k] = nil
	r.plain(s)
	r.ledger.Apply(r.Plan, s, day)
	j := rollout.Judge(r.Plan, r.Times, r.ledger, s)
	conversion := j.GateResult(rollout.GateConversion)
	r.result.Trials = conversion.Seen
	r.result.Converted = int(math.Round(conversion.Estimate * float64(conversion.Seen)))
	r.decide(&j, to)
}

// decide carries out what the rollout does by itself.
func (r *run) decide(j *rollout.Judgement, now time.Time) {
	for {
		e, _ := r.state.Next(j, now)
		if e == nil {
			return
		}
		switch {
		case e.Type == rollout.EventPaused && r.result.Paused < 0:
			r.result.Paused = r.state.Percentage
		case e.Type == rollout.EventDelayed && r.result.Delayed < 0:
			r.result.Delayed = r.state.Percentage
		}
		r.apply(*e)
		r.result.Highest = max(r.result.Highest, r.state.Percentage)
		if r.state.Percentage == 100 && r.result.Full < 0 {
			r.result.Full = now.Sub(dawn).Hours() / 24
		}
		if e.Type == rollout.EventRolledBack {
			r.result.Trigger, r.result.Day = e.Trigger, now.Sub(dawn).Hours()/24
			return
		}
	}
}

// plain looks at conversions the way that decisions.md warns of.
func (r *run) plain(s rollout.Snapshot) {
	for _, o := range s.Outcomes {
		switch o.Kind {
		case rollout.Admitted:
			r.admitted++
		case rollout.Converted:
			r.converted++
		default:
		}
	}
	if r.result.Plain < 0 && r.admitted >= 10 && float64(r.converted) < r.Plan.Triggers.Conversion*float64(r.admitted) {
		r.result.Plain = s.To.Sub(dawn).Hours() / 24
	}
}

// outage is what a snapshot says of the mail service.
func (r *run) outage(from, to time.Time) *rollout.Outage {
	if r.Outage == 0 || r.Unnoticed {
		return nil
	}
	begins, ends := r.refuses()
	if !from.Before(ends) || !to.After(begins) {
		return nil
	}
	return &rollout.Outage{Cause: rollout.OutageSESRefusesAll, Since: begins}
}

// refuses is from when to when the mail service refuses everything.
func (r *run) refuses() (begins, ends time.Time) {
	begins = r.at(r.Outage - 1)
	return begins, begins.Add(day)
}

func (r *run) refused(t time.Time) bool {
	if r.Outage == 0 {
		return false
	}
	begins, ends := r.refuses()
	return !t.Before(begins) && t.Before(ends)
}

// truth is what holds at a moment.
func (r *run) truth(t time.Time) Truth {
	if r.Break > 0 && !t.Before(r.at(r.Break-1)) {
		return r.Broken
	}
	return r.Truth
}
