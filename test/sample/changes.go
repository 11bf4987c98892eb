package sample

import (
	"context"
	"errors"
	"slices"
	"strings"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

var errNoReason = trial.Invalid("reason", "is missing")

// StartBulkRecorded does what the API and a dry run do, by the same domain: whoever has a trial would be changed.
func (w *World) StartBulkRecorded(ctx context.Context, key string, o bulk.Operation, list []bulk.Listing) (v bulk.View, err error) {
	if strings.TrimSpace(o.Reason) == "" {
		return v, errNoReason
	}
	err = w.Do(ctx, func() error {
		o.ID, o.By, o.AskedAt, o.Listed = "bulk-"+key, access.Of(ctx).Name, w.Moment, len(list)
		if o.Action == bulk.Convert && o.At == nil {
			o.At = &o.AskedAt
		}
		if err := errors.Join(o.Validate(), o.CheckList(list)); err != nil {
			return err
		}
		if i := w.operation(o.ID); i >= 0 {
			v = w.Operations[i]
			return nil
		}
		v = w.lookedAt(o, list)
		w.Operations = append(w.Operations, v)
		return nil
	})
	return v, err
}

// lookedAt is an operation after its dry run.
func (w *World) lookedAt(o bulk.Operation, list []bulk.Listing) bulk.View {
	state := bulk.Begin(o)
	if o.Filter != nil {
		for _, s := range w.States {
			if o.Filter.Takes(s) {
				list = append(list, bulk.Listing{VendorID: s.VendorID})
			}
		}
		slices.SortFunc(list, func(a, b bulk.Listing) int { return strings.Compare(a.VendorID, b.VendorID) })
		state = state.Chosen(o, len(list), true, w.Moment)
	}
	w.Items[o.ID] = bulk.Items(list, w.Moment)
	seen, examples := bulk.Tally{}, []bulk.Example{}
	for _, l := range list {
		e := bulk.Example{VendorID: l.VendorID, Outcome: bulk.Succeeded, Reason: bulk.ReasonCarriedOut}
		if s, known := w.States[l.VendorID]; !known {
			e.Outcome, e.Reason = bulk.Refused, bulk.ReasonNoTrial
		} else {
			e.Was, e.Is = &s.EndsAt, new(s.EndsAt.AddDate(0, 0, max(o.Days, l.Days)))
		}
		seen, examples = seen.Add(e.Outcome, e.Reason), append(examples, e)
	}
	if state.Status == bulk.Planning {
		state = state.Looked(bulk.Page{From: 1, To: len(list)}, examples, seen, w.Moment)
	}
	return bulk.ViewOf(o, state)
}

func (w *World) operation(id string) int {
	return slices.IndexFunc(w.Operations, func(v bulk.View) bool { return v.Operation.ID == id })
}

// SteerBulkRecorded does what the API and the workflow do, by the same domain.
func (w *World) SteerBulkRecorded(ctx context.Context, s app.BulkSteering) error {
	return w.steerBulk(ctx, s, func(v *bulk.View) error {
		state, err := v.State.Request(bulk.Control{ID: s.Key, Name: s.Control, Reason: s.Reason, By: access.Of(ctx).Name, At: w.Moment})
		if err == nil {
			*v = bulk.ViewOf(v.Operation, state)
		}
		return err
	})
}

// UndoBulkRecorded begins an operation that undoes another one.
func (w *World) UndoBulkRecorded(ctx context.Context, s app.BulkSteering) (undo bulk.View, err error) {
	var added *bulk.View
	err = w.steerBulk(ctx, s, func(v *bulk.View) error {
		o, err := bulk.UndoOf(v.Operation, v.State, "bulk-"+s.Key, s.Reason, access.Of(ctx).Name, w.Moment)
		undo = bulk.ViewOf(o, bulk.Begin(o))
		if w.operation(o.ID) < 0 {
			added = &undo
		}
		return err
	})
	if err == nil && added != nil {
		w.Operations = append(w.Operations, *added)
	}
	return undo, err
}

func (w *World) steerBulk(ctx context.Context, s app.BulkSteering, change func(*bulk.View) error) error {
	if strings.TrimSpace(s.Reason) == "" {
		return errNoReason
	}
	return w.Do(ctx, func() error {
		i := w.operation(s.ID)
		if i < 0 {
			return bulk.NotFound(s.ID)
		}
		v := &w.Operations[i]
		stops := s.Control == bulk.ControlPause || s.Control == bulk.ControlStop
		if !stops && !v.State.Knows(s.Key) && v.State.Mark() != s.Seen {
			return trial.Conflict("the operation has gone on since this page was opened: it is %s now", v.State.Status)
		}
		return change(v)
	})
}

// PlanRollout is of the default plan where none is given.
func (w *World) PlanRollout(ctx context.Context, r app.NewRollout) (start rollout.Start, err error) {
	err = w.Do(ctx, func() error {
		latest := rollout.Fold(w.Rollout)
		if latest.ID != "" && !latest.Status.Final() {
			return trial.Conflict("the rollout %s is %s: only one runs at a time", latest.ID, latest.Status)
		}
		start = rollout.Start{Plan: rollout.DefaultPlan(), By: access.Of(ctx).Name, Times: evidence.Times{Day: day, TrialDays: 17}}
		if r.RestartOf != nil {
			if *r.RestartOf != latest.ID || latest.Status != rollout.RolledBack {
				return trial.Conflict("only one that was rolled back is restarted")
			}
			start.RestartOf, start.Plan = *r.RestartOf, latest.Plan
		}
		if r.Plan != nil {
			start.Plan = *r.Plan
		}
		if r.Phase != nil {
			start.Phase = *r.Phase - 1
		}
		return start.Validate()
	})
	return start, err
}

// StartRolloutRecorded starts a rollout in the place of the one before, which must be the one that was seen.
func (w *World) StartRolloutRecorded(ctx context.Context, b app.RolloutBegin) (string, error) {
	id := "rollout-" + b.Key
	if strings.TrimSpace(b.Reason) == "" {
		return "", errNoReason
	}
	latest := rollout.Fold(w.Rollout)
	seen := app.NoRollout
	if latest.ID != "" {
		seen = latest.ID
	}
	switch seen {
	case id:
		return id, nil
	case b.Seen:
	default:
		return "", trial.Conflict("another rollout has started since this page was opened: look again")
	}
	start, err := w.PlanRollout(ctx, b.NewRollout)
	if err != nil {
		return "", err
	}
	start.ID = id
	w.Rollout, w.Judged, w.Series = []rollout.Event{rollout.Begin(start, w.Moment)}, nil, rollout.TimeSeries{}
	w.BegunFor = append(w.BegunFor, b.Reason)
	return id, nil
}
