package recovery

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/stack"
)

// server is the connection string of the one server all tests share.
var server string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	s, err := stack.Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	server = s.MongoDB
	code := m.Run()
	if err := s.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// patience is how long a test waits for what comes at once on a machine that has nothing else to do.
const patience = 2 * time.Minute

// newTestStore is a store with a database of its own.
func newTestStore(t *testing.T) Store {
	t.Helper()
	s, err := mongodb.Connect(t.Context(), server, "test_"+rand.Text())
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		require.NoError(t, s.Database().Drop(ctx))
		require.NoError(t, s.Close(ctx))
	})
	return Store{s}
}

// in is a collection of the database.
func (s Store) in(collection string) *mongo.Collection { return s.Database().Collection(collection) }

func byID(id any) bson.D { return bson.D{{Key: "_id", Value: id}} }

// at is a moment that tests count from.
var at = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// vendor is one about to be registered.
func vendor(id string, cohort trial.Cohort) trial.Vendor {
	return trial.Vendor{
		ID: id, Email: id + "@example.com", Name: "Shop " + id, Zone: "Europe/Lisbon", StartedAt: at, CreatedAt: at.Add(-time.Hour),
		Automation: &trial.Automation{Cohort: cohort, Bucket: 0.123456789012345678, RolloutPercentage: 12.34, FlagsVersion: 7, Policy: "standard-14d", RegisteredAt: at},
	}
}

func registration14d(id string) trial.Registration {
	return vendor(id, trial.Automated).Registration(trial.DefaultPolicy(), trial.RealDay)
}

func register(t *testing.T, s Store, id string, cohort trial.Cohort) {
	t.Helper()
	_, _, err := s.RegisterVendor(t.Context(), vendor(id, cohort))
	require.NoError(t, err)
}

func suppress(t *testing.T, s Store, vendorID string, p trial.Suppression) {
	t.Helper()
	_, _, err := s.Suppress(t.Context(), vendorID, p)
	require.NoError(t, err)
}

func unsubscribed(hours int) trial.Suppression {
	return trial.Suppression{Reason: trial.ReasonUnsubscribed, At: at.Add(time.Duration(hours) * time.Hour)}
}

func bounced(address string, hours int) trial.Suppression {
	return trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: at.Add(time.Duration(hours) * time.Hour), AddressHash: trial.AddressHash(address)}
}

func noMail(t *testing.T, s Store, id string) trial.Reason {
	t.Helper()
	v, err := s.Vendor(t.Context(), id)
	require.NoError(t, err)
	return v.NoMail()
}

func erasure(after time.Duration) trial.Erasure {
	return trial.Erasure{At: at.Add(after), By: "admin", Reason: "asked for it"}
}

func aRollout(id string) rollout.Event {
	return rollout.Begin(rollout.Start{ID: id, Plan: rollout.DefaultPlan(), By: "admin", Times: evidence.Times{Day: trial.RealDay, TrialDays: 17}},
		time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC))
}

// insertUser puts a document straight into the marketplace's collection.
func insertUser(t *testing.T, s Store, doc bson.D) {
	t.Helper()
	_, err := s.in(recovery.Users).InsertOne(t.Context(), doc)
	require.NoError(t, err)
}

// document reads a whole document as it is stored.
func document(t *testing.T, c *mongo.Collection, id any) bson.M {
	t.Helper()
	var doc bson.M
	require.NoError(t, c.FindOne(t.Context(), byID(id)).Decode(&doc))
	return doc
}

// kept is what was decided under a key.
func kept[T any](t *testing.T, s Store, key string) T {
	t.Helper()
	var doc struct {
		Value T `json:"value"`
	}
	require.NoError(t, s.in(recovery.IdempotencyKeys).FindOne(t.Context(), byID(key)).Decode(&doc))
	return doc.Value
}
