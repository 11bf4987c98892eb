package report

import (
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/rollout"
)

// Facts are the observations of some time.
type Facts struct {
	Outcomes []rollout.Outcome
	Calls    rollout.Calls
	// Feedback are the answers of automated vendors.
	Feedback feedback.Tally
}

// Tally counts the observations of automated vendors and of API calls in some time.
// It does not count steps that are late without having failed.
type Tally struct {
	// CohortTally is of the vendors that were automated from their registration on.
	CohortTally `bson:",inline"`
	// Adopted is of those that a backfill automated, from their adoption on; its Admitted counts the adoptions.
	Adopted CohortTally `json:"adopted"`
	// Feedback are the answers of both, as they stood when the report was made: a later answer replaces an earlier one.
	Feedback feedback.Tally `json:"feedback"`
	// Extended, Shortened, Cancelled and Revived are what admins did to trials,
	// automated or not.
	Extended  int `json:"extended"`
	Shortened int `json:"shortened"`
	Cancelled int `json:"cancelled"`
	Revived   int `json:"revived"`
	// Calls are API calls; CallsFailed were answered with a server error, CallsSlow
	// took longer than 2 s.
	Calls       int `json:"calls"`
	CallsFailed int `json:"callsFailed"`
	CallsSlow   int `json:"callsSlow"`
	// MedianMS and P95MS bound the durations of half and of 95 % of the calls,
	// in milliseconds, up to the width of a bucket (a tenth); 0 without calls.
	MedianMS int `json:"medianMs"`
	P95MS    int `json:"p95Ms"`
}

// CohortTally counts the observations of one cohort's vendors.
type CohortTally struct {
	Admitted  int `json:"admitted"`
	Converted int `json:"converted"`
	// Expired are trials that ended without a conversion.
	Expired       int `json:"expired"`
	MailSent      int `json:"mailSent"`
	MailDelivered int `json:"mailDelivered"`
	MailFailed    int `json:"mailFailed"`
	StepsDone     int `json:"stepsDone"`
	StepsFailed   int `json:"stepsFailed"`
}

// TallyOf counts facts. A repeated observation counts once.
func TallyOf(all ...Facts) Tally {
	var t Tally
	var calls rollout.Calls
	type outcome struct {
		kind rollout.OutcomeKind
		key  string
	}
	seen := map[outcome]*CohortTally{}
	for _, f := range all {
		calls.Add(f.Calls)
		t.Feedback = t.Feedback.Plus(f.Feedback)
		for _, o := range f.Outcomes {
			if key := (outcome{o.Kind, o.Key}); seen[key] == nil {
				seen[key] = &t.CohortTally
				if o.Adopted {
					seen[key] = &t.Adopted
				}
				t.count(o.Kind, seen[key])
			}
		}
	}
	// The gravest report on an e-mail counts.
	for o, cohort := range seen {
		failed, delivered := seen[outcome{rollout.MailFailed, o.key}] != nil, seen[outcome{rollout.MailDelivered, o.key}] != nil
		switch {
		case o.kind == rollout.MailDelivered && failed:
			cohort.MailDelivered--
		case o.kind == rollout.MailGeneralBounce && !failed && !delivered:
			cohort.MailFailed++
		}
	}
	t.Calls, t.CallsFailed, t.CallsSlow = calls.Count(), calls.Failed, calls.SlowerThan(rollout.SlowCall)
	t.MedianMS = int(calls.Quantile(0.5) / time.Millisecond)
	t.P95MS = int(calls.Quantile(1-rollout.SlowShare) / time.Millisecond)
	return t
}

func (t *Tally) count(kind rollout.OutcomeKind, c *CohortTally) {
	counter := map[rollout.OutcomeKind]*int{
		rollout.Admitted: &c.Admitted, rollout.Adopted: &c.Admitted, rollout.Converted: &c.Converted, rollout.Expired: &c.Expired,
		rollout.MailSent: &c.MailSent, rollout.MailDelivered: &c.MailDelivered, rollout.MailFailed: &c.MailFailed,
		rollout.StepDone: &c.StepsDone, rollout.StepFailed: &c.StepsFailed,
		rollout.Extended: &t.Extended, rollout.Shortened: &t.Shortened, rollout.Cancelled: &t.Cancelled, rollout.Revived: &t.Revived,
	}[kind]
	if counter != nil {
		*counter++
	}
}

// part is some of all.
type part struct{ some, all int }

func (p part) share() float64 { return evidence.Ratio(p.some, p.all) }

func (c CohortTally) delivered() part { return part{c.MailDelivered, c.MailDelivered + c.MailFailed} }
func (c CohortTally) succeeded() part { return part{c.StepsDone, c.StepsDone + c.StepsFailed} }
func (t Tally) slow() part            { return part{t.CallsSlow, t.Calls} }
func (t Tally) failed() part          { return part{min(t.CallsFailed, t.Calls), t.Calls} }

// any reports whether the cohort was seen at all.
func (c CohortTally) any() bool { return c != CohortTally{} }
