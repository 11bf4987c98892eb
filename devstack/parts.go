package main

import (
	"context"
	"fmt"
	"sync"
)

// parts holds what is running, and stops it in the reverse of the order in
// which it was started.
type parts struct {
	stops []func()

	// ended receives the first part that ends without having been asked to.
	ended     chan error
	endedOnce sync.Once
}

func newParts() *parts { return &parts{ended: make(chan error, 1)} }

// onStop remembers how to stop something that already runs.
func (p *parts) onStop(stop func()) { p.stops = append(p.stops, stop) }

// run starts serve, which runs until its context ends.
func (p *parts) run(name string, serve func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := serve(ctx)
		if ctx.Err() == nil {
			p.endedOnce.Do(func() { p.ended <- fmt.Errorf("%s stopped by itself: %w", name, orUnknown(err)) })
		}
	}()
	p.onStop(func() {
		cancel()
		<-done
	})
}

func orUnknown(err error) error {
	if err == nil {
		return fmt.Errorf("no error given")
	}
	return err
}

// stop stops everything, last started first.
func (p *parts) stop() {
	for len(p.stops) > 0 {
		last := len(p.stops) - 1
		p.stops[last]()
		p.stops = p.stops[:last]
	}
}
