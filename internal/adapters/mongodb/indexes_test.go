package mongodb

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/trial"
)

// Without an index a query answers the same, and reads the whole collection for it. So each that filters by more than _id
// has one that serves it, and each index a query that it is there for.
func TestEachFilterHasAnIndexAndEachIndexAFilter(t *testing.T) {
	t.Parallel()
	var seen []question
	client, err := mongo.Connect(clientOptions(server).SetMonitor(&event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		if q, ok := questionOf(e.Command); ok {
			seen = append(seen, q)
		}
	}}))
	require.NoError(t, err)
	s := newStore(client, newDatabase())
	cleanUp(t, s)
	ctx := t.Context()
	first := func(_ any, _ any, err error) error { return err }
	only := func(_ any, err error) error { return err }
	trials := func(f trial.Filter) error { return first(s.Trials(ctx, f, "v", 1)) }
	entries := func(f audit.Filter) error { return first(s.AuditEntries(ctx, f, 9, 1)) }
	used := map[string]bool{}
	for name, ask := range map[string]func() error{
		"unstarted":          func() error { return only(s.UnstartedVendors(ctx, 1, func(string) bool { return false })) },
		"unrecorded":         func() error { return only(s.UnrecordedConversions(ctx, 1)) },
		"without a start":    func() error { return only(s.VendorsWithoutStart(ctx)) },
		"overdue":            func() error { return only(s.OverdueTrials(ctx, at, 1)) },
		"held":               func() error { return only(s.HeldTrials(ctx, []trial.Reason{trial.ReasonAutomationDisabled}, "v", 1)) },
		"elsewhere":          func() error { return first(s.TrialsElsewhere(ctx, "v", 1)) },
		"running":            func() error { return only(s.RunningTrials(ctx, true, "v", 1)) },
		"listed, held":       func() error { return trials(trial.Filter{Held: new(true)}) },
		"listed, not held":   func() error { return trials(trial.Filter{Held: new(false)}) },
		"listed by status":   func() error { return trials(trial.Filter{Status: trial.Active}) },
		"listed by cohort":   func() error { return trials(trial.Filter{Cohort: trial.Automated}) },
		"listed, adopted":    func() error { return trials(trial.Filter{Cohort: trial.Adopted}) },
		"listed by reason":   func() error { return trials(trial.Filter{HeldBy: trial.ReasonExpirationOff}) },
		"listed by policy":   func() error { return trials(trial.Filter{Policy: "standard-14d"}) },
		"listed by arm":      func() error { return trials(trial.Filter{Experiment: "x", Arm: "a"}) },
		"listed, dealt":      func() error { return trials(trial.Filter{Experiment: "x"}) },
		"audit by subject":   func() error { return entries(audit.Filter{Subject: "trials/v-1"}) },
		"audit by actor":     func() error { return entries(audit.Filter{Actor: "ana"}) },
		"audit by outcome":   func() error { return entries(audit.Filter{Outcome: audit.Failed}) },
		"feedback, rollout":  func() error { return only(s.CountFeedback(ctx, feedback.Filter{RolloutID: "r-1"})) },
		"feedback, time":     func() error { return only(s.CountFeedback(ctx, feedback.Filter{From: at, To: at})) },
		"experiment's rows":  func() error { return only(s.ExperimentRows(ctx, experiment.Experiment{ID: "x", Day: trial.RealDay})) },
		"vendors by address": func() error { return first(s.FindVendors(ctx, trial.VendorSearch{Email: "ada@example.com"}, 1)) },
		"vendors by name":    func() error { return first(s.FindVendors(ctx, trial.VendorSearch{Name: "ada"}, 1)) },
		"suppressed":         func() error { return first(s.SuppressedVendors(ctx, "", place{at, "v-1"}.text(), 1)) },
		"suppressed by cause": func() error {
			for _, cause := range trial.Causes() {
				if err := first(s.SuppressedVendors(ctx, cause, place{at, "v-1"}.text(), 1)); err != nil {
					return err
				}
			}
			return nil
		},
		"suppressed, on no list": func() error { return s.listSuppressions(ctx) },
		"sessions":               func() error { return first(s.Sessions(ctx, at, place{at, "v-1"}.text(), 1)) },
		"sessions of a person":   func() error { return only(s.SessionsOf(ctx, "s", at)) },
		"bulk of one vendor":     func() error { return only(s.BulkParts(ctx, "v-1")) },
	} {
		seen = nil
		require.NoError(t, ask(), name)
		require.NotEmpty(t, seen, name)
		for _, q := range seen {
			found := false
			for _, i := range indexes() {
				if q.servedBy(i) {
					found, used[i.serves] = true, true
				}
			}
			require.True(t, found, "%s: no index serves %v", name, q)
		}
	}
	for _, i := range indexes() {
		require.True(t, used[i.serves] || i.options != nil && (i.collection == messagesCollection || i.collection == sessionsCollection), "no query needs the index for %s", i.serves)
	}
}

// question is what a query asks a collection: which fields it filters and sorts by.
type question struct {
	collection     string
	filter, sorted []string
}

// questionOf reads a command, and tells whether it is a query by more than _id.
func questionOf(command bson.Raw) (question, bool) {
	var c struct {
		Find      string   `bson:"find"`
		Aggregate string   `bson:"aggregate"`
		Filter    bson.Raw `bson:"filter"`
		Sort      bson.Raw `bson:"sort"`
		Pipeline  []struct {
			Match bson.Raw `bson:"$match"`
		} `bson:"pipeline"`
	}
	if bson.Unmarshal(command, &c) != nil || c.Find+c.Aggregate == "" {
		return question{}, false
	}
	if len(c.Pipeline) > 0 {
		c.Filter = c.Pipeline[0].Match
	}
	q := question{collection: c.Find + c.Aggregate, filter: fieldsOf(c.Filter), sorted: fieldsOf(c.Sort)}
	return q, slices.ContainsFunc(q.filter, func(field string) bool { return field != "_id" })
}

// fieldsOf are the fields that a document names, those of its alternatives too.
func fieldsOf(doc bson.Raw) (fields []string) {
	elements, _ := doc.Elements()
	for _, e := range elements {
		if e.Key() != "$or" {
			fields = append(fields, e.Key())
			continue
		}
		alternatives, _ := e.Value().Array().Values()
		for _, a := range alternatives {
			fields = append(fields, fieldsOf(a.Document())...)
		}
	}
	return fields
}

// servedBy reports whether an index finds what is asked for, in its order: it begins with a filtered field, all its fields are
// asked about, and it has those that are sorted by.
func (q question) servedBy(i index) bool {
	asked := append(slices.Clone(q.filter), q.sorted...)
	var fields []string
	for _, key := range i.keys {
		fields = append(fields, key.Key)
		if !slices.Contains(asked, key.Key) {
			return false
		}
	}
	for _, field := range q.sorted {
		if !slices.Contains(fields, field) {
			return false
		}
	}
	return i.collection == q.collection && slices.Contains(q.filter, fields[0])
}

func (q question) String() string {
	return fmt.Sprintf("%s by %v in the order of %v", q.collection, q.filter, q.sorted)
}
