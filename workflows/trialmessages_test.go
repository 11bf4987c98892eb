package workflows_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

// answer collects what an update was answered with.
type answer struct {
	rejected, err error
	overview      *trial.Overview
}

func (a *answer) Accept()          {}
func (a *answer) Reject(err error) { a.rejected = err }
func (a *answer) Complete(success any, err error) {
	a.err = err
	if o, ok := success.(trial.Overview); ok {
		a.overview = &o
	}
}

func TestAnExtensionPlansTheRemindersAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	var a answer
	w.at(8*day, func() {
		w.env.UpdateWorkflow(trial.MessageExtend, "u1", &a, trial.Request{Days: 7, Reason: "asked for", By: "support"})
	})
	o := w.run()
	require.NoError(t, a.rejected)
	require.NoError(t, a.err)
	require.Equal(t, start.Add(21*day), a.overview.EndsAt)
	require.Equal(t, 1, a.overview.Revision)
	require.Equal(t, trial.Expired, o.Status)
	require.Equal(t, []string{"welcome", "reminder-7d", "reminder-7d", "reminder-3d", "reminder-1d", "expiry", "grace-end"}, w.mailedSteps())
	require.Equal(t, "u1", w.events[3].Request.ID, "an update without an id is known by the update's own")
}

func TestARequestIsCarriedOutOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(2*day, func() {
		w.env.SignalWorkflow(trial.MessageExtend, trial.Request{ID: "r1", Days: 7, Reason: "asked for"})
		w.env.SignalWorkflow(trial.MessageExtend, trial.Request{ID: "r1", Days: 7, Reason: "asked for"})
	})
	var a answer
	w.at(3*day, func() {
		w.env.UpdateWorkflow(trial.MessageExtend, "r1", &a, trial.Request{ID: "r1", Days: 7, Reason: "asked for"})
	})
	w.run()
	require.NoError(t, a.rejected)
	require.Equal(t, start.Add(21*day), a.overview.EndsAt)
}

func TestARefusalLeavesNoTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	var negative, inFinal answer
	w.at(2*day, func() {
		w.env.UpdateWorkflow(trial.MessageExtend, "u1", &negative, trial.Request{Days: -3, Reason: "oops"})
		w.env.UpdateWorkflow(trial.MessageRevive, "u2", &inFinal, trial.Request{Days: 3, Reason: "not expired"})
	})
	w.run()
	refusal, ok := workflows.AsRefusal(negative.rejected)
	require.True(t, ok)
	require.Equal(t, &trial.Error{Code: trial.CodeInvalid, Field: "days", Message: "must be 1 to 365, is -3"}, refusal)
	refusal, ok = workflows.AsRefusal(inFinal.rejected)
	require.True(t, ok)
	require.Equal(t, trial.CodeConflict, refusal.Code)
	require.Len(t, w.events, 7)
}

func TestAnExpiredTrialIsRevivedByANewRun(t *testing.T) {
	t.Parallel()
	second := afterItsEnd(t)
	var a answer
	second.at(0, func() {
		second.env.UpdateWorkflow(trial.MessageRevive, "u1", &a, trial.Request{Days: 5, Reason: "asked for"})
	})
	o := second.run()
	require.NoError(t, a.rejected)
	require.NoError(t, a.err)
	require.Equal(t, trial.Active, a.overview.Status)
	require.Equal(t, trial.Expired, o.Status)
	require.Equal(t, []string{"reminder-3d", "reminder-1d", "expiry", "grace-end"}, second.mailedSteps())
}

func TestAnExtensionInGraceCountsFromNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.at(16*day, func() {
		w.env.SignalWorkflow(trial.MessageExtend, trial.Request{ID: "r1", Days: 1, Reason: "asked for"})
	})
	o := w.run()
	require.Equal(t, start.Add(17*day).Truncate(time.Minute), o.EndsAt.Truncate(time.Minute))
}

func TestAConversionCountsWhateverItsPayload(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]any{
		"text": "paid", "a number": 7, "bytes": []byte{0xff}, "nothing": nil,
		"a moment of another form": map[string]any{"id": "c1", "at": "yesterday"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, trial.Automated)
			w.at(8*day, func() {
				w.env.SignalWorkflow(trial.MessageExtend, payload) // which is dropped
				w.env.SignalWorkflow(trial.MessageConvert, payload)
			})
			o := w.run()
			require.Equal(t, trial.Converted, o.Status)
			require.Equal(t, start.Add(8*day), o.ConvertedAt.Truncate(time.Minute))
			require.Zero(t, o.Revision)
		})
	}
}

// What arrives while the trial begins is carried out as it came: sorted by name, the revival came last.
func TestATrialCarriesItsMessagesOutInOrderOfArrival(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Automated)
	w.beginning = func() {
		send(w.env, trial.MessageExtend, `{"days":9,"reason":["x"]}`)
		send(w.env, trial.MessageCancel, `{"reason":"one"}`)
		send(w.env, trial.MessageRevive, `{"days":3,"reason":"two"}`)
		send(w.env, trial.MessageCancel, `{"reason":"three"}`)
		send(w.env, "stop", `{}`)
	}
	o := w.run()
	require.Equal(t, trial.Cancelled, o.Status)
	var asked []string
	for _, e := range w.events {
		if e.Request != nil {
			asked = append(asked, string(e.Type)+" "+e.Request.Reason)
		}
	}
	require.Equal(t, []string{"cancelled one", "revived two", "cancelled three"}, asked)
}

// An update by hand is refused where it is not exactly the message.
func TestATrialRefusesAnUpdateThatIsNotExactlyItsMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, trial.Control)
	var refused error
	w.at(day, func() {
		w.env.UpdateWorkflow(trial.MessageCancel, "u-1", &testsuite.TestUpdateCallback{
			OnAccept: func() { require.Fail(t, "it was taken") }, OnReject: func(err error) { refused = err }, OnComplete: func(any, error) {},
		}, json.RawMessage(`{"reason":"x","days":3}`))
	})
	require.Equal(t, trial.Expired, w.run().Status)
	require.Error(t, refused)
	e, ok := workflows.AsRefusal(refused)
	require.True(t, ok)
	require.Equal(t, trial.CodeInvalid, e.Code)
}
