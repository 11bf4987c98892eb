package mongodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// CatchUpResult is what became of comparing a trial, or a rollout, with what its workflow knows.
type CatchUpResult struct {
	// Added counts events that the database did not have.
	Added int
	// Differs is the number of the first event that is another here than there, Gap that of the first that
	// neither knows, though later ones are known; 0 for none. From there on nothing is added.
	Differs, Gap int
	// NoVendor says that the vendor's document is not there.
	NoVendor bool
	// Suppressed says that the database did not know that no e-mail may go to the vendor.
	Suppressed bool
	// Erased says that the database did not know that the vendor was erased. Now it is.
	Erased bool
	// Unerased says that the vendor was erased and that the database refuses its document without an address: it is to be
	// erased by hand. It gets no e-mail all the same.
	Unerased bool
	// Presumed are the keys of the e-mails that may have left when the database was lost. They are noted as sent.
	Presumed []string
}

// CatchUp adds to a trial the events that its workflow knows and the database does not. What the database
// has stays. Then it notes as sent the e-mails that a worker may have been sending, stops e-mail to a vendor
// where the workflow knows that none may go out, and erases again one that was erased. Where the vendor's
// document is lost, what was decided about the vendor is kept for when it comes back.
func (s *Store) CatchUp(ctx context.Context, vendorID string, recovered trial.RecoveredTrial) (CatchUpResult, error) {
	if !trial.ValidVendorID(vendorID) {
		return CatchUpResult{}, fmt.Errorf("catching up: %.80q cannot name a trial", vendorID)
	}
	c, events, err := s.addEvents(ctx, vendorID, recovered.Events)
	if err != nil {
		return c, err
	}
	vendor, err := s.Vendor(ctx, vendorID)
	var gone *trial.Error
	if c.NoVendor = errors.As(err, &gone) && gone.Code == trial.CodeNotFound; err != nil && !c.NoVendor {
		return c, err
	}
	if c.Differs == 0 && c.Gap == 0 {
		control := vendor.Automation != nil && vendor.Automation.Cohort == trial.Control
		if c.Presumed, err = s.presumeSent(ctx, vendorID, unsettled(trial.Fold(events), control, recovered)); err != nil {
			return c, err
		}
	}
	err = s.stopMail(ctx, vendorID, events, recovered, &c)
	return c, err
}

// stopMail has no e-mail go to a vendor where the workflow knows that none may, and notes in c what of that was new.
// Of one whose document is lost it keeps what was decided about it, for when it comes back.
func (s *Store) stopMail(ctx context.Context, vendorID string, events []trial.Event, recovered trial.RecoveredTrial, c *CatchUpResult) error {
	_, u, err := s.findUser(ctx, vendorID)
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return failed("reading vendor "+vendorID, err)
	}
	known, err := s.Suppressions(ctx, vendorID)
	if err != nil {
		return err
	}
	if u.suppression != nil {
		known = append(known, *u.suppression)
	}
	if recovered.Erased != nil && u.vendor.ErasedAt == nil {
		if err := s.eraseAgain(ctx, vendorID, *recovered.Erased, c); err != nil {
			return err
		}
	}
	if lost := unknownSuppression(known, recovered); lost != nil {
		if c.Suppressed, err = s.Suppress(ctx, vendorID, *lost); err != nil {
			return err
		}
	}
	if c.NoVendor && len(events) > 0 && events[0].Registration != nil {
		return s.keepDecided(ctx, *events[0].Registration)
	}
	return nil
}

// eraseAgain erases a vendor who has come back with a backup, and notes in c what came of it. One whose document the
// database refuses without an address is on record as erased: the others do not wait for it.
func (s *Store) eraseAgain(ctx context.Context, vendorID string, e trial.Erasure, c *CatchUpResult) error {
	if !c.NoVendor {
		_, err := s.EraseVendor(ctx, vendorID, e)
		if c.Unerased = isConflict(err); !c.Unerased {
			c.Erased = err == nil
			return err
		}
	}
	_, mine, err := first(ctx, s, erasureKey(vendorID), e)
	c.Erased = mine && !c.Unerased
	return err
}

// addEvents adds what is missing, and answers with all that the database has then.
func (s *Store) addEvents(ctx context.Context, vendorID string, events []trial.Event) (c CatchUpResult, have []trial.Event, err error) {
	if have, err = s.Events(ctx, vendorID, 1); err != nil {
		return c, nil, err
	}
	state := trial.Fold(have)
	for _, e := range events {
		if e.Seq <= len(have) {
			if !have[e.Seq-1].Same(e) {
				c.Differs = e.Seq
				break
			}
			continue
		}
		if e.Seq != state.Seq+1 {
			c.Gap = state.Seq + 1
			break
		}
		state = state.Apply(e)
		if _, err := s.Append(ctx, e, state); err != nil {
			return c, have, err
		}
		if err := s.settleMailed(ctx, vendorID, []trial.Event{e}); err != nil {
			return c, have, err
		}
		have = append(have, e)
		c.Added++
	}
	return c, have, nil
}

// atWorkFor is how long a worker may be at a trial before it has to take it up again.
const atWorkFor = 10 * time.Second

// unsettled are the steps whose e-mails may have left, with the moments at which they may have: those being tried
// again of which it is told, and all that were due while a worker was at work, since it may have come to several of
// them before it could say so. control tells whether the vendor is known to get no e-mail, which counts where it
// has no events: then the worker may have begun the trial, and sent the welcome.
func unsettled(state trial.State, control bool, recovered trial.RecoveredTrial) (steps []trial.Step) {
	if state.Seq == 0 {
		if !recovered.AtWork.IsZero() && !control {
			return []trial.Step{{Kind: trial.Welcome, At: recovered.AtWork}}
		}
		return nil
	}
	if !state.Automated {
		return nil
	}
	for _, step := range state.Pending() {
		again := slices.ContainsFunc(recovered.Unsettled, func(s trial.Step) bool { return s.Kind == step.Kind && s.Revision == step.Revision })
		if again || !recovered.AtWork.IsZero() && !step.At.After(recovered.AtWork.Add(atWorkFor)) {
			steps = append(steps, step)
		}
	}
	return steps
}

// presumeSent notes the e-mails of steps as sent, and answers with the keys of those whose outcome was not known.
func (s *Store) presumeSent(ctx context.Context, vendorID string, steps []trial.Step) (keys []string, err error) {
	for _, step := range steps {
		key := step.Key(vendorID)
		send, err := s.Send(ctx, key)
		if err != nil {
			return keys, err
		}
		if send != nil && (send.Status == trial.SendSent || send.Status == trial.SendRefused) {
			continue
		}
		if err := s.settleMailed(ctx, vendorID, []trial.Event{{At: step.At, Step: &step, Mailed: true}}); err != nil {
			return keys, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// unknownSuppression is why no e-mail may go to a vendor, where the workflow knows of it and the database
// does not; nil where it does. A workflow does not know which address was meant, so then it is every one.
func unknownSuppression(known []trial.Suppression, recovered trial.RecoveredTrial) (lost *trial.Suppression) {
	learn := func(p trial.Suppression, isKnown func(k trial.Suppression) bool) {
		if !lost.Covers(p) && !slices.ContainsFunc(known, func(k trial.Suppression) bool { return k.Covers(p) || p.Reason == k.Reason && isKnown(k) }) {
			lost = &p
		}
	}
	for _, p := range recovered.NoMail {
		// It has the moment of the event of the mail service. Events come late and in any order, so of one with another
		// moment nobody knows which address it was of.
		learn(p, func(k trial.Suppression) bool { return stored(p.At).Equal(k.At) })
	}
	for _, e := range recovered.Events {
		if e.Facts == nil {
			continue
		}
		if reason := e.Facts.NoMail; reason == trial.ReasonUnsubscribed || reason == trial.ReasonSuppressedAddress {
			// An address that is known to have bounced is why, and perhaps the vendor's no more.
			learn(trial.Suppression{Reason: reason, At: e.At}, func(trial.Suppression) bool { return true })
		}
	}
	return lost
}

// keepDecided keeps with which start and in which cohort a vendor is whose document is lost, so that it
// goes on so once the document comes back, over HTTP or straight into the collection. With which percentage
// that was decided is not known any more.
func (s *Store) keepDecided(ctx context.Context, r trial.Registration) error {
	doc, err := s.Flags(ctx)
	if err != nil {
		return err
	}
	_, _, err = first(ctx, s, registrationKey(r.VendorID), registration{
		StartedAt: r.At, Cohort: r.Cohort, Bucket: rollout.Bucket(doc.Salt, rollout.FlagKey, r.VendorID), Policy: r.Policy.Name, RegisteredAt: r.At,
		FlagsVersion: r.FlagsVersion,
	})
	return err
}

// CatchUpRollout adds to a rollout the decisions that its workflow knows and the database does not: those
// given, in order, any of which may be known already. What the database has stays. The flags' percentage
// follows what was decided; the automation stays enabled or disabled as it is.
func (s *Store) CatchUpRollout(ctx context.Context, id string, decisions []rollout.Event) (CatchUpResult, rollout.State, error) {
	var c CatchUpResult
	have, err := s.Decisions(ctx, id, 1, allDecisions)
	if err != nil {
		return c, rollout.State{}, err
	}
	state := rollout.Fold(have)
	var percentage *float64
	for _, e := range decisions {
		if e.Seq <= len(have) {
			if have[e.Seq-1].Type != e.Type {
				c.Differs = e.Seq
				break
			}
			continue
		}
		if e.Seq != state.Seq+1 {
			c.Gap = state.Seq + 1
			break
		}
		state = state.Apply(e)
		if state.ID != id {
			return c, state, fmt.Errorf("catching up rollout %.80q: its decision %d is of rollout %.80q", id, e.Seq, state.ID)
		}
		if _, err := s.AppendDecision(ctx, e, state); err != nil {
			return c, state, err
		}
		have = append(have, e)
		c.Added++
		if e.Percentage != nil {
			percentage = e.Percentage
		}
	}
	if percentage == nil {
		return c, state, nil
	}
	_, err = s.UpdateFlags(ctx, byRestore, func(f *rollout.FlagChange) error {
		f.TrialAutomation.RolloutPercentage = *percentage
		return nil
	})
	return c, state, err
}

// allDecisions is more than a rollout has.
const allDecisions = 1 << 20
