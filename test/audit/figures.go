package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/test/harness"
)

// figures are numbers by name.
type figures map[string]int

// countedFigures are what the counters say, summed over all days.
func countedFigures(ctx context.Context, db *mongo.Database) (figures, error) {
	type counterDoc struct {
		ID     string                    `bson:"_id"`
		Counts map[string]map[string]int `bson:"counts"`
	}
	docs, err := harness.Find[counterDoc](ctx, db, "counters", bson.M{})
	if err != nil {
		return nil, err
	}
	f := figures{}
	for _, doc := range docs {
		kind, _, _ := strings.Cut(doc.ID, "/")
		for cohort, counts := range doc.Counts {
			for name, n := range counts {
				f[kind+" "+cohort+" "+name] += n
			}
		}
	}
	return f, nil
}

// trueFigures are the same, counted over the collections.
func trueFigures(ctx context.Context, db *mongo.Database) (figures, error) {
	f := figures{}
	type trialDoc struct {
		ID     string `bson:"_id"`
		Cohort string `bson:"cohort"`
		Status string `bson:"status"`
		// Adopted is when a backfill automated the trial, which is counted by itself then.
		Adopted *time.Time `bson:"adoptedAt"`
	}
	trials, err := harness.Find[trialDoc](ctx, db, "trials", bson.M{})
	if err != nil {
		return nil, err
	}
	cohorts := map[string]string{}
	for _, t := range trials {
		if t.Adopted != nil && t.Cohort == "control" {
			t.Cohort = "adopted"
		}
		cohorts[t.ID] = t.Cohort
		f["standing "+t.Cohort+" "+t.Status]++
		f["day "+t.Cohort+" began"]++
		if t.Status == "converted" || t.Status == "expired" || t.Status == "cancelled" {
			f["day "+t.Cohort+" began"+strings.ToUpper(t.Status[:1])+t.Status[1:]]++
		}
	}
	if err := f.addEvents(ctx, db, cohorts); err != nil {
		return nil, err
	}
	return f, f.addSends(ctx, db)
}

// addEvents counts conversions and the ends of automated steps.
func (f figures) addEvents(ctx context.Context, db *mongo.Database, cohorts map[string]string) error {
	type eventDoc struct {
		VendorID string `bson:"vendorId"`
		Type     string `bson:"type"`
		Late     bool   `bson:"late"`
	}
	events, err := harness.Find[eventDoc](ctx, db, "trial_events", bson.M{})
	if err != nil {
		return err
	}
	for _, e := range events {
		cohort := cohorts[e.VendorID]
		switch {
		case e.Type == "converted" && e.Late:
			f["day "+cohort+" convertedLate"]++
		case e.Type == "converted":
			f["day "+cohort+" converted"]++
		case e.Type == "step" && cohort == "automated":
			f["steps over"]++
		}
	}
	return nil
}

func (f figures) addSends(ctx context.Context, db *mongo.Database) error {
	type sendDoc struct {
		Cohort   string `bson:"cohort"` // absent for the automated one
		Sent     bson.M `bson:"sent"`
		Delivery struct {
			Kind string `bson:"kind"`
		} `bson:"delivery"`
	}
	sends, err := harness.Find[sendDoc](ctx, db, "sends", bson.M{})
	if err != nil {
		return err
	}
	for _, s := range sends {
		cohort := cmp.Or(s.Cohort, "automated")
		f["e-mails"]++
		switch {
		case s.Delivery.Kind == "delivery":
			f["day "+cohort+" mailDelivered"]++
		case s.Delivery.Kind == "bounce":
			f["day "+cohort+" mailBounced"]++
		case s.Delivery.Kind == "" && s.Sent != nil:
			f["day "+cohort+" mailAccepted"]++
		}
	}
	return nil
}

// compareFigures complains of each figure where the counters say something else
// than the collections.
func (f *findings) compareFigures(counted, truth figures) {
	for name, n := range counted {
		_, what, _ := strings.Cut(name, " ")
		switch {
		case strings.HasPrefix(name, "day automated steps") && !strings.HasSuffix(name, "Late") && !strings.HasSuffix(name, "Held"):
			counted["steps over"] += n
		case strings.HasPrefix(what, "automated mail") || strings.HasPrefix(what, "adopted mail"):
			if strings.HasPrefix(name, "slot") || strings.HasSuffix(what, "mailResent") {
				continue
			}
			counted["e-mails"] += n
		}
	}
	names := slices.Sorted(maps.Keys(truth))
	for _, name := range names {
		if counted[name] != truth[name] {
			f.complain("the counters say %d for %q, the collections %d", counted[name], name, truth[name])
		}
	}
	f.compared = len(names)
}
