package workflows_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/bulk"
	"marketplace.example/trials/rollout"
	"marketplace.example/trials/workflows"
)

// word is something that a person sends: the message, and what it asks for where it is well-formed.
type word struct {
	name    string
	payload string
	request *rollout.Request
}

// rolloutProperty is a rollout under random messages and mishaps, and beside it the model: the pure rules, applied to
// each well-formed message once, in order of arrival.
type rolloutProperty struct {
	w     *rolloutWorld
	model rollout.State
	sent  int
	// told are all words so far, which a reset tells again.
	told []word
	// next is what the next run begins with, and early what an earlier one began with.
	next, early workflows.RolloutInput
	reset       bool
}

// word draws a message to a rollout. Ids are reused now and then, also for another request.
func (p *rolloutProperty) word(t *rapid.T) word {
	p.sent++
	r := rollout.Request{By: "ada", Reason: fmt.Sprintf("reason %d", p.sent), ID: fmt.Sprintf("k-%d", rapid.IntRange(max(1, p.sent-3), p.sent).Draw(t, "key"))}
	name := rapid.SampledFrom([]string{
		rollout.SignalPause, rollout.SignalResume, rollout.SignalAdvance, rollout.SignalRollback, rollout.SignalRollback, rollout.SignalSetPercentage, rollout.SignalTick,
	}).Draw(t, "name")
	fields := fmt.Sprintf(`"id":%q,"by":%q,"reason":%q`, r.ID, r.By, r.Reason)
	switch name {
	case rollout.SignalRollback, rollout.SignalSetPercentage:
		r.Percentage = float64(rapid.SampledFrom([]int{1, 5, 10, 15, 40, 60, 100, 0}).Draw(t, "percentage"))
		fields += fmt.Sprintf(`,"percentage":%v`, r.Percentage)
	case rollout.SignalTick:
		r.Subject, r.Met = "dashboards-operational", rapid.Bool().Draw(t, "met")
		fields += fmt.Sprintf(`,"subject":%q,"met":%t`, r.Subject, r.Met)
	}
	switch rapid.IntRange(0, 7).Draw(t, "spoiled") {
	case 0:
		return word{name: name, payload: `{` + fields + `,"percent":3}`}
	case 1:
		return word{name: name, payload: `{"inFlight":"release",` + fields + `,"reason":["x"]}`}
	case 2:
		return word{name: "halt", payload: `{` + fields + `}`}
	}
	return word{name: name, payload: `{` + fields + `}`, request: &r}
}

func (p *rolloutProperty) hear(m word) {
	p.told = append(p.told, m)
	if m.request == nil {
		return
	}
	if e, err := p.model.Request(m.name, *m.request, nil, start); err == nil && e != nil {
		p.model = p.model.Apply(*e)
	}
}

// run is one run: what a reset tells again, then words that come one by one or while the workflow is busy, and a
// mishap at its end.
func (p *rolloutProperty) run(t *rapid.T) {
	env := p.w.prepare()
	if p.reset {
		var again [][2]string
		for _, m := range p.told {
			again = append(again, [2]string{m.name, m.payload})
		}
		inReset(env, again)
	}
	busy := rapid.SliceOfN(rapid.Custom(p.word), 0, 4).Draw(t, "busy")
	for _, m := range busy {
		p.hear(m)
	}
	p.w.during = func() {
		for _, m := range busy {
			send(env, m.name, m.payload)
		}
		p.w.during = nil
	}
	if p.next.State != nil && !p.reset { // it begins with nothing that could keep it busy
		env.RegisterDelayedCallback(p.w.interrupt, time.Minute)
	}
	ends := p.model.Status.Final()
	for i, m := range rapid.SliceOfN(rapid.Custom(p.word), 0, 4).Draw(t, "later") {
		if ends {
			break // the workflow is gone: the API says so
		}
		p.hear(m)
		ends = p.model.Status.Final()
		env.RegisterDelayedCallback(func() { send(env, m.name, m.payload) }, time.Duration(i+1)*time.Hour)
	}
	if rapid.Bool().Draw(t, "canceled") {
		env.RegisterDelayedCallback(env.CancelWorkflow, 90*time.Minute)
	}
	continued := rapid.Bool().Draw(t, "continued")
	if continued {
		env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true); send(env, "halt", `{}`) }, 5*time.Hour)
	}
	in := p.next
	carried := p.w.run(in, 6*time.Hour)
	p.next = taken
	if carried != nil {
		p.next = *carried
	}
	if p.reset = rapid.Bool().Draw(t, "reset"); p.reset {
		p.next = rapid.SampledFrom([]workflows.RolloutInput{taken, in, p.early}).Draw(t, "from")
	} else if carried == nil {
		p.told = nil // a run of its own, whose messages are its own
	}
	if in.State != nil {
		p.early = in
	}
}

func (p *rolloutProperty) holds(t *rapid.T) {
	stored := p.w.state()
	require.Empty(t, p.w.exceeded)
	var carriedOut []string
	for _, d := range p.w.decisions {
		if d.RequestID != "" {
			carriedOut = append(carriedOut, d.RequestID)
		}
	}
	require.Equal(t, p.model.Requests, carriedOut, "each once, in order of arrival")
	want, got := p.model.Standing(), stored.Standing()
	want.Seq = got.Seq
	require.Equal(t, want, got, "the last word holds")
	flags := p.w.flags.FeatureFlags.TrialAutomation
	require.Equal(t, stored.Enabled, flags.Enabled)
	require.InDelta(t, stored.Percentage, flags.RolloutPercentage, 0)
}

// The model is the pure rules, so this says nothing of them; it says that no message is lost, doubled, or carried out in
// another order, whatever becomes of the workflow, and that the flags never admit more than what is stored.
func TestWhateverIsAskedOfARolloutTheLastWordHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newRolloutWorld(t, -1)
		begin := rolloutStart()
		begin.Plan.NoticeDays, begin.Plan.StabilityDays, begin.Plan.GuardDays = 30, 300, 300
		for i := range begin.Plan.Phases {
			begin.Plan.Phases[i].SoakDays = 300
		}
		w.store(rollout.Begin(begin, start))
		w.store(rollout.Event{Type: rollout.EventPreflight, At: start, By: "rollout", Checks: []rollout.Check{{ID: rollout.CheckBackup, Verdict: rollout.Pass}}})
		w.store(rollout.Event{Type: rollout.EventEntered, Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Enabled: new(true), Percentage: new(50.0), At: start, By: "rollout"})
		w.flags.FeatureFlags.TrialAutomation.RolloutPercentage, w.begun = 50, start.Add(time.Hour)
		p := &rolloutProperty{w: w, model: w.state(), next: taken, early: taken}
		for range rapid.IntRange(1, 4).Draw(t, "runs") {
			if p.model.Status.Final() {
				break
			}
			p.run(t)
			p.holds(t)
		}
	})
}

// The same of a bulk operation: a pause, a resume, or a stop counts once, in order of arrival.
func TestWhateverIsAskedOfABulkOperationTheLastWordHolds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var stored bulk.State
		var told [][2]string
		model, sent := bulk.State{}, 0
		for run := range rapid.IntRange(1, 4).Draw(t, "runs") {
			w := newBulkWorld(t, 100_000, func(*bulk.Operation) {})
			if run == 0 {
				stored, model = w.work.State, w.work.State
			}
			w.keep = &stored
			reset := run > 0 && rapid.Bool().Draw(t, "reset")
			if reset {
				inReset(w.env, slices.Clone(told))
			} else {
				told = nil
			}
			var busy [][2]string
			for range rapid.IntRange(0, 6).Draw(t, "busy") {
				sent++
				name := rapid.SampledFrom([]string{bulk.ControlPause, bulk.ControlResume, bulk.ControlPause, bulk.ControlResume, bulk.ControlStart, bulk.ControlStop}).Draw(t, "name")
				id := fmt.Sprintf("k-%d", rapid.IntRange(max(1, sent-2), sent).Draw(t, "key"))
				payload := fmt.Sprintf(`{"id":%q,"reason":"reason %d"}`, id, sent)
				spoiled := rapid.IntRange(0, 5).Draw(t, "spoiled") == 0 && (name == bulk.ControlResume || name == bulk.ControlStart)
				if spoiled {
					payload = fmt.Sprintf(`{"id":%q,"reason":["x"]}`, id)
				}
				busy = append(busy, [2]string{name, payload})
				if after, err := model.Request(bulk.Control{ID: id, Name: name, Reason: fmt.Sprintf("reason %d", sent), By: "signal", At: start}); err == nil && !spoiled {
					model = after
				}
			}
			told = append(told, busy...)
			w.beginning = func() {
				w.beginning = nil
				for _, m := range busy {
					send(w.env, m[0], m[1])
				}
			}
			if rapid.Bool().Draw(t, "canceled") {
				w.env.RegisterDelayedCallback(w.env.CancelWorkflow, 2*time.Second)
			}
			w.env.SetWorkflowRunTimeout(20 * time.Second)
			w.env.ExecuteWorkflow(bulk.WorkflowType, workflows.BulkInput{ID: "bulk-1"})
			require.Equal(t, model.Status, stored.Status, "the last word holds")
			var want, got []string
			for _, c := range model.Controls {
				want = append(want, c.Name+" "+c.Reason)
			}
			for _, c := range stored.Controls {
				got = append(got, c.Name+" "+c.Reason)
			}
			require.Equal(t, want, got, "each once, in order of arrival")
			if model.Status == bulk.Stopped {
				break
			}
		}
	})
}
