package mongodb

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

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
	if f := flag.Lookup("test.fuzz"); f != nil && f.Value.String() != "" {
		return m.Run() // what is fuzzed needs no server
	}
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

// newTestStore is a store with a database of its own.
func newTestStore(t *testing.T) *Store {
	t.Helper()
	s, err := Connect(t.Context(), server, newDatabase())
	require.NoError(t, err)
	cleanUp(t, s)
	return s
}

func newDatabase() string { return "test_" + rand.Text() }

func cleanUp(t *testing.T, s *Store) {
	t.Helper()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		require.NoError(t, s.users.Database().Drop(ctx))
		require.NoError(t, s.Close(ctx))
	})
}

// patience is how long a test waits for what comes at once on a machine that has nothing else to do.
const patience = 2 * time.Minute

// at is a moment that tests count from.
var at = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// vendor is one about to be registered.
func vendor(id string, cohort trial.Cohort) trial.Vendor {
	return trial.Vendor{
		ID: id, Email: id + "@example.com", Name: "Shop " + id, Zone: "Europe/Lisbon", Locale: "pt-PT", StartedAt: at, CreatedAt: at.Add(-time.Hour),
		Automation: &trial.Automation{Cohort: cohort, Bucket: 0.123456789012345678, RolloutPercentage: 12.34, FlagsVersion: 7, Policy: "standard-14d", RegisteredAt: at},
	}
}

func registration14d(id string) trial.Registration {
	return vendor(id, trial.Automated).Registration(trial.DefaultPolicy(), trial.RealDay)
}

// insertUser puts a document straight into the marketplace's collection.
func insertUser(t *testing.T, s *Store, doc bson.D) {
	t.Helper()
	_, err := s.users.InsertOne(t.Context(), doc)
	require.NoError(t, err)
}

// document reads a whole document as it is stored.
func document(t *testing.T, c *mongo.Collection, id any) bson.M {
	t.Helper()
	var doc bson.M
	require.NoError(t, c.FindOne(t.Context(), byID(id)).Decode(&doc))
	return doc
}

func requireCode(t *testing.T, code trial.Code, err error) {
	t.Helper()
	var e *trial.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code)
}

// together calls f n times at once and waits for all.
func together(n int, f func(i int)) {
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			f(i)
		})
	}
	done.Wait()
}
