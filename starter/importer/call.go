package importer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/trial"
)

// Waits between two attempts at one request.
const (
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
)

// emailDomain is reserved for examples: no e-mail to it arrives anywhere.
const emailDomain = "vendors.example.com"

// caller sends one request at a time, and retries it while that may help.
type caller struct {
	api      *client.ClientWithResponses
	patience time.Duration
	retrying atomic.Int32
}

// registered is the system's answer to a registration.
type registered struct {
	at     time.Time
	cohort trial.Cohort
	// fresh says that the vendor was not registered before.
	fresh bool
	// day is the length of the system's day, 0 if the answer does not say.
	day time.Duration
}

// register registers a vendor. The system sets the moment: the trial begins when it is really registered, so that all its steps
// lie ahead, even if the import is late.
func (c *caller) register(ctx context.Context, vendorID string) (registered, error) {
	body := client.VendorRegistration{
		Id: vendorID, Email: vendorID + "@" + emailDomain, Name: nameOf(vendorID),
	}
	var answer client.Answer[client.VendorTrial]
	err := c.retry(ctx, func(ctx context.Context) (err error) {
		answer, err = client.Read[client.VendorTrial](c.api.RegisterVendor(ctx, body))
		if err == nil && (answer.Value.Vendor.RegisteredAt == nil || answer.Value.Cohort == nil) {
			err = client.ErrNotAPI
		}
		return err
	})
	if err != nil {
		return registered{}, fmt.Errorf("registering: %w", err)
	}
	v := answer.Value
	return registered{at: *v.Vendor.RegisteredAt, cohort: *v.Cohort, fresh: answer.Status == http.StatusCreated, day: dayOf(v.Trial)}, nil
}

// nameOf is a made-up name for a vendor.
func nameOf(vendorID string) string { return "Vendor " + vendorID[:min(8, len(vendorID))] }

// dayOf is the length of a day in a trial, 0 if the trial does not say.
func dayOf(t *client.Trial) time.Duration {
	policy := trial.DefaultPolicy()
	if t == nil || t.Policy != policy.Name || t.Revision != 0 {
		return 0
	}
	day := t.EndsAt.Sub(t.StartedAt) / time.Duration(policy.LengthDays)
	if day < 0 || day > realDay {
		return 0
	}
	return day
}

// convert reports a conversion with the moment at which it was due. Zero leaves the moment to the system.
func (c *caller) convert(ctx context.Context, vendorID string, at time.Time) error {
	body := client.ConversionReport{}
	if !at.IsZero() {
		body.At = &at
	}
	err := c.retry(ctx, func(ctx context.Context) error {
		err := c.reportConversion(ctx, vendorID, body)
		var refused *client.Error
		if errors.As(err, &refused) && refused.Field != nil && *refused.Field == "at" && body.At != nil {
			// The system's clock is behind ours: to it the moment lies in the future.
			body.At = nil
			err = c.reportConversion(ctx, vendorID, body)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("converting: %w", err)
	}
	return nil
}

func (c *caller) reportConversion(ctx context.Context, vendorID string, body client.ConversionReport) error {
	_, err := client.Read[client.Conversion](c.api.RecordConversion(ctx, vendorID, body))
	return err
}

// knows tells whether the system has a vendor.
func (c *caller) knows(ctx context.Context, vendorID string) (bool, error) {
	err := c.retry(ctx, func(ctx context.Context) error {
		_, err := client.Read[client.VendorTrial](c.api.GetVendor(ctx, vendorID))
		return err
	})
	var refused *client.Error
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound && refused.RequestId != "" {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("asking for vendor %s: %w", vendorID, err)
	}
	return true, nil
}

// retry repeats a request until the system answers or refuses it, or patience runs out. It does not cut off a running request
// when ctx ends: the answer is worth having.
func (c *caller) retry(ctx context.Context, request func(context.Context) error) error {
	deadline := time.Now().Add(c.patience)
	pause := firstPause
	for attempt := 1; ; attempt++ {
		err := request(context.WithoutCancel(ctx))
		if err == nil || !passing(err) {
			return err
		}
		if time.Now().Add(pause).After(deadline) {
			return fmt.Errorf("given up after %d attempts: %w", attempt, err)
		}
		if !c.wait(ctx, pause) {
			return ctx.Err()
		}
		pause = min(2*pause, longestPause)
	}
}

// wait waits for about this long, and is false if ctx ended.
func (c *caller) wait(ctx context.Context, pause time.Duration) bool {
	c.retrying.Add(1)
	defer c.retrying.Add(-1)
	timer := time.NewTimer(pause/2 + rand.N(pause))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// passing tells whether the same request may succeed later.
func passing(err error) bool {
	var refused *client.Error
	switch {
	case errors.Is(err, client.ErrNotAPI):
		return false
	case !errors.As(err, &refused):
		return true // it did not reach the system
	}
	return refused.Status >= http.StatusInternalServerError ||
		refused.Status == http.StatusTooManyRequests || refused.Status == http.StatusRequestTimeout
}

// personal tells whether an error concerns one vendor only, so that the others are worth trying.
func personal(err error) bool {
	var refused *client.Error
	if !errors.As(err, &refused) || passing(err) {
		return false
	}
	return refused.RequestId != "" && refused.Status != http.StatusUnauthorized && refused.Status != http.StatusForbidden
}
