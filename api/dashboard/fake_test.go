package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/monitoring"
	"marketplace.example/trials/rollout"
	"marketplace.example/trials/trial"
)

var (
	errAway = &trial.Error{Code: trial.CodeUnavailable, Message: "the database does not answer"}
	errOdd  = errors.New("secret words of the driver")
)

// world is what the pages are made from, kept in memory.
type world struct {
	mu        sync.Mutex
	err       error
	flags     rollout.Document
	events    []rollout.Event
	judged    *rollout.Judgement
	vendors   map[string]trial.Vendor
	states    map[string]trial.State
	history   map[string][]trial.Event
	sends     map[string]trial.Send
	report    monitoring.Report
	parts     []dashboard.Part
	alerts    []dashboard.Alert
	now       time.Time
	steered   []rollout.Request
	steeredBy []string
	// waits lets every reading last until its context ends.
	waits bool
}

func (w *world) do(ctx context.Context, f func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waits {
		<-ctx.Done()
		return fmt.Errorf("reading: %w", ctx.Err())
	}
	if w.err != nil {
		return w.err
	}
	return f()
}

func (w *world) Flags(ctx context.Context) (doc rollout.Document, err error) {
	err = w.do(ctx, func() error {
		doc = w.flags
		return nil
	})
	return doc, err
}

func (w *world) CurrentRollout(ctx context.Context) (s rollout.State, found bool, err error) {
	err = w.do(ctx, func() error {
		s, found = rollout.Fold(w.events), len(w.events) > 0
		return nil
	})
	return s, found, err
}

func (w *world) Ledger(ctx context.Context, _ string) (l rollout.Ledger, j *rollout.Judgement, found bool, err error) {
	err = w.do(ctx, func() error {
		j, found = w.judged, w.judged != nil
		return nil
	})
	return l, j, found, err
}

func (w *world) Decisions(ctx context.Context, _ string, from, limit int) (events []rollout.Event, err error) {
	err = w.do(ctx, func() error {
		first := min(from-1, len(w.events))
		events = slices.Clone(w.events[first:min(first+limit, len(w.events))])
		return nil
	})
	return events, err
}

func (w *world) Vendor(ctx context.Context, id string) (v trial.Vendor, err error) {
	err = w.do(ctx, func() error {
		var known bool
		if v, known = w.vendors[id]; !known {
			return trial.NotFound(id)
		}
		return nil
	})
	return v, err
}

func (w *world) Trial(ctx context.Context, id string) (s trial.State, found bool, err error) {
	err = w.do(ctx, func() error {
		s, found = w.states[id]
		return nil
	})
	return s, found, err
}

func (w *world) Trials(ctx context.Context, f trial.Filter, after string, limit int) (page []trial.State, next string, err error) {
	err = w.do(ctx, func() error {
		for _, id := range slices.Sorted(maps.Keys(w.states)) {
			s := w.states[id]
			switch {
			case id <= after, f.Status != "" && f.Status != s.Status, f.Cohort != "" && f.Cohort != s.Cohort, f.Held != nil && *f.Held != (s.Held != nil):
			case len(page) == limit:
				next = page[limit-1].VendorID
				return nil
			default:
				page = append(page, s)
			}
		}
		return nil
	})
	return page, next, err
}

func (w *world) Events(ctx context.Context, id string, _ int) (events []trial.Event, err error) {
	err = w.do(ctx, func() error {
		events = slices.Clone(w.history[id])
		return nil
	})
	return events, err
}

func (w *world) Send(ctx context.Context, key string) (send *trial.Send, err error) {
	err = w.do(ctx, func() error {
		if s, known := w.sends[key]; known {
			send = &s
		}
		return nil
	})
	return send, err
}

// Steer does what the API does, by the same domain.
func (w *world) Steer(ctx context.Context, id, name string, r rollout.Request) error {
	return w.do(ctx, func() error {
		state := rollout.Fold(w.events)
		if state.ID != id {
			return &trial.Error{Code: trial.CodeNotFound, Field: "rolloutId", Message: "there is no such rollout"}
		}
		r.By = "admin"
		e, err := state.Request(name, r, nil, w.now)
		if err != nil || e == nil {
			return err
		}
		w.events = append(w.events, *e)
		w.steered, w.steeredBy = append(w.steered, r), append(w.steeredBy, name)
		return nil
	})
}

func (w *world) Report(ctx context.Context) (r monitoring.Report, err error) {
	err = w.do(ctx, func() error {
		r = w.report
		return nil
	})
	return r, err
}

func (w *world) Parts(context.Context) []dashboard.Part { return w.parts }

func (w *world) Alerts(ctx context.Context) (alerts []dashboard.Alert, err error) {
	err = w.do(ctx, func() error {
		alerts = w.alerts
		return nil
	})
	return alerts, err
}
