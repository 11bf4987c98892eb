package activities_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// bulkFake is a bulk operation before a database, trials and a mail service in memory.
type bulkFake struct {
	// filed is how far the operation is by what is stored.
	filed   bulk.State
	mu      sync.Mutex
	flags   flags.Flags
	vendors map[string]trial.Vendor
	events  map[string][]trial.Event
	sends   map[string]trial.Send
	items   map[int]bulk.Item
	// undone are the items of the operation bulk-1 once another one undoes it.
	undone      map[int]bulk.Item
	states      []bulk.State
	asks        map[string]int
	mails       []activities.Mail
	conversions []string // of conversions
	// outcome is what the mail service answers with.
	outcome trial.SendResult
	// others are further operations.
	others map[string]bulk.Operation
	// crash has the next results not stored: what was done before is done.
	crash int
	// silent is a vendor whose trial does not answer, faster one whose conversion
	// billing reports just before ours is kept.
	silent, faster string
	// meanwhile is what happens while an e-mail waits for its turn; nil where it need not wait.
	meanwhile func()
}

func newBulkFake(vendors ...string) *bulkFake {
	h := &bulkFake{
		flags: flags.Initial(), vendors: map[string]trial.Vendor{}, events: map[string][]trial.Event{}, sends: map[string]trial.Send{},
		items: map[int]bulk.Item{}, asks: map[string]int{},
		outcome: trial.SendResult{Status: trial.SendSent, MessageID: "m1"},
	}
	for i, id := range vendors {
		v := trial.Vendor{ID: id, Email: id + "@vendors.example.com", StartedAt: now.Add(-5 * trial.RealDay), Automation: &trial.Automation{Cohort: trial.Automated}}
		h.vendors[id] = v
		h.happen(trial.Start(v.Registration(trial.DefaultPolicy(), trial.RealDay), v.StartedAt), id)
		welcome, _ := h.state(id).Next()
		h.happen(h.state(id).StepEvent(welcome, trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}, trial.StepFacts{Now: welcome.At}, true), id)
		h.items[i+1] = bulk.Item{Number: i + 1, VendorID: id}
	}
	return h
}

func (h *bulkFake) happen(e trial.Event, id string) { h.events[id] = append(h.events[id], e) }
func (h *bulkFake) state(id string) trial.State     { return trial.Fold(h.events[id]) }

func (h *bulkFake) operation(a bulk.Action) bulk.Operation {
	o := bulk.Operation{ID: "bulk-1", Action: a, Reason: "asked", By: "admin", AskedAt: now, PerMinute: bulk.MaxPerMinute, Listed: len(h.items)}
	switch a {
	case bulk.Extend, bulk.Shorten, bulk.Revive:
		o.Days = 3
	case bulk.Convert:
		o.At = new(now)
	case bulk.Cancel, bulk.Move, bulk.Resend, bulk.ResendOne, bulk.Undo:
	}
	return o
}

func (h *bulkFake) bulk() *activities.Bulk {
	return &activities.Bulk{Store: h, Trials: h, Mailer: h, Now: func() time.Time { return now }, Log: zap.NewNop()}
}

// carry carries out an operation's first page.
func (h *bulkFake) carry(t *testing.T, o bulk.Operation) (bulk.State, error) {
	t.Helper()
	return h.bulk().CarryOut(t.Context(), activities.BulkWork{Operation: o, State: bulk.Begin(o)})
}

func (h *bulkFake) Flags(context.Context) (flags.Document, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return flags.Document{FeatureFlags: h.flags}, nil
}

func (h *bulkFake) Vendor(_ context.Context, id string) (trial.Vendor, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if v, ok := h.vendors[id]; ok {
		return v, nil
	}
	return trial.Vendor{}, trial.NotFound(id)
}

func (h *bulkFake) Trial(_ context.Context, id string) (trial.State, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state(id), len(h.events[id]) > 0, nil
}

func (h *bulkFake) Events(_ context.Context, id string, _ int) ([]trial.Event, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.events[id]), nil
}

func (h *bulkFake) Trials(_ context.Context, f trial.Filter, after string, limit int) (page []trial.State, next string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(h.events)) {
		s := h.state(id)
		if id <= after || f.Status != "" && s.Status != f.Status || f.Cohort != "" && s.Cohort != f.Cohort {
			continue
		}
		if len(page) == limit {
			return page, page[limit-1].VendorID, nil
		}
		page = append(page, s)
	}
	return page, "", nil
}

func (h *bulkFake) RecordConversion(_ context.Context, id string, c trial.Conversion) (trial.Conversion, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v := h.vendors[id]
	if id == h.faster {
		return trial.Conversion{At: now, RequestID: "billing"}, false, nil
	}
	if v.Automation.Conversion == nil {
		automation := *v.Automation
		automation.Conversion = &c
		v.Automation = &automation
		h.vendors[id] = v
		return c, true, nil
	}
	return *v.Automation.Conversion, false, nil
}

func (h *bulkFake) Send(_ context.Context, key string) (*trial.Send, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.sends[key]; ok {
		return &s, nil
	}
	return nil, nil
}

func (h *bulkFake) ClaimSend(_ context.Context, s trial.Send) (bool, trial.Send, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if current, ok := h.sends[s.Key]; ok {
		return false, current, nil
	}
	h.sends[s.Key] = s
	return true, s, nil
}

func (h *bulkFake) ReclaimSend(_ context.Context, key string, from int, _ bool, _ time.Time, _ string) (bool, trial.Send, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sends[key]
	s.Attempt, s.Status = from+1, trial.SendClaimed
	h.sends[key] = s
	return true, s, nil
}

func (h *bulkFake) SettleSend(_ context.Context, key string, _ int, result trial.SendResult, _ time.Time) (trial.Send, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sends[key]
	s.Status, s.MessageID, s.Reason = result.Status, result.MessageID, result.Reason
	h.sends[key] = s
	return s, nil
}

func (h *bulkFake) Sends(_ context.Context, vendorID string) (sends []trial.Send, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(h.sends)) {
		if h.sends[key].VendorID == vendorID {
			sends = append(sends, h.sends[key])
		}
	}
	return sends, nil
}

func (h *bulkFake) Bulk(_ context.Context, id string) (bulk.Operation, bulk.State, error) {
	if o, ok := h.others[id]; ok {
		return o, bulk.State{}, nil
	}
	return bulk.Operation{}, h.filed, nil
}

func (h *bulkFake) GrowBulk(_ context.Context, _ string, s bulk.State) error {
	h.states = append(h.states, s)
	return nil
}

func (h *bulkFake) AddBulkItems(_ context.Context, _ string, items []bulk.Item) error {
	for _, i := range items {
		if _, there := h.items[i.Number]; !there {
			h.items[i.Number] = i
		}
	}
	return nil
}

func (h *bulkFake) BulkItem(_ context.Context, id string, number int) (bulk.Item, bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	items := h.items
	if id == "bulk-1" && h.undone != nil {
		items = h.undone
	}
	i, there := items[number]
	return i, there, nil
}

func (h *bulkFake) SettleBulkItem(_ context.Context, _ string, number int, r bulk.Result) (bulk.Result, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.crash > 0 {
		h.crash--
		return r, errors.New("the worker was killed")
	}
	i := h.items[number]
	if i.Result == nil || i.Result.Rank < r.Rank {
		i.Result = &r
		h.items[number] = i
	}
	return *i.Result, nil
}

func (h *bulkFake) Ask(_ context.Context, message, id string, r trial.Request) (trial.Overview, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asks[id]++
	if id == h.silent {
		return trial.Overview{}, &trial.Error{Code: trial.CodeUnavailable, Message: "no answer"}
	}
	e, err := h.state(id).Request(message, r, now)
	if err != nil {
		return trial.Overview{}, err
	}
	if e != nil {
		h.happen(*e, id)
	}
	return h.state(id).Overview(), nil
}

func (h *bulkFake) Convert(_ context.Context, id string, r trial.Request) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conversions = append(h.conversions, id+" "+r.ID)
	return nil
}

func (h *bulkFake) Wait(context.Context) (bool, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.meanwhile == nil {
		return false, nil
	}
	h.meanwhile()
	return true, nil
}

func (h *bulkFake) Deliver(_ context.Context, m activities.Mail) (trial.SendResult, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.mails = append(h.mails, m)
	return h.outcome, nil
}

// outcomes are what became of the items, in their order.
func (h *bulkFake) outcomes() []string {
	var all []string
	for _, number := range slices.Sorted(maps.Keys(h.items)) {
		if r := h.items[number].Result; r != nil {
			all = append(all, fmt.Sprintf("%s %s", r.Outcome, r.Reason))
		} else {
			all = append(all, "open")
		}
	}
	return all
}
