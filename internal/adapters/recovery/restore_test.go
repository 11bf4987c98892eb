package recovery

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// With a vendor whose trial began between two backups comes what was decided about it, which the insert of a key decided.
func TestWhatWasDecidedComesWithAVendorBornBetweenBackups(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	r.backUp(t, backup.Full)
	insertUser(t, r.store, bson.D{{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}})
	_, err := r.store.TakeIn(t.Context(), vendor("v1", trial.Automated))
	require.NoError(t, err)
	r.tick()
	initial := trial.Start(registration14d("v1"), r.now)
	_, err = r.store.Append(t.Context(), initial, trial.State{}.Apply(initial))
	require.NoError(t, err)
	r.now = r.now.Add(time.Second)
	moment := r.now
	r.backUp(t, backup.Incremental)

	into := r.restore(t, moment)

	kept := document(t, into.in(recovery.IdempotencyKeys), "v1"+recovery.RegistrationKey)
	require.Equal(t, document(t, r.store.in(recovery.IdempotencyKeys), "v1"+recovery.RegistrationKey), kept)
}

// What stands against a document is said without what is in it.
func TestARestoreThatFailsNamesNobody(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	for _, id := range []string{"v1", "v2"} {
		insertUser(t, r.store, bson.D{{Key: "_id", Value: id}, {Key: "email", Value: "ada@example.com"}})
	}
	r.backUp(t, backup.Full)
	listed, err := r.repository.List(t.Context())
	require.NoError(t, err)
	into := newTestStore(t)
	unique := mongo.IndexModel{Keys: bson.D{{Key: "email", Value: 1}}, Options: options.Index().SetUnique(true)}
	_, err = into.in(recovery.Users).Indexes().CreateOne(t.Context(), unique)
	require.NoError(t, err)
	_, err = into.Restore(t.Context(), Moment{At: r.now, Before: func(fn func(backup.Records) error) error {
		return r.repository.Open(t.Context(), listed.Good[0], fn)
	}})
	require.ErrorContains(t, err, "restoring collection users: somebody writes to it, or a unique index")
	require.NotContains(t, err.Error(), "ada")
}

// A token that was revoked since the backup does not open anything again, where it is known that it was, also where the
// restore breaks off and is repeated.
func TestRevokedTokensStayRevoked(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	lasting := func(text string) (access.Key, string) {
		key := access.KeyOf(text)
		token, err := access.Issue(key, access.Request{Name: "support-1", Role: access.Operator, ExpiresAt: time.Now().Add(time.Hour)}, "admin", time.Now())
		require.NoError(t, err)
		require.NoError(t, r.store.AddToken(t.Context(), key, token))
		return key, token.ID
	}
	revoke := func(id string) {
		_, err := r.store.RevokeToken(t.Context(), id, "admin", at.Add(time.Minute))
		require.NoError(t, err)
	}
	key, token := lasting("one")
	_, before := lasting("revoked before")
	lasting("good")
	for _, id := range []string{"u1", "u2"} { // they come after the tokens
		insertUser(t, r.store, bson.D{{Key: "_id", Value: id}})
	}
	revoke(before)
	r.backUp(t, backup.Full)
	_, late := lasting("since")
	revoke(token)
	revoke(late)
	listed, err := r.repository.List(t.Context())
	require.NoError(t, err)
	source := r.source(t, listed.Good[0])
	cut := func(fn func(backup.Records) error) error {
		return source(func(records backup.Records) error {
			return fn(func(yield func(backup.Record, error) bool) {
				for record, err := range records {
					if err == nil && describe(record).ID == "u2" {
						err = errors.New("broken off")
					}
					if !yield(record, err) || err != nil {
						return
					}
				}
			})
		})
	}
	for _, from := range []Source{cut, source} {
		require.NoError(t, r.store.Clear(t.Context()))
		occupied, err := r.store.Occupied(t.Context())
		require.NoError(t, err)
		require.Empty(t, occupied)
		done, err := r.store.Restore(t.Context(), Moment{At: r.now, Before: from})
		got, found, read := r.store.Token(t.Context(), key)
		require.NoError(t, read)
		require.True(t, found)
		require.Equal(t, at.Add(time.Minute), got.RevokedAt.UTC())
		require.Equal(t, "admin", got.RevokedBy)
		if err != nil {
			require.ErrorContains(t, err, "broken off")
			continue
		}
		require.Equal(t, 1, done.Revoked)
		require.Equal(t, 1, done.Tokens)
	}
	tokens, err := r.store.Tokens(t.Context())
	require.NoError(t, err)
	require.Len(t, tokens, 4)
}

// Where the database is gone, the last backup tells which tokens were revoked since, and they are counted. One that was
// revoked before is not.
func TestTokensThatTheLastBackupKnowsRevokedAreCounted(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	revoke := map[string]func(){}
	for _, name := range []string{"before", "since", "good"} {
		key := access.KeyOf(name)
		token, err := access.Issue(key, access.Request{Name: name, Role: access.Operator, ExpiresAt: time.Now().Add(time.Hour)}, "admin", time.Now())
		require.NoError(t, err)
		require.NoError(t, r.store.AddToken(t.Context(), key, token))
		revoke[name] = func() {
			_, err := r.store.RevokeToken(t.Context(), token.ID, "admin", at.Add(time.Minute))
			require.NoError(t, err)
		}
	}
	revoke["before"]()
	r.backUp(t, backup.Full)
	moment := r.now
	revoke["since"]()
	r.backUp(t, backup.Incremental)
	listed, err := r.repository.List(t.Context())
	require.NoError(t, err)
	into := newTestStore(t)
	m := Moment{At: moment, Before: r.source(t, listed.Good[0]), Latest: r.source(t, listed.Good[1])}
	done, err := into.Restore(t.Context(), m)
	require.NoError(t, err)
	require.Equal(t, 1, done.Revoked)
	require.Equal(t, 1, done.Tokens)
}

// A process that runs on writes into what has just been emptied: the restore does not stop in the middle of it.
func TestARestoreReplacesWhatIsWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	require.NoError(t, r.store.Setup(t.Context()))
	insertUser(t, r.store, bson.D{{Key: "_id", Value: "v1"}, {Key: "name", Value: "as in the backup"}})
	require.NoError(t, r.store.NoteSweep(t.Context(), at))
	require.NoError(t, r.store.PutProcess(t.Context(), monitoring.Process{Role: "api", Instance: "gone"}, at))
	r.backUp(t, backup.Full)
	listed, err := r.repository.List(t.Context())
	require.NoError(t, err)

	into := newTestStore(t)
	require.NoError(t, into.Setup(t.Context()))
	insertUser(t, into, bson.D{{Key: "_id", Value: "v1"}, {Key: "name", Value: "meanwhile"}})
	require.NoError(t, into.NoteSweep(t.Context(), at.Add(time.Hour)))
	_, err = into.Restore(t.Context(), Moment{At: r.now, Before: r.source(t, listed.Good[0])})
	require.NoError(t, err)
	require.Equal(t, document(t, r.store.in(recovery.Users), "v1"), document(t, into.in(recovery.Users), "v1"))
	swept, err := into.LastSweep(t.Context())
	require.NoError(t, err)
	require.Equal(t, at, swept.UTC())
	processes, err := into.Processes(t.Context())
	require.NoError(t, err)
	require.Empty(t, processes, "who lived then does not live now")
}

// What cannot be written is found before anything is deleted.
func TestCheckFindsWhatCannotBeRestored(t *testing.T) {
	t.Parallel()
	flags, err := bson.Marshal(bson.D{{Key: "_id", Value: recovery.FlagsID}, {Key: "featureFlags", Value: "odd"}})
	require.NoError(t, err)
	for want, record := range map[string]backup.Record{
		"document of collection users that cannot be read": {Collection: recovery.Users, Document: []byte("junk")},
		"reading the flags in the backup":                  {Collection: recovery.Flags, Document: flags},
	} {
		source := func(fn func(backup.Records) error) error {
			return fn(func(yield func(backup.Record, error) bool) { yield(record, nil) })
		}
		require.ErrorContains(t, Moment{Before: source}.Check(), want)
		require.ErrorContains(t, Moment{Before: func(fn func(backup.Records) error) error { return fn(backup.None) }, After: source}.Check(), want)
	}
}

// everything is all that there is but for what is folded anew, with a moment of its own, and the flags.
func everything(t *testing.T, s Store) (all []backup.Record) {
	t.Helper()
	for record, err := range s.Records(t.Context()) {
		require.NoError(t, err)
		if record.Collection != recovery.Trials && record.Collection != "sends" && describe(record).ID != recovery.InstallationKey && record.Collection != recovery.Flags {
			all = append(all, record)
		}
	}
	return all
}

// requireDisabled checks that restored flags are those of before, but for the automation.
func requireDisabled(t *testing.T, before, restored Store) {
	t.Helper()
	was, err := before.Flags(t.Context())
	require.NoError(t, err)
	is, err := restored.Flags(t.Context())
	require.NoError(t, err)
	require.True(t, was.FeatureFlags.TrialAutomation.Enabled)
	require.Equal(t, was.Version+recovery.VersionsLost+1, is.Version, "those who know of later flags do not take it for an old one")
	require.Equal(t, is.Version, is.DisabledVersion)
	require.Equal(t, recovery.By, is.UpdatedBy)
	was.FeatureFlags.TrialAutomation.Enabled = false
	require.Equal(t, was.FeatureFlags, is.FeatureFlags)
	require.Equal(t, was.Salt, is.Salt, "the vendors' buckets are what they were")
}

// The automation is disabled before there is anybody to write to, also where the backup has no flags.
func TestARestoredDatabaseSendsNothing(t *testing.T) {
	t.Parallel()
	withFlags, without := newPast(t), newPast(t)
	for _, r := range []*past{withFlags, without} {
		register(t, r.store, "v1", trial.Automated)
		register(t, r.store, "v2", trial.Automated)
	}
	_, err := withFlags.store.Flags(t.Context())
	require.NoError(t, err)
	for name, r := range map[string]*past{"flags": withFlags, "no flags": without} {
		r.backUp(t, backup.Full)
		into := newTestStore(t)
		listed, err := r.repository.List(t.Context())
		require.NoError(t, err)
		seen := 0
		_, err = into.Restore(t.Context(), Moment{At: r.now, Before: func(fn func(backup.Records) error) error {
			return r.repository.Open(t.Context(), listed.Good[0], func(records backup.Records) error {
				return fn(func(yield func(backup.Record, error) bool) {
					for record, err := range records {
						if record.Collection == recovery.Users && name == "flags" {
							seen++
						}
						if seen == 2 { // the first is about to be written
							doc, err := into.Flags(t.Context())
							require.NoError(t, err)
							require.False(t, doc.FeatureFlags.TrialAutomation.Enabled)
						}
						if !yield(record, err) {
							return
						}
					}
				})
			})
		}})
		require.NoError(t, err, name)
		require.Equal(t, name == "flags", seen == 2)
		doc, err := into.Flags(t.Context())
		require.NoError(t, err)
		require.False(t, doc.FeatureFlags.TrialAutomation.Enabled, name)
	}
}

// A trial may be ahead of its events in a backup, which is taken while the system works.
func TestATrialAheadOfItsEventsIsFolded(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	events, _ := history(t, registration14d("v1"), steps(3)...)
	for _, e := range events {
		r.happen(t, "v1", e)
	}
	require.NoError(t, r.store.in(recovery.Events).FindOneAndDelete(t.Context(), byID(trial.EventKey("v1", 4))).Err())
	r.backUp(t, backup.Full)
	into := r.restore(t, r.now)
	got, _, err := into.Trial(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, 3, got.Seq)
}

func TestRolloutsAreRestored(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	var states []rollout.State
	record := func(id string, seq int) {
		r.tick()
		before := rollout.State{}
		if seq > 1 {
			before = states[len(states)-1]
		}
		e := rollout.Event{Seq: seq, Type: rollout.EventPaused, At: r.now, By: "admin"}
		if seq == 1 {
			e = aRollout(id)
			e.At = r.now
		}
		after := before.Apply(e)
		require.Equal(t, id, after.ID)
		_, err := r.store.AppendDecision(t.Context(), e, after)
		require.NoError(t, err)
		states = append(states, after)
	}
	record("r1", 1)
	record("r1", 2)
	r.backUp(t, backup.Full)
	record("r2", 1)
	moment := r.now
	record("r2", 2)
	r.backUp(t, backup.Incremental)

	into := r.restore(t, moment)

	got, found, err := into.CurrentRollout(t.Context())
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, states[2], got)
	got, err = into.Rollout(t.Context(), "r1")
	require.NoError(t, err)
	require.Equal(t, states[1], got)
}
