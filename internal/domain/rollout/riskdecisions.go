package rollout

import (
	"math"
	"strconv"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
)

// limit is what a trigger compares with.
type limit struct {
	null   evidence.Null
	alpha  float64
	enough int
}

func (p Plan) limits() [watchedKinds]limit {
	l := NewLedger(p)
	return [watchedKinds]limit{
		mails: {l.Email.Null, alphaEmail, enoughEmail}, steps: {l.Errors.Null, alphaErrors, enoughAutomation}, calls: {l.Slow.Null, alphaSlow, enoughCalls},
	}
}

// fires reports whether the trigger of a kind of observation does.
func (s *simulation) fires(kind watched, c *course) bool {
	if kind == calls && (!s.paced || c.seen[calls].seen() < enoughCalls) {
		return false
	}
	t := s.limits[kind]
	if s.plan.Rule == RuleThreshold {
		seen := c.seen[kind]
		return seen.seen() >= t.enough && !Within(observed(t.null, seen).Total().Mean(), t.null.Limit, t.null.Side == evidence.TooHigh)
	}
	logs := make([]float64, 0, maxPhases)
	for _, start := range c.starts {
		logs = append(logs, s.log(kind, t.null, c.seen[kind].less(start[kind])))
	}
	return evidence.Reaches(evidence.Averaged(logs, s.plan.starts()), t.alpha)
}

// log is the evidence of observations, from memory if it was weighed before.
func (s *simulation) log(kind watched, null evidence.Null, seen observations) float64 {
	if log, known := s.memory[kind][seen]; known {
		return log
	}
	s.work += workOfWeighing
	log := observed(null, seen).Log(1)
	if len(s.memory[kind]) < rememberedAtMost {
		s.memory[kind][seen] = log
	}
	return log
}

// observed is evidence of one run with observations.
func observed(null evidence.Null, seen observations) evidence.Evidence {
	e := evidence.Evidence{Null: null}
	e.Begin(time.Time{})
	good := 1.0
	if e.Null.Side == evidence.TooHigh {
		good = 0
	}
	e.ObserveMany(good, seen.good)
	e.ObserveMany(1-good, seen.bad)
	return e
}

// advance leaves a phase as a rollout does by itself.
func (s *simulation) advance(c *course) {
	if c.held || c.phase == len(s.plan.Phases) || !s.mayLeave(c) {
		return
	}
	c.weighed = c.seen
	now := s.at(c.watch)
	state := State{
		Plan: s.plan, Times: evidence.Times{Day: 24 * time.Hour}, Status: Running, Enabled: true,
		Stage: Stage{InPhase, c.phase}, EnteredAt: s.at(c.entered), Percentage: s.plan.Phases[c.phase].Percentage,
	}
	j := &Judgement{At: now, Position: state.Position(), Gates: s.gates(c)}
	switch {
	case now.Before(state.StageEnds()):
	case state.stopped(j, now) != nil:
		c.held = true
	case !state.open(j):
		s.enter(c)
	}
}

func (s *simulation) at(n int) time.Time {
	return time.Unix(0, 0).UTC().Add(time.Duration(n) * 24 * time.Hour / time.Duration(s.watches))
}

// mayLeave reports whether the gates may say something else than when they were last judged: the phase's time is over, and
// either there is news or the time has come at which it pauses.
func (s *simulation) mayLeave(c *course) bool {
	soak := s.plan.Phases[c.phase].SoakDays * float64(s.watches)
	since := c.watch - c.entered
	if since < int(math.Ceil(soak)) {
		return false
	}
	for _, times := range [...]float64{1, usualPatience, blindPatience} {
		if since == int(math.Ceil(times*soak)) {
			return true
		}
	}
	return c.seen[mails] != c.weighed[mails] || c.seen[steps] != c.weighed[steps]
}

// gates are the results of the gates. The API's pass: of so many calls the triggers say sooner what they mean.
func (s *simulation) gates(c *course) []GateResult {
	start := c.starts[len(c.starts)-1]
	sent, ran := c.seen[mails].less(start[mails]), c.seen[steps].less(start[steps])
	l := Ledger{
		Email:        evidence.Evidence{Runs: []evidence.Run{{Seen: c.seen[mails].seen(), Sum: float64(c.seen[mails].good)}}},
		Errors:       evidence.Evidence{Runs: []evidence.Run{{Seen: c.seen[steps].seen(), Sum: float64(c.seen[steps].bad)}}},
		OpenEvidence: OpenEvidence{EmailVendors: anyVendors(sent.seen()), StepVendors: anyVendors(ran.seen())},
		Gates:        map[Gate]evidence.Evidence{GateEmail: observed(s.gateNulls[GateEmail], sent), GateAutomation: observed(s.gateNulls[GateAutomation], ran)},
	}
	j := judge{Plan: s.plan, Ledger: l}
	return []GateResult{j.rule(GateEmail), j.rule(GateAutomation), {Gate: GateAPI, Verdict: Pass}, {Gate: GateErrors, Verdict: Pass}}
}

// anyVendors are as many vendors as were seen; no gate asks for more than it gives.
func anyVendors(n int) map[string]bool {
	vendors := map[string]bool{}
	for i := range min(n, enoughEmail) {
		vendors[strconv.Itoa(i)] = true
	}
	return vendors
}
