package recovery

import (
	"cmp"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Trial is what the workflow of a trial knows, from which a restored database catches up.
type Trial struct {
	// Events are the trial's, in order; those of earlier runs of the workflow are not among them.
	Events []trial.Event
	// NoMail are the suppressions that the trial was told of, all of them of every address.
	NoMail []trial.Suppression
	// Lifts are those that the trial was told of.
	Lifts []Lift
	// Erased is the erasure of the vendor that the trial was told of; nil for none.
	Erased *trial.Erasure
	// AtWork is when a worker took the trial up of which it is not known what came of it; zero where all
	// is known. If a step was due then, its e-mail may have left.
	AtWork time.Time
	// Unsettled are the steps being tried again whose e-mails may have left.
	Unsettled []trial.Step
}

// Lift is a person's decision to lift a suppression: Of is the moment of that, At when the trial was told.
type Lift struct{ Of, At time.Time }

// atWorkFor is how long a worker may be at a trial before it has to take it up again.
const atWorkFor = 10 * time.Second

// Sent are the e-mails that went out with a trial's events, as claimed: none of them goes out again.
func Sent(vendorID string, events []trial.Event) (sends []trial.Send) {
	cohort := trial.Fold(events).CountedAs()
	for _, e := range events {
		if e.Mailed && e.Step != nil {
			sends = append(sends, claim(vendorID, cohort, *e.Step, e.At))
		}
	}
	return sends
}

func claim(vendorID string, cohort trial.Cohort, s trial.Step, at time.Time) trial.Send {
	return trial.Send{Key: s.Key(vendorID), VendorID: vendorID, Cohort: cohort, Kind: s.Kind, Revision: s.Revision, ClaimedAt: at}
}

// PresumedSent are the e-mails that may have left when the database was lost, as claimed: one too few rather than one
// twice. They are those of steps being tried again of which the workflow tells, and of all that were due while a worker
// was at work, since it may have come to several of them before it could say so. control tells whether the vendor is
// known to get no e-mail, which counts where the trial has no events: then the worker may have begun it, and sent the welcome.
func (t Trial) PresumedSent(vendorID string, events []trial.Event, control bool) (sends []trial.Send) {
	if len(events) == 0 {
		if !t.AtWork.IsZero() && !control {
			return []trial.Send{claim(vendorID, trial.Automated, trial.Step{Kind: trial.Welcome}, t.AtWork)}
		}
		return nil
	}
	state := trial.Fold(events)
	if !state.Automated {
		return nil
	}
	for _, step := range state.Pending() {
		if state.BeforeAdoption(step) {
			continue // it gets no e-mail
		}
		again := slices.ContainsFunc(t.Unsettled, func(s trial.Step) bool { return s.Kind == step.Kind && s.Revision == step.Revision })
		if again || !t.AtWork.IsZero() && !step.At.After(t.AtWork.Add(atWorkFor)) {
			sends = append(sends, claim(vendorID, state.CountedAs(), step, step.At))
		}
	}
	return sends
}

// IsSettled tells whether it is known what became of an e-mail, so that nothing is presumed of it; stored is nil where
// there is none on record.
func IsSettled(stored *trial.Send) bool {
	return stored != nil && (stored.Status == trial.SendSent || stored.Status == trial.SendRefused)
}

// UnknownSuppression is why no e-mail may go to a vendor, where the workflow knows of it and the database
// does not; nil where it does. A workflow does not know which address was meant, so then it is every one.
func (t Trial) UnknownSuppression(known []trial.Suppression) (lost *trial.Suppression) {
	learn := func(p trial.Suppression, isKnown func(k trial.Suppression) bool) {
		covers := func(k trial.Suppression) bool { return k.Covers(p) && !liftedBetween(k, p, known) }
		if lost != nil && covers(*lost) {
			return
		}
		if !slices.ContainsFunc(known, func(k trial.Suppression) bool { return covers(k) || p.Reason == k.Reason && isKnown(k) }) {
			lost = &p
		}
	}
	for _, p := range t.NoMail {
		if p.Reason == trial.ReasonSuppressedAddress && slices.ContainsFunc(t.Lifts, func(l Lift) bool { return l.Of.Equal(p.At) }) {
			continue
		}
		// It has the moment of the event of the mail service. Events come late and in any order, so of one with another
		// moment nobody knows which address it was of.
		learn(p, func(k trial.Suppression) bool { return p.At.Truncate(time.Millisecond).Equal(k.At) })
	}
	for _, e := range t.Events {
		if e.Facts == nil {
			continue
		}
		if reason := e.Facts.NoMail; reason == trial.ReasonUnsubscribed || reason == trial.ReasonSuppressedAddress {
			if reason == trial.ReasonSuppressedAddress && slices.ContainsFunc(t.Lifts, func(l Lift) bool { return !l.Of.After(e.At) && !e.At.After(l.At) }) {
				continue // what was lifted since is why
			}
			// An address that is known to have bounced is why, and perhaps the vendor's no more; not where that was lifted before.
			noted := trial.Suppression{Reason: reason, At: e.At}
			learn(noted, func(k trial.Suppression) bool { return !liftedBetween(k, noted, known) })
		}
	}
	return lost
}

// liftedBetween reports whether it is known that what an address did was lifted before something else happened, which it does not
// explain then. Where it is not known which address it was, the lift of any counts: in doubt nobody is written to.
func liftedBetween(k, p trial.Suppression, known []trial.Suppression) bool {
	return k.Reason == trial.ReasonSuppressedAddress && slices.ContainsFunc(known, func(l trial.Suppression) bool {
		return l.Reason == trial.ReasonLifted && (k.AddressHash == "" || k.AddressHash == l.AddressHash) && k.At.Before(l.At) && l.At.Before(p.At)
	})
}

// UnknownLifts are those that the workflow knows of and the database does not, of what the database knows by address. They end
// nothing that a vendor has said itself.
func (t Trial) UnknownLifts(known []trial.Suppression) (lost []trial.Suppression) {
	for _, l := range t.Lifts {
		for _, k := range known {
			lifted := slices.ContainsFunc(known, func(l trial.Suppression) bool {
				return l.Reason == trial.ReasonLifted && l.AddressHash == k.AddressHash && k.At.Before(l.At)
			})
			if k.Reason == trial.ReasonSuppressedAddress && k.AddressHash != "" && !lifted && l.Of.Equal(k.At) {
				lost = append(lost, trial.Suppression{Reason: trial.ReasonLifted, At: l.At, AddressHash: k.AddressHash})
			}
		}
	}
	return lost
}

// Comparison is what came of comparing a stored history with what its workflow knows. What is stored stays.
type Comparison[E any] struct {
	// Missing are the events that are to be added, in order.
	Missing []E
	// Differs is the number of the first event that is another here than there, Gap that of the first that neither knows,
	// though later ones are known; 0 for none. From there on nothing is added.
	Differs, Gap int
}

// CompareTrial compares a trial's events.
func CompareTrial(stored, recovered []trial.Event) Comparison[trial.Event] {
	return compare(stored, recovered, func(e trial.Event) int { return e.Seq }, trial.Event.Same)
}

// CompareRollout compares a rollout's decisions.
func CompareRollout(stored, recovered []rollout.Event) Comparison[rollout.Event] {
	return compare(stored, recovered, func(e rollout.Event) int { return e.Seq }, func(a, b rollout.Event) bool { return a.Type == b.Type })
}

// compare goes through events that begin with number 1 where they are stored, and anywhere where they are recovered.
func compare[E any](stored, recovered []E, seq func(E) int, same func(a, b E) bool) (c Comparison[E]) {
	known := slices.Clip(stored)
	for _, e := range recovered {
		switch n := seq(e); {
		case n > len(known)+1:
			c.Gap = len(known) + 1
			return c
		case n == len(known)+1:
			known, c.Missing = append(known, e), append(c.Missing, e)
		case !same(known[n-1], e):
			c.Differs = n
			return c
		}
	}
	return c
}

// Rollout is what the workflow of a rollout knows: its decisions, in order.
type Rollout struct {
	ID        string
	Decisions []rollout.Event
}

// JoinRuns puts together what the runs of each rollout's workflow know. The rollout that began last comes last, since it
// is the one that is the latest.
func JoinRuns(runs []Rollout) []Rollout {
	known := map[string][]rollout.Event{}
	for _, run := range runs {
		known[run.ID] = append(known[run.ID], run.Decisions...)
	}
	var all []Rollout
	for id, decisions := range known {
		if len(decisions) == 0 {
			continue
		}
		slices.SortFunc(decisions, func(a, b rollout.Event) int { return cmp.Compare(a.Seq, b.Seq) })
		all = append(all, Rollout{ID: id, Decisions: decisions})
	}
	slices.SortFunc(all, func(a, b Rollout) int { return a.Decisions[0].At.Compare(b.Decisions[0].At) })
	return all
}
