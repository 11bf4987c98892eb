// Package bulkdrill extends many trials in one bulk operation, kills the worker on the
// way, undoes it, and holds every trial against what must have become of it.
package bulkdrill

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/harness"
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
	// lookEvery is how often it looks whether something has happened.
	lookEvery = 100 * time.Millisecond
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
	// Printf prints how far it is.
	Printf func(format string, args ...any)
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
	d.Printf("extended %d trials in %s, the worker killed %d times", extended.State.Total, time.Since(began).Round(time.Second), kills)
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
	d.Printf("undone in %s", time.Since(began).Round(time.Second))
	return d.asBefore(ctx, undone, before)
}

// Register registers the vendors and waits until their trials have begun.
func (d *Drill) Register(ctx context.Context) error {
	return d.each(func(id string) error {
		body := map[string]any{"id": id, "email": id + "@vendors.example.com", "name": "Vendor " + id}
		if err := system.Check(d.Service(ctx, http.MethodPost, "/api/vendors", body)); err != nil {
			return err
		}
		return harness.Until(ctx, d.Wait, lookEvery, func() (bool, error) {
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
		d.Printf("worker killed after %d of %d", v.State.Turned(), v.State.Total)
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
	d.Printf("each of %d trials was extended once, and has its outcome", len(d.IDs))
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
	d.Printf("each of %d trials has its old end back, and its reminders", len(d.IDs))
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
	d.Printf("its workflow had %d runs, the longest of %d events", runs, longest)
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
	return system.Read[known](d.Admin(ctx, http.MethodGet, "/api/admin/trials/"+id, nil))
}

func (d *Drill) trials(ctx context.Context) (map[string]known, error) {
	var mu sync.Mutex
	byID := make(map[string]known, len(d.IDs))
	return byID, d.each(func(id string) error {
		k, err := d.trial(ctx, id)
		mu.Lock()
		defer mu.Unlock()
		byID[id] = k
		return err
	})
}

func (d *Drill) items(ctx context.Context, id string) ([]bulk.Item, error) {
	type page struct {
		Items      []bulk.Item `json:"items"`
		NextCursor *int        `json:"nextCursor"`
	}
	var items []bulk.Item
	for cursor := new(int); cursor != nil; {
		p, err := system.Read[page](d.Admin(ctx, http.MethodGet, fmt.Sprintf("/api/admin/bulk/%s/items?limit=500&cursor=%d", id, *cursor), nil))
		if err != nil {
			return nil, err
		}
		items, cursor = append(items, p.Items...), p.NextCursor
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
	return system.Read[bulk.View](d.Admin(ctx, http.MethodPost, path, body))
}

// await waits until an operation stands as wanted. One that is paused or stopped never will.
func (d *Drill) await(ctx context.Context, id string, wanted func(bulk.View) bool) (v bulk.View, err error) {
	err = harness.Until(ctx, d.Wait, lookEvery, func() (bool, error) {
		if v, err = system.Read[bulk.View](d.Admin(ctx, http.MethodGet, "/api/admin/bulk/"+id, nil)); err != nil {
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
