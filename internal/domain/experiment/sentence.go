package experiment

import (
	"fmt"

	"marketplace.example/trials/internal/domain/evidence"
)

// Sentence says the judgement for people, in one or two sentences.
func (j Judgement) Sentence(e Experiment) string {
	switch j.Verdict {
	case ABetter:
		return j.better("A", j.A, "B", j.B, j.Difference.Low, j.Difference.High)
	case BBetter:
		return j.better("B", j.B, "A", j.A, -j.Difference.High, -j.Difference.Low)
	case NoDifference:
		return fmt.Sprintf("No difference larger than %s is left, at the level of 1 in 20: A (%s) converts %s, B (%s) %s.",
			points(e.Difference), j.A.Policy, j.A.shown(), j.B.Policy, j.B.shown())
	case Changing:
		return "Early and late vendors contradict each other: the difference was hardly the same all along. " +
			"Look at what changed meanwhile; this experiment will not name a winner."
	case NotYet:
	}
	if j.MoreDays != nil {
		return fmt.Sprintf("Not yet. About %s at this rate.", evidence.Counted(*j.MoreDays, "more day", "more days"))
	}
	if e.Status() != Dealing {
		return "Not yet, and hardly with the vendors dealt: no more come, and those whose trials still run are too few."
	}
	return fmt.Sprintf("Not yet, and hardly at this rate: an experiment deals for %d days at most. A larger smallest difference needs fewer vendors.", MaxDays)
}

func (j Judgement) better(arm string, f Figures, other string, o Figures, least, most float64) string {
	return fmt.Sprintf("%s (%s) is better, at the level of 1 in 20: it converts %s, %s (%s) %s. The difference is %.1f to %s.",
		arm, f.Policy, f.shown(), other, o.Policy, o.shown(), 100*least, points(most))
}

func (f Figures) shown() string {
	return fmt.Sprintf("%s of %s", evidence.Percent(f.Share), evidence.Counted(f.Ripe, "vendor", "vendors"))
}

// points writes a difference of two shares.
func points(difference float64) string { return fmt.Sprintf("%.1f points", 100*difference) }
