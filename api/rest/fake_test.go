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
	"marketplace.example/trials/internal/domain/brand"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/domain/vendorpage"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/test/memory"
)

// errUnavailable is how the adapters say that their other side does not answer.
var errUnavailable = &trial.Error{Code: trial.CodeUnavailable, Message: "does not answer; try again"}

// store keeps in memory what the database would, and can be taken away.
type store struct {
	*memory.Store
	breaks   any           // what Flags panics with
	takes    time.Duration // how long each operation does
	erases   time.Duration // how long an erasure does beside
	silent   time.Time     // from when on what it is told is not answered; zero is never
	noBulk   error         // what AddBulk fails with
	messages map[string]bool
	rollouts rollouts
	audits   audits

	counters  monitoring.Tally
	latencies rollout.Calls
}

func newStore() *store {
	s := &store{Store: memory.NewStore(), messages: map[string]bool{}}
	s.Document.Salt, s.Document.FeatureFlags.TrialAutomation.RolloutPercentage = "salt", 100
	s.Issued = issued()
	s.Before = func() { time.Sleep(s.takes) } //nolint:forbidigo // in a bubble: as slow as a database
	return s
}

func (s *store) guarded(f func() error) error { return s.Do(context.Background(), f) }

// written counts what changed anything, and shows all there is.
func (s *store) written() (writes int, content string) {
	s.Lock()
	defer s.Unlock()
	all, err := json.Marshal([]any{s.VendorsByID, s.States, s.History, s.Document, s.Store.Sends, s.messages, s.Suppressed, s.Answers})
	if err != nil {
		panic(err)
	}
	return s.Writes, string(all)
}

func (s *store) Ping(context.Context) error { return s.guarded(func() error { return nil }) }

func (s *store) EraseVendor(ctx context.Context, id string, e trial.Erasure) (trial.Erasure, error) {
	time.Sleep(s.erases) //nolint:forbidigo // in a bubble, or not at all
	return s.Store.EraseVendor(ctx, id, e)
}

func (s *store) UpdateFlags(ctx context.Context, by string, change func(*flags.Change) error) (d flags.Document, err error) {
	if err := s.answers(ctx); err != nil {
		return d, err
	}
	return s.Store.UpdateFlags(ctx, by, change)
}

func (s *store) AddBulk(ctx context.Context, o bulk.Operation, state bulk.State) error {
	if s.noBulk != nil {
		return s.noBulk
	}
	return s.Store.AddBulk(ctx, o, state)
}

func (s *store) Sends(_ context.Context, vendorID string) (sends []trial.Send, err error) {
	err = s.guarded(func() error {
		for _, key := range slices.Sorted(maps.Keys(s.Store.Sends)) {
			if s.Store.Sends[key].VendorID == vendorID {
				sends = append(sends, s.Store.Sends[key])
			}
		}
		return nil
	})
	return sends, err
}

// answers waits for the context's end where nothing is answered.
func (s *store) answers(ctx context.Context) error {
	if s.silent.IsZero() || time.Now().Before(s.silent) {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *store) Flags(ctx context.Context) (d flags.Document, err error) {
	if err := s.answers(ctx); err != nil {
		return d, err
	}
	if s.breaks != nil {
		panic(s.breaks)
	}
	return s.Store.Flags(ctx)
}

func (s *store) SendEvent(_ context.Context, key string, _ int, messageID, delivery string, at time.Time) (found *trial.Send, err error) {
	err = s.guarded(func() error {
		send, there := s.Store.Sends[key]
		if !there {
			return nil
		}
		send.MessageID, send.Delivery, send.DeliveryAt = messageID, delivery, &at
		s.Store.Sends[key], found = send, &send
		s.Writes++
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
	previews    []notice.Preview
}

func (w *workflows) StartPreview(_ context.Context, p notice.Preview) error {
	return w.guarded(func() error {
		w.previews = append(w.previews, p)
		return nil
	})
}

func (w *workflows) guarded(f func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unavailable != nil {
		return w.unavailable
	}
	w.store.Lock()
	defer w.store.Unlock()
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
		if _, running := w.store.States[r.VendorID]; !running {
			started = true
			w.store.AddEvent(trial.Start(r, w.now()), trial.State{})
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
		state := w.store.States[id]
		event, err := state.Request(message, r, w.now())
		if err != nil {
			return err
		}
		if event != nil {
			state = w.store.AddEvent(*event, state)
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

func (mails) Reader(token string) (string, error) {
	if id, signed := strings.CutPrefix(token, "guide."); signed {
		return id, nil
	}
	return "", &trial.Error{Code: trial.CodeForbidden, Field: "token", Message: "is not one of ours"}
}

func (mails) GuideToken(vendorID string) string { return "guide." + vendorID }

func (mails) ButtonToken(_ brand.Brand, vendorID string, at time.Time) (string, error) {
	return "button." + vendorID + "." + at.Format(time.DateOnly), nil
}

// neutralLook is that of the neutral brand.
var neutralLook = sync.OnceValue(func() vendorpage.Look {
	m, err := config.Config{}.Mail()
	if err != nil {
		panic(err)
	}
	return vendorpage.Look{Brand: m.Brand, Words: m.Words}
})

func (mails) Asked(token string) (vendorID, kind string, err error) {
	if asked, signed := strings.CutPrefix(token, "asked."); signed {
		vendorID, kind, _ = strings.Cut(asked, ".")
		return vendorID, kind, nil
	}
	return "", "", &trial.Error{Code: trial.CodeForbidden, Field: "token", Message: "is not one of ours"}
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

func (s *store) SettleKey(ctx context.Context, key string, c idempotency.Claim, done bool) error {
	if err := s.answers(ctx); err != nil {
		return err
	}
	return s.Store.SettleKey(ctx, key, c, done)
}
