package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/test/harness"
	"marketplace.example/trials/test/system"
)

// demo lives through the cases on one system.
type demo struct {
	system   *system.System
	database *mongo.Database
	day      time.Duration
	out      io.Writer
	cases    []trialCase
	began    time.Time
	// quietFrom and quietTo bound the time in which the kill switch was thrown
	// and its second had passed.
	quietFrom, quietTo time.Time
}

// event is something that happens to all of them, or to one.
type event struct {
	day  float64
	what string
	act  func(ctx context.Context) error
}

// live registers everybody, then does each change on its day.
func (d *demo) live(ctx context.Context) error {
	d.cases = trialCases()
	if err := d.enter(ctx); err != nil {
		return err
	}
	events := d.sharedEvents()
	for _, f := range d.cases {
		for _, change := range f.changes {
			events = append(events, event{change.day, f.id + ": " + f.description, func(ctx context.Context) error { return change.act(ctx, d, f.id) }})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return int((a.day - b.day) * 1000) })
	for _, e := range events {
		if err := harness.Sleep(ctx, time.Until(d.began.Add(time.Duration(e.day*float64(d.day))))); err != nil {
			return err
		}
		d.printf("%s", e.what)
		if err := e.act(ctx); err != nil {
			return fmt.Errorf("day %.1f, %s: %w", e.day, e.what, err)
		}
	}
	return nil
}

// enter registers the vendors: the control cohort at 0 %, the others at 100 %.
func (d *demo) enter(ctx context.Context) error {
	for _, fault := range []map[string]any{
		{"kind": "hangup", "rate": 1, "count": 1, "match": "+hangup"},
		{"kind": "throttle", "rate": 1, "count": 2, "match": "+throttle"},
	} {
		if err := d.system.Fault(ctx, fault); err != nil {
			return err
		}
	}
	d.began = time.Now()
	for _, f := range d.cases {
		if f.control {
			if err := d.register(ctx, f); err != nil {
				return err
			}
		}
	}
	for _, f := range d.cases {
		if f.unregistered {
			if err := d.insert(ctx, f); err != nil {
				return err
			}
		}
	}
	if err := d.rollout(ctx, true, 100); err != nil {
		return err
	}
	for _, f := range d.cases {
		if f.control || f.unregistered {
			continue
		}
		if err := d.register(ctx, f); err != nil {
			return err
		}
	}
	d.printf("%d vendors have registered; a day lasts %s", len(d.cases), d.day)
	return nil
}

// sharedEvents are the operator's evening: a killed worker, and the kill switch
// thrown while the reminder of day 11 is about to leave.
func (d *demo) sharedEvents() []event {
	return []event{
		{5.6, "the worker is killed, and started again", func(ctx context.Context) error {
			d.system.KillWorker()
			return d.system.StartWorker(ctx)
		}},
		{10.5, "the kill switch: automation is disabled", func(ctx context.Context) error {
			err := d.rollout(ctx, false, 0)
			d.quietFrom = time.Now().Add(time.Second)
			return err
		}},
		{11.9, "automation is enabled again", func(ctx context.Context) error {
			d.quietTo = time.Now()
			return d.rollout(ctx, true, 100)
		}},
	}
}

func (d *demo) rollout(ctx context.Context, enabled bool, percentage float64) error {
	return system.Check(d.system.Admin(ctx, http.MethodPost, "/api/admin/feature-flags/trial-automation/rollout",
		map[string]any{"enabled": enabled, "rolloutPercentage": percentage}))
}

func (d *demo) oneClick(ctx context.Context, path string) error {
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	return system.Check(system.Call(ctx, http.MethodPost, d.system.API+path, "", []byte("List-Unsubscribe=One-Click"), header))
}

func (d *demo) printf(format string, args ...any) {
	today := time.Since(d.began).Seconds() / d.day.Seconds()
	_, _ = fmt.Fprintf(d.out, "day %4.1f  %s\n", today, fmt.Sprintf(format, args...))
}
