package recovery

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// What only the workflow knows is added; what both know stays, and what does not fit is told.
func TestCatchUp(t *testing.T) {
	t.Parallel()
	events, want := history(t, registration14d("v1"), steps(4)...)
	other := slices.Clone(events)
	other[2].Type = trial.EventCancelled
	for name, c := range map[string]struct {
		have, recovered []trial.Event
		want            CatchUpResult
		seq             int
	}{
		"nothing is missing":         {have: events, recovered: events, seq: 5},
		"everything is missing":      {recovered: events, want: CatchUpResult{Added: 5}, seq: 5},
		"the end is missing":         {have: events[:2], recovered: events[1:], want: CatchUpResult{Added: 3}, seq: 5},
		"the workflow knows less":    {have: events, recovered: events[:2], seq: 5},
		"what is between is unknown": {have: events[:1], recovered: events[3:], want: CatchUpResult{Gap: 2}, seq: 1},
		"they differ":                {have: events[:3], recovered: other, want: CatchUpResult{Differs: 3}, seq: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			register(t, s, "v1", trial.Automated)
			appendAll(t, s, c.have)
			got, err := s.CatchUp(t.Context(), "v1", recovery.Trial{Events: c.recovered})
			require.NoError(t, err)
			require.Equal(t, c.want, got)
			state, _, err := s.Trial(t.Context(), "v1")
			require.NoError(t, err)
			require.Equal(t, c.seq, state.Seq)
			if c.seq == want.Seq {
				require.Equal(t, want, state)
			}
			if c.want.Added > 0 {
				send, err := s.Send(t.Context(), events[4].Step.Key("v1"))
				require.NoError(t, err)
				require.Equal(t, trial.SendSent, send.Status)
			}
		})
	}
	s := newTestStore(t)
	got, err := s.CatchUp(t.Context(), "v1", recovery.Trial{Events: events})
	require.NoError(t, err)
	require.Equal(t, CatchUpResult{Added: 5, NoVendor: true}, got)
}

// Who wanted no more e-mail since the backup gets none, also where it is interrupted and runs again.
func TestCatchUpStopsEMail(t *testing.T) {
	t.Parallel()
	unsubscribed := trial.Suppression{Reason: trial.ReasonUnsubscribed, At: at}
	bounced := trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: at}
	bouncedAddress := bounced
	bouncedAddress.AddressHash = trial.AddressHash("v1@example.com")
	for name, c := range map[string]struct {
		known, history, want *trial.Suppression
	}{
		"nobody":                        {},
		"told by signal":                {history: &unsubscribed, want: &unsubscribed},
		"the address is known already":  {known: &bouncedAddress, history: &bounced, want: &bouncedAddress},
		"unsubscribed after it bounced": {known: &bouncedAddress, history: &unsubscribed, want: &unsubscribed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			register(t, s, "v1", trial.Automated)
			if c.known != nil {
				suppress(t, s, "v1", *c.known)
			}
			var recovered recovery.Trial
			if c.history != nil {
				recovered.NoMail = []trial.Suppression{*c.history}
			}
			for i := range 2 {
				got, err := s.CatchUp(t.Context(), "v1", recovered)
				require.NoError(t, err)
				require.Equal(t, i == 0 && c.want != c.known, got.Suppressed)
				v, err := s.Vendor(t.Context(), "v1")
				require.NoError(t, err)
				require.Equal(t, c.want, v.Suppression)
			}
		})
	}
}

// E-mails that may have left are not sent again, unless it is known what became of them.
func TestCatchUpPresumesWhatMayHaveLeft(t *testing.T) {
	t.Parallel()
	events, state := history(t, registration14d("v1"), steps(3)...)
	next := state.Pending()[0]
	for name, want := range map[string][]string{"unknown": {next.Key("v1")}, "refused": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			register(t, s, "v1", trial.Automated)
			if name == "refused" {
				_, _, err := s.ClaimSend(t.Context(), trial.Send{Key: next.Key("v1"), VendorID: "v1", Kind: next.Kind, ClaimedAt: at})
				require.NoError(t, err)
				_, err = s.SettleSend(t.Context(), next.Key("v1"), 1, trial.SendResult{Status: trial.SendRefused, Reason: "no-such-address"}, at)
				require.NoError(t, err)
			}
			got, err := s.CatchUp(t.Context(), "v1", recovery.Trial{Events: events, AtWork: next.At})
			require.NoError(t, err)
			require.Equal(t, want, got.Presumed)
			for _, step := range state.Pending()[:3] {
				send, err := s.Send(t.Context(), step.Key("v1"))
				require.NoError(t, err)
				require.Equal(t, step == next && name == "unknown", send != nil && send.Status == trial.SendSent, step.Kind)
			}
		})
	}
}

// A worker that was beginning a trial sends the welcome before it says anything.
func TestCatchUpPresumesAWelcome(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "automated", trial.Automated)
	register(t, s, "control", trial.Control)
	for id, want := range map[string][]string{"automated": {"automated/welcome/0"}, "control": nil, "lost": {"lost/welcome/0"}} {
		got, err := s.CatchUp(t.Context(), id, recovery.Trial{})
		require.NoError(t, err)
		require.Empty(t, got.Presumed, id)
		got, err = s.CatchUp(t.Context(), id, recovery.Trial{AtWork: at})
		require.NoError(t, err)
		require.Equal(t, want, got.Presumed, id)
	}
}

// Who was erased since the backup does not come back with it, nor later.
func TestCatchUpErasesAgain(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	register(t, s, "v1", trial.Automated)
	recovered := func(id string) recovery.Trial {
		events, _ := history(t, registration14d(id))
		e := erasure(time.Hour)
		return recovery.Trial{Events: events, Erased: &e}
	}
	for i := range 2 {
		for _, id := range []string{"v1", "lost"} {
			got, err := s.CatchUp(t.Context(), id, recovered(id))
			require.NoError(t, err)
			require.Equal(t, i == 0, got.Erased, id)
		}
	}
	_, _, err := s.RegisterVendor(t.Context(), vendor("lost", trial.Automated))
	require.ErrorContains(t, err, "was erased")
	for _, id := range []string{"v1", "lost"} {
		require.Equal(t, erasure(time.Hour), kept[trial.Erasure](t, s, id+recovery.ErasureKey))
	}
	v, err := s.Vendor(t.Context(), "v1")
	require.NoError(t, err)
	require.Empty(t, v.Name+v.Email)
	require.NotEmpty(t, v.NoMail())
	require.Equal(t, at.Add(time.Hour), *v.ErasedAt)
}

// One whom the database refuses to erase is named and on record as erased, however often it is caught up with: nobody
// else waits for it.
func TestCatchUpNamesWhomItCannotErase(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	standAgainstErasures(t, s)
	e := erasure(time.Hour)
	for _, id := range []string{"v1", "v2"} {
		register(t, s, id, trial.Automated)
	}
	for i := range 2 {
		got, err := s.CatchUp(t.Context(), "v1", recovery.Trial{Erased: &e})
		require.NoError(t, err)
		require.Equal(t, CatchUpResult{Erased: i == 0}, got)
		got, err = s.CatchUp(t.Context(), "v2", recovery.Trial{Erased: &e})
		require.NoError(t, err)
		require.Equal(t, CatchUpResult{Unerased: true}, got)
	}
	require.Equal(t, e, kept[trial.Erasure](t, s, "v2"+recovery.ErasureKey))
	v, err := s.Vendor(t.Context(), "v2")
	require.NoError(t, err)
	require.NotEmpty(t, v.NoMail())
}

// standAgainstErasures has the database refuse a second vendor who was erased at the same moment. The embedded database
// does not count what is missing, so the index is of what both get, and not of the address that both lack.
func standAgainstErasures(t *testing.T, s Store) {
	t.Helper()
	unique := mongo.IndexModel{Keys: bson.D{{Key: "trialAutomation.erasedAt", Value: 1}}, Options: options.Index().SetUnique(true)}
	_, err := s.in(recovery.Users).Indexes().CreateOne(t.Context(), unique)
	require.NoError(t, err)
}

// A vendor whose document is lost comes back as it was: with its start, in its cohort, and unsubscribed.
func TestALostVendorComesBack(t *testing.T) {
	t.Parallel()
	events, state := history(t, registration14d("v1"), steps(2)...)
	unsubscribed := trial.Suppression{Reason: trial.ReasonUnsubscribed, At: at}
	for name, back := range map[string]func(t *testing.T, s Store){
		"over HTTP": func(t *testing.T, s Store) {
			t.Helper()
			v := vendor("v1", trial.Control)
			v.StartedAt = at.AddDate(0, 1, 0)
			_, created, err := s.RegisterVendor(t.Context(), v)
			require.NoError(t, err)
			require.True(t, created)
		},
		"straight into the collection": func(t *testing.T, s Store) {
			t.Helper()
			insertUser(t, s, bson.D{{Key: "_id", Value: "v1"}, {Key: "isVendor", Value: true}, {Key: "email", Value: "v1@example.com"}})
			v := vendor("v1", trial.Control)
			v.StartedAt = at.AddDate(0, 1, 0)
			_, err := s.TakeIn(t.Context(), v)
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestStore(t)
			for i := range 2 {
				got, err := s.CatchUp(t.Context(), "v1", recovery.Trial{Events: events, NoMail: []trial.Suppression{unsubscribed}})
				require.NoError(t, err)
				require.True(t, got.NoVendor)
				require.Equal(t, i == 0, got.Added > 0)
			}
			back(t, s)
			_, err := s.ResyncVendor(t.Context(), "v1")
			require.NoError(t, err)
			v, err := s.Vendor(t.Context(), "v1")
			require.NoError(t, err)
			require.Equal(t, trial.Automated, v.Automation.Cohort)
			require.Equal(t, state.StartedAt, v.StartedAt)
			require.Equal(t, state.Status, v.Automation.Status)
			require.Equal(t, unsubscribed, *v.Suppression)
		})
	}
}

// Decisions that only the workflow knows are added; the flags' percentage follows, and nothing is enabled.
func TestRolloutsCatchUp(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	_, err := s.UpdateFlags(t.Context(), "restore", func(f *flags.Change) error {
		f.TrialAutomation.Enabled = false
		return nil
	})
	require.NoError(t, err)
	began := aRollout("r1")
	decisions := []rollout.Event{
		began,
		{Seq: 2, Type: rollout.EventPaused, At: at, By: "admin"},
		{Seq: 3, Type: rollout.EventOverridden, At: at, By: "flags", Enabled: new(true), Percentage: new(25.0)},
	}
	_, err = s.AppendDecision(t.Context(), began, rollout.State{}.Apply(began))
	require.NoError(t, err)

	got, state, err := s.CatchUpRollout(t.Context(), recovery.Rollout{ID: "r1", Decisions: decisions})
	require.NoError(t, err)
	require.Equal(t, CatchUpResult{Added: 2}, got)
	require.Equal(t, rollout.Fold(decisions), state)
	current, found, err := s.CurrentRollout(t.Context())
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, 3, current.Seq)
	doc, err := s.Flags(t.Context())
	require.NoError(t, err)
	require.InDelta(t, 25.0, doc.FeatureFlags.TrialAutomation.RolloutPercentage, 0)
	require.False(t, doc.FeatureFlags.TrialAutomation.Enabled)

	got, _, err = s.CatchUpRollout(t.Context(), recovery.Rollout{ID: "r1", Decisions: decisions})
	require.NoError(t, err)
	require.Zero(t, got, "once is enough")
	got, _, err = s.CatchUpRollout(t.Context(), recovery.Rollout{ID: "r1", Decisions: []rollout.Event{{Seq: 5, Type: rollout.EventResumed, At: at}}})
	require.NoError(t, err)
	require.Equal(t, CatchUpResult{Gap: 4}, got)
	got, _, err = s.CatchUpRollout(t.Context(), recovery.Rollout{ID: "r1", Decisions: []rollout.Event{{Seq: 3, Type: rollout.EventResumed, At: at}}})
	require.NoError(t, err)
	require.Equal(t, CatchUpResult{Differs: 3}, got)
	_, _, err = s.CatchUpRollout(t.Context(), recovery.Rollout{ID: "r9", Decisions: decisions})
	require.ErrorContains(t, err, `decision 1 is of rollout "r1"`)
}
