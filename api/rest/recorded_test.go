package rest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// What pages do is on record as the same operation of the API is.
func (a *api) requireLast(action, subject, reason string, outcome audit.Outcome) audit.Entry {
	a.t.Helper()
	last := a.last()
	require.Equal(a.t, []any{action, subject, reason, outcome}, []any{last.Action, last.Subject, last.Reason, last.Outcome}, last.Detail)
	return last
}

// pageBulk is a dry run of an extension, as a page asks for it.
func pageBulk(reason string) (bulk.Operation, []bulk.Listing) {
	return bulk.Operation{Action: bulk.Extend, Days: 7, PerMinute: 600, DryRun: true, Reason: reason}, []bulk.Listing{{VendorID: "v-1"}, {VendorID: "v-2"}}
}

func TestABulkOperationFromAPageBeginsOnceAKey(t *testing.T) {
	t.Parallel()
	a := withAda(t)
	o, list := pageBulk("asked")
	first, err := a.app.StartBulkRecorded(t.Context(), "k-1", o, list)
	require.NoError(t, err)
	a.requireLast("startBulkOperation", "bulk", "asked", audit.Done)
	again, err := a.app.StartBulkRecorded(t.Context(), "k-1", o, list)
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, "repeats an earlier request, and counts once", a.last().Detail)
	_, err = a.app.StartBulkRecorded(t.Context(), "k-1", o, list[:1])
	require.Equal(t, app.CodeReused, app.ErrorOf(err).Code)
	require.Len(t, a.store.Operations, 1)

	before := len(a.store.Record)
	for _, reason := range []string{"", " ", "ada@example.com asked", "Ada's Tools asked"} {
		o, _ := pageBulk(reason)
		_, err = a.app.StartBulkRecorded(t.Context(), "k-2", o, list)
		require.Equal(t, "reason", app.ErrorOf(err).Field, reason)
	}
	require.Len(t, a.store.Record, before, "no name gets on record")
	o, _ = pageBulk("asked")
	o.Action, o.Days, o.Policy = bulk.Move, 0, &trial.Policy{Name: "thirty-days"}
	_, _ = a.app.StartBulkRecorded(t.Context(), "k-3", o, list)
	require.Contains(t, string(a.last().Asked), `"policy":"thirty-days"`)
	o.Action, o.Policy, o.At = bulk.Convert, nil, &present
	_, _ = a.app.StartBulkRecorded(t.Context(), "k-4", o, list)
	require.Contains(t, string(a.last().Asked), `"at":"`+present.Format("2006-01-02"))
	o, _ = pageBulk("asked")
	o.Days = 0
	_, err = a.app.StartBulkRecorded(t.Context(), "k-2", o, list)
	require.Equal(t, "days", app.ErrorOf(err).Field)
	require.Len(t, a.store.Operations, 3)
	requireWhole(t, a.store.Record)
}

// A page steers the state that it showed, once however often it is sent.
func TestABulkOperationIsSteeredAsItWasSeen(t *testing.T) {
	t.Parallel()
	a := withAda(t)
	o, list := pageBulk("asked")
	v, err := a.app.StartBulkRecorded(t.Context(), "k-1", o, list)
	require.NoError(t, err)
	id := v.Operation.ID
	a.stands(id, func(s *bulk.State) { s.Status = bulk.Planned })
	steer := func(key, control, seen string) error {
		return a.app.SteerBulkRecorded(t.Context(), app.BulkSteering{ID: id, Control: control, Seen: seen, Reason: "looked at", Key: key})
	}
	planned := a.bulk(id).State.Mark()
	for range 2 {
		require.NoError(t, steer("k-2", bulk.ControlStart, planned))
	}
	a.requireLast("startPlannedBulkOperation", "bulk/"+id, "looked at", audit.Done)
	require.Len(t, a.bulk(id).State.Controls, 1)
	err = steer("k-3", bulk.ControlResume, planned)
	require.Equal(t, trial.CodeConflict, app.ErrorOf(err).Code)
	require.Contains(t, err.Error(), "has gone on since this page was opened: it is running now")
	a.requireLast("resumeBulkOperation", "bulk/"+id, "looked at", audit.Refused)
	require.NoError(t, steer("k-3", bulk.ControlStop, planned), "what stops it is not refused, and a refused form frees its key")
	require.Equal(t, app.CodeReused, app.ErrorOf(steer("k-3", bulk.ControlPause, a.bulk(id).State.Mark())).Code)

	a.stands(id, func(s *bulk.State) { s.Next = 2 })
	undo := app.BulkSteering{ID: id, Seen: a.bulk(id).State.Mark(), Reason: "the wrong list", Key: "k-4"}
	first, err := a.app.UndoBulkRecorded(t.Context(), undo)
	require.NoError(t, err)
	again, err := a.app.UndoBulkRecorded(t.Context(), undo)
	require.NoError(t, err)
	require.Equal(t, first.Operation, again.Operation)
	require.Len(t, a.store.Operations, 2)
	a.requireLast("undoBulkOperation", "bulk/"+id, "the wrong list", audit.Done)
	undo.ID = "nothing"
	_, err = a.app.UndoBulkRecorded(t.Context(), undo)
	require.Equal(t, trial.CodeNotFound, app.ErrorOf(err).Code)
	requireWhole(t, a.store.Record)
}

// A rollout starts once a key, where the latest one is still the one that was seen.
func TestARolloutFromAPageStartsOnce(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	start, err := a.app.PlanRollout(t.Context(), app.NewRollout{})
	require.NoError(t, err)
	require.Equal(t, rollout.DefaultPlan(), start.Plan)
	require.Empty(t, a.store.Store.Rollout)
	require.Empty(t, a.store.Record, "it was only looked at")

	begin := app.RolloutBegin{NewRollout: app.NewRollout{Plan: &start.Plan}, Seen: app.NoRollout, Reason: "ready", Key: "k-1"}
	other := begin
	id, err := a.app.StartRolloutRecorded(t.Context(), begin)
	require.NoError(t, err)
	entry := a.requireLast("startRollout", "rollouts", "ready", audit.Done)
	require.Contains(t, entry.Asked, `{"percentage":10,"soakDays":2}`)
	again, err := a.app.StartRolloutRecorded(t.Context(), begin)
	require.NoError(t, err)
	require.Equal(t, id, again)
	require.Equal(t, id, rollout.Fold(a.store.Store.Rollout).ID)

	other.Key = "k-2"
	_, err = a.app.StartRolloutRecorded(t.Context(), other)
	require.ErrorContains(t, err, "another rollout has started since this page was opened")
	other.Seen = id
	_, err = a.app.StartRolloutRecorded(t.Context(), other)
	require.ErrorContains(t, err, "a rollout is running already")
	_, err = a.app.PlanRollout(t.Context(), app.NewRollout{})
	require.ErrorContains(t, err, "only one runs at a time")
	other.Reason = ""
	_, err = a.app.StartRolloutRecorded(t.Context(), other)
	require.Equal(t, "reason", app.ErrorOf(err).Field)

	require.NoError(t, a.app.SteerRolloutRecorded(t.Context(), id, rollout.SignalRollback, flags.Request{ID: "k-3", Reason: "harm"}))
	again, err = a.app.StartRolloutRecorded(t.Context(), begin)
	require.NoError(t, err, "the same form again starts nothing anew")
	require.Equal(t, id, again)
	restart := app.RolloutBegin{NewRollout: app.NewRollout{RestartOf: &id, Phase: new(3)}, Seen: id, Reason: "mended", Key: "k-4"}
	_, err = a.app.StartRolloutRecorded(t.Context(), restart)
	require.NoError(t, err)
	require.Equal(t, rollout.Stage{Kind: rollout.Notice, Phase: 2}, rollout.Fold(a.store.Store.Rollout).Stage)
	requireWhole(t, a.store.Record)
}

// What is waived and ticked on a page is on record as in the API.
func TestAWaiverFromAPageNamesItsCheck(t *testing.T) {
	t.Parallel()
	a := running(t)
	id := rollout.Fold(a.store.Store.Rollout).ID
	require.NoError(t, a.app.SteerRolloutRecorded(t.Context(), id, rollout.SignalWaive, flags.Request{ID: "k-1", Reason: "in the vault", Subject: "backup"}))
	a.requireLast("waiveRolloutCheck", "rollouts/"+id+"/preflight/backup", "in the vault", audit.Done)
	require.NoError(t, a.app.SteerRolloutRecorded(t.Context(), id, rollout.SignalTick, flags.Request{ID: "k-2", Reason: "good", Subject: "feedback-positive", Met: true}))
	require.JSONEq(t, `{"met":true}`, string(a.requireLast("tickRolloutCriterion", "rollouts/"+id+"/criteria/feedback-positive", "good", audit.Done).Asked))
}
