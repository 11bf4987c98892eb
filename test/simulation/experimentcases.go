package simulation

import (
	"context"
	"fmt"
	"slices"

	"marketplace.example/trials/internal/domain/experiment"
)

// ExperimentCase is something that an experiment's judgement must be shown to do, in worlds taken in turn.
type ExperimentCase struct {
	Name, Must string
	Worlds     []Arms
	show       func(worlds [][]Compared) (string, bool)
}

// Check runs a case so many times, as Case.Check does.
func (c ExperimentCase) Check(ctx context.Context, runs int) (Row, error) {
	results := make([]Compared, runs)
	if err := inLanes(ctx, runs, func(i int) { results[i] = Compare(c.Worlds[i%len(c.Worlds)], seed(c.Name, i)) }); err != nil {
		return Row{}, fmt.Errorf("simulating %s: %w", c.Name, err)
	}
	worlds := make([][]Compared, len(c.Worlds))
	for i, r := range results {
		worlds[i%len(worlds)] = append(worlds[i%len(worlds)], r)
	}
	row := Row{Name: c.Name, Must: c.Must}
	row.Shown, row.OK = c.show(worlds)
	return row, nil
}

// alike is a world whose arms convert alike, at 30 a day for 90 days, in trials of 14 days and 3 of grace.
func alike(change func(*Arms)) Arms {
	w := Arms{A: 0.10, B: 0.10, DaysA: withGrace, DaysB: withGrace, PerDay: 30, Looks: 90, Difference: 0.05, Expected: 0.10}
	change(&w)
	return w
}

// ExperimentCases are everything that is to be shown of experiments.
func ExperimentCases() []ExperimentCase {
	var none, drifting []Arms
	for _, rate := range rates {
		for _, share := range []float64{0.03, 0.10, 0.25} {
			for _, clustering := range clusterings {
				none = append(none, alike(func(w *Arms) { w.PerDay, w.A, w.B, w.Clustering = rate, share, share, clustering }))
			}
			drifting = append(drifting, alike(func(w *Arms) { w.PerDay, w.A, w.B, w.Swing = rate, share, share, 0.8 }))
		}
	}
	named := outcome(func(c Compared) bool { return c.Verdict == experiment.ABetter || c.Verdict == experiment.BBetter }, "a winner named")
	equal := outcome(func(c Compared) bool { return c.Verdict == experiment.NoDifference }, "no difference said")
	missed := outcome(func(c Compared) bool { return c.Missed }, "interval wrong")
	better := func(a, b float64, looks int) func(*Arms) {
		return func(w *Arms) { w.A, w.B, w.Looks = a, b, looks }
	}
	return []ExperimentCase{
		{"experiment: no difference, 90 daily looks", "a winner named ≤ 5 %", none, named.atMost(0.05)},
		{"experiment: the same, conversion swings by 80 % in 28 days", "a winner named ≤ 5 %", drifting, named.atMost(0.05)},
		{"experiment: the same, expected 2 % or 40 %, and 10 % came", "a winner named ≤ 5 %", []Arms{
			alike(func(w *Arms) { w.Expected = 0.02 }), alike(func(w *Arms) { w.Expected = 0.40 }),
		}, named.atMost(0.05)},
		{"experiment: the same, arms of 7 and of 33 days, 150 looks", "a winner named ≤ 5 %", []Arms{
			alike(func(w *Arms) { w.DaysA, w.DaysB, w.Looks = 7, 33, 150 }),
		}, named.atMost(0.05)},
		{
			"experiment: 10 % against 18 %, 30 a day, 60 daily looks", "better arm named ≥ 80 %",
			[]Arms{alike(better(0.18, 0.10, 60))}, winner(0.80),
		},
		{"experiment: the same, 8 % was the difference that matters", "better arm named ≥ 80 %", []Arms{alike(func(w *Arms) {
			better(0.18, 0.10, 60)(w)
			w.Difference = 0.08
		})}, winner(0.80)},
		{"experiment: the same, 20 % was expected", "better arm named ≥ 80 %", []Arms{alike(func(w *Arms) {
			better(0.18, 0.10, 60)(w)
			w.Expected = 0.20
		})}, winner(0.80)},
		{"experiment: the same, conversion swings by 80 % in 28 days", "", []Arms{alike(func(w *Arms) {
			better(0.18, 0.10, 60)(w)
			w.Swing = 0.8
		})}, winner(0)},
		{"experiment: 10 % against 15 %, 30 a day, 200 daily looks", "", []Arms{alike(better(0.15, 0.10, 200))}, winner(0)},
		{"experiment: exactly the 5 points that matter, 50 a day, 200 looks", "said there is none ≤ 5 %", []Arms{
			alike(func(w *Arms) { w.A, w.B, w.PerDay, w.Looks = 0.15, 0.10, 50, 200 }),
			alike(func(w *Arms) { w.A, w.B, w.PerDay, w.Looks = 0.30, 0.35, 50, 200 }),
		}, equal.atMost(0.05)},
		{"experiment: no difference, 30 a day, 150 daily looks", "said there is none ≥ 80 %", []Arms{
			alike(func(w *Arms) { w.Looks = 150 }),
		}, equal.atLeast(0.80)},
		{"experiment: the interval, at any of 200 looks", "misses the truth in ≤ 5 %", []Arms{
			alike(better(0.18, 0.10, 200)), alike(better(0.12, 0.15, 200)), alike(better(0.10, 0.10, 200)), alike(better(0.30, 0.20, 200)),
		}, missed.atMost(0.05)},
		{"experiment: the same, 8 points that swing by 50 % with the rest", "", []Arms{alike(func(w *Arms) {
			better(0.18, 0.10, 200)(w)
			w.Swing = 0.5
		})}, missed.atMost(1)},
	}
}

// counted is how many of a case's runs are so.
type counted struct {
	is    func(Compared) bool
	words string
}

func outcome(is func(Compared) bool, words string) counted { return counted{is, words} }

// atMost shows in how many runs it is so; that may chance to be three standard errors above the limit, in all and in each world.
func (c counted) atMost(limit float64) func([][]Compared) (string, bool) {
	return func(worlds [][]Compared) (string, bool) {
		n, all, worst, ok := 0, 0, 0.0, true
		for _, results := range worlds {
			so := c.count(results)
			n, all = n+so, all+len(results)
			worst, ok = max(worst, part(so, len(results))), ok && within(so, len(results), limit)
		}
		shown := fmt.Sprintf("%s in %.1f %% of %d runs", c.words, 100*part(n, all), all)
		if len(worlds) > 1 {
			shown += fmt.Sprintf("; most, %.1f %%, in one world", 100*worst)
		}
		return shown, ok && within(n, all, limit)
	}
}

// atLeast shows the same of one world, and by when in the middle.
func (c counted) atLeast(share float64) func([][]Compared) (string, bool) {
	return func(worlds [][]Compared) (string, bool) {
		results := slices.Concat(worlds...)
		n := c.count(results)
		var days []float64
		for _, r := range results {
			if c.is(r) {
				days = append(days, r.Day)
			}
		}
		return fmt.Sprintf("%s in %.1f %% of %d runs, in the middle one on day %.0f", c.words, 100*part(n, len(results)), len(results), middle(days)),
			atLeast(n, len(results), share)
	}
}

func (c counted) count(results []Compared) (n int) {
	for _, r := range results {
		if c.is(r) {
			n++
		}
	}
	return n
}

// winner shows in how many runs A was named, and that B was in hardly any.
func winner(share float64) func([][]Compared) (string, bool) {
	right := outcome(func(c Compared) bool { return c.Verdict == experiment.ABetter }, "named")
	wrong := outcome(func(c Compared) bool { return c.Verdict == experiment.BBetter }, "the other")
	return func(worlds [][]Compared) (string, bool) {
		shown, ok := right.atLeast(share)(worlds)
		other, rare := wrong.atMost(0.025)(worlds)
		return shown + "; " + other, ok && rare
	}
}

// RealExperiment deals the real vendors to two arms that treat them alike, by 200 salts.
func RealExperiment(vendors Real) Row {
	longest := int(vendors.Registered[len(vendors.Registered)-1].After.Hours()/24) + withGrace + 2
	const salts = 200
	results := make([]Compared, salts)
	for i := range results {
		results[i] = Compare(alike(func(w *Arms) { w.Registered, w.Looks, w.A, w.B = vendors.Registered, longest, 0, 0 }), uint64(i))
	}
	named := outcome(func(c Compared) bool { return c.Verdict == experiment.ABetter || c.Verdict == experiment.BBetter }, "a winner named")
	row := Row{Name: "experiment: two arms that treat the vendors alike, 200 salts", Must: "a winner named ≤ 5 %"}
	row.Shown, row.OK = named.atMost(0.05)([][]Compared{results})
	return row
}
