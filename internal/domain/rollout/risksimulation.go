package rollout

import (
	"context"
	"math"
	"slices"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/trial"
)

// What a simulated world is like where all is well, and where something is broken: that of `make simulate`.
const (
	healthySlow     = 0.01
	brokenDelivered = 0.60
	brokenSteps     = 0.80
	brokenCalls     = 0.60
	// callsPerDay come to the API.
	callsPerDay = 200
)

// Bounds of a simulation.
const (
	// simulatedPerDay is how often a day a simulated rollout is watched.
	simulatedPerDay = 24
	// mostRuns is how often a rollout is simulated; with fewer than leastRuns nothing is said.
	mostRuns, leastRuns = 400, 100
	// mostWork bounds the work of a simulation, in watches; evidence that is not weighed from memory is as much as workOfWeighing.
	mostWork       = 5_000_000
	workOfWeighing = 20
	// rememberedAtMost bounds the memory.
	rememberedAtMost = 100_000
	// searchDays is how long after a break a simulated rollout is watched at most, and healthyDays how long a healthy one.
	searchDays, healthyDays = 90, 365
)

// watched are the kinds of observation that triggers judge.
type watched int

const (
	mails watched = iota
	steps
	calls
	watchedKinds
)

// observations are how many observations were good and bad.
type observations struct{ good, bad int }

func (o observations) plus(p observations) observations {
	return observations{o.good + p.good, o.bad + p.bad}
}

func (o observations) less(p observations) observations {
	return observations{o.good - p.good, o.bad - p.bad}
}

func (o observations) seen() int { return o.good + o.bad }

// badShares are the shares of bad observations in a world, by kind.
type badShares [watchedKinds]float64

func healthyShares() badShares {
	return badShares{mails: healthyBad, steps: healthyBad, calls: healthySlow}
}

// brokenShares are those of a world in which one kind is broken.
func brokenShares(kind watched) badShares {
	b := healthyShares()
	b[kind] = badShares{mails: 1 - brokenDelivered, steps: brokenSteps, calls: brokenCalls}[kind]
	return b
}

// course is a rollout that is being simulated, from its first vendor on.
type course struct {
	evidence.Chance
	// look is how many there were, entered that at which the phase began.
	watch, phase, entered int
	// starts are what was seen when each phase that admits began.
	starts [][watchedKinds]observations
	seen   [watchedKinds]observations
	// weighed is what the phase's gates were last judged by.
	weighed [watchedKinds]observations
	// due are the vendors with a later step, by look, as far ahead as a trial lasts; unreported are the e-mails of the last look:
	// the mail service reports within the hour.
	due        []int
	unreported observations
	// held says that it waits for a person.
	held     bool
	admitted int
}

// branch goes on independently, with a chance of its own.
func (c *course) branch(seed evidence.Chance) course {
	b := *c
	b.starts, b.due, b.Chance = slices.Clone(c.starts), slices.Clone(c.due), c.Chance^seed
	return b
}

// simulation lives through rollouts of a plan: vendors, their e-mails and steps, and API calls are drawn, always in the same
// way; what is decided, the production functions decide.
type simulation struct {
	plan    Plan
	perDay  float64
	watches int
	// later are a trial's steps after the welcome, in watches from its start.
	later  []int
	limits [watchedKinds]limit
	// gateNulls are what the gates compare with.
	gateNulls map[Gate]evidence.Null
	// memory is the evidence weighed before.
	memory [watchedKinds]map[observations]float64
	work   int
	// paced says that the API's normal speed is known when the first vendor comes.
	paced bool
}

func newSimulation(p Plan, perDay float64, watches int) *simulation {
	s := &simulation{plan: p, perDay: perDay, watches: watches, limits: p.limits(), gateNulls: map[Gate]evidence.Null{}}
	terms := trial.DefaultPolicy()
	for _, days := range terms.ReminderDays {
		s.later = append(s.later, (terms.LengthDays-days)*watches)
	}
	s.later = append(s.later, terms.LengthDays*watches, (terms.LengthDays+terms.GraceDays)*watches)
	for kind := range s.memory {
		s.memory[kind] = map[observations]float64{}
	}
	for gate, e := range NewLedger(p).Gates {
		s.gateNulls[gate] = e.Null
	}
	before := p.NoticeDays
	if p.Phases[0].Percentage == 0 {
		before += p.Phases[0].SoakDays
	}
	s.paced = callsPerDay*before >= LeastBaseline
	return s
}

// passage is what became of one rollout: the phase in which it stopped although all was well, or -1, and for each phase that
// it entered how many vendors a break there would have cost, by what breaks; notFound for one that no trigger found.
type passage struct {
	stopped int
	lost    [][watchedKinds]int
}

const notFound = math.MaxInt

// passages lives through the plan often, or as often as mostWork and the context allow.
func (s *simulation) passages(ctx context.Context) []passage {
	var all []passage
	for seed := range uint64(mostRuns) {
		p := s.once(ctx, seed)
		if !s.goesOn(ctx) {
			break
		}
		all = append(all, p)
	}
	return all
}

// goesOn reports whether work is left, and somebody waits for it.
func (s *simulation) goesOn(ctx context.Context) bool { return s.work <= mostWork && ctx.Err() == nil }

// once lives through a healthy rollout and, as each phase begins, through its breaks.
func (s *simulation) once(ctx context.Context, seed uint64) passage {
	p, c := passage{stopped: -1}, course{Chance: evidence.Chance(seed << 32), phase: -1, due: make([]int, slices.Max(s.later)+1)}
	s.enter(&c)
	for c.watch < healthyDays*s.watches && c.phase < len(s.plan.Phases) && s.goesOn(ctx) {
		if len(p.lost) < len(c.starts) {
			p.lost = append(p.lost, s.breaks(ctx, &c))
		}
		fired := s.observe(&c, healthyShares())
		phase := c.phase
		s.advance(&c)
		if fired || c.held {
			p.stopped = phase
			break
		}
	}
	return p
}

// breaks is how many vendors each break would cost that begins now.
func (s *simulation) breaks(ctx context.Context, c *course) (lost [watchedKinds]int) {
	for kind, seed := range [watchedKinds]evidence.Chance{mails: 1, steps: 2, calls: 3} {
		b := c.branch(seed)
		lost[kind] = notFound
		if watched(kind) == calls && !s.paced {
			continue // no call can be judged
		}
		for b.watch < c.watch+searchDays*s.watches && s.goesOn(ctx) {
			if s.observe(&b, brokenShares(watched(kind))) {
				lost[kind] = b.admitted - c.admitted
				break
			}
			s.advance(&b)
		}
	}
	return lost
}

// enter begins the next phase that admits somebody; after the last one all are admitted on.
func (s *simulation) enter(c *course) {
	c.phase++
	if c.phase == 0 && s.plan.Phases[0].Percentage == 0 {
		c.phase++
	}
	if c.phase < len(s.plan.Phases) {
		c.starts = append(c.starts, c.seen)
	}
	c.entered, c.weighed = c.watch, [watchedKinds]observations{}
}

// observe draws what one look sees, and reports whether a trigger fires.
func (s *simulation) observe(c *course, share badShares) bool {
	s.work++
	ran := c.draw(s.due(c), share[steps])
	reported, sent := c.unreported, c.draw(ran.good, share[mails]) // an e-mail goes out where its step succeeded
	if s.watches < simulatedPerDay {
		reported = sent
	} else {
		c.unreported = sent
	}
	c.watch++
	fires := false
	for kind, seen := range [watchedKinds]observations{mails: reported, steps: ran, calls: c.draw(callsPerDay/s.watches, share[calls])} {
		c.seen[kind] = c.seen[kind].plus(seen)
		fires = fires || seen.bad > 0 && s.fires(watched(kind), c)
	}
	return fires
}

// due admits the vendors who register at one look, and returns how many have a step then: they, and some of those before.
func (s *simulation) due(c *course) int {
	percentage := s.plan.Phases[min(c.phase, len(s.plan.Phases)-1)].Percentage
	n := c.Poisson(s.perDay / float64(s.watches) * percentage / 100)
	c.admitted += n
	if n > 0 {
		for _, later := range s.later {
			c.due[(c.watch+later)%len(c.due)] += n
		}
	}
	today := c.watch % len(c.due)
	all := n + c.due[today]
	c.due[today] = 0
	return all
}

func (c *course) draw(n int, bad float64) observations {
	failed := c.Binomial(n, bad)
	return observations{n - failed, failed}
}
