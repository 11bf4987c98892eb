package mongodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/trial"
)

// trialDocument is a trial's state as stored: folded from its events, and kept
// so that it can be read at once and queried.
type trialDocument struct {
	ID          string `bson:"_id"`
	trial.State `bson:",inline"`
	// NextAt is when the next step is due; null when nothing is to come.
	NextAt    *time.Time `json:"nextAt"`
	UpdatedAt time.Time  `json:"updatedAt"`
}

func newTrialDocument(state trial.State) trialDocument {
	doc := trialDocument{ID: state.VendorID, State: state, UpdatedAt: stored(time.Now())}
	if next, ok := state.Next(); ok {
		doc.NextAt = &next.At
	}
	return doc
}

// Append stores an event and the state after it. Where an event with that
// number is stored already, it is returned, and what follows from the stored
// events is made right again; so a call that failed half-way is repeated until
// it succeeds.
//
// The order is the events, which are the truth, then the trial, then the
// vendor's document.
func (s *Store) Append(ctx context.Context, e trial.Event, after trial.State) (existing *trial.Event, err error) {
	s = s.of(after.VendorID)
	if !trial.ValidVendorID(after.VendorID) || e.Seq < 1 || e.Seq != after.Seq {
		return nil, fmt.Errorf("storing event %d: it does not lead to state %d of trial %q", e.Seq, after.Seq, after.VendorID)
	}
	existing, err = s.insertEvent(ctx, after.VendorID, e)
	if err != nil {
		return nil, err
	}
	if existing != nil {
		_, err = s.Refold(ctx, after.VendorID)
		return existing, err
	}
	s.observeEvent(e, after)
	before, err := s.replaceTrial(ctx, after, &e)
	switch {
	case err != nil:
		return nil, err
	case before != nil && before.Seq > after.Seq:
		// The trial was ahead of its events, or another writer wrote meanwhile.
		_, err = s.Refold(ctx, after.VendorID)
		return nil, err
	case before == nil || differsForVendor(*before, after):
		return nil, s.syncVendor(ctx, after)
	}
	return nil, nil //nolint:nilnil // documented: the event is new, and nothing is wrong
}

// Refold makes a trial, and what the vendor's document says of it, again from
// the events, and answers with the state. A trial without events is a
// *trial.Error with CodeNotFound.
func (s *Store) Refold(ctx context.Context, vendorID string) (trial.State, error) {
	s = s.of(vendorID)
	for {
		events, err := s.Events(ctx, vendorID, 1)
		if err != nil {
			return trial.State{}, err
		}
		if len(events) == 0 {
			return trial.State{}, trial.NotFound(vendorID)
		}
		state := trial.Fold(events)
		before, err := s.replaceTrial(ctx, state, nil)
		if err != nil {
			return trial.State{}, err
		}
		if before != nil && before.Seq > state.Seq {
			continue // an event came while we read
		}
		return state, s.syncVendor(ctx, state)
	}
}

// replaceTrial stores a trial's state and answers with the one before, nil for
// the first. What the change comes to is counted; last is the event that led to
// the state, where the caller knows it.
func (s *Store) replaceTrial(ctx context.Context, state trial.State, last *trial.Event) (before *trial.State, err error) {
	var doc trialDocument
	err = s.trials.FindOneAndReplace(ctx, byID(state.VendorID), newTrialDocument(state), options.FindOneAndReplace().SetUpsert(true)).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		s.countTrial(ctx, trial.State{}, state, last)
		return nil, nil //nolint:nilnil // documented: there was none, and nothing is wrong
	}
	if err != nil {
		return nil, failed("storing trial "+state.VendorID, err)
	}
	s.countTrial(ctx, doc.State, state, last)
	return &doc.State, nil
}

// differsForVendor tells whether the vendor's document would say something else.
func differsForVendor(a, b trial.State) bool {
	return a.Status != b.Status || !a.EndsAt.Equal(b.EndsAt) || a.Policy.Name != b.Policy.Name || (a.ConvertedAt == nil) != (b.ConvertedAt == nil)
}

// syncVendor writes into the vendor's document where the trial stands, and that it
// knows of the conversion. A document that the marketplace has removed is not
// made again.
func (s *Store) syncVendor(ctx context.Context, state trial.State) error {
	note := vendorNote{set: bson.D{
		{Key: "trialAutomation.status", Value: state.Status},
		{Key: "trialAutomation.endsAt", Value: state.EndsAt},
	}}
	if state.Moved != nil {
		note.set = append(note.set, bson.E{Key: "trialAutomation.movedTo", Value: state.Policy.Name})
	}
	if state.ConvertedAt != nil {
		// The conversion may have come past RecordConversion, by a signal.
		c, _, err := first(ctx, s, conversionKey(state.VendorID), trial.Conversion{At: *state.ConvertedAt})
		if err != nil {
			return err
		}
		if !c.Recorded {
			if err := s.setRecorded(ctx, state.VendorID, true); err != nil {
				return err
			}
		}
		c.Recorded = true
		note.conversion(c)
	}
	u, err := s.updateUser(ctx, state.VendorID, note.update())
	if err == nil && u.vendor.Automation == nil {
		err = s.readmit(ctx, u)
	}
	return s.copied("noting at vendor "+state.VendorID+" where the trial stands", state.VendorID, err)
}

// readmit puts what was decided about a vendor into the document that the marketplace has replaced.
func (s *Store) readmit(ctx context.Context, u user) error {
	r, err := s.decided(ctx, u.vendor.ID, registration{})
	if err != nil || r.Cohort == "" {
		return err
	}
	update, err := s.admission(ctx, u, r, nil)
	if err != nil {
		return err
	}
	_, err = s.updateUser(ctx, u.vendor.ID, update)
	return err
}

// ResyncVendor writes into the vendor's document again where the trial stands, for
// one that the marketplace has replaced, and tells whether there is such a trial.
func (s *Store) ResyncVendor(ctx context.Context, vendorID string) (known bool, err error) {
	s = s.of(vendorID)
	state, known, err := s.Trial(ctx, vendorID)
	for known && err == nil {
		if err = s.syncVendor(ctx, state); err != nil {
			break
		}
		written := state.Seq
		if state, known, err = s.Trial(ctx, vendorID); state.Seq == written {
			break // else the trial's own word may have been written over by an older one
		}
	}
	return known, err
}

// Trial is a trial's state, and whether there is such a trial.
func (s *Store) Trial(ctx context.Context, vendorID string) (state trial.State, found bool, err error) {
	s = s.of(vendorID)
	doc, found, err := find[trialDocument](ctx, "reading trial "+vendorID, s.trials, byID(vendorID))
	return doc.State, found, err
}
