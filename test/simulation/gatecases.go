package simulation

import (
	"fmt"
	"math"
	"slices"

	"marketplace.example/trials/internal/domain/rollout"
)

// onTime is the day on which the default plan's calendar reaches 100 %.
const onTime = 9

// left runs the default plan, gates included, by itself for so many days.
func left(w *World, days float64) {
	w.Plan, w.Last = rollout.DefaultPlan(), days
}

// alone is such a world at so many registrations a day.
func alone(perDay, days float64, change func(*World)) []Cell {
	return at(perDay, func(w *World) {
		change(w)
		left(w, days)
	})
}

// against is such a world, compared with the calendar without gates.
func against(perDay float64, change func(*World)) []Cell {
	const patience = 90
	cells := alone(perDay, patience, change)
	calendar := Healthy(perDay)
	change(&calendar)
	calendar.Last = patience
	cells[0].Against = &calendar
	return cells
}

func gateCases() []Case {
	// The shares required: of healthy rollouts those that reach 100 % without a person, and those at most a day late; of
	// rollouts at exactly the gate's value those that reach 100 %; of broken ones at most those that pass 25 %.
	limits := []struct{ perDay, alone, onTime, atValue, beyond float64 }{{10, 0.98, 0.80, 0.94, 0.12}, {30, 0.99, 0.92, 0.95, 0.02}, {50, 0.99, 0.95, 0.95, 0.01}}
	var cases []Case
	for _, l := range limits {
		what := func(text string) string {
			return fmt.Sprintf("default plan left to itself, %s, %v a day", text, l.perDay)
		}
		mail := func(w *World) { w.Truth.Delivered = 0.60 }
		steps := func(w *World) { w.Truth.Failing = 0.80 }
		later := func(w *World) { w.Break, w.Broken.Delivered = 8, 0.60 }
		broken := fmt.Sprintf("vendors ≤ 1.2 × + 1, past 25 %% ≤ %v %%", 100*l.beyond)
		cases = append(cases,
			Case{what("healthy"), fmt.Sprintf("at 100 %% ≥ %v %%, a day late ≥ %v %%", 100*l.alone, 100*l.onTime), alone(l.perDay, 45, func(*World) {}), byItself(l.alone, l.onTime)},
			Case{what("95 % delivered"), fmt.Sprintf("at 100 %% ≥ %v %%", 100*l.atValue), alone(l.perDay, 45, func(w *World) { w.Truth.Delivered = 0.95 }), byItself(l.atValue, 0)},
			Case{what("60 % delivered from the start"), broken, against(l.perDay, mail), harm(1.2, 1, l.beyond)},
			Case{what("80 % of the steps fail from the start"), broken, against(l.perDay, steps), harm(1.2, 1, l.beyond)},
			Case{what("e-mail 97 % → 60 % on day 8"), "vendors ≤ 1.05 ×", against(l.perDay, later), harm(1.05, 0, 1)},
			Case{what("no delivery event ever comes"), "never past 10 %, notified, paused", alone(l.perDay, 30, func(w *World) { w.Mute = 1 }), blind(10, 1)},
			Case{what("delivery events stop on day 6"), "never past 50 %, notified, paused ≥ 90 %", alone(l.perDay, 40, func(w *World) { w.Mute = 6 }), blind(50, 0.9)},
		)
	}
	return cases
}

// atLeast reports whether a share is large enough, give or take three standard errors.
func atLeast(n, of int, share float64) bool { return within(of-n, of, 1-share) }

// byItself shows in how many runs the rollout reached 100 % without a person, and in how many at most a day late.
func byItself(share, late float64) func([]tally) (string, bool) {
	return func(tallies []tally) (string, bool) {
		results := every(tallies)
		unaided := func(r Result) bool { return r.Full >= 0 && !r.paused() }
		full, all := count(results, unaided), len(results)
		soon := count(results, func(r Result) bool { return unaided(r) && r.Full <= onTime+1 })
		return fmt.Sprintf("at 100 %% in %.1f %% of %d runs, a day late at most in %.1f %%", 100*part(full, all), all, 100*part(soon, all)),
			atLeast(full, all, share) && atLeast(soon, all, late)
	}
}

func every(tallies []tally) (all []Result) {
	for _, t := range tallies {
		all = append(all, t.results...)
	}
	return all
}

// harm shows how many vendors were admitted before the rollback, median and 95th percentile, against the calendar
// without gates, and in how many runs more than 25 % were.
func harm(times, more, beyond float64) func([]tally) (string, bool) {
	return func(tallies []tally) (string, bool) {
		var mine, theirs []float64
		for _, t := range tallies {
			for i, r := range t.results {
				mine, theirs = append(mine, float64(r.Admitted)), append(theirs, float64(t.compared[i].Admitted))
			}
		}
		results := every(tallies)
		all := len(results)
		past, missed := count(results, func(r Result) bool { return r.Highest > 25 }), all-count(results, Result.rolledBack)
		ok := within(missed, all, 0.01) && within(past, all, beyond) && low(mine, 0.5) <= times*high(theirs, 0.5)+more
		if all >= large { // the tail of a few runs says nothing
			ok = ok && quantile(mine, 0.95) <= times*quantile(theirs, 0.95)+more
		}
		return fmt.Sprintf("median %.0f vs %.0f, 95 %%: %.0f vs %.0f, past 25 %% in %.1f %% of %d runs", quantile(mine, 0.5), quantile(theirs, 0.5),
			quantile(mine, 0.95), quantile(theirs, 0.95), 100*part(past, all), all), ok
	}
}

func quantile(values []float64, q float64) float64 { return ranked(values, q*float64(len(values))) }

func ranked(values []float64, rank float64) float64 {
	slices.Sort(values)
	return values[min(max(int(rank), 0), len(values)-1)]
}

// low and high are a quantile; with fewer runs than large, its bound three standard errors of rank below and above.
func low(values []float64, q float64) float64 {
	return ranked(values, q*float64(len(values))-chance(values, q))
}

func high(values []float64, q float64) float64 {
	return ranked(values, q*float64(len(values))+chance(values, q))
}

func chance(values []float64, q float64) float64 {
	n := float64(len(values))
	if n >= large {
		return 0
	}
	return 3 * math.Sqrt(n*q*(1-q))
}

// blind shows what becomes of a rollout that gets no delivery events any more: it must go no further than to a
// percentage, notify people, pause in a share of runs, and never be rolled back. By chance another gate may fail, and
// pause it before; and where the last events spoke of a break it waits on.
func blind(highest, stops float64) func([]tally) (string, bool) {
	return func(tallies []tally) (string, bool) {
		results := every(tallies)
		paused, back, all := count(results, Result.paused), count(results, Result.rolledBack), len(results)
		notified := count(results, func(r Result) bool { return r.Delayed >= 0 })
		beyond := count(results, func(r Result) bool { return r.Highest > highest })
		return fmt.Sprintf("notified in %.1f %% of %d runs, paused in %.1f %%; %d beyond, %d rolled back", 100*part(notified, all), all, 100*part(paused, all), beyond, back),
			beyond == 0 && back == 0 && atLeast(notified, all, 0.95) && (paused == all || stops < 1 && atLeast(paused, all, stops))
	}
}
