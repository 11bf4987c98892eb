package activities

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/trial"
)

// CanaryStore is what a canary needs of the database.
type CanaryStore interface {
	app.VendorReader
	Trial(ctx context.Context, vendorID string) (trial.State, bool, error)
	Event(ctx context.Context, vendorID string, seq int) (*trial.Event, error)
	Sends(ctx context.Context, vendorID string) ([]trial.Send, error)
	// LivingCanaries are the ids of those that are not removed yet.
	LivingCanaries(ctx context.Context) ([]string, error)
	// ClearCanaries removes everything of every canary, and returns the collections where something is left.
	ClearCanaries(ctx context.Context) (left []string, err error)
	PutCanary(ctx context.Context, r canary.Result) error
}

// CanaryApp are the use cases that a canary goes through, as a vendor does.
type CanaryApp interface {
	EnrollCanary(ctx context.Context, v trial.Vendor) (trial.Vendor, error)
	RecordConversion(ctx context.Context, id string, at *time.Time) (trial.Conversion, bool, error)
}

// CanaryReader reads the latest canary.
type CanaryReader interface {
	// LatestCanary is what the latest canary has shown, nil for none, and since when canaries are due; zero for never.
	LatestCanary(ctx context.Context) (latest *canary.Result, since time.Time, err error)
}

// CanaryControl starts canaries too.
type CanaryControl interface {
	CanaryReader
	// StartCanary starts a canary, unless one is under way.
	StartCanary(ctx context.Context) error
}

// TrialTerminator ends workflows.
type TrialTerminator interface {
	// Terminate ends a trial's workflow, if it runs.
	Terminate(ctx context.Context, vendorID string) error
}

// Canaries carries out what a canary lives through.
type Canaries struct {
	Store  CanaryStore
	App    CanaryApp
	Trials TrialTerminator
	// Address is where a canary's e-mails go; empty refuses canaries.
	Address string
	// Day is the length of the vendors' day.
	Day time.Duration
	Now func() time.Time
	// Pause waits, and returns why the context has ended if it does first.
	Pause func(ctx context.Context, d time.Duration) error
	Log   *zap.Logger
}

// Register removes what an earlier canary has left, and registers the canary with this id. It may be repeated.
func (c *Canaries) Register(ctx context.Context, id string) (canary.Seen, error) {
	living, err := c.Store.LivingCanaries(ctx)
	if err != nil {
		return canary.Seen{}, failed("looking for canaries", err)
	}
	if !slices.Contains(living, id) {
		if _, err := c.clear(ctx, living); err != nil {
			return canary.Seen{}, err
		}
	}
	if c.Address == "" {
		return canary.Seen{}, failed("registering the canary", &trial.Error{Code: trial.CodeForbidden, Message: "canaries are switched off: CANARY_ADDRESS"})
	}
	asked := c.Now()
	v, err := c.App.EnrollCanary(ctx, trial.Vendor{ID: id, Email: c.Address, Name: canary.Name})
	if err != nil {
		return canary.Seen{}, failed("registering the canary", err)
	}
	return canary.Seen{ID: id, BeganAt: v.StartedAt, Registered: max(c.Now().Sub(asked), 1)}, nil
}

// Follow watches the canary's trial until it has expired and every e-mail was reported, or until something is broken.
func (c *Canaries) Follow(ctx context.Context, s canary.Seen) (canary.Seen, error) {
	s.Day = c.Day
	return c.watch(ctx, s, func(s canary.Seen, now time.Time) bool {
		_, open := canary.Judge(s, now)
		return open
	})
}

// Convert records the canary's conversion, as of its start: a conversion counts from billing's moment, also after the trial's end. It
// waits until the trial has it.
func (c *Canaries) Convert(ctx context.Context, s canary.Seen) (canary.Seen, error) {
	s.Day = c.Day
	if s.ConversionAt.IsZero() {
		s.ConversionAt = c.Now()
	}
	if _, _, err := c.App.RecordConversion(ctx, s.ID, &s.BeganAt); err != nil {
		return s, failed("recording the canary's conversion", err)
	}
	return c.watch(ctx, s, func(s canary.Seen, now time.Time) bool { return !s.Converted(now) })
}

// Remove ends the canary's trial if it still runs, and removes the canary.
func (c *Canaries) Remove(ctx context.Context, s canary.Seen) (canary.Seen, error) {
	began := c.Now()
	left, err := c.clear(ctx, []string{s.ID})
	if err != nil {
		return s, err
	}
	s.Left, s.Removal = left, max(c.Now().Sub(began), 1)
	return s, nil
}

// Conclude judges the canary, and stores what it has shown.
func (c *Canaries) Conclude(ctx context.Context, s canary.Seen) (canary.Result, error) {
	s.Day = c.Day
	result, _ := canary.Judge(s, c.Now().UTC().Truncate(time.Millisecond))
	if err := c.Store.PutCanary(ctx, result); err != nil {
		return result, failed("keeping what the canary has shown", err)
	}
	c.Log.Info("canary", zap.String("vendorId", result.ID), zap.String("fault", string(result.Fault)), zap.String("reason", result.Reason), zap.Duration("took", result.Took()))
	return result, nil
}

// clearings is how often a removal is tried: a step that was being carried out may store something afterwards.
const clearings = 3

// clear ends the trials of canaries, and removes all canaries.
func (c *Canaries) clear(ctx context.Context, living []string) (left []string, err error) {
	for _, id := range living {
		if !trial.IsCanary(id) {
			continue
		}
		if err := c.Trials.Terminate(ctx, id); err != nil {
			return nil, failed("ending the canary's trial", err)
		}
	}
	for n := range clearings {
		if n > 0 {
			if err := c.Pause(ctx, time.Second); err != nil {
				return left, failed("waiting to remove the canary again", err)
			}
		}
		if left, err = c.Store.ClearCanaries(ctx); err != nil {
			return nil, failed("removing the canary", err)
		}
		if len(left) == 0 {
			break
		}
	}
	return left, nil
}

// watch looks at the canary as long as it is open.
func (c *Canaries) watch(ctx context.Context, s canary.Seen, open func(canary.Seen, time.Time) bool) (canary.Seen, error) {
	defer heartbeat(ctx)()
	for first := true; ; first = false {
		now := c.Now()
		if err := c.see(ctx, &s, now, first); err != nil {
			return s, err
		}
		if !open(s, now) {
			return s, nil
		}
		if err := c.Pause(ctx, canary.Day(c.Day)/10); err != nil {
			return s, err
		}
	}
}

// see adds what is known of the canary now. An attempt that sees a report at its first look does not know how long it has been there,
// and takes the mail service's moment.
func (c *Canaries) see(ctx context.Context, s *canary.Seen, now time.Time, first bool) error {
	state, found, err := c.Store.Trial(ctx, s.ID)
	if err != nil || !found {
		return failed("reading the canary's trial", err)
	}
	s.State = state
	if s.StartedAt.IsZero() {
		event, err := c.Store.Event(ctx, s.ID, 1)
		if err != nil || event == nil {
			return failed("reading the start of the canary's trial", err)
		}
		s.StartedAt = event.At
	}
	if s.ConvertedAt.IsZero() && !s.ConversionAt.IsZero() && state.ConvertedAt != nil {
		s.ConvertedAt = now
	}
	sends, err := c.Store.Sends(ctx, s.ID)
	if err != nil {
		return failed("reading the canary's e-mails", err)
	}
	mails := make(map[trial.Kind]canary.Mail, len(sends))
	for _, send := range sends {
		send.AddressHash = ""
		mail := canary.Mail{Send: send, ReportedAt: s.Mails[send.Kind].ReportedAt}
		if send.DeliveryAt != nil && mail.ReportedAt.IsZero() {
			mail.ReportedAt = now
			if first {
				mail.ReportedAt = *send.DeliveryAt
			}
		}
		mails[send.Kind] = mail
	}
	s.Mails = mails
	return nil
}
