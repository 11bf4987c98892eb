package fakeapi

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/memory"
)

// backend is the store and the workflows behind the API's handlers. What no test of a program calls for is missing.
type backend struct {
	*memory.Store
	missing

	api *API
}

type missing struct{ app.Store }

// RegisterVendor has those automated whose id ends in a.
func (b *backend) RegisterVendor(ctx context.Context, v trial.Vendor) (stored trial.Vendor, created bool, err error) {
	v.Automation.Cohort = trial.Control
	if strings.HasSuffix(v.ID, "a") {
		v.Automation.Cohort = trial.Automated
	}
	return b.Store.RegisterVendor(ctx, v)
}

// RecordConversion has the workflow know at once.
func (b *backend) RecordConversion(ctx context.Context, id string, c trial.Conversion) (first trial.Conversion, created bool, err error) {
	c.Recorded = true
	return b.Store.RecordConversion(ctx, id, c)
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

// Counters have as many vendors register every day.
func (b *backend) Counters(ctx context.Context, periods []monitoring.Period) (tally monitoring.Tally, err error) {
	const everyDay = 24
	err = b.Do(ctx, func() error {
		tally = monitoring.Tally{}
		for _, p := range periods {
			tally[monitoring.Counter{Period: p, Cohort: trial.Control, Name: monitoring.Began}] = everyDay
		}
		return nil
	})
	return tally, err
}

// Calls are none, as no call is observed.
func (b *backend) Calls(context.Context, time.Time, time.Time, time.Duration) (rollout.Calls, error) {
	return rollout.Calls{}, nil
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
			facts := trial.StepFacts{Now: b.api.now(), AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
			decision := trial.Decide(state, step, facts)
			state = b.AddEvent(state.StepEvent(step, decision, facts, decision.Action == trial.Run), state)
		}
		return nil
	})
	return state, found, err
}

func (b *backend) Rollout(ctx context.Context, id string) (state rollout.State, err error) {
	state, _, err = b.CurrentRollout(ctx)
	if err == nil && (state.ID == "" || state.ID != id) {
		err = &trial.Error{Code: trial.CodeNotFound, Field: "id", Message: fmt.Sprintf("there is no rollout %q", id)}
	}
	return state, err
}

func (b *backend) ObserveCall(rollout.Call) {}

func (b *backend) SettleAudit(ctx context.Context, settled audit.Entry) error {
	_, err := b.AppendAudit(ctx, settled)
	return err
}
