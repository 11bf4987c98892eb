package cost

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	// batch is how many trials are stored together.
	batch = 500
	// spanDays is over how many days the trials began.
	spanDays = 60
)

// rows are documents to store, by collection.
type rows map[string][]any

func (r rows) add(collection string, doc any) { r[collection] = append(r[collection], doc) }

// populate stores trials as the product would have, of which half have ended, and all that is stored because of them.
func populate(ctx context.Context, uri, database string, trials int) error {
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetBSONOptions(&options.BSONOptions{UseJSONStructTags: true}))
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	db, tally, now := client.Database(database), monitoring.Tally{}, time.Now().UTC().Truncate(time.Second)
	for from := 0; from < trials; from += batch {
		some := rows{}
		for i := from; i < min(from+batch, trials); i++ {
			addTrial(some, tally, i, now)
			addBeside(some, i, now)
		}
		if err := some.store(ctx, db); err != nil {
			return err
		}
	}
	counted := rows{}
	for period, change := range tally.ByPeriod() {
		counts := bson.M{}
		for c, n := range change {
			cohort, _ := counts[string(c.Cohort)].(bson.M)
			if cohort == nil {
				cohort = bson.M{}
			}
			cohort[string(c.Name)] = n
			counts[string(c.Cohort)] = cohort
		}
		counted.add("counters", bson.M{"_id": string(period), "counts": counts})
	}
	if err := counted.store(ctx, db); err != nil {
		return err
	}
	return steer(ctx, uri, database, trials, now)
}

func (r rows) store(ctx context.Context, db *mongo.Database) error {
	for collection, docs := range r {
		if _, err := db.Collection(collection).InsertMany(ctx, docs); err != nil {
			return fmt.Errorf("storing %s: %w", collection, err)
		}
	}
	return nil
}

// vendorID is the id of the i-th vendor.
func vendorID(i int) string { return fmt.Sprintf("cost-%06d", i) }

// addTrial adds the i-th vendor's documents.
func addTrial(some rows, tally monitoring.Tally, i int, now time.Time) {
	id := vendorID(i)
	began := now.Add(-time.Duration(i%spanDays) * trial.RealDay)
	cohort := []trial.Cohort{trial.Automated, trial.Control}[i%2]
	r := trial.Registration{VendorID: id, Cohort: cohort, Policy: trial.DefaultPolicy(), Day: trial.RealDay, At: began}
	if i%experimented == 0 {
		r.Experiment = &trial.Assignment{Experiment: experimentID, Arm: []string{"a", "b"}[i/experimented%2]}
	}
	events := []trial.Event{trial.Start(r, began)}
	state := trial.State{}.Apply(events[0])
	for {
		next, ok := state.Next()
		if !ok || next.At.After(now) || state.Status.Final() {
			break
		}
		e := state.StepEvent(next, trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}, trial.StepFacts{Now: next.At}, cohort == trial.Automated)
		state, events = state.Apply(e), append(events, e)
		if cohort == trial.Automated {
			send := trial.Send{Key: next.Key(id), VendorID: id, Kind: next.Kind, Status: trial.SendSent, Delivery: "delivery", Attempt: 1, ClaimedAt: next.At}
			tally.Add(monitoring.OfSend(send, trial.RealDay))
			some.add("sends", bson.M{"_id": send.Key, "vendorId": id, "kind": send.Kind, "delivery": bson.M{"kind": "delivery", "at": next.At}})
		}
	}
	tally.Add(monitoring.OfTrial(events))
	for _, e := range events {
		some.add("trial_events", struct {
			Key         string `bson:"_id"`
			VendorID    string `json:"vendorId"`
			trial.Event `bson:",inline"`
		}{trial.EventKey(id, e.Seq), id, e})
	}
	some.add("trials", struct {
		ID          string `bson:"_id"`
		trial.State `bson:",inline"`
	}{id, state})
	some.add("users", bson.M{
		"_id": id, "isVendor": true, "email": id + "@example.com", "name": fmt.Sprintf("Shop %06d", i), "timezone": "Europe/Lisbon", "trialStartDate": began,
		"trialAutomation": bson.M{"status": state.Status, "cohort": cohort, "policy": "standard-14d", "registeredAt": began},
	})
}
