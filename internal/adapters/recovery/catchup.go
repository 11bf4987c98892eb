package recovery

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// CatchUpResult is what became of comparing a trial, or a rollout, with what its workflow knows.
type CatchUpResult struct {
	// Added counts events that the database did not have. Differs and Gap are those of recovery.Comparison.
	Added, Differs, Gap int
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
func (s Store) CatchUp(ctx context.Context, vendorID string, recovered recovery.Trial) (CatchUpResult, error) {
	if !trial.ValidVendorID(vendorID) {
		return CatchUpResult{}, fmt.Errorf("catching up: %.80q cannot name a trial", vendorID)
	}
	c, events, err := s.addEvents(ctx, vendorID, recovered.Events)
	if err != nil {
		return c, err
	}
	vendor, err := s.Vendor(ctx, vendorID)
	if c.NoVendor = trial.CodeOf(err) == trial.CodeNotFound; err != nil && !c.NoVendor {
		return c, err
	}
	if c.Differs == 0 && c.Gap == 0 {
		control := vendor.Automation != nil && vendor.Automation.Cohort == trial.Control
		if c.Presumed, err = s.presumeSent(ctx, recovered.PresumedSent(vendorID, events, control)); err != nil {
			return c, err
		}
	}
	err = s.stopMail(ctx, vendorID, events, recovered, &c)
	return c, err
}

// stopMail has no e-mail go to a vendor where the workflow knows that none may, and notes in c what of that was new.
// One whose document the database refuses without an address is on record as erased: the others do not wait for it.
// Of one whose document is lost it keeps what was decided about it, for when it comes back.
func (s Store) stopMail(ctx context.Context, vendorID string, events []trial.Event, recovered recovery.Trial, c *CatchUpResult) error {
	known, err := s.Suppressions(ctx, vendorID)
	if err != nil {
		return err
	}
	if recovered.Erased != nil {
		isNew, err := s.RecordErasure(ctx, vendorID, *recovered.Erased)
		if err != nil {
			return err
		}
		again, err := s.EraseOnRecord(ctx, vendorID)
		if c.Unerased = trial.CodeOf(err) == trial.CodeConflict; err != nil && !c.Unerased {
			return err
		}
		c.Erased = again || c.NoVendor && isNew
	}
	if lost := recovered.UnknownSuppression(known); lost != nil {
		if _, c.Suppressed, err = s.Suppress(ctx, vendorID, *lost); err != nil {
			return err
		}
	}
	for _, lift := range recovered.UnknownLifts(known) {
		if err := s.LiftSuppression(ctx, vendorID, lift.AddressHash, lift.At); err != nil {
			return err
		}
	}
	if c.NoVendor && len(events) > 0 && events[0].Registration != nil {
		return s.KeepRegistration(ctx, *events[0].Registration)
	}
	return nil
}

// addEvents adds what is missing, and answers with all that the database has then.
func (s Store) addEvents(ctx context.Context, vendorID string, events []trial.Event) (c CatchUpResult, have []trial.Event, err error) {
	if have, err = s.Events(ctx, vendorID, 1); err != nil {
		return c, nil, err
	}
	compared := recovery.CompareTrial(have, events)
	c.Differs, c.Gap = compared.Differs, compared.Gap
	state := trial.Fold(have)
	for _, e := range compared.Missing {
		state = state.Apply(e)
		if _, err := s.Append(ctx, e, state); err != nil {
			return c, have, err
		}
		if err := s.settleSent(ctx, recovery.Sent(vendorID, []trial.Event{e})); err != nil {
			return c, have, err
		}
		have = append(have, e)
		c.Added++
	}
	return c, have, nil
}

// presumeSent notes e-mails as sent, and answers with the keys of those whose outcome was not known.
func (s Store) presumeSent(ctx context.Context, sends []trial.Send) (keys []string, err error) {
	for _, send := range sends {
		stored, err := s.Send(ctx, send.Key)
		if err != nil {
			return keys, err
		}
		if recovery.IsSettled(stored) {
			continue
		}
		if err := s.settleSent(ctx, []trial.Send{send}); err != nil {
			return keys, err
		}
		keys = append(keys, send.Key)
	}
	return keys, nil
}

// settleSent has e-mails known as sent when they were claimed, so that none goes out again.
func (s Store) settleSent(ctx context.Context, sends []trial.Send) error {
	for _, n := range sends {
		_, send, err := s.ClaimSend(ctx, n)
		if err == nil && send.Status != trial.SendSent {
			_, err = s.SettleSend(ctx, n.Key, send.Attempt, trial.SendResult{Status: trial.SendSent}, n.ClaimedAt)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// CatchUpRollout adds to a rollout the decisions that its workflow knows and the database does not: those
// given, in order, any of which may be known already. What the database has stays. The flags' percentage
// follows what was decided; the automation stays enabled or disabled as it is.
func (s Store) CatchUpRollout(ctx context.Context, recovered recovery.Rollout) (c CatchUpResult, state rollout.State, err error) {
	have, err := s.Decisions(ctx, recovered.ID, 1, allDecisions)
	if err != nil {
		return c, state, err
	}
	compared := recovery.CompareRollout(have, recovered.Decisions)
	c.Differs, c.Gap = compared.Differs, compared.Gap
	state = rollout.Fold(have)
	var percentage *float64
	for _, e := range compared.Missing {
		if state = state.Apply(e); state.ID != recovered.ID {
			return c, state, fmt.Errorf("catching up rollout %.80q: its decision %d is of rollout %.80q", recovered.ID, e.Seq, state.ID)
		}
		if _, err := s.AppendDecision(ctx, e, state); err != nil {
			return c, state, err
		}
		c.Added++
		if e.Percentage != nil {
			percentage = e.Percentage
		}
	}
	if percentage == nil {
		return c, state, nil
	}
	_, err = s.UpdateFlags(ctx, recovery.By, func(f *flags.Change) error {
		f.TrialAutomation.RolloutPercentage = *percentage
		return nil
	})
	return c, state, err
}

// allDecisions is more than a rollout has.
const allDecisions = 1 << 20

// RestoredVendors are those of whom a backup has a document, by what became of it.
type RestoredVendors struct {
	// Found have their documents again.
	Found []string
	// Refused have none: a unique index or a rule of the marketplace's stands against the document in the backup or, of one
	// who is on record as erased, against what is left of it without name and address.
	Refused []string
}

// RestoreVendors inserts the documents that a backup has of vendors who have none, and answers with what became of
// those whom it had. It removes from missing all whose trial the backup knows: whoever has no document
// there was deleted by then. Who is on record as erased has come without name and address.
func (s Store) RestoreVendors(ctx context.Context, source Source, missing map[string]bool) (done RestoredVendors, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	documents, known, err := documentsOf(source, missing)
	if err != nil {
		return done, err
	}
	for id := range missing {
		doc, has := documents[id]
		if has {
			there, err := s.RestoreVendor(ctx, id, doc)
			if err != nil {
				return done, err
			}
			if there {
				done.Found = append(done.Found, id)
			} else {
				done.Refused = append(done.Refused, id)
			}
		}
		if has || known[id] {
			delete(missing, id)
		}
	}
	return done, nil
}

// documentsOf are the documents that a backup has of the vendors who are missing, and whose trials it knows.
func documentsOf(source Source, missing map[string]bool) (documents map[string]bson.Raw, known map[string]bool, err error) {
	documents, known = map[string]bson.Raw{}, map[string]bool{}
	err = source(func(records backup.Records) error {
		for record, err := range records {
			if err != nil {
				return err
			}
			switch d := describe(record); d.Collection {
			case recovery.Events:
				known[d.Owner] = true
			case recovery.Users:
				if missing[d.ID] {
					documents[d.ID] = record.Document
				}
			}
		}
		return nil
	})
	return documents, known, err
}
