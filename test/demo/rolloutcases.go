package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"marketplace.example/trials/internal/domain/rollout"
)

// rolloutCase is one rollout: what goes wrong in it, and how it must end.
type rolloutCase struct {
	name        string
	description string
	// day is how long a day lasts, and perDay how many vendors register in one.
	day    time.Duration
	perDay int
	phases []rollout.Phase
	// proxied cases have a proxy between the API and the database.
	proxied bool
	// prepare happens once the rollout has begun, while nobody is admitted.
	prepare func(ctx context.Context, r *rolloutRun) error
	// trouble happens when the phase of that percentage begins.
	trouble   func(ctx context.Context, r *rolloutRun) error
	troubleAt float64

	// What must come, written out by hand.
	status     rollout.Status
	percentage float64
	trigger    rollout.Trigger
	remedy     rollout.Remedy
	stages     []string
	why        string // the decision's sentence, as a pattern
}

// calendarDay makes thirty registrations a day five in two seconds: with many more, and all of them automated, the
// embedded database falls behind.
const calendarDay = 12 * time.Second

// maxSlowdown is more slowness, against what is normal, than a machine as busy as a
// demo's has; 0.3 s for each question to the database are far beyond it.
const maxSlowdown = 10

// rolloutCases are begun in this order, the long ones first: two go on at a time.
func rolloutCases() []rolloutCase {
	return []rolloutCase{
		{
			name: "healthy", description: "nothing goes wrong, in the default plan's phases",
			day: calendarDay, perDay: 30, phases: rollout.DefaultPlan().Phases,
			status: rollout.Completed, percentage: 100,
			stages: []string{"phase 0", "phase 10", "phase 25", "phase 50", "phase 75", "phase 100", "stability 100", "guard 100"},
			why:    `^Completed: the guard is over, and there is no evidence against the rollout\.$`,
		},
		{
			name: "api-slows", description: "at 100 %, the database answers the API 0.3 s late",
			day: day, perDay: 15, phases: shortPhases(6),
			proxied: true, prepare: measuring, trouble: slowing, troubleAt: 100,
			status: rollout.Running, percentage: 50, trigger: rollout.TriggerPerformance, remedy: rollout.Partial,
			stages: []string{"phase 0", "phase 50", "phase 100", "phase 50"},
			why:    `^Rolled back from 100 % to 50 %: [\d.]+ % of the API calls took much longer than their route did before, at most 5.* % may \(of \d+ calls`,
		},
		{
			name: "mail-falls", description: "at 100 %, 7 of 10 new addresses bounce",
			day: day, perDay: 15, phases: shortPhases(3),
			trouble: bouncing, troubleAt: 100,
			status: rollout.Running, percentage: 50, trigger: rollout.TriggerEmail, remedy: rollout.Partial,
			stages: []string{"phase 0", "phase 50", "phase 100", "phase 50"},
			why:    `^Rolled back from 100 % to 50 %: \d+ % of the e-mails were delivered, at least 90 % must be \(of \d+ vendor days`,
		},
		{
			name: "steps-fail", description: "at 100 %, SES refuses 8 of 10 e-mails",
			day: day, perDay: 15, phases: shortPhases(3),
			trouble: refusing, troubleAt: 100,
			status: rollout.RolledBack, percentage: 0, trigger: rollout.TriggerErrors, remedy: rollout.Immediate,
			stages: []string{"phase 0", "phase 50", "phase 100"},
			why:    `^Rolled back completely: \d+ % of the automated steps failed, at most 20 % may \(of \d+ vendor days`,
		},
	}
}

// plan is the default one with the case's phases, a short notice and a short end.
func (c rolloutCase) plan() rollout.Plan {
	p := rollout.DefaultPlan()
	p.Name, p.NoticeDays, p.StabilityDays, p.GuardDays, p.BackfillPerHour = c.name, 0.5, 0.5, 0.5, 3600
	p.Triggers.Slowdown = maxSlowdown
	p.Phases = c.phases
	return p
}

// shortPhases are enough to show what goes wrong in the last of them, which has so many days.
func shortPhases(last float64) []rollout.Phase {
	gates := []rollout.Gate{rollout.GateEmail, rollout.GateAutomation}
	return []rollout.Phase{
		{Name: "nobody", Percentage: 0, SoakDays: 1, Gates: []rollout.Gate{}},
		{Name: "half", Percentage: 50, SoakDays: 4, Gates: gates},
		{Name: "all", Percentage: 100, SoakDays: last, Gates: gates},
	}
}

// bouncing gives most of the vendors who come from now on a dead address.
func bouncing(_ context.Context, r *rolloutRun) error {
	r.bounces.Store(true)
	return nil
}

// refusing has the mailbox refuse most of the vendors' e-mails for good.
func refusing(ctx context.Context, r *rolloutRun) error {
	return r.system.Fault(ctx, map[string]any{"kind": "reject", "rate": 0.8, "match": "@" + r.domain()})
}

// slowing holds up every word between the API and the database: each call asks it more than once, and takes far longer
// than the 0.2 s below which none is slow. Vendors are too few to show it, so somebody reads.
func slowing(ctx context.Context, r *rolloutRun) error {
	const half = 150 * time.Millisecond
	r.proxy.Delay(half, half)
	const atOnce = 40
	var group errgroup.Group
	group.SetLimit(atOnce)
	for range baselineCalls {
		group.Go(func() error { return r.read(ctx) })
	}
	return group.Wait()
}
