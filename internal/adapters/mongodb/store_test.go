package mongodb

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// nowhere is a port on which nothing listens.
const nowhere = "mongodb://127.0.0.1:1/"

func TestServerAway(t *testing.T) {
	t.Parallel()
	s, err := Connect(t.Context(), nowhere, "test")
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	send := trial.Send{Key: "v1/welcome/0", VendorID: "v1"}
	calls := map[string]func(context.Context) error{
		"Ping":  s.Ping,
		"Setup": s.Setup,
		"RegisterVendor": func(ctx context.Context) error {
			_, _, err := s.RegisterVendor(ctx, vendor("v1", trial.Control))
			return err
		},
		"TakeIn": func(ctx context.Context) error { _, err := s.TakeIn(ctx, vendor("v1", trial.Control)); return err },
		"Vendor": func(ctx context.Context) error { _, err := s.Vendor(ctx, "v1"); return err },
		"RecordConversion": func(ctx context.Context) error {
			_, _, err := s.RecordConversion(ctx, "v1", trial.Conversion{At: at})
			return err
		},
		"Suppress": func(ctx context.Context) error {
			_, _, err := s.Suppress(ctx, "v1", trial.Suppression{Reason: trial.ReasonUnsubscribed})
			return err
		},
		"UnstartedVendors": func(ctx context.Context) error { _, err := s.UnstartedVendors(ctx, 1, nobody); return err },
		"Append": func(ctx context.Context) error {
			_, err := s.Append(ctx, trial.Start(registration14d("v1"), at), trial.NewState(registration14d("v1")))
			return err
		},
		"Events":    func(ctx context.Context) error { _, err := s.Events(ctx, "v1", 1); return err },
		"Trial":     func(ctx context.Context) error { _, _, err := s.Trial(ctx, "v1"); return err },
		"Trials":    func(ctx context.Context) error { _, _, err := s.Trials(ctx, trial.Filter{}, "", 1); return err },
		"Refold":    func(ctx context.Context) error { _, err := s.Refold(ctx, "v1"); return err },
		"Send":      func(ctx context.Context) error { _, err := s.Send(ctx, "v1/welcome/0"); return err },
		"ClaimSend": func(ctx context.Context) error { _, _, err := s.ClaimSend(ctx, send); return err },
		"ReclaimSend": func(ctx context.Context) error {
			_, _, err := s.ReclaimSend(ctx, send.Key, 1, false, at, "")
			return err
		},
		"SettleSend": func(ctx context.Context) error {
			_, err := s.SettleSend(ctx, send.Key, 1, trial.SendResult{Status: trial.SendSent, MessageID: "m"}, at)
			return err
		},
		"SendEvent": func(ctx context.Context) error {
			_, err := s.SendEvent(ctx, send.Key, 1, "m", "delivery", at)
			return err
		},
		"SeenMessage": func(ctx context.Context) error { _, err := s.SeenMessage(ctx, "m", at); return err },
		"Flags":       func(ctx context.Context) error { _, err := s.Flags(ctx); return err },
		"LastSweep":   func(ctx context.Context) error { _, err := s.LastSweep(ctx); return err },
		"Processes":   func(ctx context.Context) error { _, err := s.Processes(ctx); return err },
		"UpdateFlags": func(ctx context.Context) error {
			_, err := s.UpdateFlags(ctx, "test", func(*flags.Change) error { return nil })
			return err
		},
	}
	const driversPatience = 30 * time.Second // for a server, where nothing is set
	names := slices.Sorted(maps.Keys(calls))
	errs := make([]error, len(names))
	took := make([]time.Duration, len(names))
	together(len(names), func(i int) { // all wait for the same server that does not come
		began := time.Now()
		errs[i] = calls[names[i]](t.Context())
		took[i] = time.Since(began)
	})
	for i, name := range names {
		require.Less(t, took[i], driversPatience, "%s: it does not wait as long as the driver does by itself", name)
		requireCode(t, trial.CodeUnavailable, errs[i])
		require.True(t, isUnavailable(errs[i]), name)
		require.ErrorContains(t, errs[i], "connection refused", "%s: the cause is kept for the log", name)
	}
}

func TestCallerWhoGaveUp(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Flags(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, isUnavailable(err), "the server is not to blame")
	_, err = Connect(ctx, server, "test")
	require.ErrorIs(t, err, context.Canceled)

	// What the driver makes of a caller who gives up while the server works.
	err = failed("reading", mongo.CommandError{Labels: []string{"NetworkError"}, Wrapped: context.Canceled})
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, isUnavailable(err))
}

func TestBadConnectionString(t *testing.T) {
	t.Parallel()
	_, err := Connect(t.Context(), "postgres://localhost", "test")
	require.ErrorContains(t, err, "MONGODB_URI: ")
	require.False(t, isUnavailable(err))
}

// An earlier version made another index under the same name. A server refuses to change it, and MongoDB one with other options too.
// Among the users it may be the marketplace's, which stays.
func TestSetupReplacesAnIndexOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	another := func(collection, name string) mongo.IndexView {
		all := s.users.Database().Collection(collection).Indexes()
		_, err := all.CreateOne(t.Context(), mongo.IndexModel{Keys: ascending("other"), Options: options.Index().SetName(name)})
		require.NoError(t, err)
		return all
	}
	ours, theirs := another(trialsCollection, "status_1__id_1"), another(usersCollection, "isVendor_1_trialStartDate_1")
	require.NoError(t, s.Setup(t.Context()))
	type named struct {
		Name string `bson:"name"`
		Key  bson.D `bson:"key"`
	}
	for view, want := range map[mongo.IndexView]named{
		ours:   {"status_1__id_1", bson.D{{Key: "status", Value: int32(1)}, {Key: "_id", Value: int32(1)}}},
		theirs: {"isVendor_1_trialStartDate_1", bson.D{{Key: "other", Value: int32(1)}}},
	} {
		cursor, err := view.List(t.Context())
		require.NoError(t, err)
		var found []named
		require.NoError(t, cursor.All(t.Context(), &found))
		require.Contains(t, found, want)
	}
}

func TestSetup(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	require.NoError(t, s.Setup(t.Context()))
	before, err := s.Flags(t.Context())
	require.NoError(t, err)
	require.NoError(t, s.Setup(t.Context()), "it may be repeated")
	after, err := s.Flags(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, after)

	for _, want := range indexes() {
		if o := applied(t, want); o.ExpireAfterSeconds != nil || o.PartialFilterExpression != nil || o.Collation != nil {
			continue // not every server has such
		}
		var keys []bson.D
		cursor, err := s.users.Database().Collection(want.collection).Indexes().List(t.Context())
		require.NoError(t, err)
		var all []struct {
			Key bson.D `bson:"key"`
		}
		require.NoError(t, cursor.All(t.Context(), &all))
		for _, i := range all {
			keys = append(keys, i.Key)
		}
		wanted := make(bson.D, 0, len(want.keys))
		for _, k := range want.keys {
			direction, isNumber := k.Value.(int)
			require.True(t, isNumber, want.serves)
			wanted = append(wanted, bson.E{Key: k.Key, Value: int32(direction)})
		}
		require.Contains(t, keys, wanted, want.serves)
	}
}

func applied(t *testing.T, i index) (o options.IndexOptions) {
	t.Helper()
	if i.options == nil {
		return o
	}
	for _, set := range i.options.Opts {
		require.NoError(t, set(&o))
	}
	return o
}

// MongoDB uses an index of some documents only for a query that asks for no others. The embedded server has none, so this is all that
// can be seen of it here.
func TestTheAdoptedAreAskedForAsTheirIndexHasThem(t *testing.T) {
	t.Parallel()
	served := 0
	for _, i := range indexes() {
		if holds := applied(t, i).PartialFilterExpression; holds != nil && i.collection == trialsCollection {
			require.Subset(t, trialFilter(trial.Filter{Cohort: trial.Adopted}, "v-1"), holds)
			require.Equal(t, "_id", i.keys[0].Key, "in the order of the list")
			served++
		}
	}
	require.Equal(t, 1, served)
}

// The index of a cause's suppressions has those alone that have one: each is looked for by a moment of it, which is not null.
func TestACausesIndexHasItsSuppressionsAlone(t *testing.T) {
	t.Parallel()
	partial := map[string]any{}
	for _, i := range indexes() {
		if i.collection == suppressionsCollection {
			partial[i.keys[0].Key] = applied(t, i).PartialFilterExpression
		}
	}
	want := map[string]any{"latest.any": nil}
	for _, cause := range trial.Causes() {
		field := "latest." + string(cause)
		want[field] = bson.D{{Key: field, Value: bson.D{{Key: "$exists", Value: true}}}}
	}
	require.Equal(t, want, partial)
}

func TestSeenMessage(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	created := make([]bool, 10)
	errs := make([]error, 10)
	together(10, func(i int) { created[i], errs[i] = s.SeenMessage(t.Context(), "message-1", at) })
	count := 0
	for i, isFirst := range created {
		require.NoError(t, errs[i])
		if isFirst {
			count++
		}
	}
	require.Equal(t, 1, count)
	isFirst, err := s.SeenMessage(t.Context(), "message-2", at)
	require.NoError(t, err)
	require.True(t, isFirst)
}
