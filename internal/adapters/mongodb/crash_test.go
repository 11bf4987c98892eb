package mongodb

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/domain/trial"
)

// crash ends a caller's context around the command with a number, counted from 0:
// before it leaves, or after it was answered.
type crash struct {
	command  int64
	answered bool
}

func (c crash) String() string {
	if c.answered {
		return fmt.Sprintf("after command %d", c.command)
	}
	return fmt.Sprintf("at command %d", c.command)
}

// crashingStore is a store on the same database whose commands under the
// context crash as c says.
func crashingStore(t *testing.T, database string, c crash) (*Store, context.Context) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	var started, succeeded atomic.Int64
	client, err := mongo.Connect(clientOptions(server).SetMonitor(&event.CommandMonitor{
		Started: func(context.Context, *event.CommandStartedEvent) {
			if started.Add(1)-1 == c.command && !c.answered {
				cancel()
			}
		},
		Succeeded: func(context.Context, *event.CommandSucceededEvent) {
			if succeeded.Add(1)-1 == c.command && c.answered {
				cancel()
			}
		},
	}))
	require.NoError(t, err)
	s := newStore(client, database)
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(ctx)) })
	return s, ctx
}

// An event that comes while a trial is folded from its events is not lost.
func TestRefoldWhileAnEventComes(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	events, want := history(t, registration14d("v1"), step(allOn(), 0), convert(at.Add(time.Hour)))
	appendAll(t, s, events[:2])
	var once sync.Once
	client, err := mongo.Connect(clientOptions(server).SetMonitor(&event.CommandMonitor{
		Started: func(_ context.Context, e *event.CommandStartedEvent) {
			if e.CommandName == "findAndModify" { // the events were read, the trial is about to be stored
				once.Do(func() { appendAll(t, s, events) })
			}
		},
	}))
	require.NoError(t, err)
	folding := newStore(client, s.users.Database().Name())
	t.Cleanup(func() { _ = folding.Close(context.WithoutCancel(t.Context())) })
	state, err := folding.Refold(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, want, state)
	got, _, err := s.Trial(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, want, got)
	requireMirrored(t, s, want)
}

// kept is everything stored that a crash must not change.
func kept(t *testing.T, s *Store) map[string][]bson.M {
	t.Helper()
	all := map[string][]bson.M{}
	for _, c := range []*mongo.Collection{s.users, s.trials, s.events, s.idempotencyKeys} {
		cursor, err := c.Find(t.Context(), bson.D{})
		require.NoError(t, err)
		var docs []bson.M
		require.NoError(t, cursor.All(t.Context(), &docs))
		for _, doc := range docs {
			delete(doc, "updatedAt")
		}
		all[c.Name()] = docs
	}
	return all
}

// Appending an event may crash anywhere; repeating it finishes the rest, as if
// it had never crashed.
func TestAppendAfterCrash(t *testing.T) {
	t.Parallel()
	for name, turns := range map[string][]turn{
		"the start":    nil,
		"a step":       {step(allOn(), 0)},
		"a conversion": {step(allOn(), 0), convert(at.Add(time.Hour))},
		"an extension": {request(trial.MessageExtend, trial.Request{ID: "r", Days: 3, Reason: "asked", By: "admin"}, at.Add(time.Hour))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events, _ := history(t, registration14d("v1"), turns...)
			smooth := newTestStore(t)
			register(t, smooth, "v1", trial.Automated)
			appendAll(t, smooth, events)
			want := kept(t, smooth)
			for command := int64(0); ; command++ {
				before := crashAppend(t, events, crash{command: command}, want)
				after := crashAppend(t, events, crash{command: command, answered: true}, want)
				if !before && !after {
					require.Greater(t, command, int64(1), "there was something to crash")
					return
				}
			}
		})
	}
}

// crashAppend crashes the last of the events, repeats it and compares. It tells
// whether the crash came before the end.
func crashAppend(t *testing.T, events []trial.Event, c crash, want map[string][]bson.M) (crashed bool) {
	t.Helper()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	last := len(events) - 1
	appendAll(t, s, events[:last])
	state := trial.Fold(events)

	crashing, ctx := crashingStore(t, s.users.Database().Name(), c)
	_, err := crashing.Append(ctx, events[last], state)
	crashed = err != nil
	if crashed {
		require.ErrorIs(t, err, context.Canceled, c)
		require.False(t, isUnavailable(err), "the server is not to blame")
	}
	existing, err := s.Append(t.Context(), events[last], state)
	require.NoError(t, err, c)
	if existing != nil {
		require.Equal(t, events[last], *existing, c)
	}
	require.Equal(t, want, kept(t, s), c)
	return crashed
}

// After a crash the next attempt may decide otherwise. What was stored stands.
func TestAppendOtherwiseAfterCrash(t *testing.T) {
	t.Parallel()
	for command := range int64(4) {
		s := newTestStore(t)
		register(t, s, "v1", trial.Automated)
		initial, state := history(t, registration14d("v1"))
		appendAll(t, s, initial)
		crashing, ctx := crashingStore(t, s.users.Database().Name(), crash{command: command, answered: true})
		planned := *convert(at.Add(time.Hour))(t, state)
		_, _ = crashing.Append(ctx, planned, state.Apply(planned)) // it may get through

		otherwise := *request(trial.MessageCancel, trial.Request{ID: "r", Reason: "asked", By: "admin"}, at.Add(2*time.Hour))(t, state)
		existing, err := s.Append(t.Context(), otherwise, state.Apply(otherwise))
		require.NoError(t, err)
		require.Equal(t, &planned, existing)
		got, _, err := s.Trial(t.Context(), "v1")
		require.NoError(t, err)
		require.Equal(t, state.Apply(planned), got)
		requireMirrored(t, s, got)
	}
}

// Registering may crash anywhere as well.
func TestRegisterAfterCrash(t *testing.T) {
	t.Parallel()
	for name, theirs := range map[string]bson.D{
		"nobody's":          nil,
		"the marketplace's": {{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}, {Key: "trialAutomation", Value: "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for command := int64(0); ; command++ {
				s := newTestStore(t)
				if theirs != nil {
					insertUser(t, s, theirs)
				}
				crashing, ctx := crashingStore(t, s.users.Database().Name(), crash{command: command, answered: true})
				_, _, err := crashing.RegisterVendor(ctx, vendor("v1", trial.Automated))
				v, _, again := s.RegisterVendor(t.Context(), vendor("v1", trial.Automated))
				require.NoError(t, again)
				require.Equal(t, vendor("v1", trial.Automated).Automation, v.Automation)
				require.Equal(t, at, v.StartedAt)
				if err == nil {
					require.Positive(t, command, "there was something to crash")
					return
				}
			}
		})
	}
}
