package rollout

import "time"

// Facts are the observations of some time.
type Facts struct {
	Outcomes []Outcome
	Calls    Calls
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
	var calls Calls
	type outcome struct {
		kind OutcomeKind
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
		failed, delivered := seen[outcome{MailFailed, o.key}], seen[outcome{MailDelivered, o.key}]
		switch {
		case o.kind == MailDelivered && failed:
			t.MailDelivered--
		case o.kind == MailReturned && !failed && !delivered:
			t.MailFailed++
		}
	}
	t.Calls, t.CallsFailed, t.CallsSlow = calls.Count(), calls.Failed, calls.SlowerThan(slowCall)
	t.MedianMS = int(calls.Quantile(0.5) / time.Millisecond)
	t.P95MS = int(calls.Quantile(1-slowShare) / time.Millisecond)
	return t
}

func (t *Tally) count(kind OutcomeKind) {
	counter := map[OutcomeKind]*int{
		Admitted: &t.Admitted, Converted: &t.Converted, Expired: &t.Expired,
		MailSent: &t.MailSent, MailDelivered: &t.MailDelivered, MailFailed: &t.MailFailed,
		StepDone: &t.StepsDone, StepFailed: &t.StepsFailed,
		Extended: &t.Extended, Shortened: &t.Shortened, Cancelled: &t.Cancelled, Revived: &t.Revived,
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
