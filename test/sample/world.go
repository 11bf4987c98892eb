// Package sample is a made-up world for the dashboard's pages: for their tests and
// their pictures. It keeps in memory what the database would.
package sample

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// ErrUnavailable is how the adapters say that the database does not answer.
var ErrUnavailable = &trial.Error{Code: trial.CodeUnavailable, Message: "the database does not answer"}

// World is what the pages are made from. It implements all ports of the dashboard.
type World struct {
	mu sync.Mutex
	// Err is what every reading fails with; nil where the database answers.
	Err error
	// Waits lets every reading last until its context ends.
	Waits bool
	// Moment is now.
	Moment   time.Time
	Document rollout.Document
	// Rollout are the rollout's events, none before one began.
	Rollout []rollout.Event
	Judged  *rollout.Judgement
	// By vendor id, and the e-mails by key.
	VendorsByID map[string]trial.Vendor
	States      map[string]trial.State
	History     map[string][]trial.Event
	Sends       map[string]trial.Send
	Issued      map[access.Key]access.Token
	Figures     monitoring.Report
	Assessed    monitoring.Health
	// Alerts are how they stand, AlertHistory what happened to them.
	Alerts       map[monitoring.RuleID]monitoring.Alert
	AlertHistory map[monitoring.RuleID][]monitoring.AlertEvent
	// Record is the audit record, in order.
	Record []audit.Entry
	// Operations are the bulk operations, the first first, and Items their trials.
	Operations []bulk.View
	Items      map[string][]bulk.Item
	// Steered are the requests carried out, Controls their names, and Answered
	// those about alerts.
	Steered  []rollout.Request
	Controls []string
	Answered []monitoring.AlertRequest
}

func (w *World) guarded(ctx context.Context, f func() error) error {
	if w.Waits {
		<-ctx.Done()
		return fmt.Errorf("reading: %w", ctx.Err())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.Err != nil {
		return w.Err
	}
	return f()
}

func (w *World) Flags(ctx context.Context) (doc rollout.Document, err error) {
	err = w.guarded(ctx, func() error {
		doc = w.Document
		return nil
	})
	return doc, err
}

func (w *World) CurrentRollout(ctx context.Context) (s rollout.State, found bool, err error) {
	err = w.guarded(ctx, func() error {
		s, found = rollout.Fold(w.Rollout), len(w.Rollout) > 0
		return nil
	})
	return s, found, err
}

func (w *World) Ledger(ctx context.Context, _ string) (l rollout.Ledger, j *rollout.Judgement, found bool, err error) {
	err = w.guarded(ctx, func() error {
		j, found = w.Judged, w.Judged != nil
		return nil
	})
	return l, j, found, err
}

func (w *World) Decisions(ctx context.Context, _ string, from, limit int) (events []rollout.Event, err error) {
	err = w.guarded(ctx, func() error {
		first := min(from-1, len(w.Rollout))
		events = slices.Clone(w.Rollout[first:min(first+limit, len(w.Rollout))])
		return nil
	})
	return events, err
}

func (w *World) Vendor(ctx context.Context, id string) (v trial.Vendor, err error) {
	err = w.guarded(ctx, func() error {
		var known bool
		if v, known = w.VendorsByID[id]; !known {
			return trial.NotFound(id)
		}
		return nil
	})
	return v, err
}

func (w *World) Trial(ctx context.Context, id string) (s trial.State, found bool, err error) {
	err = w.guarded(ctx, func() error {
		s, found = w.States[id]
		return nil
	})
	return s, found, err
}

func (w *World) Trials(ctx context.Context, f trial.Filter, after string, limit int) (page []trial.State, next string, err error) {
	err = w.guarded(ctx, func() error {
		for _, id := range slices.Sorted(maps.Keys(w.States)) {
			s := w.States[id]
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

func (w *World) Events(ctx context.Context, id string, _ int) (events []trial.Event, err error) {
	err = w.guarded(ctx, func() error {
		events = slices.Clone(w.History[id])
		return nil
	})
	return events, err
}

func (w *World) Send(ctx context.Context, key string) (send *trial.Send, err error) {
	err = w.guarded(ctx, func() error {
		if s, known := w.Sends[key]; known {
			send = &s
		}
		return nil
	})
	return send, err
}

// Steer does what the API does, by the same domain.
func (w *World) Steer(ctx context.Context, id, name string, r rollout.Request) error {
	return w.guarded(ctx, func() error {
		state := rollout.Fold(w.Rollout)
		if state.ID != id {
			return &trial.Error{Code: trial.CodeNotFound, Field: "rolloutId", Message: "there is no such rollout"}
		}
		r.By = access.Of(ctx).Name
		e, err := state.Request(name, r, nil, w.Moment)
		if err != nil || e == nil {
			return err
		}
		w.Rollout = append(w.Rollout, *e)
		w.Steered, w.Controls = append(w.Steered, r), append(w.Controls, name)
		return nil
	})
}

func (w *World) Token(ctx context.Context, key access.Key) (t access.Token, found bool, err error) {
	err = w.guarded(ctx, func() error {
		t, found = w.Issued[key]
		return nil
	})
	return t, found, err
}

// Tokens are all that were issued.
func (w *World) Tokens(ctx context.Context) (tokens []access.Token, err error) {
	err = w.guarded(ctx, func() error {
		tokens = slices.Collect(maps.Values(w.Issued))
		return nil
	})
	return tokens, err
}

func (w *World) Report(ctx context.Context) (r monitoring.Report, err error) {
	err = w.guarded(ctx, func() error {
		r = w.Figures
		return nil
	})
	return r, err
}

// Health implements dashboard.Health; it does not ask the database alone.
func (w *World) Health(context.Context) (monitoring.Health, error) { return w.Assessed, nil }
