package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

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
	cursor, err := db.Collection("users").Find(ctx, bson.M{"isVendor": true})
	if err != nil {
		return nil, fmt.Errorf("reading the vendors: %w", err)
	}
	var vendors []vendor
	if err := cursor.All(ctx, &vendors); err != nil {
		return nil, fmt.Errorf("reading the vendors: %w", err)
	}
	var trials []struct {
		ID     string `bson:"_id"`
		Status string `bson:"status"`
		Late   bool   `bson:"convertedLate"`
	}
	if cursor, err = db.Collection("trials").Find(ctx, bson.M{}); err != nil {
		return nil, fmt.Errorf("reading the trials: %w", err)
	}
	if err := cursor.All(ctx, &trials); err != nil {
		return nil, fmt.Errorf("reading the trials: %w", err)
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

// countMails counts the mailbox's e-mails by vendor and step, page by page.
func countMails(ctx context.Context, mailbox string) (map[string]map[string]int, error) {
	counts := map[string]map[string]int{}
	for since := 0; ; {
		var page []struct {
			Index int               `json:"index"`
			Tags  map[string]string `json:"tags"`
		}
		a, err := system.Call(ctx, http.MethodGet, fmt.Sprintf("%s/messages?since=%d&limit=1000", mailbox, since), "", nil, nil)
		if err != nil {
			return nil, err
		}
		if err := a.Into(&page); err != nil {
			return nil, err
		}
		if len(page) == 0 {
			return counts, nil
		}
		for _, m := range page {
			id := m.Tags["trial_id"]
			if counts[id] == nil {
				counts[id] = map[string]int{}
			}
			counts[id][m.Tags["step"]+"/"+m.Tags["revision"]]++
		}
		since = page[len(page)-1].Index + 1
	}
}
