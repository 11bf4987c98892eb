package rollout

import "time"

// Facts are what became known in some time, as the observations have it.
type Facts struct {
	Outcomes []Outcome
	Calls    Calls
}

// Tally counts what became known of automated vendors in some time, and the API
// calls. Steps that are late without having failed are not in it: only the watch
// counts those, and it does not come after the rollout.
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
	// MedianMS and P95MS are how long half and 95 % of the calls took at the most,
	// in milliseconds, up to the tenth by which they are counted; 0 without calls.
	MedianMS int `json:"medianMs"`
	P95MS    int `json:"p95Ms"`
}

// TallyOf counts facts. What became known twice counts once.
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
	// Of what was reported of an e-mail the weightiest counts.
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
