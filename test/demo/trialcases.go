package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/test/system"
)

// trialCase is what is done to one vendor on which day of its trial, and how the trial
// must end. What must come is written out by hand, not computed.
type trialCase struct {
	id          string
	description string
	// address is the local part's suffix that the mailbox reacts to.
	address string
	// unregistered vendors are put straight into the collection.
	unregistered bool
	// control vendors register while the rollout is at 0 %.
	control bool
	changes []change
	// mails are the sends that must have come, each exactly once, by kind and revision.
	mails  []string
	status string
	late   bool
}

type change struct {
	day float64
	act func(ctx context.Context, d *demo, id string) error
}

var whole = []string{"welcome/0", "reminder-7d/0", "reminder-3d/0", "reminder-1d/0", "expiry/0", "grace-end/0"}

func trialCases() []trialCase {
	return []trialCase{
		{id: "ana", description: "never converts", mails: whole, status: "expired"},
		{id: "bruno", description: "converts on day 5", mails: whole[:1], status: "converted",
			changes: []change{{5, convert}}},
		{id: "carla", description: "converts in grace", mails: whole[:5], status: "converted",
			changes: []change{{15.5, convert}}},
		{id: "davi", description: "converts late", mails: whole, status: "expired", late: true,
			changes: []change{{19, convert}}},
		{id: "elisa", description: "extended by 7 days on day 8", status: "expired",
			mails:   []string{"welcome/0", "reminder-7d/0", "reminder-7d/1", "reminder-3d/1", "reminder-1d/1", "expiry/1", "grace-end/1"},
			changes: []change{{8, steer("extend", 7)}}},
		{id: "fabio", description: "shortened by 4 days on day 5", status: "expired",
			mails:   []string{"welcome/0", "reminder-3d/1", "reminder-1d/1", "expiry/1", "grace-end/1"},
			changes: []change{{5, steer("shorten", 4)}}},
		{id: "gloria", description: "cancelled on day 4", mails: whole[:1], status: "cancelled",
			changes: []change{{4, steer("cancel", 0)}}},
		{id: "hugo", description: "expires, then revived for 4 days", status: "expired",
			mails:   append(whole[:6:6], "reminder-3d/1", "reminder-1d/1", "expiry/1", "grace-end/1"),
			changes: []change{{18, steer("revive", 4)}}},
		{id: "ines", description: "address bounces", address: "+bounce", mails: whole[:1], status: "expired"},
		{id: "joao", description: "unsubscribes on day 2", mails: whole[:1], status: "expired",
			changes: []change{{2, unsubscribe}}},
		{id: "kelly", description: "came past the API", unregistered: true, mails: whole, status: "expired"},
		{id: "luis", description: "in the control cohort", control: true, status: "expired"},
		{id: "maria", description: "SES takes a mail, then hangs up", address: "+hangup", mails: whole, status: "expired"},
		{id: "nuno", description: "SES throttles at first", address: "+throttle", mails: whole, status: "expired"},
	}
}

// vendorDomain is where they have their addresses.
const vendorDomain = "vendors.example.com"

func (f trialCase) email() string { return f.id + f.address + "@" + vendorDomain }

func convert(ctx context.Context, d *demo, id string) error {
	return system.Check(d.system.Service(ctx, http.MethodPost, "/api/vendors/"+id+"/conversion", map[string]any{}))
}

func steer(message string, days int) func(context.Context, *demo, string) error {
	return func(ctx context.Context, d *demo, id string) error {
		body := map[string]any{"reason": "shown in the demo"}
		if days > 0 {
			body["days"] = days
		}
		return system.Check(d.system.Admin(ctx, http.MethodPost, "/api/admin/trials/"+id+"/"+message, body))
	}
}

var link = regexp.MustCompile(`<https?://[^/>]+([^>]*)>`)

// unsubscribe does what a mail client does with the header of the welcome.
func unsubscribe(ctx context.Context, d *demo, id string) error {
	messages, err := d.system.Messages(ctx, id+"@"+vendorDomain)
	if err != nil || len(messages) == 0 {
		return fmt.Errorf("looking for the welcome of %s: %d messages, %w", id, len(messages), err)
	}
	found := link.FindStringSubmatch(messages[0].Headers["List-Unsubscribe"])
	if found == nil {
		return fmt.Errorf("no unsubscribe link in %v", messages[0].Headers)
	}
	return d.oneClick(ctx, found[1])
}

// insert puts a vendor where the marketplace would, past the API.
func (d *demo) insert(ctx context.Context, f trialCase) error {
	_, err := d.database.Collection("users").InsertOne(ctx, bson.M{
		"_id": f.id, "isVendor": true, "email": f.email(), "name": f.id, "createdAt": time.Now(),
	})
	if err != nil {
		return fmt.Errorf("inserting %s: %w", f.id, err)
	}
	return nil
}

func (d *demo) register(ctx context.Context, f trialCase) error {
	return system.Check(d.system.Service(ctx, http.MethodPost, "/api/vendors", map[string]any{"id": f.id, "email": f.email(), "name": f.id}))
}
