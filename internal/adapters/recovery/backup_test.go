package recovery

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

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/storage"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// past is a run of vendors: whatever happens takes place at the next tick of the clock.
type past struct {
	store      Store
	repository *backup.Repository
	now        time.Time
	// states are those of all trials after each tick, from the first on.
	states []map[string]trial.State
}

func newPast(t *testing.T) *past {
	t.Helper()
	r := &past{store: newTestStore(t), now: at}
	r.repository = &backup.Repository{Storage: storage.Folder(t.TempDir()), Now: func() time.Time { return r.now }}
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
	m, err := r.repository.Create(t.Context(), kind, origin, r.store.Records(t.Context()))
	require.NoError(t, err)
	require.Equal(t, kind, m.Kind)
	r.now = r.now.Add(time.Second)
}

// restore fills a new database with what was at a moment.
func (r *past) restore(t *testing.T, moment time.Time) Store {
	t.Helper()
	listed, err := r.repository.List(t.Context())
	require.NoError(t, err)
	choice, err := backup.Choose(listed.Good, moment)
	require.NoError(t, err)
	source := func(m *backup.Manifest) Source {
		if m == nil {
			return nil
		}
		return func(fn func(backup.Records) error) error { return r.repository.Open(t.Context(), *m, fn) }
	}
	into := newTestStore(t)
	m := Moment{At: moment, Before: source(&choice.Before), Began: choice.Before.Begin, After: source(choice.After), Latest: source(choice.Latest), Installation: choice.Before.Installation}
	require.NoError(t, m.Check())
	_, err = into.Restore(t.Context(), m)
	require.NoError(t, err)
	return into
}

func (r *past) source(t *testing.T, m backup.Manifest) Source {
	t.Helper()
	return func(fn func(backup.Records) error) error { return r.repository.Open(t.Context(), m, fn) }
}

// liveThrough are some vendors' events, taking turns.
func liveThrough(t *testing.T, r *rand.Rand, vendors int, happen func(id string, e trial.Event)) {
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
	liveThrough(t, random, vendors, func(id string, e trial.Event) {
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

func requireStates(t *testing.T, want map[string]trial.State, s Store, vendors int) {
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
		v, err := s.Vendor(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, state.Status, v.Automation.Status)
		require.Equal(t, &state.EndsAt, v.Automation.EndsAt)
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
	_, err := r.store.UpdateFlags(t.Context(), "admin", func(f *flags.Change) error {
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
	_, err = r.store.KeepInstallation(t.Context(), origin.Installation)
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
