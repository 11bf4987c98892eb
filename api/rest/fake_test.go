package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// errUnavailable is how the adapters say that their other side does not answer.
var errUnavailable = &trial.Error{Code: trial.CodeUnavailable, Message: "does not answer; try again"}

// store keeps in memory what the database would, and can be taken away.
type store struct {
	mu          sync.Mutex
	unavailable error
	breaks      any           // what Flags panics with
	takes       time.Duration // how long each operation does
	erases      time.Duration // how long an erasure does beside
	silent      time.Time     // from when on what it is told is not answered; zero is never
	drops       error         // what a write that has arrived is answered with
	vendors     map[string]trial.Vendor
	states      map[string]trial.State
	events      map[string][]trial.Event
	flags       rollout.Document
	sends       map[string]trial.Send
	messages    map[string]bool
	// suppressions are kept by vendor, beside the vendors.
	suppressions map[string][]trial.Suppression
	writes       int
	rollouts     rollouts
	alerts       alerts
	tokens       tokens
	audits       audits
	bulks        bulks
	keys         map[string]idempotency.Claim

	counters  monitoring.Tally
	latencies rollout.Calls
}

func newStore() *store {
	flags := rollout.Document{FeatureFlags: rollout.InitialFlags(), Salt: "salt", Version: 1, UpdatedBy: "setup"}
	flags.FeatureFlags.TrialAutomation.RolloutPercentage = 100
	return &store{
		suppressions: map[string][]trial.Suppression{}, vendors: map[string]trial.Vendor{}, states: map[string]trial.State{}, events: map[string][]trial.Event{},
		alerts: alerts{}, tokens: issued(), bulks: newBulks(), keys: map[string]idempotency.Claim{}, flags: flags, sends: map[string]trial.Send{}, messages: map[string]bool{},
	}
}

func (s *store) guarded(f func() error) error {
	if s.takes > 0 {
		time.Sleep(s.takes) //nolint:forbidigo // in a bubble: as slow as a database
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unavailable != nil {
		return s.unavailable
	}
	before := s.writes
	err := f()
	if err == nil && s.drops != nil && s.writes > before {
		return s.drops
	}
	return err
}

// written counts what changed anything, and shows all there is.
func (s *store) written() (writes int, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := json.Marshal([]any{s.vendors, s.states, s.events, s.flags, s.sends, s.messages, s.suppressions})
	if err != nil {
		panic(err)
	}
	return s.writes, string(all)
}

func (s *store) Ping(context.Context) error { return s.guarded(func() error { return nil }) }

func (s *store) RegisterVendor(_ context.Context, v trial.Vendor) (stored trial.Vendor, created bool, err error) {
	err = s.guarded(func() error {
		known, there := s.vendors[v.ID]
		if there && known.Automation != nil {
			stored = known
			return nil
		}
		s.vendors[v.ID], stored, created = v, v, true
		s.writes++
		return nil
	})
	return stored, created, err
}

func (s *store) Vendor(_ context.Context, id string) (v trial.Vendor, err error) {
	err = s.guarded(func() error {
		var there bool
		if v, there = s.vendors[id]; !there {
			return trial.NotFound(id)
		}
		for _, p := range s.suppressions[id] {
			v.Heed(p)
		}
		return nil
	})
	return v, err
}

// VendorOnRecord knows a vendor whose document is gone by its trial.
func (s *store) VendorOnRecord(ctx context.Context, id string) (trial.Vendor, error) {
	v, err := s.Vendor(ctx, id)
	if state, there := s.states[id]; err != nil && there {
		return trial.Vendor{ID: id, StartedAt: state.StartedAt, Automation: &trial.Automation{Cohort: state.Cohort}}, nil
	}
	return v, err
}

func (s *store) Suppressions(_ context.Context, id string) (all []trial.Suppression, err error) {
	err = s.guarded(func() error {
		all = append([]trial.Suppression{}, s.suppressions[id]...)
		return nil
	})
	return all, err
}

func (s *store) RecordConversion(_ context.Context, id string, c trial.Conversion) (first trial.Conversion, created bool, err error) {
	err = s.guarded(func() error {
		v, there := s.vendors[id]
		if !there {
			first, created = c, true
			return nil
		}
		if v.Automation.Conversion == nil {
			automation := *v.Automation
			automation.Conversion, created = &c, true
			v.Automation = &automation
			s.vendors[id] = v
			s.writes++
		}
		first = *v.Automation.Conversion
		return nil
	})
	return first, created, err
}

func (s *store) Suppress(_ context.Context, id string, p trial.Suppression) (isNew bool, err error) {
	err = s.guarded(func() error {
		isNew = !slices.ContainsFunc(s.suppressions[id], func(k trial.Suppression) bool { return k.Covers(p) })
		if isNew {
			s.suppressions[id] = append(s.suppressions[id], p)
			s.writes++
		}
		return nil
	})
	return isNew, err
}

func (s *store) EraseVendor(_ context.Context, id string, e trial.Erasure) (kept trial.Erasure, err error) {
	time.Sleep(s.erases) //nolint:forbidigo // in a bubble, or not at all
	err = s.guarded(func() error {
		v, there := s.vendors[id]
		if !there {
			return trial.NotFound(id)
		}
		kept = e
		if v.ErasedAt != nil {
			kept.At = *v.ErasedAt
			return nil
		}
		v.Name, v.Email, v.ErasedAt = "", "", &e.At
		s.vendors[id] = v
		s.writes++
		return nil
	})
	return kept, err
}

func (s *store) Sends(_ context.Context, vendorID string) (sends []trial.Send, err error) {
	err = s.guarded(func() error {
		for _, key := range slices.Sorted(maps.Keys(s.sends)) {
			if s.sends[key].VendorID == vendorID {
				sends = append(sends, s.sends[key])
			}
		}
		return nil
	})
	return sends, err
}

func (s *store) Trial(_ context.Context, id string) (state trial.State, there bool, err error) {
	err = s.guarded(func() error {
		state, there = s.states[id]
		return nil
	})
	return state, there, err
}

func (s *store) Trials(_ context.Context, f trial.Filter, after string, limit int) (page []trial.State, next string, err error) {
	err = s.guarded(func() error {
		for _, id := range slices.Sorted(maps.Keys(s.states)) {
			state := s.states[id]
			switch {
			case id <= after, f.Status != "" && f.Status != state.Status, f.Cohort != "" && f.Cohort != state.Cohort,
				f.Held != nil && *f.Held != (state.Held != nil):
			case len(page) == limit:
				next = page[limit-1].VendorID
				return nil
			default:
				page = append(page, state)
			}
		}
		return nil
	})
	return page, next, err
}

func (s *store) Events(_ context.Context, id string, fromSeq int) (events []trial.Event, err error) {
	err = s.guarded(func() error {
		for _, e := range s.events[id] {
			if e.Seq >= fromSeq {
				events = append(events, e)
			}
		}
		return nil
	})
	return events, err
}

// answers waits for the context's end where nothing is answered.
func (s *store) answers(ctx context.Context) error {
	if s.silent.IsZero() || time.Now().Before(s.silent) {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *store) Flags(ctx context.Context) (d rollout.Document, err error) {
	if err := s.answers(ctx); err != nil {
		return d, err
	}
	if s.breaks != nil {
		panic(s.breaks)
	}
	err = s.guarded(func() error {
		d = s.flags
		return nil
	})
	return d, err
}

func (s *store) UpdateFlags(ctx context.Context, by string, change func(*rollout.FlagChange) error) (d rollout.Document, err error) {
	if err := s.answers(ctx); err != nil {
		return d, err
	}
	err = s.guarded(func() error {
		c := s.flags.Change()
		if err := change(&c); err != nil {
			return err
		}
		next, _ := s.flags.Changed(c, by, time.Now().UTC())
		s.flags, d = next, next
		s.writes++
		return nil
	})
	return d, err
}

func (s *store) SendEvent(_ context.Context, key string, _ int, messageID, delivery string, at time.Time) (found *trial.Send, err error) {
	err = s.guarded(func() error {
		send, there := s.sends[key]
		if !there {
			return nil
		}
		send.MessageID, send.Delivery, send.DeliveryAt = messageID, delivery, &at
		s.sends[key], found = send, &send
		s.writes++
		return nil
	})
	return found, err
}

func (s *store) SeenMessage(_ context.Context, id string, _ time.Time) (isFirst bool, err error) {
	err = s.guarded(func() error {
		isFirst = !s.messages[id]
		s.messages[id] = true
		return nil
	})
	return isFirst, err
}

// begin lets a trial be what its events make it.
func (s *store) begin(e trial.Event, before trial.State) trial.State {
	after := before.Apply(e)
	s.states[after.VendorID] = after
	s.events[after.VendorID] = append(s.events[after.VendorID], e)
	s.writes++
	return after
}

// workflows carries trials as the workflows would, by the same domain.
type workflows struct {
	store *store
	now   func() time.Time

	mu          sync.Mutex
	unavailable error
	deaf        bool          // whether NoMail waits for its context's end
	slow        time.Duration // how long a start takes
	started     []string
	received    map[string]trial.Request
	noMail      map[string][]trial.Request
	woken       int
}

func (w *workflows) guarded(f func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unavailable != nil {
		return w.unavailable
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	return f()
}

func (w *workflows) Start(ctx context.Context, r trial.Registration) (started bool, err error) {
	select {
	case <-time.After(w.slow):
	case <-ctx.Done():
		return false, ctx.Err()
	}
	err = w.guarded(func() error {
		w.started = append(w.started, r.VendorID)
		if _, running := w.store.states[r.VendorID]; !running {
			started = true
			w.store.begin(trial.Start(r, w.now()), trial.State{})
		}
		return nil
	})
	return started, err
}

func (w *workflows) Convert(_ context.Context, id string, r trial.Request) error {
	return w.guarded(func() error {
		w.received[id] = r
		return nil
	})
}

func (w *workflows) NoMail(ctx context.Context, id string, r trial.Request) error {
	if w.deaf {
		<-ctx.Done()
		return ctx.Err()
	}
	return w.guarded(func() error {
		w.noMail[id] = append(w.noMail[id], r)
		return nil
	})
}

func (w *workflows) Ask(_ context.Context, message, id string, r trial.Request) (o trial.Overview, err error) {
	err = w.guarded(func() error {
		state := w.store.states[id]
		event, err := state.Request(message, r, w.now())
		if err != nil {
			return err
		}
		if event != nil {
			state = w.store.begin(*event, state)
		}
		o = state.Overview()
		return nil
	})
	return o, err
}

func (w *workflows) FlagsChanged(context.Context) error {
	return w.guarded(func() error {
		w.woken++
		return nil
	})
}

func (w *workflows) Check(context.Context) error { return w.guarded(func() error { return nil }) }

// mails reads messages of the test's own making: JSON of a MailMessage.
type mails struct{}

var errForged = &trial.Error{Code: trial.CodeForbidden, Message: "the message is not signed by SNS"}

func (mails) Receive(_ context.Context, body []byte) (m app.MailMessage, err error) {
	switch {
	case strings.HasPrefix(string(body), "forged"):
		return m, errForged
	case strings.HasPrefix(string(body), "broken"):
		return m, errors.New("the certificate's key ada@example.com")
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, trial.Invalid("body", "is not an SNS message")
	}
	return m, nil
}

func (mails) Unsubscriber(token string) (string, error) {
	if id, signed := strings.CutPrefix(token, "signed."); signed {
		return id, nil
	}
	return "", &trial.Error{Code: trial.CodeForbidden, Field: "token", Message: "is not one of ours"}
}

func (s *store) Counters(_ context.Context, periods []monitoring.Period) (found monitoring.Tally, err error) {
	err = s.guarded(func() error {
		found = monitoring.Tally{}
		for c, n := range s.counters {
			if slices.Contains(periods, c.Period) {
				found[c] = n
			}
		}
		return nil
	})
	return found, err
}

func (s *store) Calls(context.Context, time.Time, time.Time, time.Duration) (calls rollout.Calls, err error) {
	err = s.guarded(func() error {
		calls = s.latencies
		return nil
	})
	return calls, err
}
