package mongodb

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/trial"
)

func TestRegisterNewVendor(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	want := vendor("v1", trial.Automated)
	registered, created, err := s.RegisterVendor(t.Context(), want)
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, want, registered)
	read, err := s.Vendor(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, want, read)

	again := vendor("v1", trial.Control)
	again.Name, again.StartedAt = "Another name", at.Add(time.Hour)
	registered, created, err = s.RegisterVendor(t.Context(), again)
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, want, registered, "the first registration stands, in everything")

	doc := document(t, s.users, "v1")
	require.ElementsMatch(t, []string{"_id", "isVendor", "email", "name", "timezone", "locale", "createdAt", "trialStartDate", "trialAutomation"}, keysOf(doc))
}

func keysOf(doc bson.M) []string {
	var keys []string
	for key := range doc {
		keys = append(keys, key)
	}
	return keys
}

func TestRegisterVendorThatTheMarketplaceMade(t *testing.T) {
	t.Parallel()
	object := bson.NewObjectID()
	for name, id := range map[string]any{"text": "shop-1", "object": object, "hex text": strings.Repeat("ab", 12)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			text, ok := id.(string)
			if !ok {
				text = object.Hex()
			}
			theirs := bson.D{
				{Key: "_id", Value: id}, {Key: "isVendor", Value: true}, {Key: "email", Value: "theirs@example.com"},
				{Key: "name", Value: "Theirs"}, {Key: "shop", Value: bson.D{{Key: "deep", Value: "untouched"}}},
			}
			insertUser(t, s, theirs)
			before := document(t, s.users, id)

			found, err := s.Vendor(t.Context(), text)
			require.NoError(t, err)
			require.Equal(t, trial.Vendor{ID: text, Email: "theirs@example.com", Name: "Theirs", CreatedAt: found.CreatedAt}, found)
			if !ok { // an ObjectID holds the moment at which it was made
				require.Equal(t, object.Timestamp().UTC(), found.CreatedAt)
			} else {
				require.Zero(t, found.CreatedAt)
			}

			v, created, err := s.RegisterVendor(t.Context(), vendor(text, trial.Automated))
			require.NoError(t, err)
			require.True(t, created)
			require.Equal(t, "theirs@example.com", v.Email, "the document's, not the request's")
			require.Equal(t, at, v.StartedAt)
			require.Equal(t, vendor(text, trial.Automated).Automation, v.Automation)

			after := document(t, s.users, id)
			for _, ours := range []string{"trialStartDate", "trialAutomation"} {
				require.Contains(t, after, ours)
				delete(after, ours)
			}
			require.Equal(t, before, after, "nothing else is touched")
			count, err := s.users.CountDocuments(t.Context(), bson.D{})
			require.NoError(t, err)
			require.EqualValues(t, 1, count)
		})
	}
}

func TestRegisterVendorIsDecidedOnce(t *testing.T) {
	t.Parallel()
	for name, theirs := range map[string]bson.D{
		"nobody's":          nil,
		"the marketplace's": {{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}},
		"with a null in it": {{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}, {Key: "trialAutomation", Value: nil}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			if theirs != nil {
				insertUser(t, s, theirs)
			}
			const n = 16
			var vendors [n]trial.Vendor
			var created [n]bool
			var errs [n]error
			together(n, func(i int) {
				v := vendor("v1", trial.Control)
				v.Automation.FlagsVersion = i
				if i%3 == 0 && theirs != nil {
					vendors[i], errs[i] = s.TakeIn(t.Context(), v)
					return
				}
				vendors[i], created[i], errs[i] = s.RegisterVendor(t.Context(), v)
			})
			winners := 0
			for i := range n {
				require.NoError(t, errs[i])
				require.Equal(t, vendors[0], vendors[i], "all see the same decision")
				if created[i] {
					winners++
					require.Equal(t, i, vendors[i].Automation.FlagsVersion, "the winner's own")
				}
			}
			require.LessOrEqual(t, winners, 1)
			if theirs == nil {
				require.Equal(t, 1, winners)
			}
		})
	}
}

// A registration that crashed after it was decided is finished by the next,
// with the same decision.
func TestRegisterVendorAfterCrash(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	insertUser(t, s, bson.D{{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}})
	decided, err := newRegistration(vendor("v1", trial.Automated))
	require.NoError(t, err)
	_, _, err = first(t.Context(), s, registrationKey("v1"), decided)
	require.NoError(t, err)

	v, created, err := s.RegisterVendor(t.Context(), vendor("v1", trial.Control))
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, trial.Automated, v.Automation.Cohort)
}

func TestRegisterVendorRefuses(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	insertUser(t, s, bson.D{{Key: "_id", Value: "buyer"}, {Key: "isVendor", Value: false}, {Key: "email", Value: "another@example.com"}})
	_, _, err := s.RegisterVendor(t.Context(), vendor("buyer", trial.Automated))
	requireCode(t, trial.CodeConflict, err)
	_, err = s.TakeIn(t.Context(), vendor("buyer", trial.Automated))
	requireCode(t, trial.CodeConflict, err)
	_, err = s.Vendor(t.Context(), "buyer")
	requireCode(t, trial.CodeNotFound, err)
	require.NotContains(t, document(t, s.users, "buyer"), "trialAutomation")

	_, _, err = s.RegisterVendor(t.Context(), vendor("a b", trial.Automated))
	requireCode(t, trial.CodeInvalid, err)
	_, err = s.TakeIn(t.Context(), vendor("unknown", trial.Automated))
	requireCode(t, trial.CodeNotFound, err)
	_, err = s.Vendor(t.Context(), "unknown")
	requireCode(t, trial.CodeNotFound, err)
	_, err = s.Vendor(t.Context(), "a@b.example")
	requireCode(t, trial.CodeNotFound, err)
	undecided := vendor("v1", trial.Automated)
	undecided.Automation = nil
	_, _, err = s.RegisterVendor(t.Context(), undecided)
	require.ErrorContains(t, err, "no cohort")
}

// Who was a user for years and becomes a vendor today is registered today.
func TestAUserOfOldBecomesAVendor(t *testing.T) {
	t.Parallel()
	created := bson.E{Key: "createdAt", Value: at.AddDate(-5, 0, 0)}
	for name, user := range map[string]bson.D{
		"no vendor":            {{Key: "isVendor", Value: false}, {Key: "email", Value: "v1@example.com"}, {Key: "name", Value: "Ada"}, created},
		"nothing said of it":   {{Key: "name", Value: "Ada"}, created},
		"said in other words":  {{Key: "isVendor", Value: "false"}, {Key: "email", Value: " v1@example.com"}, {Key: "name", Value: "Ada"}, created},
		"a vendor since today": {{Key: "isVendor", Value: true}, {Key: "email", Value: "v1@example.com"}, {Key: "name", Value: "Ada"}, created},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			insertUser(t, s, append(bson.D{{Key: "_id", Value: "v1"}}, user...))
			asked := vendor("v1", trial.Automated)
			stored, created, err := s.RegisterVendor(t.Context(), asked)
			require.NoError(t, err)
			require.True(t, created)
			require.Equal(t, at, stored.StartedAt, "the trial begins now")
			require.Equal(t, trial.Automated, stored.Automation.Cohort)
			require.Equal(t, "v1@example.com", stored.Email, "what the document lacks is filled in")
			require.Equal(t, "Ada", stored.Name, "and what it has stays")
			again, created, err := s.RegisterVendor(t.Context(), asked)
			require.NoError(t, err)
			require.False(t, created)
			require.Equal(t, stored, again)
		})
	}
}

// An address is the same in all its forms; another one is another user's.
func TestAUserOfOldWithItsAddressInOtherLetters(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	insertUser(t, s, bson.D{{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: false}, {Key: "email", Value: "V1@Example.com"}})
	stored, created, err := s.RegisterVendor(t.Context(), vendor("v1", trial.Automated))
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, "V1@Example.com", stored.Email, "what the document has stays")
}

// The marketplace may well allow each address once.
func TestRegisterVendorWithAnothersAddress(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	_, err := s.users.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: ascending("email"), Options: options.Index().SetUnique(true)})
	require.NoError(t, err)
	insertUser(t, s, bson.D{{Key: "_id", Value: "other"}, {Key: "email", Value: "v1@example.com"}})
	_, _, err = s.RegisterVendor(t.Context(), vendor("v1", trial.Automated))
	requireCode(t, trial.CodeConflict, err)
}

func TestTakeInClearsWhatIsNoDocument(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for id, foreign := range map[string]any{"null": nil, "text": "yes", "number": 5, "list": bson.A{1, 2}, "flag": true, "empty": bson.D{}} {
		insertUser(t, s, bson.D{{Key: "_id", Value: id}, {Key: "isVendor", Value: true}, {Key: "trialAutomation", Value: foreign}})
		v, err := s.TakeIn(t.Context(), vendor(id, trial.Control))
		require.NoError(t, err, id)
		require.Equal(t, vendor(id, trial.Control).Automation, v.Automation, id)
	}
}

// What others write into users is read as far as it makes sense.
func TestVendorFromMessyDocument(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	day := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		id   string
		doc  bson.D
		want trial.Vendor
	}{
		{id: "bare"},
		{id: "name-number", doc: bson.D{{Key: "name", Value: 24}}, want: trial.Vendor{Name: "24"}},
		{id: "name-fraction", doc: bson.D{{Key: "name", Value: 3.5}}, want: trial.Vendor{Name: "3.5"}},
		{id: "name-document", doc: bson.D{{Key: "name", Value: bson.D{{Key: "first", Value: "A"}}}}},
		{id: "email-number", doc: bson.D{{Key: "email", Value: 24}}},
		{id: "email-spaces", doc: bson.D{{Key: "email", Value: " a@example.com\n"}}, want: trial.Vendor{Email: "a@example.com"}},
		{id: "zone-unknown", doc: bson.D{{Key: "timezone", Value: "Mars/Olympus"}}},
		{id: "zone-offset", doc: bson.D{{Key: "timezone", Value: 3}}},
		{id: "zone-local", doc: bson.D{{Key: "timezone", Value: "Local"}}},
		{id: "zone-known", doc: bson.D{{Key: "timezone", Value: "Asia/Tokyo"}}, want: trial.Vendor{Zone: "Asia/Tokyo"}},
		{id: "locale-unknown", doc: bson.D{{Key: "locale", Value: "english"}}},
		{id: "locale-number", doc: bson.D{{Key: "locale", Value: 3}}},
		{id: "locale-known", doc: bson.D{{Key: "locale", Value: "pt_BR"}}, want: trial.Vendor{Locale: "pt_BR"}},
		{id: "date-text", doc: bson.D{{Key: "createdAt", Value: "2026-01-02T04:04:05+01:00"}}, want: trial.Vendor{CreatedAt: day}},
		{id: "date-nonsense", doc: bson.D{{Key: "createdAt", Value: "yesterday"}}},
		{id: "date-number", doc: bson.D{{Key: "createdAt", Value: int64(1767323045000)}}, want: trial.Vendor{CreatedAt: time.UnixMilli(1767323045000).UTC()}},
		{id: "date-beyond", doc: bson.D{{Key: "createdAt", Value: bson.DateTime(1 << 60)}}},
		{id: "date-null", doc: bson.D{{Key: "createdAt", Value: nil}, {Key: "trialStartDate", Value: day}}, want: trial.Vendor{StartedAt: day}},
		{id: "automation-text", doc: bson.D{{Key: "trialAutomation", Value: "yes"}}},
		{id: "automation-cohort", doc: bson.D{{Key: "trialAutomation", Value: bson.D{{Key: "cohort", Value: "beta"}}}}},
		{
			id: "automation-mixed",
			doc: bson.D{{Key: "trialAutomation", Value: bson.D{
				{Key: "cohort", Value: "control"}, {Key: "bucket", Value: "x"}, {Key: "rolloutPercentage", Value: int64(25)}, {Key: "flagsVersion", Value: 3.0},
				{Key: "endsAt", Value: 5}, {Key: "conversion", Value: "soon"}, {Key: "suppression", Value: bson.A{}},
			}}},
			want: trial.Vendor{Automation: &trial.Automation{Cohort: trial.Control, RolloutPercentage: 25, FlagsVersion: 3}},
		},
	} {
		insertUser(t, s, append(bson.D{{Key: "_id", Value: c.id}, {Key: "isVendor", Value: true}}, c.doc...))
		c.want.ID = c.id
		v, err := s.Vendor(t.Context(), c.id)
		require.NoError(t, err, c.id)
		require.Equal(t, c.want, v, c.id)
	}
	insertUser(t, s, bson.D{{Key: "_id", Value: "vendor-text"}, {Key: "isVendor", Value: "true"}})
	_, err := s.Vendor(t.Context(), "vendor-text")
	requireCode(t, trial.CodeNotFound, err)
}

// An id in capitals is not the ObjectID that its letters would spell: one user
// must not become two vendors.
func TestVendorOfObjectIDHasOneName(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	object, err := bson.ObjectIDFromHex("abcdefabcdefabcdefabcdef")
	require.NoError(t, err)
	insertUser(t, s, bson.D{{Key: "_id", Value: object}, {Key: "isVendor", Value: true}})
	_, err = s.Vendor(t.Context(), "abcdefabcdefabcdefabcdef")
	require.NoError(t, err)
	_, err = s.Vendor(t.Context(), "ABCDEFABCDEFABCDEFABCDEF")
	requireCode(t, trial.CodeNotFound, err)
}

// The queries under "Migration Validation" of the deployment strategy.
func TestMigrationValidationQueries(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	insertUser(t, s, bson.D{{Key: "_id", Value: "buyer"}, {Key: "isVendor", Value: false}})
	insertUser(t, s, bson.D{{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}})
	insertUser(t, s, bson.D{{Key: "_id", Value: "v2"}, {Key: "isVendor", Value: true}})
	_, _, err := s.RegisterVendor(t.Context(), vendor("v3", trial.Automated))
	require.NoError(t, err)
	_, err = s.TakeIn(t.Context(), vendor("v1", trial.Control))
	require.NoError(t, err)

	for query, want := range map[string]int64{
		`{"trialAutomation": {"$exists": true}}`:                   2,
		`{"isVendor": true, "trialStartDate": {"$exists": false}}`: 1,
	} {
		var filter bson.D
		require.NoError(t, bson.UnmarshalExtJSON([]byte(query), false, &filter))
		count, err := s.users.CountDocuments(t.Context(), filter)
		require.NoError(t, err)
		require.Equal(t, want, count, query)
	}
}
