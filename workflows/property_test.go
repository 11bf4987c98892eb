package workflows_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/workflows"
)

// halt is no message of any workflow, and wakes it all the same.
var halt = [2]string{"halt", `{}`}

// word is something that happens to a rollout: a message that somebody sends, or what they do to the flags.
type word struct {
	name    string
	payload string
	// request is what a message asks for that is well-formed.
	request *flags.Request
	// lowers has the API write the flags before a rollback; lost has its signal never arrive.
	lowers, lost bool
	// onFlags has it say on which flags it was asked.
	onFlags bool
	// flags sets the flags by hand.
	flags *flags.TrialAutomation
	// alarm is what the watch signals, at whatever the flags say then.
	alarm *rollout.TriggerResult
}

// rolloutProperty is a rollout under random messages and mishaps, and beside it the model: the pure rules, applied to
// each well-formed message once, in order of arrival.
type rolloutProperty struct {
	w      *rolloutWorld
	model  rollout.State
	flags  flags.Document
	judged *rollout.Judgement
	sent   int
	// signals are those of the chain so far. A reset of one of its runs delivers those of that run and of the later ones again.
	signals [][2]string
	chains  int
	// next is the run that follows, and early an earlier one of its chain.
	next, early rolloutBegin
	reset       bool
	// mixed says that more than messages has happened, which a reset does not tell again.
	mixed bool
}

// rolloutBegin is what a run begins with, and how many signals of its chain came before it.
type rolloutBegin struct {
	in      workflows.RolloutInput
	signals int
}

// word draws what happens. Ids are reused now and then, also for another request.
func (p *rolloutProperty) word(t *rapid.T) word {
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		percentage := float64(rapid.SampledFrom([]int{1, 5, 10, 15, 40, 60, 100}).Draw(t, "by hand"))
		return word{flags: &flags.TrialAutomation{Enabled: rapid.IntRange(0, 3).Draw(t, "on") > 0, RolloutPercentage: percentage}}
	case 1:
		remedy := rapid.SampledFrom([]rollout.Remedy{rollout.Partial, rollout.Partial, rollout.Immediate}).Draw(t, "remedy")
		return word{alarm: &rollout.TriggerResult{Trigger: rollout.TriggerEmail, Remedy: remedy, Firing: rapid.Bool().Draw(t, "raised"), Reason: "it is bad"}}
	}
	return p.message(t)
}

func (p *rolloutProperty) message(t *rapid.T) word {
	p.sent++
	r := flags.Request{By: "ada", Reason: fmt.Sprintf("reason %d", p.sent), ID: fmt.Sprintf("k-%d", rapid.IntRange(max(1, p.sent-3), p.sent).Draw(t, "key"))}
	name := rapid.SampledFrom([]string{
		rollout.SignalPause, rollout.SignalResume, rollout.SignalAdvance, rollout.SignalRollback, rollout.SignalRollback, rollout.SignalSetPercentage, rollout.SignalTick, rollout.SignalWaive,
	}).Draw(t, "name")
	fields := fmt.Sprintf(`"id":%q,"by":%q,"reason":%q`, r.ID, r.By, r.Reason)
	m := word{name: name}
	switch name {
	case rollout.SignalRollback, rollout.SignalSetPercentage:
		r.Percentage = float64(rapid.SampledFrom([]int{1, 5, 10, 15, 40, 60, 100, 0}).Draw(t, "percentage"))
		fields += fmt.Sprintf(`,"percentage":%v`, r.Percentage)
	case rollout.SignalTick:
		r.Subject, r.Met = "dashboards-operational", rapid.Bool().Draw(t, "met")
		fields += fmt.Sprintf(`,"subject":%q,"met":%t`, r.Subject, r.Met)
	case rollout.SignalWaive:
		r.Subject = rollout.CheckHealth
		fields += fmt.Sprintf(`,"subject":%q`, r.Subject)
	}
	if name == rollout.SignalRollback {
		m.lowers = rapid.Bool().Draw(t, "over the API")
		m.lost = m.lowers && rapid.Bool().Draw(t, "lost")
	}
	m.onFlags = rollout.MayRaise(name) && rapid.Bool().Draw(t, "on flags")
	if !m.lowers {
		if rapid.IntRange(0, 3).Draw(t, "seen") == 0 {
			r.Seen = "another stage"
			fields += fmt.Sprintf(`,"seen":%q`, r.Seen)
		}
		switch rapid.IntRange(0, 7).Draw(t, "spoiled") {
		case 0:
			return word{name: name, payload: fields + `,"percent":3`}
		case 1:
			return word{name: name, payload: `"inFlight":"release",` + fields + `,"reason":["x"]`}
		case 2:
			return word{name: "halt", payload: fields}
		}
	}
	m.payload, m.request = fields, &r
	return m
}

// deliver has words arrive at once, and the model hear them in their order. Then both do what is due.
func (p *rolloutProperty) deliver(t *rapid.T, words []word) {
	if p.model.Status.Final() {
		return // the workflow is gone: the API says so
	}
	require.Equal(t, p.flags.FeatureFlags, p.w.flags.FeatureFlags)
	stored := p.w.state()
	p.model.Checks, p.model.CheckedAt = stored.Checks, stored.CheckedAt // at 0 % the preflight is made by itself
	var received []func()
	for _, m := range words {
		switch {
		case m.flags != nil:
			p.mixed = true
			p.byHand(t, func(c *flags.Change) {
				c.Off, c.TrialAutomation.Enabled, c.TrialAutomation.RolloutPercentage = !m.flags.Enabled, m.flags.Enabled, m.flags.RolloutPercentage
			})
		case m.alarm != nil:
			p.mixed = true
			signal := p.w.judged(t, func(j *rollout.Judgement) {
				j.Triggers, j.Rollback = []rollout.TriggerResult{*m.alarm}, p.flags.Rollback
				received = append(received, func() { p.judged = j })
			})
			send(p.w.env, signal[0], signal[1])
		default:
			received = append(received, p.send(t, m))
		}
	}
	for _, onReceived := range received {
		onReceived()
	}
	p.due()
}

// due has the model do what is due.
func (p *rolloutProperty) due() {
	for range 20 {
		e, _ := p.model.Next(p.judged, p.w.env.Now())
		if e == nil || e.Type == rollout.EventUpdate {
			break
		}
		p.enact(*e)
	}
}

// send sends a message, after what the API does before, and answers with how the model hears it.
func (p *rolloutProperty) send(t *rapid.T, m word) (onReceived func()) {
	payload := m.payload
	var asked flags.Request
	if m.request != nil {
		asked = *m.request
	}
	if m.lowers {
		p.mixed = true
		if _, err := p.model.Request(m.name, asked, nil, start); err != nil || p.model.Knows(asked.ID) {
			return func() {} // refused before it is sent, or known
		}
		p.byHand(t, func(c *flags.Change) {
			c.TrialAutomation.RolloutPercentage = min(c.TrialAutomation.RolloutPercentage, asked.Percentage)
			c.TrialAutomation.Enabled = c.TrialAutomation.Enabled && asked.Percentage > 0
			c.Off, c.Rollback = asked.Percentage == 0, &flags.RollbackRequest{RolloutID: rolloutID, Request: asked}
		})
		if m.lost {
			return func() {}
		}
	}
	if m.onFlags {
		asked.FlagsVersion = p.flags.Version
		payload += fmt.Sprintf(`,"flagsVersion":%d`, p.flags.Version)
	}
	payload = `{` + payload + `}`
	p.signals = append(p.signals, [2]string{m.name, payload})
	send(p.w.env, m.name, payload)
	knew := p.model.HandVersion
	return func() {
		if m.request == nil || p.model.Status.Final() {
			return
		}
		if asked.FlagsVersion == 0 && p.model.HandVersion > knew { // found while it waited
			asked.FlagsVersion = p.model.HandVersion - 1
		}
		p.carryOut(m.name, asked, p.w.env.Now())
	}
}

// carryOut has the model carry out a message. What was seen when it was asked for matters only to what
// raises, or lets a stage end.
func (p *rolloutProperty) carryOut(name string, asked flags.Request, now time.Time) {
	if !p.model.BoundToSeen(name, asked) {
		asked.Seen = ""
	}
	if e, err := p.model.Request(name, asked, p.judged, now); err == nil && e != nil {
		p.enact(*e)
	}
}

// wait has a message wait that no task of the run has taken yet, as those may be of a run that fails its tasks: the one
// that it is reset to takes it, after those that had their turn.
func (p *rolloutProperty) wait(m word) {
	if m.lowers || p.model.Status.Final() {
		return
	}
	p.signals = append(p.signals, [2]string{m.name, `{` + m.payload + `}`})
	if m.request == nil {
		return
	}
	asked := *m.request
	if p.model.HandVersion > 0 {
		asked.FlagsVersion = p.model.HandVersion - 1
	}
	p.carryOut(m.name, asked, p.w.startedAt)
}

// byHand changes the flags, those of the world and the model's.
func (p *rolloutProperty) byHand(t *rapid.T, change func(*flags.Change)) {
	set := func(c *flags.Change) error {
		change(c)
		return nil
	}
	_, err := p.w.UpdateFlags(t.Context(), "ada", set)
	require.NoError(t, err)
	p.setFlags("ada", change)
}

func (p *rolloutProperty) setFlags(by string, change func(*flags.Change)) {
	c := p.flags.Change()
	change(&c)
	p.flags, _ = p.flags.Changed(c, by, time.Time{})
}

// enact is what the activity does, in few words.
func (p *rolloutProperty) enact(e rollout.Event) {
	p.setFlags(flags.Automatic, func(c *flags.Change) { e = p.model.ApplyToFlags(e, c) })
	p.model = p.model.Apply(e)
}

// run is one run: what a reset tells again, then words that come one by one or while the workflow is busy, and a
// mishap at its end.
func (p *rolloutProperty) run(t *rapid.T) {
	env := p.w.prepare()
	begin := p.next
	in := begin.in
	p.judged = in.Judged
	chain := fmt.Sprintf("run-%d", p.chains)
	inRun(env, chain, chain, nil)
	waiting := 0
	if p.reset {
		waiting = rapid.IntRange(0, 3).Draw(t, "waiting")
		for range waiting {
			p.wait(p.message(t))
		}
		p.due()
		inRun(env, chain, "reset", slices.Clone(p.signals[begin.signals:]))
	}
	busy := rapid.SliceOfN(rapid.Custom(p.word), 0, 4).Draw(t, "busy")
	later := rapid.SliceOfN(rapid.Custom(p.word), 0, 4).Draw(t, "later")
	if in.State != nil && !p.reset { // it begins with nothing that could keep it busy
		busy, later = nil, append(busy[:min(len(busy), 1)], later[:min(len(later), 3)]...)
	}
	p.w.during = nil
	if len(busy) > 0 && waiting == 0 { // or the flags are not yet as the model has them
		p.w.during = func() { p.deliver(t, busy) }
	}
	for i, m := range later {
		env.RegisterDelayedCallback(func() { p.deliver(t, []word{m}) }, time.Duration(i+1)*time.Hour)
	}
	if rapid.Bool().Draw(t, "canceled") {
		env.RegisterDelayedCallback(env.CancelWorkflow, 90*time.Minute)
	}
	continued := rapid.Bool().Draw(t, "continued")
	if continued {
		env.RegisterDelayedCallback(func() {
			env.SetContinueAsNewSuggested(true)
			p.signals = append(p.signals, halt)
			send(env, halt[0], halt[1])
		}, 5*time.Hour)
	}
	carried := p.w.run(in, 6*time.Hour)
	if in.State != nil {
		p.early = begin
	}
	if p.reset = !p.mixed && rapid.Bool().Draw(t, "reset"); p.reset {
		p.next = rapid.SampledFrom([]rolloutBegin{{in: taken}, begin, p.early}).Draw(t, "from")
		return
	}
	if carried != nil {
		p.next = rolloutBegin{*carried, len(p.signals)}
		return
	}
	p.next, p.early = rolloutBegin{in: taken}, rolloutBegin{in: taken}
	p.signals, p.mixed, p.chains = nil, false, p.chains+1 // a run of its own, whose messages are its own
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
	want, got := p.model.Summary(), stored.Summary()
	want.Seq = got.Seq
	require.Equal(t, want, got, "the last word holds")
	p.flags.Write, p.w.flags.Write = nil, nil // the model does not number what it does by itself
	require.Equal(t, p.flags, p.w.flags, "the flags are as the rules and the people set them")
	require.Equal(t, p.model.ReleasedBefore, stored.ReleasedBefore)
}

// The model is the pure rules, so this says nothing of them (that is rollout's TestNothingIsSwitchedOnOrRaised…); it says
// that no message is lost, doubled, or carried out in another order, whatever becomes of the workflow, and that the flags
// never admit more than what is stored, or what people set by hand.
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
		w.store(rollout.Event{Type: rollout.EventPreflight, At: start, By: "rollout", Checks: []rollout.Check{
			{ID: rollout.CheckBackup, Verdict: rollout.Pass}, {ID: rollout.CheckHealth, Verdict: rollout.Insufficient},
		}})
		w.store(rollout.Event{Type: rollout.EventEntered, Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Enabled: new(true), Percentage: new(50.0), At: start, By: "rollout"})
		w.flags.FeatureFlags.TrialAutomation.RolloutPercentage, w.startedAt = 50, start.Add(time.Hour)
		p := &rolloutProperty{w: w, model: w.state(), flags: w.flags, next: rolloutBegin{in: taken}, early: rolloutBegin{in: taken}}
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
		var signals [][2]string
		model, sent, chains := bulk.State{}, 0, 0
		in := workflows.BulkInput{ID: "bulk-1"}
		for run := range rapid.IntRange(1, 4).Draw(t, "runs") {
			w := newBulkWorld(t, 100_000, func(*bulk.Operation) {})
			if run == 0 {
				stored, model = w.work.State, w.work.State
			}
			w.keep = &stored
			reset := run > 0 && in.Work == nil && rapid.Bool().Draw(t, "reset")
			if !reset && in.Work == nil {
				signals, chains = nil, chains+1
			}
			var busy [][2]string
			for range rapid.IntRange(0, 6).Draw(t, "busy") {
				sent++
				busy = append(busy, drawControl(t, sent, &model))
			}
			signals = append(signals, busy...)
			chain := fmt.Sprintf("run-%d", chains)
			inRun(w.env, chain, chain, nil)
			if reset { // some of them waited, as they do where a run fails its tasks
				waiting := rapid.IntRange(0, len(busy)).Draw(t, "waiting")
				inRun(w.env, chain, "reset", slices.Clone(signals[:len(signals)-len(busy)+waiting]))
				busy = busy[waiting:]
			}
			deliver := func() {
				for _, m := range busy {
					send(w.env, m[0], m[1])
				}
			}
			w.beginning = func() {
				w.beginning = nil
				deliver()
			}
			if in.Work != nil { // it looks at nothing to begin with
				w.env.RegisterDelayedCallback(deliver, time.Second)
			}
			if rapid.Bool().Draw(t, "continued") {
				w.env.RegisterDelayedCallback(func() {
					w.env.SetContinueAsNewSuggested(true)
					signals = append(signals, halt)
					send(w.env, halt[0], halt[1])
				}, 3*time.Second)
			}
			if rapid.Bool().Draw(t, "canceled") {
				w.env.RegisterDelayedCallback(w.env.CancelWorkflow, 2*time.Second)
			}
			w.env.SetWorkflowRunTimeout(20 * time.Second)
			w.env.ExecuteWorkflow(bulk.WorkflowType, in)
			in = workflows.BulkInput{ID: "bulk-1"}
			if next := (*workflow.ContinueAsNewError)(nil); errors.As(w.env.GetWorkflowError(), &next) {
				require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
			}
			require.Equal(t, model.Status, stored.Status, "the last word holds")
			require.Equal(t, controlsOf(model), controlsOf(stored), "each once, in order of arrival")
			if model.Status == bulk.Stopped {
				break
			}
		}
	})
}

// drawControl draws the control that is sent as number sent, and requests it of the model, unless it cannot be read.
func drawControl(t *rapid.T, sent int, model *bulk.State) [2]string {
	name := rapid.SampledFrom([]string{bulk.ControlPause, bulk.ControlResume, bulk.ControlPause, bulk.ControlResume, bulk.ControlStart, bulk.ControlStop}).Draw(t, "name")
	id := fmt.Sprintf("k-%d", rapid.IntRange(max(1, sent-2), sent).Draw(t, "key"))
	reason := fmt.Sprintf("reason %d", sent)
	if rapid.IntRange(0, 5).Draw(t, "spoiled") == 0 && (name == bulk.ControlResume || name == bulk.ControlStart) {
		return [2]string{name, fmt.Sprintf(`{"id":%q,"reason":["x"]}`, id)}
	}
	if after, err := model.Request(bulk.Control{ID: id, Name: name, Reason: reason, By: "signal", At: start}); err == nil {
		*model = after
	}
	return [2]string{name, fmt.Sprintf(`{"id":%q,"reason":%q}`, id, reason)}
}

func controlsOf(s bulk.State) (controls []string) {
	for _, c := range s.Controls {
		controls = append(controls, c.Name+" "+c.Reason)
	}
	return controls
}
