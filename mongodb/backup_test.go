package mongodb

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"pgregory.net/rapid"

	"marketplace.example/trials/access"
	"marketplace.example/trials/backup"
	"marketplace.example/trials/backup/storage"
	"marketplace.example/trials/monitoring"
	"marketplace.example/trials/rollout"
	"marketplace.example/trials/trial"
)

// past is a run of vendors: whatever happens takes place at the next tick of the clock.
type past struct {
	store *Store
	vault *backup.Vault
	now   time.Time
	// states are those of all trials after each tick, from the first on.
	states []map[string]trial.State
}

func newPast(t *testing.T) *past {
	t.Helper()
	r := &past{store: newTestStore(t), now: at}
	r.vault = &backup.Vault{Place: storage.Folder(t.TempDir()), Now: func() time.Time { return r.now }}
	return r
}

// tick notes how the trials stand, and lets a minute pass.
func (r *past) tick() {
	states := map[string]trial.State{}
	if len(r.states) > 0 {
		maps.Copy(states, r.states[len(r.states)-1])
	}
	r.states = append(r.states, states)
	r.now = r.now.Add(time.Minute)
}

// happen has an event take place now, whenever it was made up for.
func (r *past) happen(t *testing.T, id string, e trial.Event) {
	t.Helper()
	if e.Seq == 1 {
		register(t, r.store, id, e.Registration.Cohort)
	}
	r.tick()
	e.At = r.now
	r.now = r.now.Add(time.Second)
	state := r.states[len(r.states)-1][id].Apply(e)
	_, err := r.store.Append(t.Context(), e, state)
	require.NoError(t, err)
	r.states[len(r.states)-1][id] = state
}

func (r *past) backUp(t *testing.T, kind backup.Kind) {
	t.Helper()
	r.tick()
	origin, err := r.store.Origin(t.Context())
	require.NoError(t, err)
	m, err := r.vault.Take(t.Context(), kind, origin, r.store.Records(t.Context()))
	require.NoError(t, err)
	require.Equal(t, kind, m.Kind)
	r.now = r.now.Add(time.Second)
}

// restore fills a new database with what was at a moment.
func (r *past) restore(t *testing.T, moment time.Time) *Store {
	t.Helper()
	listed, err := r.vault.List(t.Context())
	require.NoError(t, err)
	choice, err := backup.Choose(listed.Good, moment)
	require.NoError(t, err)
	source := func(m *backup.Manifest) BackupSource {
		if m == nil {
			return nil
		}
		return func(do func(backup.Records) error) error { return r.vault.Open(t.Context(), *m, do) }
	}
	into := newTestStore(t)
	m := Moment{At: moment, Before: source(&choice.Before), Began: choice.Before.Begin, After: source(choice.After), Installation: choice.Before.Installation}
	require.NoError(t, m.Check())
	_, err = into.Restore(t.Context(), m)
	require.NoError(t, err)
	return into
}

// lives are some vendors' events, taking turns.
func lives(t *testing.T, r *rand.Rand, vendors int, happen func(id string, e trial.Event)) {
	t.Helper()
	left := map[string][]trial.Event{}
	for i := range vendors {
		id := fmt.Sprintf("v%d", i)
		left[id], _ = randomHistory(t, id, r.Uint64())
	}
	for len(left) > 0 {
		ids := make([]string, 0, len(left))
		for id := range left {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		id := ids[r.IntN(len(ids))]
		happen(id, left[id][0])
		if left[id] = left[id][1:]; len(left[id]) == 0 {
			delete(left, id)
		}
	}
}

// Restored to any moment between two backups, each trial is what it was then.
func TestMomentsAreRestoredTrialByTrial(t *testing.T) {
	t.Parallel()
	const seed, vendors = 12, 15
	random := rand.New(rand.NewPCG(seed, 0))
	r := newPast(t)
	n := 0
	lives(t, random, vendors, func(id string, e trial.Event) {
		n++
		switch {
		case n == 10:
			r.backUp(t, backup.Full)
		case n%30 == 0:
			r.backUp(t, backup.Incremental)
		}
		r.happen(t, id, e)
	})
	r.backUp(t, backup.Incremental)
	require.Greater(t, n, 60, "backups have been taken between")

	for range 3 {
		tick := 12 + random.IntN(len(r.states)-13)
		into := r.restore(t, momentOf(tick))
		requireStates(t, r.states[tick], into, vendors)
	}
}

// momentOf is right after a tick, and what happened then.
func momentOf(tick int) time.Time {
	const lasts = time.Minute + time.Second
	return at.Add(time.Duration(tick+1) * lasts)
}

func requireStates(t *testing.T, want map[string]trial.State, s *Store, vendors int) {
	t.Helper()
	require.NotEmpty(t, want)
	for i := range vendors {
		id := fmt.Sprintf("v%d", i)
		got, found, err := s.Trial(t.Context(), id)
		require.NoError(t, err)
		state, known := want[id]
		require.Equal(t, known, found, id)
		if !known {
			continue
		}
		require.Equal(t, state, got, id)
		requireMirrored(t, s, state)
		for _, step := range state.Steps {
			if !step.Mailed {
				continue
			}
			send, err := s.Send(t.Context(), step.Step.Key(id))
			require.NoError(t, err)
			require.NotNil(t, send)
			require.Equal(t, trial.SendSent, send.Status)
		}
	}
}

// Without a backup after the moment, the last one before it is what there is, with all collections.
func TestTheLastBackupIsRestoredAsItIs(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	insertUser(t, r.store, bson.D{{Key: "_id", Value: bson.NewObjectID()}, {Key: "isVendor", Value: false}, {Key: "odd", Value: bson.D{{Key: "z", Value: int64(1)}, {Key: "a", Value: 2.0}}}})
	require.NoError(t, r.store.Setup(t.Context()))
	_, err := r.store.UpdateFlags(t.Context(), "admin", func(f *rollout.FlagChange) error {
		f.TrialAutomation.RolloutPercentage = 12.5
		return nil
	})
	require.NoError(t, err)
	events, _ := history(t, registration14d("v1"), steps(3)...)
	for _, e := range events {
		r.happen(t, "v1", e)
	}
	r.backUp(t, backup.Full)
	r.backUp(t, backup.Incremental)

	into := r.restore(t, r.now)

	want, got := everything(t, r.store), everything(t, into)
	require.Len(t, got, len(want), "not printed: it is long")
	for i := range want {
		require.Equal(t, want[i].Collection, got[i].Collection)
		require.Equal(t, bson.Raw(want[i].Document).String(), bson.Raw(got[i].Document).String())
		require.True(t, bytes.Equal(want[i].Document, got[i].Document))
	}
	send, err := into.Send(t.Context(), events[3].Step.Key("v1"))
	require.NoError(t, err)
	require.NotNil(t, send, "an e-mail that an event tells of is not sent again")
	requireDisabled(t, r.store, into)
	occupied, err := into.Occupied(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, occupied)
	require.NoError(t, into.Clear(t.Context()))
	occupied, err = into.Occupied(t.Context())
	require.NoError(t, err)
	require.Empty(t, occupied)
}

// A worker that lives on after the database was lost backs up what is left of it. That says nothing of the time
// before, so a moment before is restored from the backup before alone.
func TestABackupOfALostDatabaseIsPassedOver(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	events, want := history(t, registration14d("v1"), steps(3)...)
	for _, e := range events {
		r.happen(t, "v1", e)
	}
	r.backUp(t, backup.Full)
	moment := r.now
	origin, err := r.store.Origin(t.Context())
	require.NoError(t, err)
	require.NoError(t, r.store.Clear(t.Context()))
	_, _, err = first(t.Context(), r.store, installationKey, origin.Installation)
	require.NoError(t, err)
	later, _ := history(t, registration14d("v2"))
	r.happen(t, "v2", later[0])
	r.backUp(t, backup.Incremental)

	into := r.restore(t, moment)

	got, found, err := into.Trial(t.Context(), "v1")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, want.Seq, got.Seq)
	_, found, err = into.Trial(t.Context(), "v2")
	require.NoError(t, err)
	require.False(t, found)
}

// With a vendor whose trial began between two backups comes what was decided about it, which the insert of a key decided.
func TestWhatWasDecidedComesWithAVendorBornBetweenBackups(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	r.backUp(t, backup.Full)
	insertUser(t, r.store, bson.D{{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}})
	_, err := r.store.TakeIn(t.Context(), vendor("v1", trial.Automated))
	require.NoError(t, err)
	r.tick()
	begun := trial.Start(registration14d("v1"), r.now)
	_, err = r.store.Append(t.Context(), begun, trial.State{}.Apply(begun))
	require.NoError(t, err)
	r.now = r.now.Add(time.Second)
	moment := r.now
	r.backUp(t, backup.Incremental)

	into := r.restore(t, moment)

	kept := document(t, into.firsts, registrationKey("v1"))
	require.Equal(t, document(t, r.store.firsts, registrationKey("v1")), kept)
}

// What stands against a document is said without what is in it.
func TestARestoreThatFailsNamesNobody(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	for _, id := range []string{"v1", "v2"} {
		insertUser(t, r.store, bson.D{{Key: "_id", Value: id}, {Key: "email", Value: "ada@example.com"}})
	}
	r.backUp(t, backup.Full)
	listed, err := r.vault.List(t.Context())
	require.NoError(t, err)
	into := newTestStore(t)
	unique := mongo.IndexModel{Keys: bson.D{{Key: "email", Value: 1}}, Options: options.Index().SetUnique(true)}
	_, err = into.users.Indexes().CreateOne(t.Context(), unique)
	require.NoError(t, err)
	_, err = into.Restore(t.Context(), Moment{At: r.now, Before: func(do func(backup.Records) error) error {
		return r.vault.Open(t.Context(), listed.Good[0], do)
	}})
	require.ErrorContains(t, err, "restoring collection users: somebody writes to it, or a unique index")
	require.NotContains(t, err.Error(), "ada")
}

// A token that was revoked since the backup does not open anything again, where it is known that it was.
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
	revoke(before)
	r.backUp(t, backup.Full)
	_, late := lasting("since")
	revoke(token)
	revoke(late)
	revoked, err := r.store.Revoked(t.Context())
	require.NoError(t, err)
	require.Len(t, revoked, 3)
	listed, err := r.vault.List(t.Context())
	require.NoError(t, err)
	source := func(do func(backup.Records) error) error { return r.vault.Open(t.Context(), listed.Good[0], do) }

	into := newTestStore(t)
	done, err := into.Restore(t.Context(), Moment{At: r.now, Before: source, Revoked: revoked})
	require.NoError(t, err)
	require.Equal(t, 1, done.Revoked)
	require.Equal(t, 1, done.Tokens)
	got, found, err := into.Token(t.Context(), key)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, at.Add(time.Minute), got.RevokedAt.UTC())
	require.Equal(t, "admin", got.RevokedBy)
}

// The id is drawn once, whoever asks first, and goes with the database into its backups.
func TestAnInstallationHasOneID(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	_, found, err := r.store.KnownOrigin(t.Context())
	require.NoError(t, err)
	require.False(t, found)
	const callers = 8
	origins := make(chan backup.Origin, callers)
	for range callers {
		go func() {
			origin, _ := r.store.Origin(t.Context())
			origins <- origin
		}()
	}
	origin := <-origins
	require.NotEmpty(t, origin.Installation)
	for range callers - 1 {
		require.Equal(t, origin, <-origins)
	}
	r.backUp(t, backup.Full)
	listed, err := r.vault.List(t.Context())
	require.NoError(t, err)
	require.Equal(t, origin, listed.Good[0].Origin)

	restored, found, err := r.restore(t, r.now).KnownOrigin(t.Context())
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, origin.Installation, restored.Installation, "its backups go on with those of before")
	into := newTestStore(t)
	_, err = into.Restore(t.Context(), Moment{At: r.now, Before: r.source(t, listed.Good[0])})
	require.NoError(t, err)
	_, found, err = into.KnownOrigin(t.Context())
	require.NoError(t, err)
	require.False(t, found, "a copy to look at is no installation")
	now, err := r.store.Clock(t.Context())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), now, time.Hour, "one machine, one clock")
}

func (r *past) source(t *testing.T, m backup.Manifest) BackupSource {
	t.Helper()
	return func(do func(backup.Records) error) error { return r.vault.Open(t.Context(), m, do) }
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
	listed, err := r.vault.List(t.Context())
	require.NoError(t, err)

	into := newTestStore(t)
	require.NoError(t, into.Setup(t.Context()))
	insertUser(t, into, bson.D{{Key: "_id", Value: "v1"}, {Key: "name", Value: "meanwhile"}})
	require.NoError(t, into.NoteSweep(t.Context(), at.Add(time.Hour)))
	_, err = into.Restore(t.Context(), Moment{At: r.now, Before: r.source(t, listed.Good[0])})
	require.NoError(t, err)
	require.Equal(t, document(t, r.store.users, "v1"), document(t, into.users, "v1"))
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
	flags, err := bson.Marshal(bson.D{{Key: "_id", Value: flagsID}, {Key: "featureFlags", Value: "odd"}})
	require.NoError(t, err)
	for want, record := range map[string]backup.Record{
		"document of collection users that cannot be read": {Collection: usersCollection, Document: []byte("junk")},
		"reading the flags in the backup":                  {Collection: flagsCollection, Document: flags},
	} {
		source := func(do func(backup.Records) error) error {
			return do(func(yield func(backup.Record, error) bool) { yield(record, nil) })
		}
		require.ErrorContains(t, Moment{Before: source}.Check(), want)
		require.ErrorContains(t, Moment{Before: func(do func(backup.Records) error) error { return do(backup.None) }, After: source}.Check(), want)
	}
}

// Vendors who came after the moment have their documents in a later backup; one who had been deleted
// by then has none, and one whom it does not know is looked for in another.
func TestVendorsComeBackFromALaterBackup(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	begin := func(id string) {
		events, _ := history(t, registration14d(id))
		r.happen(t, id, events[0])
	}
	begin("v1")
	begin("deleted")
	require.NoError(t, r.store.users.FindOneAndDelete(t.Context(), byID("deleted")).Err())
	r.backUp(t, backup.Full)
	begin("later")
	listed, err := r.vault.List(t.Context())
	require.NoError(t, err)

	into := newTestStore(t)
	missing := map[string]bool{"v1": true, "deleted": true, "later": true}
	found, err := into.RestoreVendors(t.Context(), r.source(t, listed.Good[0]), missing)
	require.NoError(t, err)
	require.Equal(t, []string{"v1"}, found)
	require.Equal(t, map[string]bool{"later": true}, missing)
	require.Equal(t, document(t, r.store.users, "v1"), document(t, into.users, "v1"))
}

// everything is all that there is but for what is folded anew, with a moment of its own, and the flags.
func everything(t *testing.T, s *Store) (all []backup.Record) {
	t.Helper()
	for record, err := range s.Records(t.Context()) {
		require.NoError(t, err)
		if record.Collection != trialsCollection && record.Collection != sendsCollection && !isInstallation(record) && record.Collection != flagsCollection {
			all = append(all, record)
		}
	}
	return all
}

// requireDisabled checks that restored flags are those of before, but for the automation.
func requireDisabled(t *testing.T, before, restored *Store) {
	t.Helper()
	was, err := before.Flags(t.Context())
	require.NoError(t, err)
	is, err := restored.Flags(t.Context())
	require.NoError(t, err)
	require.True(t, was.FeatureFlags.TrialAutomation.Enabled)
	require.Equal(t, was.Version+versionsLost+1, is.Version, "those who know of later flags do not take it for an old one")
	require.Equal(t, is.Version, is.DisabledVersion)
	require.Equal(t, byRestore, is.UpdatedBy)
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
		listed, err := r.vault.List(t.Context())
		require.NoError(t, err)
		seen := 0
		_, err = into.Restore(t.Context(), Moment{At: r.now, Before: func(do func(backup.Records) error) error {
			return r.vault.Open(t.Context(), listed.Good[0], func(records backup.Records) error {
				return do(func(yield func(backup.Record, error) bool) {
					for record, err := range records {
						if record.Collection == usersCollection && name == "flags" {
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
	require.NoError(t, r.store.events.FindOneAndDelete(t.Context(), byID(trial.EventKey("v1", 4))).Err())
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

// Keys have the order of what they stand for.
func TestOrderedKeys(t *testing.T) {
	t.Parallel()
	key := func(t require.TestingT, v any) []byte {
		kind, data, err := bson.MarshalValue(v)
		require.NoError(t, err)
		k, err := orderedKey(bson.RawValue{Type: kind, Value: data})
		require.NoError(t, err)
		return k
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		require.Equal(t, a < b, bytes.Compare(key(t, a), key(t, b)) < 0)
		c, d := rapid.String().Draw(t, "c"), rapid.String().Draw(t, "d")
		require.Equal(t, c < d, bytes.Compare(key(t, c), key(t, d)) < 0)
	})
	require.Equal(t, key(t, int32(7)), key(t, 7.0))
	inOrder := []any{int64(-3), 2.0, int32(9), "", "a", bson.Binary{Data: []byte("z")}, bson.Binary{Data: []byte("aa")}, bson.NewObjectID(), false, true, at}
	for i := 1; i < len(inOrder); i++ {
		require.Negative(t, bytes.Compare(key(t, inOrder[i-1]), key(t, inOrder[i])), "%v, %v", inOrder[i-1], inOrder[i])
	}
	for _, odd := range []any{bson.D{}, 1.5, bson.Null{}} {
		kind, data, err := bson.MarshalValue(odd)
		require.NoError(t, err)
		_, err = orderedKey(bson.RawValue{Type: kind, Value: data})
		require.Error(t, err)
	}
}

// The server sorts as the keys do, so that collections with ids of several kinds are backed up.
func TestCollectionsWithMixedIDsAreRead(t *testing.T) {
	t.Parallel()
	r := newPast(t)
	for _, id := range []any{"b", "B", "ä", "", int64(5), int32(-5), 7.0, bson.NewObjectID(), bson.Binary{Data: []byte("xy")}, true, at} {
		insertUser(t, r.store, bson.D{{Key: "_id", Value: id}})
	}
	r.backUp(t, backup.Full)
	require.Len(t, everything(t, r.store), 11)
}
