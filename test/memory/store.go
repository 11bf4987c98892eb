// Package memory keeps in memory what the database would, for tests: it has what the dashboard and the API's callers
// read. The fields are set before use, or between two calls.
package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// ErrUnavailable is how the adapters say that the database does not answer.
var ErrUnavailable = &trial.Error{Code: trial.CodeUnavailable, Message: "the database does not answer"}

// Store keeps the documents. Make one with NewStore.
type Store struct { //nolint:gocritic // tests that cause a fault take its lock too
	// Mutex is held during every call.
	sync.Mutex
	// Before, if set, is called before every call.
	Before func()
	// Err is what every call fails with; nil where the database answers. Lost is what those fail with that have
	// changed something.
	Err, Lost error
	// Waits lets every call last until its context ends.
	Waits bool
	// Writes counts what has changed anything.
	Writes int
	// Now is the clock; time.Now unless it is set.
	Now func() time.Time

	Document flags.Document
	// Rollout are the rollout's events, none before one began. Reports are those made, by id.
	Rollout []rollout.Event
	Judged  *rollout.Judgement
	Series  rollout.TimeSeries
	Reports map[string]report.Report
	// By vendor id, and the e-mails by key.
	VendorsByID map[string]trial.Vendor
	States      map[string]trial.State
	History     map[string][]trial.Event
	Sends       map[string]trial.Send
	// MailVersions are the versions of e-mails' templates, by hash.
	MailVersions map[string][]byte
	Issued       map[access.Key]access.Token
	// SignedIn are the sessions.
	SignedIn   map[access.Key]access.Session
	Suppressed map[string][]trial.Suppression
	// Answers are what vendors answered about e-mails, by vendor id and kind.
	Answers map[string]map[string]feedback.Answer
	// Alerts are how they stand, AlertHistory what happened to them.
	Alerts       map[monitoring.RuleID]monitoring.Alert
	AlertHistory map[monitoring.RuleID][]monitoring.AlertEvent
	// Record is the audit record, in order.
	Record []audit.Entry
	// Operations are the bulk operations, the first first, and Items their trials.
	Operations []bulk.View
	Items      map[string][]bulk.Item
	// Experimented are the experiments, the latest last, and Rows the evidence of the latest.
	Experimented []experiment.Experiment
	Rows         []experiment.Row
	// Keys are what the keys of requests stand for.
	Keys map[string]idempotency.Claim
}

// NewStore is a store right after it was set up.
func NewStore() *Store {
	return &Store{
		Now: time.Now, Suppressed: map[string][]trial.Suppression{}, Answers: map[string]map[string]feedback.Answer{},
		Document: flags.Document{FeatureFlags: flags.Initial(), Version: 1, UpdatedBy: "setup"},
		Reports:  map[string]report.Report{}, VendorsByID: map[string]trial.Vendor{}, States: map[string]trial.State{},
		History: map[string][]trial.Event{}, Sends: map[string]trial.Send{}, MailVersions: map[string][]byte{}, Issued: map[access.Key]access.Token{},
		Alerts: map[monitoring.RuleID]monitoring.Alert{}, AlertHistory: map[monitoring.RuleID][]monitoring.AlertEvent{},
		Items: map[string][]bulk.Item{}, Keys: map[string]idempotency.Claim{},
	}
}

// Do calls a function that nothing else happens beside, unless the store is made to fail.
func (s *Store) Do(ctx context.Context, f func() error) error {
	if s.Waits {
		<-ctx.Done()
		return fmt.Errorf("reading: %w", ctx.Err())
	}
	if s.Before != nil {
		s.Before()
	}
	s.Lock()
	defer s.Unlock()
	if s.Err != nil {
		return s.Err
	}
	before := s.Writes
	err := f()
	if err == nil && s.Writes > before {
		err = s.Lost
	}
	return err
}

// Look calls a function that nothing else happens beside.
func (s *Store) Look(f func()) {
	s.Lock()
	defer s.Unlock()
	f()
}

// run is Do for what cannot fail otherwise.
func (s *Store) run(ctx context.Context, f func()) error {
	return s.Do(ctx, func() error { f(); return nil })
}

// AddTrial puts a trial with these events on record, and its vendor where it is not there yet.
func (s *Store) AddTrial(events []trial.Event) {
	state := trial.Fold(events)
	s.States[state.VendorID], s.History[state.VendorID] = state, events
	if _, known := s.VendorsByID[state.VendorID]; !known {
		s.VendorsByID[state.VendorID] = trial.Vendor{
			ID: state.VendorID, StartedAt: state.StartedAt, Automation: &trial.Automation{Cohort: state.Cohort, RegisteredAt: state.StartedAt},
		}
	}
}

// AddEvent adds an event to a trial, and returns the trial after it.
func (s *Store) AddEvent(e trial.Event, before trial.State) trial.State {
	after := before.Apply(e)
	s.Writes++
	s.States[after.VendorID], s.History[after.VendorID] = after, append(s.History[after.VendorID], e)
	return after
}

// AddEntry puts an entry at the audit record's end, as it stands there.
func (s *Store) AddEntry(e audit.Entry) audit.Entry {
	var last audit.Entry
	if n := len(s.Record); n > 0 {
		last = s.Record[n-1]
	}
	e = audit.Next(last, e)
	s.Record = append(s.Record, e)
	return e
}

// AlertOf is how an alert stands.
func (s *Store) AlertOf(id monitoring.RuleID) monitoring.Alert {
	if alert, known := s.Alerts[id]; known {
		return alert
	}
	return monitoring.NewAlert(id)
}

// SetAlert keeps how an alert stands, and what happened to it, if anything did.
func (s *Store) SetAlert(alert monitoring.Alert, e *monitoring.AlertEvent) {
	s.Alerts[alert.Rule] = alert
	if e != nil {
		s.Writes++
		s.AlertHistory[alert.Rule] = append(s.AlertHistory[alert.Rule], *e)
	}
}

// part is up to limit of all, from a number on that counts from 1.
func part[T any](all []T, from, limit int) []T {
	first := min(from-1, len(all))
	return slices.Clone(all[first:min(first+limit, len(all))])
}

func (s *Store) Flags(ctx context.Context) (doc flags.Document, err error) {
	err = s.run(ctx, func() { doc = s.Document })
	return doc, err
}

func (s *Store) CurrentRollout(ctx context.Context) (state rollout.State, found bool, err error) {
	err = s.run(ctx, func() { state, found = rollout.Fold(s.Rollout), len(s.Rollout) > 0 })
	return state, found, err
}

func (s *Store) LatestJudgement(ctx context.Context, _ string) (j *rollout.Judgement, err error) {
	err = s.run(ctx, func() { j = s.Judged })
	return j, err
}

func (s *Store) TimeSeries(ctx context.Context, _ string) (t rollout.TimeSeries, err error) {
	err = s.run(ctx, func() { t = s.Series })
	return t, err
}

func (s *Store) Decisions(ctx context.Context, _ string, from, limit int) (events []rollout.Event, err error) {
	err = s.run(ctx, func() { events = part(s.Rollout, from, limit) })
	return events, err
}

func (s *Store) Vendor(ctx context.Context, id string) (v trial.Vendor, err error) {
	err = s.Do(ctx, func() error {
		var known bool
		if v, known = s.VendorsByID[id]; !known {
			return trial.NotFound(id)
		}
		v = s.stopped(v)
		return nil
	})
	return v, err
}

func (s *Store) FindVendors(ctx context.Context, search trial.VendorSearch, limit int) (found []trial.Vendor, more bool, err error) {
	err = s.run(ctx, func() {
		for _, id := range slices.Sorted(maps.Keys(s.VendorsByID)) {
			v := s.VendorsByID[id]
			if !search.Means(v) {
				continue
			}
			if len(found) == limit {
				more = true
				return
			}
			v.Email, v.Name = "", ""
			found = append(found, v)
		}
	})
	return found, more, err
}

// stopped has what is on record stop e-mail to a vendor.
func (s *Store) stopped(v trial.Vendor) trial.Vendor {
	hash, record := trial.AddressHash(v.Email), trial.RecordOf(s.Suppressed[v.ID])
	v.LiftedAt = record.Lifts[hash]
	v.Stopped(record.Stopping(hash))
	return v
}

func (s *Store) Trial(ctx context.Context, id string) (state trial.State, found bool, err error) {
	err = s.run(ctx, func() { state, found = s.States[id] })
	return state, found, err
}

func (s *Store) Trials(ctx context.Context, f trial.Filter, after string, limit int) (page []trial.State, next string, err error) {
	err = s.run(ctx, func() {
		for _, id := range slices.Sorted(maps.Keys(s.States)) {
			state := s.States[id]
			switch {
			case id <= after, !f.Means(state):
			case len(page) == limit:
				next = page[limit-1].VendorID
				return
			default:
				page = append(page, state)
			}
		}
	})
	return page, next, err
}

func (s *Store) Events(ctx context.Context, id string, from int) (events []trial.Event, err error) {
	err = s.run(ctx, func() { events = part(s.History[id], max(from, 1), len(s.History[id])) })
	return events, err
}

func (s *Store) Send(ctx context.Context, key string) (send *trial.Send, err error) {
	err = s.run(ctx, func() {
		if found, known := s.Sends[key]; known {
			send = &found
		}
	})
	return send, err
}

func (s *Store) MailVersion(ctx context.Context, hash string) (content []byte, found bool, err error) {
	err = s.run(ctx, func() { content, found = s.MailVersions[hash] })
	return content, found, err
}

func (s *Store) AlertEvents(ctx context.Context, id monitoring.RuleID, from, limit int) (events []monitoring.AlertEvent, err error) {
	err = s.run(ctx, func() { events = part(s.AlertHistory[id], from, limit) })
	return events, err
}

func (s *Store) AuditEntries(ctx context.Context, f audit.Filter, before, limit int) (entries []audit.Entry, next int, err error) {
	err = s.run(ctx, func() {
		for _, e := range slices.Backward(s.Record) {
			switch {
			case before > 0 && e.Seq >= before, !f.Means(e):
			case len(entries) == limit:
				next = entries[limit-1].Seq
				return
			default:
				entries = append(entries, e)
			}
		}
	})
	return entries, next, err
}

func (s *Store) Token(ctx context.Context, key access.Key) (t access.Token, found bool, err error) {
	err = s.run(ctx, func() { t, found = s.Issued[key] })
	return t, found, err
}

// Tokens are all that were issued, in the order of their names.
func (s *Store) Tokens(ctx context.Context) (tokens []access.Token, err error) {
	err = s.run(ctx, func() {
		tokens = slices.SortedFunc(maps.Values(s.Issued), func(a, b access.Token) int { return strings.Compare(a.Name, b.Name) })
	})
	return tokens, err
}

func (s *Store) Bulks(ctx context.Context, before string, limit int) (page []bulk.View, next string, err error) {
	err = s.run(ctx, func() {
		for _, v := range slices.Backward(s.Operations) {
			switch {
			case before != "" && v.Operation.ID >= before:
			case len(page) == limit:
				next = page[limit-1].Operation.ID
				return
			default:
				page = append(page, v)
			}
		}
	})
	return page, next, err
}

func (s *Store) Bulk(ctx context.Context, id string) (o bulk.Operation, state bulk.State, err error) {
	err = s.Do(ctx, func() error {
		i := slices.IndexFunc(s.Operations, func(v bulk.View) bool { return v.Operation.ID == id })
		if i < 0 {
			return bulk.NotFound(id)
		}
		o, state = s.Operations[i].Operation, s.Operations[i].State
		return nil
	})
	return o, state, err
}

func (s *Store) BulkItem(ctx context.Context, id string, number int) (item bulk.Item, found bool, err error) {
	err = s.run(ctx, func() {
		if found = number <= len(s.Items[id]); found {
			item = s.Items[id][number-1]
		}
	})
	return item, found, err
}
