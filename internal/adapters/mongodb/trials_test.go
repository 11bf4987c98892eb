package mongodb

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/trial"
)

// What is stored comes back as it was, whatever happened to the trial.
func TestStatesAndEventsRoundTrip(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	seen := map[trial.EventType]bool{}
	for seed := range uint64(20) {
		id := fmt.Sprintf("v%d", seed)
		register(t, s, id, trial.Automated)
		events, want := randomHistory(t, id, seed)
		var state trial.State
		for _, e := range events {
			seen[e.Type] = true
			state = state.Apply(e)
			existing, err := s.Append(t.Context(), e, state)
			require.NoError(t, err)
			require.Nil(t, existing)
			got, found, err := s.Trial(t.Context(), id)
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, state, got, "seed %d, after event %d", seed, e.Seq)
		}
		require.Equal(t, want, state)
		got, err := s.Events(t.Context(), id, 0)
		require.NoError(t, err)
		require.Equal(t, events, got, "seed %d", seed)
		requireMirrored(t, s, want)
		v, err := s.Vendor(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want.ConvertedAt != nil, v.Automation.Conversion != nil, "seed %d", seed)
	}
	require.Len(t, seen, 8, "every type of event took part")
}

// A policy's own e-mails are kept with the trial, and one after its expiry is missed where it does not go out.
func TestAnExpiredTrialIsOverdueForItsMailing(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	r := registration14d("v1")
	r.Policy.QuietDays = []trial.QuietDay{"sun"}
	r.Policy.Mailings = []trial.Mailing{
		{ID: "half-way", After: trial.AfterStart, Days: 5, Template: "middle", Unless: trial.Conditions()},
		{ID: "win-back", After: trial.AfterExpiry, Hours: 36, Template: "win-back", Unless: []trial.Condition{trial.UnlessConverted}},
	}
	var state trial.State
	add := func(e trial.Event) {
		state = state.Apply(e)
		_, err := s.Append(t.Context(), e, state)
		require.NoError(t, err)
	}
	overdue := func() []string {
		states, err := s.OverdueTrials(t.Context(), at.AddDate(1, 0, 0), 10)
		require.NoError(t, err)
		return trialIDs(states)
	}
	add(trial.Start(r, at))
	for state.Status != trial.Expired {
		step, _ := state.Next()
		add(state.StepEvent(step, trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}, trial.StepFacts{Now: step.At}, true))
	}
	got, _, err := s.Trial(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, state, got)
	require.Equal(t, []string{"v1"}, overdue())
	e, err := state.Request(trial.MessageConvert, trial.Request{}, at.AddDate(0, 1, 0))
	require.NoError(t, err)
	add(*e)
	require.Empty(t, overdue())
}

func requireMirrored(t *testing.T, s *Store, state trial.State) {
	t.Helper()
	v, err := s.Vendor(t.Context(), state.VendorID)
	require.NoError(t, err)
	require.Equal(t, state.Status, v.Automation.Status)
	require.Equal(t, &state.EndsAt, v.Automation.EndsAt)
	if state.ConvertedAt != nil { // that it will convert may be on record before the trial knows
		require.NotNil(t, v.Automation.Conversion)
	}
}

// Finer moments than the database keeps are cut, not rounded.
func TestMomentsAreCutToMilliseconds(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	events, _ := history(t, registration14d("v1"))
	e := events[0]
	e.At = time.Date(2026, 3, 1, 9, 0, 0, 1_999_999, time.FixedZone("", 3600))
	_, err := s.Append(t.Context(), e, trial.State{}.Apply(e))
	require.NoError(t, err)
	got, err := s.Events(t.Context(), "v1", 1)
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 3, 1, 8, 0, 0, 1_000_000, time.UTC), got[0].At)
}

func TestEventsFromNumber(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	events, _ := history(t, registration14d("v1"), steps(3)...)
	appendAll(t, s, events)
	got, err := s.Events(t.Context(), "v1", 3)
	require.NoError(t, err)
	require.Equal(t, events[2:], got)
	got, err = s.Events(t.Context(), "v1", 5)
	require.NoError(t, err)
	require.Empty(t, got)
	_, found, err := s.Trial(t.Context(), "unknown")
	require.NoError(t, err)
	require.False(t, found)
}

func TestEventDocument(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	events, _ := history(t, registration14d("v1"))
	appendAll(t, s, events)
	doc := document(t, s.events, "v1/1")
	require.Equal(t, "v1", doc["vendorId"])
	require.Equal(t, int32(1), doc["seq"])
	require.Equal(t, "started", doc["type"])
	doc = document(t, s.trials, "v1")
	require.Equal(t, "active", doc["status"])
	require.Equal(t, bson.NewDateTimeFromTime(at), doc["nextAt"], "the welcome is due at once")
	require.Contains(t, doc, "updatedAt")
}

// Of several writers that take themselves for the only one, one is right, and
// all learn who.
func TestAppendOnceANumber(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	events, state := history(t, registration14d("v1"))
	appendAll(t, s, events)
	const n = 12
	var existing [n]*trial.Event
	var errs [n]error
	var tried [n]trial.Event
	together(n, func(i int) {
		tried[i] = *step(allOn(), time.Duration(i)*time.Minute)(t, state)
		existing[i], errs[i] = s.Append(t.Context(), tried[i], state.Apply(tried[i]))
	})
	stands, err := s.Events(t.Context(), "v1", 2)
	require.NoError(t, err)
	require.Len(t, stands, 1)
	winners := 0
	for i := range n {
		require.NoError(t, errs[i])
		if existing[i] == nil {
			winners++
			require.Equal(t, tried[i], stands[0])
			continue
		}
		require.Equal(t, stands[0], *existing[i])
	}
	require.Equal(t, 1, winners)
	got, _, err := s.Trial(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, state.Apply(stands[0]), got)
}

// A whole trial told by several at once comes out as if told by one.
func TestAppendRepeatedAtOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		s := newTestStore(t)
		register(t, s, "v1", trial.Automated)
		events, want := randomHistory(t, "v1", seed)
		together(6, func(int) { appendAll(t, s, events) })
		got, _, err := s.Trial(t.Context(), "v1")
		require.NoError(t, err)
		require.Equal(t, want, got)
		requireMirrored(t, s, want)
	}
}

// A writer thought dead that comes back takes nothing away.
func TestAppendByAWriterThoughtDead(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	events, want := history(t, registration14d("v1"), append(steps(2), convert(at.Add(90*time.Hour)))...)
	appendAll(t, s, events)
	third := events[2]
	_, err := s.events.DeleteOne(t.Context(), byID("v1/3")) // as if its insert came only now
	require.NoError(t, err)
	existing, err := s.Append(t.Context(), third, trial.Fold(events[:3]))
	require.NoError(t, err)
	require.Nil(t, existing)
	got, _, err := s.Trial(t.Context(), "v1")
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestAppendRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	events, state := history(t, registration14d("v1"), step(allOn(), 0))
	_, err := s.Append(t.Context(), events[0], state)
	require.ErrorContains(t, err, "does not lead to state 2")
	_, err = s.Append(t.Context(), events[0], trial.Fold(events[:1]).Apply(trial.Event{}))
	require.Error(t, err)
	got, err := s.Events(t.Context(), "v1", 1)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestRefold(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	events, want := randomHistory(t, "v1", 3)
	appendAll(t, s, events)
	for name, spoil := range map[string]bson.D{
		"gone":   nil,
		"behind": {{Key: "seq", Value: 1}, {Key: "status", Value: "cancelled"}},
		"ahead":  {{Key: "seq", Value: 99}, {Key: "steps", Value: nil}},
	} {
		if spoil == nil {
			_, err := s.trials.DeleteOne(t.Context(), byID("v1"))
			require.NoError(t, err)
		} else {
			_, err := s.trials.UpdateOne(t.Context(), byID("v1"), bson.D{{Key: "$set", Value: spoil}})
			require.NoError(t, err)
		}
		state, err := s.Refold(t.Context(), "v1")
		require.NoError(t, err, name)
		require.Equal(t, want, state, name)
		got, _, err := s.Trial(t.Context(), "v1")
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	_, err := s.Refold(t.Context(), "unknown")
	requireCode(t, trial.CodeNotFound, err)
}

// The marketplace may remove a user; the trial goes on without.
func TestAppendWithoutUser(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	events, _ := history(t, registration14d("v1"), convert(at.Add(time.Hour)))
	appendAll(t, s, events)
	count, err := s.users.CountDocuments(t.Context(), bson.D{})
	require.NoError(t, err)
	require.Zero(t, count)
}

// The marketplace may replace a document, and ours in it with it.
func TestAReplacedVendorDocumentGetsTheTrialsStatusAgain(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	known, err := s.ResyncVendor(t.Context(), "v1")
	require.NoError(t, err)
	require.False(t, known, "it has no trial yet")

	events, state := history(t, registration14d("v1"), steps(3)...)
	appendAll(t, s, events)
	_, err = s.users.ReplaceOne(t.Context(), byID("v1"), bson.D{{Key: "isVendor", Value: true}})
	require.NoError(t, err)
	_, err = s.TakeIn(t.Context(), vendor("v1", trial.Automated))
	require.NoError(t, err)
	known, err = s.ResyncVendor(t.Context(), "v1")
	require.NoError(t, err)
	require.True(t, known)
	requireMirrored(t, s, state)
	unstarted, err := s.UnstartedVendors(t.Context(), 10, nobody)
	require.NoError(t, err)
	require.Empty(t, unstarted)
}
