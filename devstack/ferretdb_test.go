package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	mongooptions "go.mongodb.org/mongo-driver/v2/mongo/options"
)

// clients is the number of concurrent clients, each with its own connections.
const clients = 4

var discard = slog.New(slog.DiscardHandler)

// startDatabase runs FerretDB in dir until the test ends, or stop is called.
func startDatabase(t *testing.T, dir string) (uri string, stop func()) {
	t.Helper()
	p := newParts()
	stop = sync.OnceFunc(func() { require.NoError(t, p.stop()) })
	t.Cleanup(stop)
	uri, err := startFerretDB(t.Context(), p, "127.0.0.1:0", dir, true, discard)
	require.NoError(t, err)
	return uri, stop
}

// connect returns a collection as a client of its own sees it.
func connect(t *testing.T, uri, collection string) *mongo.Collection {
	t.Helper()
	client, err := mongo.Connect(mongooptions.Client().ApplyURI(uri))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client.Database("test").Collection(collection)
}

// together runs each of the clients' parts at the same time.
func together(t *testing.T, part func(client int) error) {
	t.Helper()
	var group sync.WaitGroup
	errs := make([]error, clients)
	for client := range clients {
		group.Go(func() { errs[client] = part(client) })
	}
	group.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}

func TestNoIncrementIsLost(t *testing.T) {
	t.Parallel()
	const increments = 250
	uri, _ := startDatabase(t, t.TempDir())
	counters := connect(t, uri, "counters")
	_, err := counters.InsertOne(t.Context(), bson.M{"_id": "mails", "count": 0})
	require.NoError(t, err)

	together(t, func(int) error {
		counters := connect(t, uri, "counters")
		for range increments {
			if _, err := counters.UpdateOne(t.Context(), bson.M{"_id": "mails"}, bson.M{"$inc": bson.M{"count": 1}}); err != nil {
				return err
			}
		}
		return nil
	})

	var counter struct{ Count int }
	require.NoError(t, counters.FindOne(t.Context(), bson.M{"_id": "mails"}).Decode(&counter))
	require.Equal(t, clients*increments, counter.Count)
}

func TestAConditionalUpdateHasOneWinner(t *testing.T) {
	t.Parallel()
	const rounds = 50
	uri, _ := startDatabase(t, t.TempDir())
	claims := connect(t, uri, "claims")
	all := make([]*mongo.Collection, clients)
	for client := range all {
		all[client] = connect(t, uri, "claims")
		require.NoError(t, all[client].Database().Client().Ping(t.Context(), nil))
	}
	for round := range rounds {
		id := fmt.Sprint("claim-", round)
		_, err := claims.InsertOne(t.Context(), bson.M{"_id": id, "owner": ""})
		require.NoError(t, err)
		var winners atomic.Int64
		together(t, func(client int) error {
			result, err := all[client].UpdateOne(t.Context(),
				bson.M{"_id": id, "owner": ""}, bson.M{"$set": bson.M{"owner": fmt.Sprint("client-", client)}})
			if err == nil {
				winners.Add(result.ModifiedCount)
			}
			return err
		})
		require.EqualValues(t, 1, winners.Load(), "round %d", round)
	}
}

func TestAFindAndUpdateHasOneWinner(t *testing.T) {
	t.Parallel()
	const rounds = 50
	uri, _ := startDatabase(t, t.TempDir())
	claims := connect(t, uri, "claims")
	for round := range rounds {
		id := fmt.Sprint("claim-", round)
		_, err := claims.InsertOne(t.Context(), bson.M{"_id": id, "free": true})
		require.NoError(t, err)
		var winners atomic.Int64
		together(t, func(int) error {
			err := claims.FindOneAndUpdate(t.Context(),
				bson.M{"_id": id, "free": true}, bson.M{"$set": bson.M{"free": false}}).Err()
			if errors.Is(err, mongo.ErrNoDocuments) {
				return nil
			}
			winners.Add(1)
			return err
		})
		require.EqualValues(t, 1, winners.Load(), "round %d", round)
	}
}

func TestUnacknowledgedWritesKeepTheConnectionInStep(t *testing.T) {
	t.Parallel()
	uri, _ := startDatabase(t, t.TempDir())
	client, err := mongo.Connect(mongooptions.Client().ApplyURI(uri + "?w=0&maxPoolSize=1"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	mails := client.Database("test").Collection("mails")

	const count = 20
	for i := range count {
		result, err := mails.InsertOne(t.Context(), bson.M{"_id": i})
		require.NoError(t, err)
		require.False(t, result.Acknowledged)
		// One connection: its next answer is the count's, not the insert's, and
		// comes after the insert is done.
		n, err := mails.CountDocuments(t.Context(), bson.M{})
		require.NoError(t, err)
		require.EqualValues(t, i+1, n)
	}
}

func TestTheDatabaseKeepsItsDataInItsDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "with a space", "100%", "mongodb")
	uri, stop := startDatabase(t, dir)
	_, err := connect(t, uri, "vendors").InsertOne(t.Context(), bson.M{"_id": "v-1"})
	require.NoError(t, err)
	stop()

	uri, _ = startDatabase(t, dir)
	n, err := connect(t, uri, "vendors").CountDocuments(t.Context(), bson.M{"_id": "v-1"})
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

// Look-ups by _id alone must not read the collection: SQLite is asked how it
// would find a document, in the very words in which FerretDB asks.
func TestLookUpsByIDUseAnIndex(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	uri, _ := startDatabase(t, dir)
	for _, name := range []string{"sends", "odd.na-me", "sends again"} {
		c := connect(t, uri, name)
		_, err := c.InsertOne(t.Context(), bson.M{"_id": "a"})
		require.NoError(t, err)
	}
	dropped := connect(t, uri, "sends")
	require.NoError(t, dropped.Drop(t.Context()))
	_, err := dropped.InsertOne(t.Context(), bson.M{"_id": "a"})
	require.NoError(t, err)
	_, err = dropped.InsertOne(t.Context(), bson.M{"_id": "b"}) // its turn comes after the index
	require.NoError(t, err)

	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "test.sqlite"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	missing, err := unindexed(t.Context(), db)
	require.NoError(t, err)
	require.Empty(t, missing)
	var table string
	require.NoError(t, db.QueryRowContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'sends\_%' ESCAPE '\'`).Scan(&table))
	var id, parent, unused int
	var plan string
	row := db.QueryRowContext(t.Context(), fmt.Sprintf(`EXPLAIN QUERY PLAN SELECT _ferretdb_sjson FROM %s WHERE _ferretdb_sjson->'$._id' = ?`, quote(table)), `"a"`)
	require.NoError(t, row.Scan(&id, &parent, &unused, &plan))
	require.Contains(t, plan, "USING INDEX")
}
