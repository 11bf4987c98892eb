package workflows_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/workflows"
)

func TestABulkOperationThatIsResetTakesWhatHadNotHadItsTurn(t *testing.T) {
	t.Parallel()
	pause, resume := [2]string{bulk.ControlPause, `{"id":"k-1","reason":"lunch"}`}, [2]string{bulk.ControlResume, `{"id":"k-2","reason":"fed"}`}
	again := [2]string{bulk.ControlResume, `{"id":"k-3","reason":"fed"}`} // it runs: nothing comes of it
	stop := [2]string{bulk.ControlStop, `{"id":"k-4","reason":"harm"}`}
	for name, c := range map[string]struct {
		had asked
		// held has a flag stand against the first page.
		held   bool
		waits  asked
		status bulk.Status
	}{
		"one that came to nothing":              {had: asked{pause, resume, again}, held: true, status: bulk.Paused},
		"a stop before one that was sent again": {had: asked{pause, resume}, waits: asked{stop, pause}, status: bulk.Stopped},
		"one sent again alone":                  {had: asked{pause, resume}, waits: asked{pause}, status: bulk.Running},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stored bulk.State
			run := func(fn func(w *bulkWorld)) {
				w := newBulkWorld(t, 100_000, func(*bulk.Operation) {})
				if stored.Seq == 0 {
					stored = w.work.State
				}
				w.keep = &stored
				fn(w)
				w.env.SetWorkflowRunTimeout(20 * time.Second)
				w.env.ExecuteWorkflow(bulk.WorkflowType, workflows.BulkInput{ID: "bulk-1"})
			}
			run(func(w *bulkWorld) {
				inRun(w.env, firstRun, firstRun, nil)
				w.beginning = func() {
					w.beginning = nil
					for _, m := range c.had {
						send(w.env, m[0], m[1])
					}
				}
				if c.held {
					w.carry = func(s bulk.State, _ bulk.Page) bulk.State {
						stored = s.Held("adminTools.bulkOperations", w.env.Now())
						return stored
					}
				}
			})
			run(func(w *bulkWorld) { inReset(w.env, slices.Concat(c.had, c.waits)) })
			require.Equal(t, c.status, stored.Status)
		})
	}
}

func TestABulkOperationThatIsResetDecidesOnWhatIsStored(t *testing.T) {
	t.Parallel()
	w := newBulkWorld(t, 100, func(*bulk.Operation) {})
	stopped, err := w.work.State.Request(bulk.Control{Name: bulk.ControlStop, Reason: "r", At: start})
	require.NoError(t, err)
	w.stored = &stopped
	w.at(2*time.Second, bulk.ControlPause)
	w.env.ExecuteWorkflow(bulk.WorkflowType, workflows.BulkInput{ID: "bulk-1", Work: &w.work})
	require.NoError(t, w.env.GetWorkflowError())
	var v bulk.View
	require.NoError(t, w.env.GetWorkflowResult(&v))
	require.Equal(t, bulk.Stopped, v.State.Status)
	require.Empty(t, w.pages[1:], "no page after the one under way")
}
