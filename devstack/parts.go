package main

import (
	"context"
	"errors"
	"fmt"
)

// parts holds what is running, and stops it in reverse
// order.
type parts struct {
	stops []func() error

	// ended receives the first part that ends unexpectedly.
	ended chan error
}

func newParts() *parts { return &parts{ended: make(chan error, 1)} }

// onStop remembers how to stop something that already runs.
func (p *parts) onStop(stop func() error) { p.stops = append(p.stops, stop) }

// run starts serve, which runs until its context ends.
func (p *parts) run(name string, serve func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() {
		err := serve(ctx)
		if ctx.Err() == nil {
			p.report(fmt.Errorf("%s ended by itself: %w", name, orUnknown(err)))
			err = nil // once is enough
		}
		result <- err
	}()
	p.onStop(func() error {
		cancel()
		if err := <-result; err != nil {
			return fmt.Errorf("stop %s: %w", name, err)
		}
		return nil
	})
}

// report keeps the first error; those that follow are its consequences.
func (p *parts) report(err error) {
	select {
	case p.ended <- err:
	default:
	}
}

func orUnknown(err error) error {
	if err == nil {
		return errors.New("it returned no error")
	}
	return err
}

// stop stops everything, last started first.
func (p *parts) stop() error {
	var errs []error
	for len(p.stops) > 0 {
		last := len(p.stops) - 1
		errs = append(errs, p.stops[last]())
		p.stops = p.stops[:last]
	}
	return errors.Join(errs...)
}
