package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	sdktemporal "go.temporal.io/sdk/temporal"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

func TestATrialThatIsResetTakesItsMessagesOnce(t *testing.T) {
	t.Parallel()
	first := newWorld(t, trial.Automated)
	extend := func(w *world) func() {
		return func() { send(w.env, trial.MessageExtend, `{"days":7,"reason":"ticket 813"}`) }
	}
	first.beginning = extend(first)
	first.env.SetWorkflowRunTimeout(2 * day)
	first.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
	require.Len(t, first.events, 3)

	again := newWorld(t, trial.Automated)
	again.events, again.sends, again.beginning = first.events, first.sends, extend(again)
	require.Equal(t, trial.Expired, again.run().Status)
	extended := 0
	for _, e := range again.events {
		if e.Type == trial.EventExtended {
			extended++
		}
	}
	require.Equal(t, 1, extended)
}

// extendedBefore is a trial that was extended a day after its start, and its events.
func extendedBefore(t *testing.T) (trial.State, []trial.Event) {
	t.Helper()
	w := newWorld(t, trial.Automated)
	w.at(day, func() { send(w.env, trial.MessageExtend, `{"id":"k-1","days":7,"reason":"ticket 813"}`) })
	w.env.SetWorkflowRunTimeout(2 * day)
	w.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
	require.Len(t, w.events, 3)
	return trial.Fold(w.events), w.events
}

// resetTrial is a run that was reset to where it knew a state, before a database that has some events.
// Where it has none it does not know the vendor either.
func resetTrial(t *testing.T, known trial.State, stored []trial.Event) *world {
	t.Helper()
	w := newWorld(t, trial.Automated)
	w.events, w.gone = slices.Clone(stored), len(stored) == 0
	w.env.SetStartTime(start.Add(2 * day))
	inReset(w.env, nil)
	w.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID, State: &known})
	require.NoError(t, w.env.GetWorkflowError())
	return w
}

func TestATrialThatIsResetGoesOnFromWhatIsStored(t *testing.T) {
	t.Parallel()
	late, events := extendedBefore(t)
	for name, w := range map[string]*world{
		"it knows less than the database": resetTrial(t, trial.Fold(events[:2]), events),
		"a restored database knows less":  resetTrial(t, late, events[:2]),
		"a restored one knows nothing":    resetTrial(t, late, nil),
	} {
		var o trial.Overview
		require.NoError(t, w.env.GetWorkflowResult(&o))
		require.Equal(t, 1, o.Revision, name)
		require.Equal(t, start.AddDate(0, 0, 21), o.EndsAt, name)
		require.Equal(t, trial.Expired, o.Status, name)
	}
}

// Its search attributes are those of the moment that it was reset to.
func TestATrialThatIsResetShowsWhereItStands(t *testing.T) {
	t.Parallel()
	late, events := extendedBefore(t)
	known := trial.Fold(events[:2])
	ends := sdktemporal.NewSearchAttributes(sdktemporal.NewSearchAttributeKeyTime(trial.AttributeEndsAt).ValueSet(late.EndsAt))
	status := func(s trial.Status) sdktemporal.SearchAttributes {
		return sdktemporal.NewSearchAttributes(sdktemporal.NewSearchAttributeKeyKeyword(trial.AttributeStatus).ValueSet(string(s)))
	}
	later := []sdktemporal.SearchAttributes{status(trial.Grace), status(trial.Expired)}
	for name, c := range map[string]struct {
		has  trial.State
		sets []sdktemporal.SearchAttributes
	}{"old ones": {known, append([]sdktemporal.SearchAttributes{ends}, later...)}, "right ones": {late, later}} {
		w := newWorld(t, trial.Automated)
		w.events = slices.Clone(events)
		w.env.SetStartTime(start.Add(2 * day))
		require.NoError(t, w.env.SetTypedSearchAttributesOnStart(workflows.StartAttributes(c.has)))
		inReset(w.env, nil)
		var sets []sdktemporal.SearchAttributes
		w.env.OnUpsertTypedSearchAttributes(mock.MatchedBy(func(a sdktemporal.SearchAttributes) bool {
			sets = append(sets, a)
			return true
		})).Return(nil)
		w.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID, State: &known})
		require.NoError(t, w.env.GetWorkflowError())
		require.Equal(t, c.sets, sets, name)
	}
}

func TestATrialThatIsResetTakesWhatHadNotHadItsTurn(t *testing.T) {
	t.Parallel()
	extend := [2]string{trial.MessageExtend, `{"id":"k-1","days":7,"reason":"ticket 813"}`}
	revive := [2]string{trial.MessageRevive, `{"id":"k-2","days":7,"reason":"ticket 814"}`} // refused: it is active
	cancel := [2]string{trial.MessageCancel, `{"id":"k-3","reason":"ticket 815"}`}
	for name, c := range map[string]struct {
		had asked
		// until is when the run is reset; 0 for after its end.
		until  time.Duration
		waits  asked
		status trial.Status
	}{
		"one that was refused":                  {had: asked{extend, revive}, status: trial.Expired},
		"a stop before one that was sent again": {had: asked{extend}, until: 2 * day, waits: asked{cancel, extend}, status: trial.Cancelled},
		"a conversion":                          {had: asked{extend, {trial.MessageConvert, `{}`}, revive}, status: trial.Converted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := newWorld(t, trial.Automated)
			inRun(first.env, firstRun, firstRun, nil)
			first.at(day, func() {
				for _, m := range c.had {
					send(first.env, m[0], m[1])
				}
			})
			first.env.SetWorkflowRunTimeout(c.until)
			first.env.ExecuteWorkflow(trial.WorkflowType, workflows.TrialInput{VendorID: vendorID})
			w := newWorld(t, trial.Automated)
			w.events, w.sends = first.events, first.sends
			w.env.SetStartTime(first.env.Now())
			inReset(w.env, slices.Concat(c.had, c.waits))
			require.Equal(t, c.status, w.run().Status)
			if len(c.waits) == 0 {
				require.Equal(t, first.events, w.events)
			}
		})
	}
}
