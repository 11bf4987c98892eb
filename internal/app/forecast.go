package app

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"sync"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// comparedRates are the registrations a day that the requirements speak of; a forecast at the rate of the last four weeks is
// compared with them.
var comparedRates = []float64{10, 30, 50}

// Forecast says what a plan, nil for the configured one, will be able to decide and what it risks at perDay registrations a
// day. Nil is the rate of the last four weeks, and those of the requirements beside it.
func (a *App) Forecast(ctx context.Context, plan *rollout.Plan, perDay *float64) (rollout.Forecast, error) {
	p := a.Plan
	if plan != nil {
		p = *plan
	}
	if err := p.Validate(); err != nil {
		return rollout.Forecast{}, trial.Within("plan.", err)
	}
	if perDay != nil {
		return a.forecastAt(ctx, p, *perDay)
	}
	recent, err := a.recentRate(ctx)
	if err != nil {
		return rollout.Forecast{}, err
	}
	f, err := a.forecastAt(ctx, p, recent)
	f.Recent = true
	for _, rate := range comparedRates {
		if err != nil {
			return rollout.Forecast{}, err
		}
		var other rollout.Forecast
		other, err = a.forecastAt(ctx, p, rate)
		f.Others = append(f.Others, other)
	}
	return f, err
}

func (a *App) forecastAt(ctx context.Context, p rollout.Plan, perDay float64) (rollout.Forecast, error) {
	return a.forecasts.of(ctx, []any{perDay, p}, func(ctx context.Context) (rollout.Forecast, error) {
		return rollout.NewForecast(p, a.Times(), perDay).WithRisk(ctx, p)
	})
}

// recentRate is how many vendors registered a day in the last four weeks, to a tenth.
func (a *App) recentRate(ctx context.Context) (float64, error) {
	periods := monitoring.RatePeriods(a.Present(), a.Day)
	tally, err := a.Store.Counters(ctx, periods)
	return math.Round(10*tally.RegistrationsPerDay(periods)) / 10, err
}

// forecasts remembers forecasts, and makes one at a time, so that whoever asks often slows down nothing else.
type forecasts[T any] struct {
	turn chan struct{}
	// waiting has room for those who wait for their turn, and whose turn it is.
	waiting chan struct{}
	mu      sync.Mutex
	known   map[string]T
}

// mostForecasts bounds what is remembered, mostWaiting who waits.
const mostForecasts, mostWaiting = 100, 8

func newForecasts[T any]() *forecasts[T] {
	return &forecasts[T]{turn: make(chan struct{}, 1), waiting: make(chan struct{}, mostWaiting), known: map[string]T{}}
}

// of is the forecast of a question, remembered or made anew in turn. Nobody works on for whoever has gone.
func (f *forecasts[T]) of(ctx context.Context, question any, forecast func(context.Context) (T, error)) (made T, err error) {
	document, err := json.Marshal(question)
	if err != nil {
		return made, fmt.Errorf("writing what is asked: %w", err)
	}
	key := string(document)
	if known, is := f.find(key); is {
		return known, nil
	}
	select {
	case f.waiting <- struct{}{}:
		defer func() { <-f.waiting }()
	default:
		return made, &trial.Error{Code: trial.CodeUnavailable, Message: "many forecasts are being made: try again in some seconds"}
	}
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return made, fmt.Errorf("waiting for a forecast: %w", context.Cause(ctx))
	}
	if known, is := f.find(key); is { // whoever was before has made it
		return known, nil
	}
	made, err = forecast(ctx)
	if err != nil {
		return made, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.known) >= mostForecasts {
		clear(f.known)
	}
	f.known[key] = made
	return made, nil
}

func (f *forecasts[T]) find(key string) (T, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known, is := f.known[key]
	return known, is
}
