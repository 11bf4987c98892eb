package feedback

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/trial"
)

// MinAnswers is how many answers say something by themselves, and MinShare the share of yes that the lower bound of their interval
// has to reach for them to be positive.
const (
	MinAnswers = 20
	MinShare   = 0.5
)

// Tally counts answers.
type Tally struct {
	Answers int `json:"answers"`
	// Helpful are those that say yes.
	Helpful int `json:"helpful"`
}

// TallyOf counts one answer.
func TallyOf(a Answer) Tally {
	t := Tally{Answers: 1}
	if a.Helpful {
		t.Helpful = 1
	}
	return t
}

// Plus is the sum of two tallies.
func (t Tally) Plus(o Tally) Tally { return Tally{t.Answers + o.Answers, t.Helpful + o.Helpful} }

// Share is the share of yes with its 95 % interval (Wilson); 0 in 0 to 1 without answers.
func (t Tally) Share() evidence.Estimated {
	share := evidence.Ratio(t.Helpful, t.Answers)
	low, high := evidence.Wilson(share, float64(t.Answers))
	return evidence.Estimated{Share: share, Low: low, High: high}
}

// Opinion is what answers come to.
type Opinion string

// The opinions.
const (
	// Open: the answers are too few, or their interval holds MinShare.
	Open Opinion = "open"
	// Positive: their interval lies at MinShare or above.
	Positive Opinion = "positive"
	// Negative: their interval lies below MinShare.
	Negative Opinion = "negative"
)

// Opinion is what the answers come to.
func (t Tally) Opinion() Opinion {
	switch share := t.Share(); {
	case t.Answers < MinAnswers:
		return Open
	case share.Low >= MinShare:
		return Positive
	case share.High < MinShare:
		return Negative
	}
	return Open
}

// String is the tally for people: "18 of 22 answers say that it helped (82 %, 95 % interval 61 % to 93 %)".
func (t Tally) String() string {
	if t.Answers == 0 {
		return "no vendor has answered"
	}
	answers, verb := "answers", "say"
	if t.Answers == 1 {
		answers = "answer"
	}
	if t.Helpful == 1 {
		verb = "says"
	}
	s := t.Share()
	return fmt.Sprintf("%d of %d %s %s that it helped (%s, 95 %% interval %s to %s)",
		t.Helpful, t.Answers, answers, verb, evidence.Percent(s.Share), evidence.Percent(s.Low), evidence.Percent(s.High))
}

// Group is what answers are counted by.
type Group struct {
	Phase  Phase        `json:"phase"`
	Cohort trial.Cohort `json:"cohort"`
}

// Count is the tally of a group's answers.
type Count struct {
	Group
	Tally
}

// Filter chooses answers.
type Filter struct {
	// RolloutID chooses those that were given while that rollout ran; empty for any.
	RolloutID string
	// From and To bound when they were given, from included, to not; zero for no bound.
	From, To time.Time
}

// Takes tells whether the filter chooses an answer.
func (f Filter) Takes(a Answer) bool {
	return (f.RolloutID == "" || a.Phase.RolloutID == f.RolloutID) && !a.At.Before(f.From) && (f.To.IsZero() || a.At.Before(f.To))
}

// Sorted are counts in the order of their epochs, phases and cohorts.
func Sorted(counts map[Group]Tally) []Count {
	sorted := make([]Count, 0, len(counts))
	for g, t := range counts {
		sorted = append(sorted, Count{g, t})
	}
	slices.SortFunc(sorted, func(a, b Count) int {
		return cmp.Or(
			cmp.Compare(a.Phase.RolloutID, b.Phase.RolloutID), cmp.Compare(a.Phase.Epoch, b.Phase.Epoch), cmp.Compare(a.Phase.Phase, b.Phase.Phase),
			cmp.Compare(slices.Index(trial.Cohorts(), a.Cohort), slices.Index(trial.Cohorts(), b.Cohort)),
		)
	})
	return sorted
}

// Automated sums the answers of vendors whose trials are automated, adopted ones included, in one phase, or in all where in
// is nil. Those of control vendors, who get no e-mail, are left out.
func Automated(counts []Count, in *Phase) (t Tally) {
	for _, c := range counts {
		if automated := c.Cohort == trial.Automated || c.Cohort == trial.Adopted; automated && (in == nil || c.Phase == *in) {
			t = t.Plus(c.Tally)
		}
	}
	return t
}
