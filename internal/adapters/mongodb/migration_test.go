package mongodb

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/internal/domain/trial"
)

// oldUsers are users as a marketplace may have them, good and bad.
func oldUsers() []bson.D {
	user := func(id any, fields ...bson.E) bson.D {
		doc := bson.D{{Key: "_id", Value: id}, {Key: "isVendor", Value: true}, {Key: "email", Value: fmt.Sprint(id, "@example.com")}, {Key: "name", Value: "Old"}}
		return append(doc, fields...)
	}
	created := bson.E{Key: "createdAt", Value: at.AddDate(0, -2, 0)}
	half := func(fields ...bson.E) bson.E { return bson.E{Key: "trialAutomation", Value: bson.D(fields)} }
	object := func(n byte) bson.ObjectID {
		return bson.NewObjectIDFromTimestamp(at.AddDate(0, -1, int(n)))
	}
	return []bson.D{
		{{Key: "_id", Value: "buyer"}, {Key: "email", Value: "b@example.com"}},
		user("bare"), user("created", created), user("dated", bson.E{Key: "trialStartDate", Value: at.AddDate(0, 0, -2)}),
		user("in-words", bson.E{Key: "trialStartDate", Value: "2026-02-20"}), user("in-doubt", bson.E{Key: "trialStartDate", Value: "03/04/2026"}, created),
		user("their-own", created, bson.E{Key: "trialAutomation", Value: "yes"}), user("null", created, bson.E{Key: "trialAutomation", Value: nil}),
		user("half", created, half(bson.E{Key: "cohort", Value: "control"}, bson.E{Key: "bucket", Value: 0.25})),
		user("half-automated", created, half(bson.E{Key: "cohort", Value: "automated"})),
		user("unclear", created, half(bson.E{Key: "cohort", Value: "beta"})),
		user(object(1)), user(object(2), created), user("a@b.example", created), user(int32(7), created),
		{{Key: "_id", Value: "flag-in-words"}, {Key: "isVendor", Value: "true"}, created},
	}
}

// newOldStore is a store with users from before, and flags that admit everybody.
func newOldStore(t *testing.T, users []bson.D) *Store {
	t.Helper()
	s := newTestStore(t)
	current := flagsDocument{ID: flagsID, Document: flags.Document{FeatureFlags: flags.Initial(), Salt: "salt", Version: 5}}
	current.FeatureFlags.TrialAutomation.RolloutPercentage = 100
	_, err := s.flags.InsertOne(t.Context(), current)
	require.NoError(t, err)
	for _, user := range users {
		insertUser(t, s, user)
	}
	// One whose trial is on record, and whose document the marketplace has replaced.
	events, _ := history(t, registration14d("replaced"))
	appendAll(t, s, events)
	insertUser(t, s, bson.D{{Key: "_id", Value: "replaced"}, {Key: "isVendor", Value: true}})
	return s
}

func oldMigration(page int) Migration {
	return Migration{Policy: trial.DefaultPolicy(), Day: trial.RealDay, Now: func() time.Time { return at }, Page: page}
}

func theVersion() migration.Version { return migration.Versions()[0] }

func TestMigrate(t *testing.T) {
	t.Parallel()
	users := oldUsers()
	s := newOldStore(t, users)
	left := map[any]bson.M{}
	for _, id := range []any{"buyer", "bare", "in-doubt", "their-own", "unclear", "a@b.example", int32(7), "flag-in-words"} {
		left[id] = document(t, s.users, id)
	}
	before, err := s.ValidateMigration(t.Context(), oldMigration(4))
	require.NoError(t, err)
	require.False(t, before.InOrder())

	p, err := s.Migrate(t.Context(), theVersion(), oldMigration(4))
	require.NoError(t, err)
	require.NotNil(t, p.FinishedAt)
	require.Equal(t, before.Counts, p.Counts, "what validating announced")
	require.Equal(t, migration.Counts{
		Users: 17, Vendors: 15, Complete: 0, Migrated: 9, Undecided: 7,
		Reasons: map[migration.Reason]int{
			migration.StartFromCreated: 4, migration.StartAsItIs: 1, migration.StartReadable: 1, migration.OverAlready: 1, migration.StartFromID: 1,
			migration.StartOnRecord: 1, migration.NoDate: 1, migration.StartUnreadable: 1, migration.NoDocument: 1, migration.UnclearField: 1,
			migration.UnusableID: 2, migration.UnclearFlag: 1,
		},
	}, p.Counts)

	for id, doc := range left {
		require.Equal(t, doc, document(t, s.users, id), "what cannot be decided stays as it is")
	}
	for id, start := range map[string]time.Time{
		"created": at.AddDate(0, -2, 0), "dated": at.AddDate(0, 0, -2), "in-words": time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC),
		"null": at.AddDate(0, -2, 0), "half": at.AddDate(0, -2, 0), "half-automated": at.AddDate(0, -2, 0),
	} {
		v, err := s.Vendor(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, start, v.StartedAt, id)
		require.Equal(t, trial.Control, v.Automation.Cohort, id)
		require.Equal(t, "Old", v.Name, id)
	}
	replaced, err := s.Vendor(t.Context(), "replaced")
	require.NoError(t, err)
	require.Equal(t, registration14d("replaced").Cohort, replaced.Automation.Cohort, "as its trial runs")
	require.Equal(t, registration14d("replaced").At, replaced.StartedAt)

	after, err := s.ValidateMigration(t.Context(), oldMigration(4))
	require.NoError(t, err)
	require.Zero(t, after.Counts.Migrated)
	require.Equal(t, 9, after.Counts.Complete)
	require.Len(t, after.Findings, 7)
	for _, f := range after.Findings {
		require.NotContains(t, f.ID, "@")
	}
	require.EqualValues(t, 5, after.WithoutStart, "the undecided, but for the one with a start in doubt and the one who may be none")
	again, err := s.Migrate(t.Context(), theVersion(), oldMigration(4))
	require.NoError(t, err)
	require.Equal(t, 2, again.Pass)
	require.Zero(t, again.Counts.Migrated)
}

// A vendor who is on record is who it was, whatever its replaced document says of when it was made.
func TestMigrateKnowsAVendorByItsRecord(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	made := map[string]any{"unreadable": "05/03/2026", "in-the-future": at.AddDate(1, 0, 0), "none": nil}
	for id, created := range made {
		register(t, s, id, trial.Automated)
		_, err := s.users.ReplaceOne(t.Context(), byID(id), bson.D{{Key: "isVendor", Value: true}, {Key: "createdAt", Value: created}})
		require.NoError(t, err)
	}
	p, err := s.Migrate(t.Context(), theVersion(), oldMigration(2))
	require.NoError(t, err)
	require.Equal(t, map[migration.Reason]int{migration.StartOnRecord: len(made)}, p.Counts.Reasons)
	for id := range made {
		a := readUser(raw(t, s, id)).vendor.Automation
		require.NotNil(t, a, id)
		require.Equal(t, trial.Automated, a.Cohort, id)
	}
}

// A document that the database does not let be changed is reported, and the others are migrated, each pass anew.
func TestMigrateGoesOnAfterADocumentThatTheDatabaseRefuses(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	_, err := s.users.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: ascending("trialStartDate"), Options: options.Index().SetUnique(true)})
	require.NoError(t, err)
	created := map[string]time.Time{"v1": at, "v2": at, "v3": at.Add(-time.Hour), "v4": at.Add(-2 * time.Hour)}
	for _, id := range []string{"v1", "v2", "v3", "v4"} {
		insertUser(t, s, bson.D{{Key: "_id", Value: id}, {Key: "isVendor", Value: true}, {Key: "createdAt", Value: created[id]}})
	}
	for range 2 {
		p, err := s.Migrate(t.Context(), theVersion(), oldMigration(2))
		require.NoError(t, err)
		require.NotNil(t, p.FinishedAt)
		require.Equal(t, 1, p.Counts.Refused)
		require.Len(t, p.Refused, 1)
		require.Equal(t, "v2", p.Refused[0].ID)
		for _, id := range []string{"v1", "v3", "v4"} {
			require.NotNil(t, readUser(raw(t, s, id)).vendor.Automation, id)
		}
		require.Nil(t, readUser(raw(t, s, "v2")).vendor.Automation)
	}
}

// What the trial writes into the vendor's document is a copy: where the database refuses it, the trial goes on.
func TestATrialGoesOnWhereTheDatabaseRefusesTheDocumentsChange(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	core, logs := observer.New(zap.WarnLevel)
	WithLogger(zap.New(core))(s)
	_, err := s.users.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: ascending("trialAutomation.endsAt"), Options: options.Index().SetUnique(true)})
	require.NoError(t, err)
	for _, id := range []string{"v1", "v2"} {
		register(t, s, id, trial.Automated)
		events, want := history(t, registration14d(id), convert(at.Add(time.Hour)))
		appendAll(t, s, events)
		got, _, err := s.Trial(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.NotEmpty(t, logs.FilterField(zap.String("vendorId", "v2")).All())
	require.Empty(t, logs.FilterField(zap.String("vendorId", "v1")).All())
	waiting, err := s.UnrecordedConversions(t.Context(), 10)
	require.NoError(t, err)
	require.Empty(t, waiting)
}

// However the marketplace has written a moment, it is read as everywhere.
func TestCreatedAtHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	want := time.Date(2020, 1, 1, 10, 0, 0, 0, time.UTC)
	decimal, err := bson.ParseDecimal128("1577872800000")
	require.NoError(t, err)
	for _, value := range []any{
		want, want.UnixMilli(), float64(want.UnixMilli()), want.Unix(), int32(want.Unix()), decimal, bson.Timestamp{T: uint32(want.Unix()), I: 1},
		"2020-01-01 10:00:00", "2020-01-01T10:00:00+0000", "2020-01-01 10:00 UTC", "1577872800000",
	} {
		doc, err := bson.Marshal(bson.D{{Key: "_id", Value: bson.NewObjectID()}, {Key: "createdAt", Value: value}, {Key: "trialStartDate", Value: value}})
		require.NoError(t, err)
		u := readUser(doc)
		require.Equal(t, want, u.vendor.CreatedAt, "%T %v", value, value)
		require.Equal(t, want, u.vendor.StartedAt, "%T %v", value, value)
		require.Equal(t, fieldValue(bson.Raw(doc).Lookup("createdAt")), readForMigration(doc).CreatedAt)
	}
	old := bson.NewObjectIDFromTimestamp(want)
	for value, created := range map[any]time.Time{nil: want, "soon": {}, "01/02/2020": {}, true: {}} {
		doc, err := bson.Marshal(bson.D{{Key: "_id", Value: old}, {Key: "createdAt", Value: value}})
		require.NoError(t, err)
		require.Equal(t, created, readUser(doc).vendor.CreatedAt, "%v", value)
	}
	doc, err := bson.Marshal(bson.D{{Key: "_id", Value: old}})
	require.NoError(t, err)
	require.Equal(t, want, readUser(doc).vendor.CreatedAt, "its id says when it was made, as a last resort")
}

func TestMigrateEndsWithAnEmptyID(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for _, id := range []string{"", "v1", "v2"} {
		_, err := s.users.InsertOne(t.Context(), bson.D{{Key: "_id", Value: id}, {Key: "isVendor", Value: true}, {Key: "createdAt", Value: at}})
		require.NoError(t, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p, err := s.Migrate(ctx, theVersion(), oldMigration(1))
	require.NoError(t, err)
	require.NotNil(t, p.FinishedAt)
	require.Equal(t, 3, p.Counts.Users)
}

// What a migration leaves undecided, the reconciler leaves alone as well.
func TestUndecidedAreNotStarted(t *testing.T) {
	t.Parallel()
	s := newOldStore(t, oldUsers())
	_, err := s.Migrate(t.Context(), theVersion(), oldMigration(0))
	require.NoError(t, err)
	found, err := s.UnstartedVendors(t.Context(), 100, nobody)
	require.NoError(t, err)
	require.NotContains(t, ids(found), "in-doubt")
	require.NotContains(t, ids(found), "their-own")
	for _, v := range found {
		if v.Automation != nil && v.ID != "replaced" {
			require.Equal(t, trial.Control, v.Automation.Cohort, v.ID)
		}
	}
}

// A migration may be killed anywhere; started again it comes to what it comes to
// once through, its own counts included.
func TestMigrateAfterCrash(t *testing.T) {
	t.Parallel()
	var users []bson.D // one of each that is changed in a way of its own, and two that are not
	for _, user := range oldUsers() {
		if id := fmt.Sprint(user[0].Value); slices.Contains([]string{"buyer", "created", "in-words", "in-doubt", "null", "half-automated"}, id) {
			users = append(users, user)
		}
	}
	users = append(users, bson.D{{Key: "_id", Value: bson.NewObjectIDFromTimestamp(at.AddDate(0, -1, 0))}, {Key: "isVendor", Value: true}})
	smooth := newOldStore(t, users)
	p, err := smooth.Migrate(t.Context(), theVersion(), oldMigration(3))
	require.NoError(t, err)
	want := kept(t, smooth)
	for command := int64(0); ; command++ {
		s := newOldStore(t, users)
		c := crash{command: command, answered: true}
		crashing, ctx := crashingStore(t, s.users.Database().Name(), c)
		_, crashed := crashing.Migrate(ctx, theVersion(), oldMigration(3))
		got := p
		if crashed != nil {
			require.ErrorIs(t, crashed, context.Canceled, c)
			got, err = s.Migrate(t.Context(), theVersion(), oldMigration(3))
			require.NoError(t, err, c)
		}
		require.Equal(t, p.Counts, got.Counts, c)
		require.Equal(t, 1, got.Pass, c)
		require.Equal(t, want, kept(t, s), c)
		if crashed == nil {
			require.Greater(t, command, int64(20), "there was something to crash")
			return
		}
	}
}

// Two may run at once, and vendors may register meanwhile.
func TestMigrateTogether(t *testing.T) {
	t.Parallel()
	users := oldUsers()
	smooth := newOldStore(t, users)
	_, err := smooth.Migrate(t.Context(), theVersion(), oldMigration(4))
	require.NoError(t, err)
	s := newOldStore(t, users)
	together(3, func(int) {
		_, err := s.Migrate(t.Context(), theVersion(), oldMigration(4))
		require.NoError(t, err)
	})
	require.Equal(t, kept(t, smooth), kept(t, s))
}

// What others change while a page is being carried out is not written over: a
// registration over the API, and a person's correction.
func TestMigrateMeetsOthers(t *testing.T) {
	t.Parallel()
	s := newOldStore(t, nil)
	insertUser(t, s, bson.D{{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}, {Key: "createdAt", Value: at.AddDate(0, -2, 0)}})
	whole := bson.D{
		{Key: "cohort", Value: "control"}, {Key: "bucket", Value: 0.5}, {Key: "rolloutPercentage", Value: 10}, {Key: "flagsVersion", Value: 3},
		{Key: "policy", Value: "standard-14d"}, {Key: "registeredAt", Value: at},
	}
	insertUser(t, s, bson.D{{Key: "_id", Value: "v2"}, {Key: "isVendor", Value: true}, {Key: "trialStartDate", Value: "2026-02-20"}, {Key: "trialAutomation", Value: whole}})
	var seen []bson.Raw
	for _, id := range []string{"v1", "v2"} {
		raw, err := s.users.FindOne(t.Context(), byID(id)).Raw()
		require.NoError(t, err)
		seen = append(seen, raw)
	}
	want, _, err := s.RegisterVendor(t.Context(), vendor("v1", trial.Automated))
	require.NoError(t, err)
	corrected, err := s.updateUser(t.Context(), "v2", bson.D{{Key: "$set", Value: bson.D{{Key: "trialStartDate", Value: at}}}})
	require.NoError(t, err)

	terms, err := s.terms(t.Context(), oldMigration(0))
	require.NoError(t, err)
	for _, raw := range seen {
		require.NoError(t, s.migrateUser(t.Context(), raw, terms))
	}
	got, err := s.Vendor(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = s.Vendor(t.Context(), "v2")
	require.NoError(t, err)
	require.Equal(t, corrected.vendor, got)
}

// Where a trial is on record the marketplace has only written over it: that is
// mended, as it could not go on otherwise.
func TestUnreadableVendorWithATrialIsMended(t *testing.T) {
	t.Parallel()
	s := newOldStore(t, nil)
	_, err := s.users.UpdateOne(t.Context(), byID("replaced"), bson.D{{Key: "$set", Value: bson.D{{Key: "trialAutomation", Value: "yes"}}}})
	require.NoError(t, err)
	found, err := s.UnstartedVendors(t.Context(), 100, nobody)
	require.NoError(t, err)
	require.Equal(t, []string{"replaced"}, ids(found))
}
