package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/trial"
)

// Trials are up to limit trials after the vendor id given (empty: from the
// start), in the order of their ids. next is the id to go on after, empty at
// the end.
func (s *Store) Trials(ctx context.Context, f trial.Filter, after string, limit int) (states []trial.State, next string, err error) {
	// One more than asked for tells whether there are more.
	states, err = s.findTrials(ctx, "listing trials", trialFilter(f, after), ascending("_id"), limit+1)
	if err != nil || len(states) <= limit {
		return states, "", err
	}
	states = states[:limit]
	return states, states[limit-1].VendorID, nil
}

func trialFilter(f trial.Filter, after string) bson.D {
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}
	if f.Status != "" {
		filter = append(filter, bson.E{Key: "status", Value: f.Status})
	}
	switch f.Cohort {
	case "":
	case trial.Adopted:
		filter = append(filter, bson.E{Key: "cohort", Value: trial.Control}, adopted())
	case trial.Control:
		filter = append(filter, bson.E{Key: "cohort", Value: trial.Control}, bson.E{Key: "adoptedAt", Value: nil})
	default:
		filter = append(filter, bson.E{Key: "cohort", Value: f.Cohort})
	}
	switch {
	case f.HeldBy != "":
		filter = append(filter, bson.E{Key: "held.reason", Value: f.HeldBy})
	case f.Held != nil:
		filter = append(filter, bson.E{Key: "held.reason", Value: heldReason(*f.Held)})
	}
	if f.Policy != "" {
		filter = append(filter, bson.E{Key: "policy.name", Value: f.Policy})
	}
	if f.Experiment != "" || f.Arm != "" {
		arms := []string{f.Arm}
		if f.Arm == "" { // the index wants both fields
			arms = []string{string(experiment.ArmA), string(experiment.ArmB)}
		}
		filter = append(filter, bson.E{Key: "experiment.experiment", Value: f.Experiment}, bson.E{Key: "experiment.arm", Value: bson.D{{Key: "$in", Value: arms}}})
	}
	return filter
}

// adopted is the condition that a trial was adopted. The index of the adopted ones has the same, or it would not serve.
func adopted() bson.E { return bson.E{Key: "adoptedAt", Value: bson.D{{Key: "$type", Value: "date"}}} }

// heldReason is the condition on held.reason, in a form that an index serves.
func heldReason(held bool) any {
	if held {
		return bson.D{{Key: "$gt", Value: ""}}
	}
	return nil
}

// OverdueTrials are up to limit trials whose next step was due before the
// moment given, the longest overdue first; held ones, which wait on purpose,
// are left out.
func (s *Store) OverdueTrials(ctx context.Context, before time.Time, limit int) ([]trial.State, error) {
	filter := bson.D{
		{Key: "nextAt", Value: bson.D{{Key: "$lt", Value: before}}},
		{Key: "held.reason", Value: heldReason(false)},
	}
	return s.findTrials(ctx, "looking for overdue trials", filter, ascending("nextAt"), limit)
}

// HeldTrials are up to limit trials that wait for one of the reasons, after the
// vendor id given (empty: from the start), in the order of their ids.
func (s *Store) HeldTrials(ctx context.Context, reasons []trial.Reason, after string, limit int) ([]trial.State, error) {
	if len(reasons) == 0 {
		return nil, nil
	}
	filter := bson.D{
		{Key: "held.reason", Value: bson.D{{Key: "$in", Value: reasons}}},
		{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}},
	}
	return s.findTrials(ctx, "looking for held trials", filter, ascending("_id"), limit)
}

// TrialsElsewhere are, of up to limit running trials after the vendor id given (empty: from the start), those whose
// vendors' documents name another zone, or one that is none. next is the id to go on after, empty at the end.
// Trials in compressed time are left out: hours mean nothing there.
func (s *Store) TrialsElsewhere(ctx context.Context, after string, limit int) (found []trial.Whereabouts, next string, err error) {
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	filter := bson.D{
		{Key: "status", Value: bson.D{{Key: "$in", Value: []trial.Status{trial.Active, trial.Grace}}}},
		{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}},
		{Key: "day", Value: trial.RealDay},
	}
	fields := bson.D{}
	for _, field := range []string{"vendorId", "seq", "status", "automated", "day", "zone", "revision"} {
		fields = append(fields, bson.E{Key: field, Value: 1})
	}
	docs, err := list[trialDocument](ctx, "looking in which zones trials are planned", s.trials, filter,
		options.Find().SetSort(ascending("_id")).SetLimit(int64(limit)).SetProjection(fields))
	if err != nil || len(docs) == 0 {
		return nil, "", err
	}
	zones, err := s.zones(ctx, docs)
	if err != nil {
		return nil, "", err
	}
	for _, doc := range docs {
		w := zones[doc.ID]
		if w.Trial = doc.State; w.Differs() {
			found = append(found, w)
		}
	}
	if len(docs) == limit {
		next = docs[limit-1].ID
	}
	return found, next, nil
}

// zones are what the documents of trials' vendors say of where they are, by vendor id.
func (s *Store) zones(ctx context.Context, trials []trialDocument) (map[string]trial.Whereabouts, error) {
	var keys []any
	for _, doc := range trials {
		keys = append(keys, userKeys(doc.ID)...)
	}
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: keys}}}, {Key: "isVendor", Value: true}}
	users, err := list[bson.Raw](ctx, "looking in which zones vendors are", s.users, filter, options.Find().SetProjection(ascending("timezone")))
	if err != nil {
		return nil, err
	}
	zones := map[string]trial.Whereabouts{}
	for _, raw := range users {
		timezone := raw.Lookup("timezone")
		known := zone(timezone)
		zones[vendorID(raw.Lookup("_id"))] = trial.Whereabouts{Zone: known, Unknown: known == "" && given(timezone)}
	}
	return zones, nil
}

// findTrials answers with nothing for a limit below 1, where MongoDB would
// answer with everything.
func (s *Store) findTrials(ctx context.Context, action string, filter, sort bson.D, limit int) ([]trial.State, error) {
	if limit < 1 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, scanLimit)
	defer cancel()
	docs, err := list[trialDocument](ctx, action, s.trials, filter, options.Find().SetSort(sort).SetLimit(int64(limit)))
	return contents(docs, func(d trialDocument) trial.State { return d.State }), err
}
