package sample

import (
	"time"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// Rollouts are worlds whose rollout waits, each for a reason of its own, or is over; by what it waits for.
func Rollouts() map[string]func() *World {
	every := func(n int) func(int) bool { return func(i int) bool { return i%n == 0 } }
	only := func(n int) func(int) bool { return func(i int) bool { return i == n } }
	worlds := map[string]truth{
		"announced":          {days: 0.5},
		"preflight":          {days: 3.5, noBackup: true},
		"in-phase":           {days: 4},
		"too-few":            {days: 5.5, registrations: 4},
		"delayed":            {days: 8, registrations: 10, bounces: only(1)},
		"no-data":            {days: 7.5, registrations: 30, silent: true},
		"no-data-paused":     {days: 9.5, registrations: 30, silent: true},
		"canary":             {days: 6, canary: "the mail service does not accept the e-mail welcome"},
		"paused-by-gate":     {days: 6, registrations: 50, bounces: every(3)},
		"paused-by-person":   {days: 4.5, asks: map[float64]asking{4: {rollout.SignalPause, flags.Request{Reason: "Support wants to read the first answers"}}}},
		"outage":             {days: 6.25, outage: 6},
		"rolled-back-once":   {days: 5.75, registrations: 200, bounces: func(i int) bool { return i > 45 && i%2 == 0 }},
		"switched-off":       {days: 8, breaks: func(i int) bool { return i > 10 }},
		"for-a-person":       {days: 6, plan: judgedByPerson()},
		"guard":              {days: 25},
		"complete":           {days: 38},
		"shared-fate":        {days: 8, fails: every(2)},
		"percentage-by-hand": {days: 5, asks: map[float64]asking{4.5: {rollout.SignalSetPercentage, flags.Request{Percentage: 5, Reason: "Half is enough for now"}}}},
	}
	all := map[string]func() *World{}
	for name, t := range worlds {
		if t.plan.Name == "" {
			t.plan = rollout.DefaultPlan()
		}
		if t.registrations == 0 {
			t.registrations = 30
		}
		all[name] = func() *World { return live(t) }
	}
	all["unwatched"] = func() *World {
		w := all["in-phase"]()
		w.Moment = w.Moment.Add(2 * time.Hour)
		return w
	}
	return all
}

// judgedByPerson is the default plan, in which a person judges what vendors say before 25 %.
func judgedByPerson() rollout.Plan {
	p := rollout.DefaultPlan()
	p.Phases[1].Criteria = []string{"feedback-positive"}
	return p
}
