package rollout

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
)

// Ledger accumulates a rollout's snapshots, in order: the evidence for triggers
// and gates, and the e-mails and days that are still open. Only Apply changes it,
// so it can be rebuilt from the snapshots.
type Ledger struct {
	// Number is the last snapshot's number, At its time; 0 for none.
	Number int       `json:"number"`
	At     time.Time `json:"at"`
	// To is the end of the period that the ledger covers.
	To       time.Time `json:"to"`
	Epoch    int       `json:"epoch"`
	StageSeq int       `json:"entry"`
	Outage   *Outage   `json:"outage"`

	// The triggers' evidence, from each phase's start in this epoch.
	Email  evidence.Evidence `json:"email"`
	Errors evidence.Evidence `json:"errors"`
	Slow   evidence.Evidence `json:"slow"`
	API    evidence.Evidence `json:"api"`
	// The gates' evidence, from this stage's start.
	Gates map[Gate]evidence.Evidence `json:"gates"`
	// Served are the API calls since this epoch's first admission, which the gates weigh: slow is longer than SlowCall.
	Served CallTotals `json:"served"`
	// Starts counts the API calls since each of the triggers' starts.
	Starts []CallStart `json:"starts,omitempty"`
	// Interval are the calls of the last intervals that API does not weigh yet: they are too few.
	Interval CallInterval `json:"interval"`
	// LastReportAt is when the mail service last reported on any e-mail.
	LastReportAt time.Time `json:"heard"`

	// Adopted is what became of the vendors that a backfill automated. In the evidence they count like all others.
	Adopted AdoptedTally `json:"adopted"`

	// Baseline are the calls while nobody was admitted.
	Baseline Calls `json:"baseline"`
	// Since is the first admission's day; Admissions counts from it.
	Since      time.Time               `json:"since"`
	Admissions []evidence.AdmissionDay `json:"admissions"`

	OpenEvidence `bson:",inline"`
}

// VendorDay is one vendor's day: the unit in which e-mails and steps count, so
// that failures with a common cause count once.
type VendorDay struct {
	// Known is when its first outcome became known.
	Known time.Time `json:"known"`
	Seen  int       `json:"seen"`
	Good  int       `json:"good"`
}

func (d VendorDay) share() float64 { return float64(d.Good) / float64(d.Seen) }

const (
	// deliveryLimit is how many days an e-mail may take to be delivered.
	deliveryLimit = 1
	// leastDelivery bounds that limit from below when a day lasts seconds: reports take
	// time on a busy machine.
	leastDelivery = 30 * time.Second
	// openDays is after how many days a vendor's day cannot change any more.
	openDays = 2
)

// Gate values: the requirements' key metrics.
const (
	LimitEmail      = 0.95
	LimitAutomation = 0.95
	LimitErrors     = 0.05
	LimitConversion = 0.20
)

// NewLedger returns a rollout's ledger before its first snapshot.
func NewLedger(p Plan) Ledger {
	l := Ledger{
		Email:        evidence.Evidence{Null: evidence.Null{Limit: p.Triggers.EmailDelivery, Side: evidence.TooLow}},
		Errors:       evidence.Evidence{Null: evidence.Null{Limit: p.Triggers.ErrorRate, Side: evidence.TooHigh}},
		Slow:         evidence.Evidence{Null: evidence.Null{Limit: SlowShare, Side: evidence.TooHigh}},
		API:          evidence.Evidence{Null: evidence.Null{Limit: p.Triggers.ErrorRate, Side: evidence.TooHigh}},
		OpenEvidence: NewOpenEvidence(),
	}
	l.enter(time.Time{})
	return l
}

// enter restarts the gates.
func (l *Ledger) enter(at time.Time) {
	l.Gates = map[Gate]evidence.Evidence{
		GateEmail:      {Null: evidence.Null{Limit: LimitEmail, Side: evidence.TooLow}},
		GateAutomation: {Null: evidence.Null{Limit: LimitAutomation, Side: evidence.TooLow}},
		GateAPI:        {Null: evidence.Null{Limit: SlowShare, Side: evidence.TooHigh}},
		GateErrors:     {Null: evidence.Null{Limit: LimitErrors, Side: evidence.TooHigh}},
	}
	for gate, e := range l.Gates {
		e.Begin(at)
		l.Gates[gate] = e
	}
	l.EmailVendors, l.StepVendors = map[string]bool{}, map[string]bool{}
}

// Apply adds a snapshot; day is the length of a day. It ignores a snapshot that was
// applied before.
func (l *Ledger) Apply(p Plan, s Snapshot, day time.Duration) {
	if s.Number <= l.Number {
		return
	}
	l.Number, l.At, l.To, l.Outage = s.Number, s.At, s.To, s.Outage
	// What became known before this stage was entered belongs to the previous stage.
	since := l.since(s)
	outcomes := inOrder(s.Outcomes)
	entered := sort.Search(len(outcomes), func(i int) bool { return !outcomes[i].At.Before(since) })
	for _, o := range outcomes[:entered] {
		l.outcome(o, day)
	}
	straddles := since.After(s.From)
	if straddles {
		l.calls(p, s)
	}
	l.move(s, since)
	for _, o := range outcomes[entered:] {
		l.outcome(o, day)
	}
	l.overdue(s, day)
	if !straddles {
		l.calls(p, s)
	}
	l.forget(s.To, day)
}

// since is from when on a snapshot belongs to its stage and epoch. Where a person has resumed the same stage after a trigger's
// pause, nobody knows when in the snapshot's period: all of it may be what had paused the rollout.
func (l *Ledger) since(s Snapshot) time.Time {
	if s.Position.Epoch != l.Epoch && s.Position.StageSeq == l.StageSeq {
		return s.To
	}
	return s.Position.Since
}

// move follows the rollout to another stage or epoch, to which the snapshot belongs since then.
func (l *Ledger) move(s Snapshot, since time.Time) {
	from := s.From
	if since.After(from) {
		from = since
	}
	anew := s.Position.Epoch != l.Epoch
	if anew {
		l.Email.Runs, l.Errors.Runs, l.Slow.Runs, l.API.Runs = nil, nil, nil, nil
		l.Served, l.Starts, l.Interval = CallTotals{}, nil, CallInterval{}
		l.Epoch = s.Position.Epoch
	}
	if s.Position.StageSeq == l.StageSeq && len(l.Email.Runs) > 0 {
		return
	}
	if anew || s.Position.StageSeq != l.StageSeq {
		l.enter(from)
		l.StageSeq = s.Position.StageSeq
	}
	// A new epoch may begin after the last phase, or at 0 %: there the trials automated before are still watched.
	if anew || s.Position.Stage.IsPhase() && s.Position.Percentage > 0 {
		l.Email.Begin(from)
		l.Errors.Begin(from)
		l.Slow.Begin(from)
		l.API.Begin(from)
	}
}

func (l *Ledger) outcome(o Outcome, day time.Duration) {
	if o.Adopted {
		l.Adopted.add(o, l.Settled, l.Delivered)
	}
	switch o.Kind {
	case StepDone, StepFailed:
		l.step(o, day)
	case MailSent:
		if _, settled := l.Settled[o.Key]; !settled {
			l.Awaited[o.Key] = o.At
		}
	case MailDelivered, MailFailed, MailGeneralBounce:
		l.recordDelivery(o, day)
	case Admitted:
		l.admit(o, day)
	case Converted:
		l.putBack(o.VendorID)
		if d, waiting := l.DayOf[o.VendorID]; waiting {
			delete(l.DayOf, o.VendorID)
			l.Admissions[d].Converted++
		}
	case Cancelled:
		l.leaveOut(o.VendorID)
	case Revived:
		l.putBack(o.VendorID)
	case Untracked:
		l.leaveOut(o.VendorID)
		delete(l.LeftOut, o.VendorID)
	case Expired, Adopted, Extended, Shortened: // only reports count these
	}
}

// recordDelivery records the mail service's report on an e-mail. Each e-mail counts once, and in any order of the
// reports the gravest wins, as in the record of the send: a failure over a delivery, and that over an unclear bounce.
func (l *Ledger) recordDelivery(o Outcome, day time.Duration) {
	if o.At.After(l.LastReportAt) {
		l.LastReportAt = o.At
	}
	if _, settled := l.Settled[o.Key]; settled {
		if o.Kind == MailFailed {
			l.failDelivered(o, day)
		}
		return
	}
	sent, awaited := l.Awaited[o.Key]
	if !awaited {
		sent = o.At
	}
	if o.Kind == MailGeneralBounce { // a delivery may still be reported within the limit
		l.Awaited[o.Key] = sent
		return
	}
	l.Settled[o.Key] = o.At
	delete(l.Awaited, o.Key)
	if o.Kind == MailDelivered {
		l.Delivered[o.Key] = sent
	}
	l.mail(o.VendorID, sent, o.At, o.Kind == MailDelivered, day)
}

// failDelivered turns a delivered e-mail into a failed one, unless its vendor's day is closed.
func (l *Ledger) failDelivered(o Outcome, day time.Duration) {
	sent, delivered := l.Delivered[o.Key]
	delete(l.Delivered, o.Key)
	key := vendorDay(o.VendorID, sent, day)
	before, open := l.EmailDays[key]
	if !delivered || !open {
		return
	}
	after := before
	after.Good--
	l.EmailDays[key] = after
	l.weighMail(before, after)
}

func (l *Ledger) admit(o Outcome, day time.Duration) {
	_, known := l.DayOf[o.VendorID]
	if _, out := l.LeftOut[o.VendorID]; known || out {
		return
	}
	if l.Since.IsZero() {
		l.Since = o.At
	}
	d := max(0, int(o.At.Sub(l.Since)/day))
	for len(l.Admissions) <= d {
		l.Admissions = append(l.Admissions, evidence.AdmissionDay{Day: len(l.Admissions)})
	}
	l.Admissions[d].Admitted++
	l.DayOf[o.VendorID] = d
}

// leaveOut takes a vendor that has not converted out of its admission day, and putBack puts it there again.
func (l *Ledger) leaveOut(vendorID string) {
	d, waiting := l.DayOf[vendorID]
	if !waiting {
		return
	}
	delete(l.DayOf, vendorID)
	l.Admissions[d].Admitted--
	if l.LeftOut == nil {
		l.LeftOut = map[string]int{}
	}
	l.LeftOut[vendorID] = d
}

func (l *Ledger) putBack(vendorID string) {
	d, out := l.LeftOut[vendorID]
	if !out {
		return
	}
	delete(l.LeftOut, vendorID)
	l.Admissions[d].Admitted++
	l.DayOf[vendorID] = d
}

func (l *Ledger) step(o Outcome, day time.Duration) {
	if o.Kind == StepFailed && l.Outage != nil {
		return // it affects all vendors, and says nothing about the rollout
	}
	l.StepVendors[o.VendorID] = true
	before, after := count(l.StepDays, o.VendorID, o.At, o.At, day, o.Kind == StepDone)
	weigh(&l.Errors, after.Known, failing(before), failing(after))
	gate := l.Gates[GateAutomation]
	weigh(&gate, after.Known, good(before), good(after))
	l.Gates[GateAutomation] = gate
}

func (l *Ledger) mail(vendorID string, sent, known time.Time, delivered bool, day time.Duration) {
	l.EmailVendors[vendorID] = true
	l.weighMail(count(l.EmailDays, vendorID, sent, known, day, delivered))
}

// weighMail replaces the weight of a vendor's day of e-mails.
func (l *Ledger) weighMail(before, after VendorDay) {
	weigh(&l.Email, after.Known, good(before), good(after))
	gate := l.Gates[GateEmail]
	weigh(&gate, after.Known, good(before), good(after))
	l.Gates[GateEmail] = gate
}

// vendorDay is the key of the vendor's day that a time falls in.
func vendorDay(vendorID string, of time.Time, day time.Duration) string {
	return fmt.Sprintf("%s/%d", vendorID, of.UnixNano()/int64(day))
}

// count adds an outcome to its vendor's day.
func count(days map[string]VendorDay, vendorID string, of, known time.Time, day time.Duration, good bool) (before, after VendorDay) {
	key := vendorDay(vendorID, of, day)
	before = days[key]
	after = before
	if after.Seen == 0 {
		after.Known = known
	}
	after.Seen++
	if good {
		after.Good++
	}
	days[key] = after
	return before, after
}

func good(d VendorDay) *float64 {
	if d.Seen == 0 {
		return nil
	}
	x := d.share()
	return &x
}

func failing(d VendorDay) *float64 {
	x := good(d)
	if x != nil {
		*x = 1 - *x
	}
	return x
}

// weigh adds a vendor's day, or corrects it.
func weigh(e *evidence.Evidence, known time.Time, before, after *float64) {
	if before == nil {
		e.Observe(known, *after)
		return
	}
	e.Correct(known, *before, *after)
}

// overdue counts e-mails without a report within a day as failed.
// If the mail service reports nothing at all, silence says nothing about the
// e-mails; nor does it while nothing can be sent.
func (l *Ledger) overdue(s Snapshot, day time.Duration) {
	for _, key := range slices.Sorted(maps.Keys(l.Awaited)) {
		sent := l.Awaited[key]
		if s.To.Sub(sent) < max(deliveryLimit*day, leastDelivery) || !l.LastReportAt.After(sent) || s.Outage != nil {
			continue
		}
		delete(l.Awaited, key)
		l.Settled[key] = s.To
		vendorID, _, _ := strings.Cut(key, "/")
		// It became known before To: a run that begins at To does not count it.
		l.mail(vendorID, sent, s.To.Add(-time.Millisecond), false, day)
	}
}

// forget drops closed days.
func (l *Ledger) forget(now time.Time, day time.Duration) {
	old := func(_ string, d VendorDay) bool { return now.Sub(d.Known) > openDays*day }
	maps.DeleteFunc(l.EmailDays, old)
	maps.DeleteFunc(l.StepDays, old)
	maps.DeleteFunc(l.Settled, func(_ string, at time.Time) bool { return now.Sub(at) > openDays*day })
	maps.DeleteFunc(l.Delivered, func(key string, _ time.Time) bool {
		_, settled := l.Settled[key]
		return !settled
	})
}

// conversions weighs the conversions known now.
func (l *Ledger) conversions(n evidence.Null, curve evidence.Curve, now time.Time, day time.Duration) evidence.Sums {
	if l.Since.IsZero() {
		return evidence.Sums{}
	}
	return evidence.ConversionSums(n, curve, l.Admissions, l.today(now, day))
}

// today is the time in days since the first admission.
func (l *Ledger) today(now time.Time, day time.Duration) float64 {
	return float64(now.Sub(l.Since)) / float64(day)
}

// matured counts the vendors whose trials are over, and how many of them converted.
func (l *Ledger) matured(after float64, now time.Time, day time.Duration) (over, converted int) {
	for _, d := range l.Admissions {
		if d.Age(l.today(now, day)) >= after {
			over += d.Admitted
			converted += d.Converted
		}
	}
	return over, converted
}
