package main

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/system"
)

// vendor is what the database says of one vendor.
type vendor struct {
	ID    string    `bson:"_id"`
	Start time.Time `bson:"trialStartDate"`
	Auto  struct {
		Cohort     string  `bson:"cohort"`
		Bucket     float64 `bson:"bucket"`
		Percentage float64 `bson:"rolloutPercentage"`
		Conversion *struct {
			At time.Time `bson:"at"`
		} `bson:"conversion"`
	} `bson:"trialAutomation"`
	// status and late come from the collection `trials`.
	status string
	late   bool
}

func readVendors(ctx context.Context, db *mongo.Database) ([]vendor, error) {
	vendors, err := harness.Find[vendor](ctx, db, "users", bson.M{"isVendor": true})
	if err != nil {
		return nil, err
	}
	type trialDoc struct {
		ID     string `bson:"_id"`
		Status string `bson:"status"`
		Late   bool   `bson:"convertedLate"`
	}
	trials, err := harness.Find[trialDoc](ctx, db, "trials", bson.M{})
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(trials))
	for i, t := range trials {
		at[t.ID] = i
	}
	for i, v := range vendors {
		if n, ok := at[v.ID]; ok {
			vendors[i].status, vendors[i].late = trials[n].Status, trials[n].Late
		}
	}
	return vendors, nil
}

// countMails counts the mailbox's e-mails by vendor and step.
func countMails(ctx context.Context, mailbox string) (map[string]map[string]int, error) {
	counts := map[string]map[string]int{}
	err := system.EachMessage(ctx, mailbox, func(m system.Message) {
		id := m.Tags["trial_id"]
		if counts[id] == nil {
			counts[id] = map[string]int{}
		}
		counts[id][m.Tags["step"]+"/"+m.Tags["revision"]]++
	})
	return counts, err
}
