package main

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

// populate stores trials as the product would have, of which half have ended, with
// their events, e-mails and counters.
func populate(ctx context.Context, uri, database string, trials int) error {
	client, err := mongo.Connect(options.Client().ApplyURI(uri).SetBSONOptions(&options.BSONOptions{UseJSONStructTags: true}))
	if err != nil {
		return fmt.Errorf("connecting to the database: %w", err)
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	db, tally, now := client.Database(database), monitoring.Tally{}, time.Now().UTC().Truncate(time.Second)
	for from := 0; from < trials; from += batch {
		rows := map[string][]any{}
		for i := from; i < min(from+batch, trials); i++ {
			addTrial(rows, tally, i, now)
		}
		for collection, docs := range rows {
			if _, err := db.Collection(collection).InsertMany(ctx, docs); err != nil {
				return fmt.Errorf("storing %s: %w", collection, err)
			}
		}
	}
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
		if _, err := db.Collection("counters").InsertOne(ctx, bson.M{"_id": string(period), "counts": counts}); err != nil {
			return fmt.Errorf("storing counters: %w", err)
		}
	}
	return nil
}

// addTrial adds the i-th vendor's documents.
func addTrial(rows map[string][]any, tally monitoring.Tally, i int, now time.Time) {
	id := fmt.Sprintf("bench-%06d", i)
	began := now.Add(-time.Duration(i%spanDays) * trial.RealDay)
	cohort := []trial.Cohort{trial.Automated, trial.Control}[i%2]
	r := trial.Registration{VendorID: id, Cohort: cohort, Policy: trial.DefaultPolicy(), Day: trial.RealDay, At: began}
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
			rows["sends"] = append(rows["sends"], bson.M{"_id": send.Key, "vendorId": id, "delivery": bson.M{"kind": "delivery"}})
		}
	}
	tally.Add(monitoring.OfTrial(events))
	for _, e := range events {
		rows["trial_events"] = append(rows["trial_events"], bson.M{"_id": trial.EventKey(id, e.Seq), "vendorId": id, "type": e.Type, "at": e.At})
	}
	rows["trials"] = append(rows["trials"], struct {
		ID          string `bson:"_id"`
		trial.State `bson:",inline"`
	}{id, state})
	rows["users"] = append(rows["users"], bson.M{"_id": id, "isVendor": true, "trialStartDate": began, "trialAutomation": bson.M{"status": state.Status, "cohort": cohort}})
}
