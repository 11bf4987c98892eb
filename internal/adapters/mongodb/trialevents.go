package mongodb

import (
	"context"
	"math"

	"marketplace.example/trials/internal/domain/trial"
)

// eventDocument is a trial's event as stored.
type eventDocument struct {
	Key         string `bson:"_id"`
	VendorID    string `json:"vendorId"`
	trial.Event `bson:",inline"`
}

// insertEvent stores an event under its number. Where that is taken it answers
// with the event that stands there.
func (s *Store) insertEvent(ctx context.Context, vendorID string, e trial.Event) (existing *trial.Event, err error) {
	doc := eventDocument{Key: trial.EventKey(vendorID, e.Seq), VendorID: vendorID, Event: e}
	isNew, err := insert(ctx, "storing event "+doc.Key, s.events, doc)
	if isNew || err != nil {
		return nil, err
	}
	return s.Event(ctx, vendorID, e.Seq)
}

// Event is a trial's event of that number, nil where there is none.
func (s *Store) Event(ctx context.Context, vendorID string, seq int) (*trial.Event, error) {
	s = s.of(vendorID)
	key := trial.EventKey(vendorID, seq)
	doc, found, err := find[eventDocument](ctx, "reading event "+key, s.events, byID(key))
	if !found {
		return nil, err
	}
	return &doc.Event, nil
}

// Events are a trial's events from number fromSeq on, in order; none for an
// unknown trial.
func (s *Store) Events(ctx context.Context, vendorID string, fromSeq int) ([]trial.Event, error) {
	s = s.of(vendorID)
	return findSequence(ctx, "reading the events of trial "+vendorID, s.events,
		func(seq int) string { return trial.EventKey(vendorID, seq) }, fromSeq, math.MaxInt,
		func(d eventDocument) trial.Event { return d.Event })
}
