package simulation

import (
	"math/rand/v2"
	"strconv"
	"time"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// Arms is the truth that an experiment is drawn from.
type Arms struct {
	// A and B are the shares of the arms' vendors that convert in the end.
	A, B float64
	// DaysA and DaysB are how long their trials last, grace included; conversions come by then as they ripen.
	DaysA, DaysB int
	// PerDay vendors register, as a Poisson process; with Registered these and no others, who convert as they did in
	// reality in either arm.
	PerDay     float64
	Registered []Registration
	// Clustering is with which chance all vendors of a day have one fate: those of an arm convert, or none of them.
	Clustering float64
	// Swing is by which share the conversion of both arms rises and falls over four weeks.
	Swing float64
	// Looks is on how many days people look, from the first one.
	Looks int
	// Difference is the smallest that matters, Expected the conversion expected at the start.
	Difference, Expected float64
}

// Compared is what an experiment came to.
type Compared struct {
	Verdict experiment.Verdict
	// Day is when it had its verdict, in days from the start; 0 without.
	Day float64
	// Missed says that the interval has not covered the true difference at some look.
	Missed bool
}

// Compare lives through an experiment once: package experiment deals its vendors, and judges them. What is ripe stays as it is and
// a verdict stays, so the last look tells what daily ones would have shown.
func Compare(w Arms, seed uint64) Compared {
	e, rows := w.live(seed, w.Looks)
	j := experiment.Judge(e, rows, dawn.Add(time.Duration(w.Looks)*day))
	c := Compared{Verdict: j.Verdict, Missed: j.Verdict == experiment.Changing || j.Difference.Low > w.A-w.B || j.Difference.High < w.A-w.B}
	if j.Since != nil {
		c.Day = j.Since.Sub(dawn).Hours() / 24
	}
	return c
}

// live draws the vendors, and returns the evidence as it is on a look: who has registered and converted by then.
func (w Arms) live(seed uint64, onDay int) (experiment.Experiment, []experiment.Row) {
	random := rand.New(rand.NewPCG(seed, 0xa2b))
	everybody := flags.Document{FeatureFlags: flags.Initial(), Salt: "flags"}
	everybody.FeatureFlags.TrialAutomation.RolloutPercentage = 100
	e, err := experiment.Start("simulated", strconv.FormatUint(seed, 10), "simulation", experiment.Request{
		Name: "simulated", ArmA: "a", ArmB: "b", Difference: w.Difference,
		Expected: experiment.Expected{PerDay: max(w.PerDay, 1), Conversion: w.Expected},
	}, experiment.Situation{
		Flags: everybody, Day: day, Offered: []trial.Policy{{Name: "a", LengthDays: w.DaysA}, {Name: "b", LengthDays: w.DaysB}},
	}, dawn)
	if err != nil {
		panic(err) // a world that no experiment could have
	}
	rows := make([]experiment.Row, w.Looks)
	for i := range rows {
		rows[i].Day = i
	}
	until := dawn.Add(time.Duration(onDay) * day)
	for _, v := range w.vendors(random) {
		at := dawn.Add(v.After)
		if at.After(until) {
			continue
		}
		arm, why := e.Admit(experiment.Registration{
			VendorID: v.ID, StartedAt: at, At: at, Cohort: trial.Automated, PolicyBy: trial.PolicyByDefault, Flags: everybody,
		})
		if why != "" {
			continue
		}
		count, converts := &rows[e.DayOf(at)].A, v.fateA
		if arm == experiment.ArmB {
			count, converts = &rows[e.DayOf(at)].B, v.fateB
		}
		count.Dealt++
		converted := at.Add(time.Duration(converts * float64(day)))
		if converts >= 0 && e.Counts(at, converted) && !converted.After(until) {
			count.Converted++
		}
	}
	return e, rows
}

// dealtVendor is a vendor with how many days after its registration it would convert in either arm, or -1.
type dealtVendor struct {
	ID           string
	After        time.Duration
	fateA, fateB float64
}

func (w Arms) vendors(random *rand.Rand) []dealtVendor {
	var all []dealtVendor
	for _, v := range w.Registered {
		if v.After < time.Duration(w.Looks)*day {
			all = append(all, dealtVendor{v.ID, v.After, v.Converts, v.Converts})
		}
	}
	if w.Registered != nil {
		return all
	}
	draws := run{random: random}
	for d := range w.Looks {
		share := 1.0
		if w.Swing > 0 {
			share += w.Swing * (float64(d%28)/13.5 - 1)
		}
		fate := -1.0
		if random.Float64() < w.Clustering {
			fate = random.Float64()
		}
		for range draws.poisson(w.PerDay) {
			v := dealtVendor{ID: "v" + strconv.Itoa(len(all)+1), After: time.Duration((float64(d) + random.Float64()) * float64(day)), fateA: -1, fateB: -1}
			own, ripens := draws.fate(fate)/share, ripensAt(random.Float64())/withGrace
			if own < w.A {
				v.fateA = ripens * float64(w.DaysA)
			}
			if own < w.B {
				v.fateB = ripens * float64(w.DaysB)
			}
			all = append(all, v)
		}
	}
	return all
}
