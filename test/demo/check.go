package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/system"
)

// found is what the system, the mailbox and the database say of one vendor.
type found struct {
	cohort, status string
	late           bool
	mails          []string
	wrong          []string
}

// await waits until every trial has ended as its case says, or the limit.
func (d *demo) await(ctx context.Context, limit time.Duration) error {
	running := 0
	err := harness.Until(ctx, limit, d.day/2, func() (bool, error) {
		running = 0
		for _, f := range d.cases {
			status, _, _, err := d.stored(ctx, f.id)
			if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
				return false, err
			}
			if status == "" || status == "active" || status == "grace" {
				running++
			}
		}
		return running == 0, nil
	})
	if err != nil {
		return fmt.Errorf("%d trials have not ended: %w", running, err)
	}
	return nil
}

// stored is what the collection `trials` holds of a vendor.
func (d *demo) stored(ctx context.Context, id string) (status, cohort string, late bool, err error) {
	var doc struct {
		Status string `bson:"status"`
		Cohort string `bson:"cohort"`
		Late   bool   `bson:"convertedLate"`
	}
	err = d.database.Collection("trials").FindOne(ctx, bson.M{"_id": id}).Decode(&doc)
	return doc.Status, doc.Cohort, doc.Late, err
}

// check compares every case with the mailbox and the database.
func (d *demo) check(ctx context.Context) (map[string]found, error) {
	messages, err := d.system.Messages(ctx, "")
	if err != nil {
		return nil, err
	}
	messages = to(messages, vendorDomain) // the rollouts' vendors have other addresses
	all := map[string]found{}
	for _, f := range d.cases {
		got, err := d.inspect(ctx, f, messages)
		if err != nil {
			return nil, err
		}
		all[f.id] = got
	}
	known := 0
	for _, f := range d.cases {
		known += len(all[f.id].mails)
	}
	if known != len(messages) {
		return all, fmt.Errorf("the mailbox holds %d e-mails, %d of them for the vendors of this demo", len(messages), known)
	}
	return all, d.wasQuiet(messages)
}

func (d *demo) inspect(ctx context.Context, f trialCase, messages []system.Message) (found, error) {
	var got found
	var err error
	if got.status, got.cohort, got.late, err = d.stored(ctx, f.id); err != nil {
		return got, fmt.Errorf("reading trial %s: %w", f.id, err)
	}
	for _, m := range messages {
		if step, ok := strings.CutPrefix(m.Step(), f.id+"/"); ok {
			got.mails = append(got.mails, step)
		}
	}
	got.complain(f)
	sends, err := d.database.Collection("sends").CountDocuments(ctx, bson.M{"vendorId": f.id, "sent": bson.M{"$exists": true}})
	if err != nil {
		return got, fmt.Errorf("counting the sends of %s: %w", f.id, err)
	}
	if int(sends) != len(f.mails) {
		got.wrong = append(got.wrong, fmt.Sprintf("database knows of %d sends", sends))
	}
	err = d.answers(ctx, f, &got)
	return got, err
}

// complain notes where what was found is not what must be.
func (got *found) complain(f trialCase) {
	cohort := "automated"
	if f.control {
		cohort = "control"
	}
	if got.cohort != cohort {
		got.wrong = append(got.wrong, "cohort "+got.cohort)
	}
	if got.status != f.status || got.late != f.late {
		got.wrong = append(got.wrong, fmt.Sprintf("ended %s, late %t", got.status, got.late))
	}
	if !slices.Equal(sorted(got.mails), sorted(f.mails)) {
		got.wrong = append(got.wrong, fmt.Sprintf("mails %v, not %v", got.mails, f.mails))
	}
}

// answers checks that the API says the same as the database.
func (d *demo) answers(ctx context.Context, f trialCase, got *found) error {
	a, err := d.system.Admin(ctx, http.MethodGet, "/api/admin/trials/"+f.id, nil)
	if err != nil {
		return err
	}
	if !strings.Contains(string(a.Body), `"status":"`+f.status+`"`) {
		got.wrong = append(got.wrong, "the API says otherwise")
	}
	return nil
}

// wasQuiet checks the kill switch: nothing left from a second after its answer on.
func (d *demo) wasQuiet(messages []system.Message) error {
	for _, m := range messages {
		if m.At.After(d.quietFrom) && m.At.Before(d.quietTo) {
			return fmt.Errorf("%s left at %s, while automation was disabled", m.Step(), m.At)
		}
	}
	return nil
}

// report prints what happened and tells whether all of it was right.
func (d *demo) report(all map[string]found) bool {
	t := table.NewWriter()
	t.SetOutputMirror(d.out)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"vendor", "what happens", "cohort", "ended", "mails", "checked"})
	right, mails := 0, 0
	for _, f := range d.cases {
		got := all[f.id]
		verdict := "ok"
		if len(got.wrong) > 0 {
			verdict = strings.Join(got.wrong, "; ")
		} else {
			right++
		}
		ended := got.status
		if got.late {
			ended += ", converted late"
		}
		mails += len(got.mails)
		t.AppendRow(table.Row{f.id, f.description, got.cohort, ended, fmt.Sprintf("%d of %d", len(got.mails), len(f.mails)), verdict})
	}
	t.AppendFooter(table.Row{"", fmt.Sprintf("%d of %d as they must be", right, len(d.cases)), "", "", mails, ""})
	t.Render()
	return right == len(d.cases)
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
