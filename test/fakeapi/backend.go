package fakeapi

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/memory"
)

// backend is the store and the workflows behind the API's handlers. What no test of a program calls for is missing.
type backend struct {
	*memory.Store
	missing

	api  *API
	keys map[string]idempotency.Claim
}

type missing struct{ rest.Store }

// RegisterVendor has those automated whose id ends in a.
func (b *backend) RegisterVendor(ctx context.Context, v trial.Vendor) (stored trial.Vendor, created bool, err error) {
	err = b.Do(ctx, func() error {
		known, there := b.VendorsByID[v.ID]
		if there {
			stored = known
			return nil
		}
		v.Automation.Cohort = trial.Control
		if strings.HasSuffix(v.ID, "a") {
			v.Automation.Cohort = trial.Automated
		}
		b.VendorsByID[v.ID], stored, created = v, v, true
		return nil
	})
	return stored, created, err
}

func (b *backend) VendorOnRecord(ctx context.Context, id string) (trial.Vendor, error) {
	return b.Vendor(ctx, id)
}

// changeVendor lets a vendor be changed that is there.
func (b *backend) changeVendor(ctx context.Context, id string, change func(*trial.Vendor)) error {
	return b.Do(ctx, func() error {
		v, there := b.VendorsByID[id]
		if !there {
			return trial.NotFound(id)
		}
		change(&v)
		b.VendorsByID[id] = v
		return nil
	})
}

func (b *backend) RecordConversion(ctx context.Context, id string, c trial.Conversion) (first trial.Conversion, created bool, err error) {
	err = b.changeVendor(ctx, id, func(v *trial.Vendor) {
		if v.Automation.Conversion == nil {
			c.Recorded, created = true, true
			automation := *v.Automation
			automation.Conversion = &c
			v.Automation = &automation
		}
		first = *v.Automation.Conversion
	})
	return first, created, err
}

func (b *backend) EraseVendor(ctx context.Context, id string, e trial.Erasure) (trial.Erasure, error) {
	err := b.changeVendor(ctx, id, func(v *trial.Vendor) {
		if v.ErasedAt != nil {
			e.At = *v.ErasedAt
		}
		v.Name, v.Email, v.ErasedAt = "", "", &e.At
	})
	return e, err
}

func (b *backend) Suppressions(context.Context, string) ([]trial.Suppression, error) {
	return []trial.Suppression{}, nil
}

func (b *backend) Sends(ctx context.Context, vendorID string) (sends []trial.Send, err error) {
	err = b.Do(ctx, func() error {
		for _, key := range slices.Sorted(maps.Keys(b.Store.Sends)) {
			if send := b.Store.Sends[key]; send.VendorID == vendorID {
				sends = append(sends, send)
			}
		}
		return nil
	})
	return sends, err
}

// Trial does what is due of a trial, and returns it.
func (b *backend) Trial(ctx context.Context, id string) (state trial.State, found bool, err error) {
	err = b.Do(ctx, func() error {
		state, found = b.States[id]
		for found && !b.api.Idle {
			step, more := state.Next()
			if !more || !step.At.Before(b.api.now()) || state.Held != nil {
				break
			}
			facts := trial.Facts{Now: b.api.now(), AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
			decision := trial.Decide(state, step, facts)
			state = b.AddEvent(state.StepEvent(step, decision, facts, decision.Action == trial.Run), state)
		}
		return nil
	})
	return state, found, err
}

func (b *backend) UpdateFlags(ctx context.Context, by string, change func(*rollout.FlagChange) error) (doc rollout.Document, err error) {
	err = b.Do(ctx, func() error {
		c := b.Document.Change()
		if err := change(&c); err != nil {
			return err
		}
		b.Document, _ = b.Document.Changed(c, by, b.api.now().UTC())
		doc = b.Document
		return nil
	})
	return doc, err
}

func (b *backend) Rollout(ctx context.Context, id string) (state rollout.State, err error) {
	state, _, err = b.CurrentRollout(ctx)
	if err == nil && (state.ID == "" || state.ID != id) {
		err = &trial.Error{Code: trial.CodeNotFound, Field: "id", Message: fmt.Sprintf("there is no rollout %q", id)}
	}
	return state, err
}

func (b *backend) Report(ctx context.Context, _, id string) (r rollout.Report, notified, found bool, err error) {
	err = b.Do(ctx, func() error { r, found = b.Reports[id]; return nil })
	return r, found, found, err
}

func (b *backend) ObserveCall(time.Duration, bool) {}

func (b *backend) Alert(ctx context.Context, id monitoring.RuleID) (alert monitoring.Alert, err error) {
	err = b.Do(ctx, func() error { alert = b.AlertOf(id); return nil })
	return alert, err
}

func (b *backend) ChangeAlert(
	ctx context.Context, id monitoring.RuleID, change func(monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error),
) (after monitoring.Alert, err error) {
	err = b.Do(ctx, func() error {
		changed, e, err := change(b.AlertOf(id))
		if err == nil {
			b.SetAlert(changed, e)
			after = changed
		}
		return err
	})
	return after, err
}

func (b *backend) AppendAudit(ctx context.Context, e audit.Entry) (stands audit.Entry, err error) {
	err = b.Do(ctx, func() error { stands = b.AddEntry(e); return nil })
	return stands, err
}

func (b *backend) SettleAudit(ctx context.Context, settled audit.Entry) error {
	_, err := b.AppendAudit(ctx, settled)
	return err
}

func (b *backend) AddToken(ctx context.Context, key access.Key, t access.Token) error {
	return b.Do(ctx, func() error { b.Issued[key] = t; return nil })
}

func (b *backend) RevokeToken(ctx context.Context, id, by string, at time.Time) (t access.Token, err error) {
	err = b.Do(ctx, func() error {
		for key, known := range b.Issued {
			if known.ID != id {
				continue
			}
			if t = known; t.RevokedAt == nil {
				t.RevokedAt, t.RevokedBy = &at, by
				b.Issued[key] = t
			}
			return nil
		}
		return access.NoToken(id)
	})
	return t, err
}

func (b *backend) ClaimKey(ctx context.Context, key string, c idempotency.Claim) (first idempotency.Claim, mine bool, err error) {
	err = b.Do(ctx, func() error {
		if b.keys == nil {
			b.keys = map[string]idempotency.Claim{}
		}
		var there bool
		if first, there = b.keys[key]; !there {
			b.keys[key], first, mine = c, c, true
		}
		return nil
	})
	return first, mine, err
}

func (b *backend) SettleKey(ctx context.Context, key string, c idempotency.Claim, done bool) error {
	return b.Do(ctx, func() error {
		if c.Done = done; done {
			b.keys[key] = c
		} else {
			delete(b.keys, key)
		}
		return nil
	})
}
