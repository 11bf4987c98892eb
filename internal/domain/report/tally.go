package report

import (
	"time"

	"marketplace.example/trials/internal/domain/rollout"
)

// Facts are the observations of some time.
type Facts struct {
	Outcomes []rollout.Outcome
	Calls    rollout.Calls
}

// Tally counts the observations of automated vendors and of API calls in some time.
// It does not count steps that are late without having failed: only the watch
// does, and it stops with the rollout.
type Tally struct {
	Admitted  int `json:"admitted"`
	Converted int `json:"converted"`
	// Expired are trials that ended without a conversion.
	Expired       int `json:"expired"`
	MailSent      int `json:"mailSent"`
	MailDelivered int `json:"mailDelivered"`
	MailFailed    int `json:"mailFailed"`
	StepsDone     int `json:"stepsDone"`
	StepsFailed   int `json:"stepsFailed"`
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

// TallyOf counts facts. A repeated observation counts once.
func TallyOf(all ...Facts) Tally {
	var t Tally
	var calls rollout.Calls
	type outcome struct {
		kind rollout.OutcomeKind
		key  string
	}
	seen := map[outcome]bool{}
	for _, f := range all {
		calls.Add(f.Calls)
		for _, o := range f.Outcomes {
			if key := (outcome{o.Kind, o.Key}); !seen[key] {
				seen[key] = true
				t.count(o.Kind)
			}
		}
	}
	// The gravest report on an e-mail counts.
	for o := range seen {
		failed, delivered := seen[outcome{rollout.MailFailed, o.key}], seen[outcome{rollout.MailDelivered, o.key}]
		switch {
		case o.kind == rollout.MailDelivered && failed:
			t.MailDelivered--
		case o.kind == rollout.MailReturned && !failed && !delivered:
			t.MailFailed++
		}
	}
	t.Calls, t.CallsFailed, t.CallsSlow = calls.Count(), calls.Failed, calls.SlowerThan(rollout.SlowCall)
	t.MedianMS = int(calls.Quantile(0.5) / time.Millisecond)
	t.P95MS = int(calls.Quantile(1-rollout.SlowShare) / time.Millisecond)
	return t
}

func (t *Tally) count(kind rollout.OutcomeKind) {
	counter := map[rollout.OutcomeKind]*int{
		rollout.Admitted: &t.Admitted, rollout.Converted: &t.Converted, rollout.Expired: &t.Expired,
		rollout.MailSent: &t.MailSent, rollout.MailDelivered: &t.MailDelivered, rollout.MailFailed: &t.MailFailed,
		rollout.StepDone: &t.StepsDone, rollout.StepFailed: &t.StepsFailed,
		rollout.Extended: &t.Extended, rollout.Shortened: &t.Shortened, rollout.Cancelled: &t.Cancelled, rollout.Revived: &t.Revived,
	}[kind]
	if counter != nil {
		*counter++
	}
}

// part is some of all.
type part struct{ some, all int }

func (p part) share() float64 {
	if p.all == 0 {
		return 0
	}
	return float64(p.some) / float64(p.all)
}

func (t Tally) delivered() part { return part{t.MailDelivered, t.MailDelivered + t.MailFailed} }
func (t Tally) succeeded() part { return part{t.StepsDone, t.StepsDone + t.StepsFailed} }
func (t Tally) slow() part      { return part{t.CallsSlow, t.Calls} }
func (t Tally) failed() part    { return part{min(t.CallsFailed, t.Calls), t.Calls} }
