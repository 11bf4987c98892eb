package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/url"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"modernc.org/sqlite"
)

// ending is what end_of_reading() calls while a statement runs.
var ending atomic.Pointer[context.CancelFunc]

// A driver that forgets a statement whose reader has gone leaves its snapshot with the pooled connection: whoever
// reads by that next gets an error, or what was true then, for as long as the process lives.
func TestAReadThatIsCanceledLeavesNoSnapshotBehind(t *testing.T) {
	t.Parallel()
	sqlite.MustRegisterScalarFunction("end_of_reading", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		if end := ending.Swap(nil); end != nil {
			(*end)()
			for range 50 { // so that the driver hears of it before the row is there, mostly
				runtime.Gosched()
			}
		}
		return int64(0), nil
	})
	const rounds = 200
	file := "file:" + (&url.URL{Path: filepath.ToSlash(filepath.Join(t.TempDir(), "test.sqlite"))}).EscapedPath() + "?_pragma=journal_mode(wal)"
	open := func() *sql.DB {
		db, err := sql.Open("sqlite", file)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		db.SetMaxOpenConns(1)
		return db
	}
	writer, reader := open(), open()
	_, err := writer.ExecContext(t.Context(), "CREATE TABLE counter (n INTEGER); INSERT INTO counter VALUES (0)")
	require.NoError(t, err)
	for round := 1; round <= rounds; round++ {
		ctx, cancel := context.WithCancel(t.Context())
		ending.Store(&cancel)
		var n int
		_ = reader.QueryRowContext(ctx, "SELECT n + end_of_reading() FROM counter").Scan(&n) // canceled, or just not
		cancel()
		_, err := writer.ExecContext(t.Context(), "UPDATE counter SET n = ?", round)
		require.NoError(t, err)
		require.NoError(t, reader.QueryRowContext(t.Context(), "SELECT n FROM counter").Scan(&n))
		require.Equal(t, round, n, "as it was before")
	}
}

// During an overload reads run out of time; after it everybody reads what was written last, by all of FerretDB's
// connections.
func TestAfterAnOverloadReadsAreOfNow(t *testing.T) {
	t.Parallel()
	const (
		readers = 100
		reads   = 50
	)
	uri, _ := startDatabase(t, t.TempDir())
	counters := connect(t, uri, "counters")
	_, err := counters.InsertOne(t.Context(), bson.M{"_id": "mails", "count": 0})
	require.NoError(t, err)

	find := bson.D{{Key: "find", Value: "counters"}, {Key: "filter", Value: bson.M{"_id": "mails"}}, {Key: "maxTimeMS", Value: 1}}
	var group sync.WaitGroup
	for range readers {
		client := connect(t, uri, "counters").Database()
		group.Go(func() {
			for range reads {
				_ = client.RunCommand(t.Context(), find).Err() // in time, or not
			}
		})
	}
	group.Wait()

	_, err = counters.UpdateOne(t.Context(), bson.M{"_id": "mails"}, bson.M{"$inc": bson.M{"count": 1}})
	require.NoError(t, err)
	read := make([]struct{ Count int }, 2*readers)
	errs := make([]error, len(read))
	for i := range read {
		group.Go(func() { errs[i] = counters.FindOne(t.Context(), bson.M{"_id": "mails"}).Decode(&read[i]) })
	}
	group.Wait()
	for i := range read {
		require.NoError(t, errs[i])
		require.Equal(t, 1, read[i].Count, "as it was before")
	}
}
