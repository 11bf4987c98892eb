package test

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/test/system"
)

// oldUsers is how many users the marketplace of the migration's scenario has. `go
// test ./test -run Migration -migration-users 50000 -timeout 60m` is the real size.
var oldUsers = flag.Int("migration-users", 400, "how many users the migration's scenario `has`")

// messyUser is one of many, each with its own faults.
func messyUser(r *mathrand.Rand, n int) bson.D {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Duration(r.IntN(900*24)) * time.Hour)
	var id any = fmt.Sprintf("u%05d", n)
	if r.IntN(3) == 0 {
		object := bson.NewObjectIDFromTimestamp(began)
		copy(object[4:], fmt.Sprintf("%08d", n)) // the rest of it is chance otherwise
		id = object
	}
	if r.IntN(40) == 0 {
		id = fmt.Sprintf("u%d@example.com", n)
	}
	doc := bson.D{{Key: "_id", Value: id}, {Key: "email", Value: fmt.Sprintf("u%d@example.com", n)}, {Key: "name", Value: fmt.Sprint("User ", n)}}
	add := func(field string, values ...any) {
		if v := values[r.IntN(len(values))]; v != absent {
			doc = append(doc, bson.E{Key: field, Value: v})
		}
	}
	half := bson.D{{Key: "cohort", Value: "control"}, {Key: "bucket", Value: 0.5}}
	whole := append(slices.Clone(half), bson.D{
		{Key: "rolloutPercentage", Value: 10.0}, {Key: "flagsVersion", Value: 3}, {Key: "policy", Value: "standard-14d"}, {Key: "registeredAt", Value: began},
	}...)
	add("isVendor", true, true, true, true, true, true, false, absent, "true")
	add("createdAt", began, began, began.Format(time.RFC3339), began.UnixMilli(), absent, nil, "last year")
	add("trialStartDate", absent, absent, absent, absent, began, began, began.Format(time.RFC3339), began.Format(time.DateOnly), began.Unix(), "03/04/2025", nil)
	add("trialAutomation", absent, absent, absent, nil, half, half, whole, whole, bson.D{}, bson.D{{Key: "cohort", Value: "automated"}}, bson.D{{Key: "cohort", Value: "beta"}}, true)
	add("timezone", absent, absent, "Asia/Tokyo", "Mars/Olympus", 3)
	return doc
}

// absent is the value of a field that is not there.
var absent = any(struct{ absent bool }{true})

// bazaar is a database with old users.
type bazaar struct {
	*mongo.Database
	t     *testing.T
	bin   string
	pages int
}

func newBazaar(t *testing.T, server *mongo.Client, bin string, users []any) bazaar {
	t.Helper()
	b := bazaar{server.Database("migration_" + strings.ToLower(rand.Text()[:8])), t, bin, len(users)/max(*oldUsers/40, 1) + 3}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), soon)
		defer cancel()
		_ = b.Drop(ctx) // the stack ends with the tests anyway
	})
	for chunk := range slices.Chunk(users, 1000) {
		_, err := b.Collection("users").InsertMany(t.Context(), chunk)
		require.NoError(t, err)
	}
	flags := bson.M{"_id": "featureFlags", "salt": "salt", "version": 1, "featureFlags": bson.M{"trialAutomation": bson.M{"enabled": true, "rolloutPercentage": 100}}}
	_, err := b.Collection("flags").InsertOne(t.Context(), flags)
	require.NoError(t, err)
	return b
}

func (b bazaar) starter(args ...string) *exec.Cmd {
	page := strconv.Itoa(max(*oldUsers/40, 1))
	command := exec.CommandContext(b.t.Context(), filepath.Join(b.bin, "starter"), append([]string{"migrate", args[0], "--mongodb", embedded.MongoDB, "--page", page}, args[1:]...)...)
	command.Env = append(os.Environ(), "MONGODB_DATABASE="+b.Name())
	return command
}

// pass is how far the migration is, as stored.
type pass struct {
	Seq        int
	Terms      struct{ At time.Time }
	Counts     migration.Counts
	FinishedAt *time.Time `bson:"finishedAt"`
}

func (b bazaar) pass() pass {
	b.t.Helper()
	var doc struct{ State pass }
	err := b.Collection("migrations").FindOne(b.t.Context(), bson.M{"_id": "1"}).Decode(&doc)
	if err != nil {
		require.ErrorIs(b.t, err, mongo.ErrNoDocuments)
	}
	return doc.State
}

// result is every user, and what was decided on each, without the moment of the pass.
func (b bazaar) result() []string {
	b.t.Helper()
	at := strconv.FormatInt(b.pass().Terms.At.UnixMilli(), 10)
	var all []string
	for _, name := range []string{"users", "idempotency_keys"} {
		cursor, err := b.Collection(name).Find(b.t.Context(), bson.M{})
		require.NoError(b.t, err)
		for cursor.Next(b.t.Context()) {
			all = append(all, strings.ReplaceAll(cursor.Current.String(), at, "then"))
		}
		require.NoError(b.t, cursor.Err())
	}
	slices.Sort(all)
	return all
}

// kill starts the migration and kills it once so much has happened.
func (b bazaar) kill(seq int) {
	b.t.Helper()
	command := b.starter("up")
	require.NoError(b.t, command.Start())
	for b.pass().Seq < seq {
		pause(b.t, 2*time.Millisecond)
	}
	require.NoError(b.t, command.Process.Kill())
	require.Error(b.t, command.Wait())
	p := b.pass()
	require.Nil(b.t, p.FinishedAt, "it was to be killed in the midst of its work")
	b.t.Logf("killed after %d of about %d steps", p.Seq, 2*b.pages)
}

// It is not parallel: it keeps the database so busy that scenarios beside it would be late.
func TestAMigrationThatIsKilledComesToTheSame(t *testing.T) {
	bin, err := system.Build(t.Context())
	require.NoError(t, err)
	server, err := mongo.Connect(options.Client().ApplyURI(embedded.MongoDB))
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Disconnect(context.WithoutCancel(t.Context())) })
	r := mathrand.New(mathrand.NewPCG(1, 2))
	users := make([]any, *oldUsers)
	for i := range users {
		users[i] = messyUser(r, i)
	}
	smooth, killed := newBazaar(t, server, bin, users), newBazaar(t, server, bin, users)

	began := time.Now()
	out, err := smooth.starter("up").CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Logf("once through, %d users took %s:\n%s", len(users), time.Since(began).Round(time.Millisecond), out)

	for _, part := range []int{4, 2} {
		killed.kill(2 * killed.pages / part)
	}
	killed.kill(2 * killed.pages * 3 / 4)
	out, err = killed.starter("up").CombinedOutput()
	require.NoError(t, err, "%s", out)

	want, got := smooth.result(), killed.result()
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i], got[i])
	}
	require.Equal(t, smooth.pass().Counts, killed.pass().Counts)
	require.Equal(t, len(users), killed.pass().Counts.Users)
	require.Positive(t, killed.pass().Counts.Migrated)

	out, err = killed.starter("validate", "--json").Output()
	require.Error(t, err, "some cannot be decided")
	require.Contains(t, string(out), `"migrated":0`)
	require.NotContains(t, string(out), "@", "an id may be an address")
}
