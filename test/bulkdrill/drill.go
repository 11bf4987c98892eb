// Package bulkdrill extends many trials in one bulk operation, kills the worker on the
// way, undoes it, and holds every trial against what must have become of it.
package bulkdrill

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

const (
	// kills is how often the worker is killed on the way.
	kills = 3
	// days is what the trials are extended by.
	days = 7
	// parallel is how many requests are under way at once.
	parallel = 16
	// longestHistory is the limit on the events of one run of the operation's workflow.
	longestHistory = 2000
	// reminders is how many e-mails tell of an end.
	reminders = 3
)

// Drill is one drill over a running system.
type Drill struct {
	*system.System
	// IDs are the vendors whose trials are extended; they are registered by Register.
	IDs []string
	// PerMinute is the operation's rate.
	PerMinute int
	// Wait bounds each of the two operations.
	Wait time.Duration
	// Say is told how far it is.
	Say func(format string, args ...any)
}

// Run drills: extends with kills, checks, undoes, checks.
func (d *Drill) Run(ctx context.Context, temporal client.Client) error {
	before, err := d.trials(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	extended, err := d.extend(ctx)
	if err != nil {
		return err
	}
	d.Say("extended %d trials in %s, the worker killed %d times", extended.State.Total, time.Since(began).Round(time.Second), kills)
	if err := d.eachOnce(ctx, extended, before); err != nil {
		return err
	}
	if err := d.historyIsShort(ctx, temporal, extended.Operation.ID); err != nil {
		return err
	}
	began = time.Now()
	undone, err := d.ask(ctx, "/api/admin/bulk/"+extended.Operation.ID+"/undo", map[string]any{"reason": "drill"})
	if err != nil {
		return err
	}
	if undone, err = d.await(ctx, undone.Operation.ID, func(v bulk.View) bool { return v.State.Status == bulk.Done }); err != nil {
		return err
	}
	d.Say("undone in %s", time.Since(began).Round(time.Second))
	return d.asBefore(ctx, undone, before)
}

// Register registers the vendors and waits until their trials have begun.
func (d *Drill) Register(ctx context.Context) error {
	return d.each(func(id string) error {
		a, err := d.Service(ctx, http.MethodPost, "/api/vendors", map[string]any{"id": id, "email": id + "@vendors.example.com", "name": "Vendor " + id})
		if err != nil {
			return err
		}
		if a.Status != http.StatusCreated {
			return fmt.Errorf("registering %s: %d %s", id, a.Status, a.Body)
		}
		return until(ctx, d.Wait, func() (bool, error) {
			t, err := d.trial(ctx, id)
			return err == nil && len(t.Events) > 0, err
		})
	})
}

// extend carries the operation out, and kills the worker whenever another share of
// the trials is done.
func (d *Drill) extend(ctx context.Context) (bulk.View, error) {
	v, err := d.ask(ctx, "/api/admin/bulk", map[string]any{"action": bulk.Extend, "ids": d.IDs, "days": days, "perMinute": d.PerMinute, "reason": "drill"})
	if err != nil {
		return v, err
	}
	for kill := 1; kill <= kills; kill++ {
		at := kill * len(d.IDs) / (kills + 1)
		if v, err = d.await(ctx, v.Operation.ID, func(v bulk.View) bool { return v.State.Turned() >= at }); err != nil {
			return v, err
		}
		if v.State.Status != bulk.Running {
			return v, fmt.Errorf("it is %s before the worker was killed for the %d. time", v.Summary, kill)
		}
		d.KillWorker()
		d.Say("worker killed after %d of %d", v.State.Turned(), v.State.Total)
		if err := d.StartWorker(ctx); err != nil {
			return v, err
		}
	}
	return d.await(ctx, v.Operation.ID, func(v bulk.View) bool { return v.State.Status == bulk.Done })
}

// eachOnce holds trials and outcomes against an extension of each, once.
func (d *Drill) eachOnce(ctx context.Context, v bulk.View, before map[string]known) error {
	if done := v.State.Counts.Of(bulk.Succeeded); done != len(d.IDs) || v.State.Counts.Items() != len(d.IDs) {
		return fmt.Errorf("%d of %d are counted as done: %v", done, len(d.IDs), v.State.Counts)
	}
	items, err := d.items(ctx, v.Operation.ID)
	if err != nil {
		return err
	}
	after, err := d.trials(ctx)
	if err != nil {
		return err
	}
	for i, id := range d.IDs {
		was, is, r := before[id], after[id], items[i].Result
		n := 0
		for _, e := range is.Events {
			if e.Type == trial.EventExtended {
				n++
			}
		}
		switch {
		case items[i].VendorID != id || r == nil || r.Outcome != bulk.Succeeded || r.Change == nil:
			return fmt.Errorf("item %d is %+v", i+1, items[i])
		case n != 1 || is.Trial.Revision != 1:
			return fmt.Errorf("%s was extended %d times, its revision is %d", id, n, is.Trial.Revision)
		case !is.Trial.EndsAt.Equal(was.Trial.EndsAt.Add(days * trial.RealDay)):
			return fmt.Errorf("%s ends at %s, and ended at %s before", id, is.Trial.EndsAt, was.Trial.EndsAt)
		case !r.Change.Was.Equal(was.Trial.EndsAt) || !r.Change.Is.Equal(is.Trial.EndsAt):
			return fmt.Errorf("%s: the outcome tells of %+v", id, r.Change)
		}
	}
	d.Say("each of %d trials was extended once, and has its outcome", len(d.IDs))
	return nil
}

// asBefore holds the trials against their old ends, and their reminders planned anew.
func (d *Drill) asBefore(ctx context.Context, v bulk.View, before map[string]known) error {
	if done := v.State.Counts.Of(bulk.Succeeded); done != len(d.IDs) {
		return fmt.Errorf("%d of %d were undone: %v", done, len(d.IDs), v.State.Counts)
	}
	after, err := d.trials(ctx)
	if err != nil {
		return err
	}
	for _, id := range d.IDs {
		was, is := before[id], after[id]
		if !is.Trial.EndsAt.Equal(was.Trial.EndsAt) || is.Trial.Revision != 2 {
			return fmt.Errorf("%s ends at %s in revision %d, and ended at %s before", id, is.Trial.EndsAt, is.Trial.Revision, was.Trial.EndsAt)
		}
		planned := 0
		for _, step := range is.Timetable.Steps {
			if step.Kind.IsReminder() {
				planned++
			}
		}
		if is.Trial.Automated && planned != reminders {
			return fmt.Errorf("%s has %d reminders to come", id, planned)
		}
	}
	d.Say("each of %d trials has its old end back, and its reminders", len(d.IDs))
	return nil
}

// historyIsShort looks at every run of the operation's workflow.
func (d *Drill) historyIsShort(ctx context.Context, temporal client.Client, id string) error {
	run, longest, runs := "", int64(0), 0
	for {
		described, err := temporal.DescribeWorkflowExecution(ctx, id, run)
		if err != nil {
			return fmt.Errorf("describing %s: %w", id, err)
		}
		info := described.GetWorkflowExecutionInfo()
		longest, runs = max(longest, info.GetHistoryLength()), runs+1
		if info.GetFirstRunId() == info.GetExecution().GetRunId() {
			break
		}
		if run, err = d.runBefore(ctx, temporal, info.GetExecution().GetWorkflowId(), info.GetExecution().GetRunId()); err != nil {
			return err
		}
	}
	d.Say("its workflow had %d runs, the longest of %d events", runs, longest)
	if longest > longestHistory {
		return fmt.Errorf("a history of %d events", longest)
	}
	return nil
}

// runBefore is the run that a run continues.
func (d *Drill) runBefore(ctx context.Context, temporal client.Client, id, run string) (string, error) {
	history := temporal.GetWorkflowHistory(ctx, id, run, false, 0)
	first, err := history.Next()
	if err != nil {
		return "", fmt.Errorf("reading the history of %s: %w", id, err)
	}
	return first.GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId(), nil
}

// known is what the API tells of a trial.
type known struct {
	Trial     trial.Overview  `json:"trial"`
	Timetable trial.Timetable `json:"timetable"`
	Events    []trial.Event   `json:"events"`
}

func (d *Drill) trial(ctx context.Context, id string) (known, error) {
	var k known
	a, err := d.Admin(ctx, http.MethodGet, "/api/admin/trials/"+id, nil)
	if err != nil {
		return k, err
	}
	if a.Status != http.StatusOK {
		return k, fmt.Errorf("reading trial %s: %d %s", id, a.Status, a.Body)
	}
	err = a.Into(&k)
	return k, err
}

func (d *Drill) trials(ctx context.Context) (map[string]known, error) {
	all := make([]known, len(d.IDs))
	var g errgroup.Group
	g.SetLimit(parallel)
	for i, id := range d.IDs {
		g.Go(func() (err error) {
			all[i], err = d.trial(ctx, id)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	byID := make(map[string]known, len(all))
	for i, id := range d.IDs {
		byID[id] = all[i]
	}
	return byID, nil
}

func (d *Drill) items(ctx context.Context, id string) ([]bulk.Item, error) {
	var items []bulk.Item
	for cursor := 0; ; {
		a, err := d.Admin(ctx, http.MethodGet, fmt.Sprintf("/api/admin/bulk/%s/items?limit=500&cursor=%d", id, cursor), nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Items      []bulk.Item `json:"items"`
			NextCursor *int        `json:"nextCursor"`
		}
		if err := a.Into(&page); err != nil {
			return nil, err
		}
		items = append(items, page.Items...)
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	if len(items) != len(d.IDs) {
		return nil, fmt.Errorf("%d items of %d", len(items), len(d.IDs))
	}
	return items, nil
}

func (d *Drill) each(fn func(id string) error) error {
	var g errgroup.Group
	g.SetLimit(parallel)
	for _, id := range d.IDs {
		g.Go(func() error { return fn(id) })
	}
	return g.Wait()
}

func (d *Drill) ask(ctx context.Context, path string, body any) (bulk.View, error) {
	var v bulk.View
	a, err := d.Admin(ctx, http.MethodPost, path, body)
	if err != nil {
		return v, err
	}
	if a.Status != http.StatusAccepted {
		return v, fmt.Errorf("%s: %d %s", path, a.Status, a.Body)
	}
	err = a.Into(&v)
	return v, err
}

// await waits until an operation stands as wanted. One that is paused or stopped never will.
func (d *Drill) await(ctx context.Context, id string, wanted func(bulk.View) bool) (v bulk.View, err error) {
	err = until(ctx, d.Wait, func() (bool, error) {
		a, err := d.Admin(ctx, http.MethodGet, "/api/admin/bulk/"+id, nil)
		if err != nil {
			return false, err
		}
		if err := a.Into(&v); err != nil {
			return false, err
		}
		if v.State.Status == bulk.Paused || v.State.Status == bulk.Stopped {
			return false, fmt.Errorf("the operation is %s", v.Summary)
		}
		return wanted(v), nil
	})
	if err != nil {
		err = fmt.Errorf("waiting for %s, %s: %w", id, v.Summary, err)
	}
	return v, err
}

// until asks until it is so.
func until(ctx context.Context, limit time.Duration, so func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		if yes, err := so(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s: %w", limit, ctx.Err())
		case <-ticker.C:
		}
	}
}
