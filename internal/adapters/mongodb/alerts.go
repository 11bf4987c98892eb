package mongodb

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// alertTries bounds how often a change of an alert is tried against others.
const alertTries = 20

// alertDocument is how an alert stands, folded from its events. Its state only
// grows, in the order of its fields, so that a late write of an early state
// changes nothing.
type alertDocument struct {
	Key   string           `bson:"_id"`
	State monitoring.Alert `json:"state"`
}

// alertEventDocument is an alert's event as stored.
type alertEventDocument struct {
	Key                   string `bson:"_id"`
	monitoring.AlertEvent `bson:",inline"`
}

func alertEventKey(id monitoring.RuleID, seq int) string { return fmt.Sprintf("%s/%d", id, seq) }

// Alert is how the alert of a rule stands. Events whose writer died before it
// stored the state are made up for.
func (s *Store) Alert(ctx context.Context, id monitoring.RuleID) (monitoring.Alert, error) {
	doc, found, err := find[alertDocument](ctx, "reading alert "+string(id), s.alerts, byID(id))
	if err != nil {
		return monitoring.Alert{}, err
	}
	if !found {
		doc.State = monitoring.NewAlert(id)
	}
	missed, err := s.AlertEvents(ctx, id, doc.State.Seq+1, alertTries)
	if err != nil {
		return monitoring.Alert{}, err
	}
	for _, e := range missed {
		doc.State = doc.State.Apply(e)
	}
	return doc.State, nil
}

// ChangeAlert lets change decide on an alert, stores what happened to it, and
// then how it stands. Where something else happens to it meanwhile, change is
// called again, on the alert as it is then: the insertion of an event decides. An
// error of change's leaves everything as it is.
func (s *Store) ChangeAlert(
	ctx context.Context, id monitoring.RuleID, change func(monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error),
) (monitoring.Alert, error) {
	a, err := s.Alert(ctx, id)
	if err != nil {
		return a, err
	}
	for range alertTries {
		after, happened, err := change(a)
		if err != nil {
			return a, err
		}
		missed, err := s.addAlertEvent(ctx, happened)
		if err != nil {
			return a, err
		}
		if missed == nil {
			return after, s.growAlert(ctx, after)
		}
		a = a.Apply(*missed)
	}
	return a, &trial.Error{Code: trial.CodeUnavailable, Message: "the alert is being changed by others all the time; try again later"}
}

// addAlertEvent stores an event, if there is one. Where one with its number is
// stored already, that one is returned.
func (s *Store) addAlertEvent(ctx context.Context, e *monitoring.AlertEvent) (missed *monitoring.AlertEvent, err error) {
	if e == nil {
		return nil, nil
	}
	doc := alertEventDocument{Key: alertEventKey(e.Rule, e.Seq), AlertEvent: *e}
	isNew, err := insert(ctx, "storing event "+doc.Key+" of an alert", s.alertEvents, doc)
	if isNew || err != nil {
		return nil, err
	}
	var existing alertEventDocument
	if err := s.alertEvents.FindOne(ctx, byID(doc.Key)).Decode(&existing); err != nil {
		return nil, failed("reading event "+doc.Key+" of an alert", err)
	}
	return &existing.AlertEvent, nil
}

func (s *Store) growAlert(ctx context.Context, a monitoring.Alert) error {
	return upsert(ctx, "storing alert "+string(a.Rule), s.alerts, a.Rule, bson.D{{Key: "$max", Value: bson.D{{Key: "state", Value: a}}}})
}

// AlertEvents are up to limit of an alert's events from number fromSeq on, in order.
func (s *Store) AlertEvents(ctx context.Context, id monitoring.RuleID, fromSeq, limit int) ([]monitoring.AlertEvent, error) {
	return findSequence(ctx, "reading the events of alert "+string(id), s.alertEvents,
		func(seq int) string { return alertEventKey(id, seq) }, fromSeq, limit,
		func(d alertEventDocument) monitoring.AlertEvent { return d.AlertEvent })
}

// repairsDocument is how many trials the reconciler had to mend in a slot.
type repairsDocument struct {
	Slot  string `bson:"_id"`
	Count int    `json:"count"`
}

// AddRepairs notes that the reconciler had to mend so many trials in a slot.
func (s *Store) AddRepairs(ctx context.Context, slot monitoring.Period, n int) error {
	return upsert(ctx, "noting what the reconciler found", s.repairs, slot, bson.D{{Key: "$inc", Value: bson.D{{Key: "count", Value: n}}}})
}

// Repairs are how many trials the reconciler had to mend in each of the slots.
func (s *Store) Repairs(ctx context.Context, slots []monitoring.Period) (map[monitoring.Period]int, error) {
	found := map[monitoring.Period]int{}
	for _, slot := range slots {
		doc, counted, err := find[repairsDocument](ctx, "reading what the reconciler found", s.repairs, byID(slot))
		if err != nil {
			return nil, err
		}
		if counted {
			found[slot] = doc.Count
		}
	}
	return found, nil
}
