package rollout_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// chronicle is a rollout lived through with real snapshots, every hour, as the
// watch and the workflow keep it.
type chronicle struct {
	t         fataler
	plan      rollout.Plan
	state     rollout.State
	events    []rollout.Event
	snapshots []rollout.Snapshot
	ledger    rollout.Ledger
	now       time.Time
	// latest is the last judgement, known the last one signaled to the workflow.
	latest, known *rollout.Judgement
	flags         flags.Flags
	// bouncing is how many of ten e-mails bounce.
	bouncing int
	// quiet has nobody register.
	quiet bool
}

// quick is a plan that a rollout of 20 vendors an hour lives through.
func quick() rollout.Plan {
	p := rollout.DefaultPlan()
	gates := []rollout.Gate{rollout.GateEmail, rollout.GateAutomation}
	p.Name, p.StabilityDays, p.GuardDays = "quick", 1, 1
	p.Phases = []rollout.Phase{
		{Name: "nobody", Percentage: 0, SoakDays: 0.5, Gates: []rollout.Gate{}},
		{Name: "half", Percentage: 50, SoakDays: 1, Gates: gates},
		{Name: "all", Percentage: 100, SoakDays: 1, Gates: gates},
	}
	return p
}

func chronicled(t fataler, p rollout.Plan) *chronicle {
	c := &chronicle{t: t, plan: p, now: noon, ledger: rollout.NewLedger(p), flags: flags.Initial()}
	c.flags.TrialAutomation.Enabled, c.flags.TrialAutomation.RolloutPercentage = true, 0
	c.apply(rollout.Begin(rollout.Start{ID: "r1", Plan: p, By: "admin", Times: inDays}, c.now))
	c.ledger.To = c.now
	return c
}

// apply carries an event out, as the activity does.
func (c *chronicle) apply(e rollout.Event) {
	e, current := enact(c.state, e, flags.Document{FeatureFlags: c.flags, Version: 9})
	c.flags = current.FeatureFlags
	if e.Type == rollout.EventUpdate {
		e = c.state.UpdatedBy(e, c.latest)
	}
	c.state = c.state.Apply(e)
	c.events = append(c.events, e)
}

func (c *chronicle) settle() {
	for {
		if c.state.PreflightDue(c.now) {
			c.apply(c.state.CheckedEvent([]rollout.Check{{ID: rollout.CheckHealth, Verdict: rollout.Pass, Reason: "all answer"}}, c.now))
		}
		if c.state.BackfillDue() {
			c.apply(c.state.BackfilledEvent("v", 10, c.state.Backfill != nil, c.now))
		}
		e, _ := c.state.Next(c.known, c.now)
		if e == nil {
			return
		}
		c.apply(*e)
	}
}

// hours lives on, hour by hour: the timers first, then the watch.
func (c *chronicle) hours(n int) {
	c.t.Helper()
	for range n {
		from := c.now
		for {
			c.settle()
			_, wake := c.state.Next(c.known, c.now)
			if wake.IsZero() || wake.After(from.Add(time.Hour)) {
				break
			}
			c.now = wake
		}
		c.now = from.Add(time.Hour)
		if c.state.Status.Final() {
			return
		}
		c.watch(from)
		c.settle()
	}
}

func (c *chronicle) watch(from time.Time) {
	s := rollout.Snapshot{
		RolloutID: "r1", Number: len(c.snapshots) + 1, At: c.now, From: from, To: c.now, Position: c.state.Position(),
		Enabled: c.flags.TrialAutomation.Enabled, Percentage: c.flags.TrialAutomation.RolloutPercentage, Version: 9,
		Calls: rollout.Calls{Took: map[int]int{40: 50}},
	}
	registered := int(c.state.Percentage) / 5
	if c.quiet {
		registered = 0
	}
	for i := range registered {
		id := fmt.Sprintf("v%d-%d", s.Number, i)
		at, reported := from.Add(time.Duration(i+1)*time.Minute), rollout.MailDelivered
		if i%10 < c.bouncing {
			reported = rollout.MailFailed
		}
		for _, kind := range []rollout.OutcomeKind{rollout.Admitted, rollout.MailSent, rollout.StepDone, reported} {
			s.Outcomes = append(s.Outcomes, rollout.Outcome{Kind: kind, VendorID: id, Key: id + "/welcome/0", At: at})
		}
	}
	c.snapshots = append(c.snapshots, s)
	c.ledger.Apply(c.plan, s, day)
	c.latest = new(rollout.Judge(c.plan, inDays, c.ledger, s))
	if c.state.ShouldSignal(*c.latest, c.now) {
		c.known = c.latest
	}
}

func (c *chronicle) ask(name string, r flags.Request) {
	c.t.Helper()
	r.Reason = "because"
	e, err := c.state.Request(name, r, c.known, c.now)
	require.NoError(c.t, err)
	c.apply(*e)
}

// stored are the events as the database gives them back.
func (c *chronicle) stored() []rollout.Event {
	c.t.Helper()
	var events []rollout.Event
	require.NoError(c.t, json.Unmarshal([]byte(jsonOf(c.t, c.events)), &events))
	return events
}

// read reads the snapshots as the database gives them back.
func (c *chronicle) read(number int) (rollout.Snapshot, bool, error) {
	var s rollout.Snapshot
	if number > len(c.snapshots) {
		return s, false, nil
	}
	err := json.Unmarshal([]byte(jsonOf(c.t, c.snapshots[number-1])), &s)
	return s, true, err
}

// chronicles are rollouts of every kind.
var chronicles = map[string]func(*chronicle){
	"healthy to its end": func(c *chronicle) { c.hours(24 * 10) },
	"rolled back by mail, twice and then paused": func(c *chronicle) {
		c.hours(24*3 - 6)
		c.bouncing = 5
		c.hours(24 * 12)
	},
	"updates while a phase waits for figures": func(c *chronicle) {
		c.quiet = true
		c.hours(24 * 5)
	},
	"stopped at a gate": func(c *chronicle) {
		c.bouncing = 1
		c.hours(24 * 5)
	},
	"held and moved by people": func(c *chronicle) {
		c.hours(40)
		c.ask(rollout.SignalPause, flags.Request{ID: "k1", By: "admin"})
		c.hours(30)
		c.ask(rollout.SignalResume, flags.Request{}) // a signal from a terminal
		c.ask(rollout.SignalAdvance, flags.Request{By: "admin"})
		c.ask(rollout.SignalTick, flags.Request{By: "admin", Subject: "feedback-positive", Met: true})
		c.hours(5)
		c.ask(rollout.SignalSetPercentage, flags.Request{By: "admin", Percentage: 60})
		c.hours(5)
		c.ask(rollout.SignalResume, flags.Request{By: "admin"})
		c.hours(60)
		c.ask(rollout.SignalRollback, flags.Request{By: "admin", Percentage: 0})
	},
	"flags set by hand, seen by the watch": func(c *chronicle) {
		c.hours(40)
		c.flags.TrialAutomation.RolloutPercentage = 33
		c.hours(10)
		c.ask(rollout.SignalResume, flags.Request{By: "admin"})
		c.hours(3)
		c.flags.TrialAutomation.Enabled = false
		c.hours(3)
	},
	"flags set by hand, found when about to write them": func(c *chronicle) {
		c.hours(36 + 23)
		c.flags.TrialAutomation.RolloutPercentage = 5
		c.ask(rollout.SignalAdvance, flags.Request{By: "admin"})
		c.hours(2)
	},
}

func TestReplayComesToTheSame(t *testing.T) {
	t.Parallel()
	for name, live := range chronicles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := chronicled(t, quick())
			live(c)
			r, err := rollout.Replay(c.stored(), c.read)
			require.NoError(t, err)
			require.Empty(t, r.Differences)
			require.Equal(t, len(c.events), r.Events)
			people := 0
			for _, e := range c.events {
				if e.RequestID != "" || e.By != "rollout" && e.By != "flags" && e.Start == nil {
					people++
				}
			}
			require.Equal(t, len(c.events)-people, r.Decisions)
			require.Positive(t, r.Judgements)
		})
	}
}

func TestThoseLivesAreOfEveryKind(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, live := range chronicles {
		c := chronicled(t, quick())
		live(c)
		for _, e := range c.events {
			seen[fmt.Sprintf("%s %s %s", e.Type, e.Cause, e.Trigger)] = true
			seen["foreign"] = seen["foreign"] || strings.Contains(e.Reason, "(Seen when about to: ")
		}
	}
	for _, kind := range []string{
		"started  ", "entered  ", "preflight  ", "backfill  ", "daily-update  ", "completed  ", "overridden  ", "resumed  ", "rolled-back  ",
		"rolled-back  email-delivery", "paused admin ", "paused gate ", "paused triggers ", "ticked  ", "foreign",
	} {
		require.Contains(t, seen, kind)
		require.True(t, seen[kind], kind)
	}
}

func TestReplayNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	takenBack := func(events []rollout.Event) *rollout.Event {
		for i := range events {
			if events[i].Trigger != "" {
				return &events[i]
			}
		}
		return nil
	}
	for name, c := range map[string]struct {
		tamper func(events []rollout.Event, c *chronicle)
		what   string
	}{
		"a figure":           {func(e []rollout.Event, _ *chronicle) { takenBack(e).Judgement.Triggers[0].Evidence++ }, "trigger email-delivery"},
		"a gate's verdict":   {func(e []rollout.Event, _ *chronicle) { takenBack(e).Judgement.Gates[1].Seen++ }, "gate automation"},
		"another formula":    {func(e []rollout.Event, _ *chronicle) { takenBack(e).Judgement.Formula = "old" }, "the formula"},
		"what the flags say": {func(e []rollout.Event, _ *chronicle) { takenBack(e).Judgement.Version++ }, "the judgement"},
		"a reason":           {func(e []rollout.Event, _ *chronicle) { takenBack(e).Reason = "Rolled back for fun." }, "the decision"},
		"a moment":           {func(e []rollout.Event, _ *chronicle) { e[1].At = e[1].At.Add(-time.Hour) }, "the decision"},
		"a snapshot is lost": {func(e []rollout.Event, c *chronicle) { c.snapshots = c.snapshots[:takenBack(e).Judgement.Snapshot-1] }, "the judgement cannot be recomputed"},
		"an outcome is lost": {func(e []rollout.Event, c *chronicle) {
			s := &c.snapshots[takenBack(e).Judgement.Snapshot-1]
			s.Outcomes = s.Outcomes[:len(s.Outcomes)-8]
		}, "trigger email-delivery"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := chronicled(t, quick())
			l.hours(24*3 - 6)
			l.bouncing = 5
			l.hours(24)
			events := l.stored()
			require.NotNil(t, takenBack(events))
			c.tamper(events, l)
			r, err := rollout.Replay(events, l.read)
			require.NoError(t, err)
			require.NotEmpty(t, r.Differences)
			require.Equal(t, c.what, r.Differences[0].What, "%+v", r.Differences[0])
			require.NotEqual(t, r.Differences[0].Stored, r.Differences[0].Anew)
		})
	}
}

func TestReplayNeedsABeginning(t *testing.T) {
	t.Parallel()
	c := chronicled(t, quick())
	c.hours(24)
	_, err := rollout.Replay(c.events[1:], c.read)
	require.ErrorContains(t, err, "first event")
	_, err = rollout.Rehearse(quick(), nil, c.read)
	require.ErrorContains(t, err, "first event")
	broken := errors.New("the database is away")
	_, err = rollout.Replay(c.events, func(int) (rollout.Snapshot, bool, error) { return rollout.Snapshot{}, false, broken })
	require.ErrorIs(t, err, broken)
	_, err = rollout.Rehearse(rollout.Plan{}, c.events, c.read)
	require.ErrorContains(t, err, "plan.name")
}

// ofItself lists what a rollout decided by itself, without what only tells of it.
func ofItself(events []rollout.Event) []string {
	var all []string
	for _, e := range events {
		if e.Type != rollout.EventPreflight && e.Type != rollout.EventUpdate && e.Type != rollout.EventBackfill {
			all = append(all, fmt.Sprintf("%s %s: %s", e.At.Format(time.RFC3339), e.Type, e.Reason))
		}
	}
	return all
}

func TestTheSamePlanDecidesTheSameWhereNobodySteered(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"healthy to its end", "rolled back by mail, twice and then paused"} {
		c := chronicled(t, quick())
		chronicles[name](c)
		r, err := rollout.Rehearse(quick(), c.stored(), c.read)
		require.NoError(t, err)
		got, want := ofItself(r.Events), ofItself(c.events)
		// What comes after the last snapshot, nothing tells of.
		require.GreaterOrEqual(t, len(got), len(want)-1, name)
		require.Equal(t, want[:len(got)], got, name)
	}
}

func TestAnotherPlanDecidesOtherwise(t *testing.T) {
	t.Parallel()
	c := chronicled(t, quick())
	chronicles["rolled back by mail, twice and then paused"](c)
	patient := quick()
	patient.Name, patient.Triggers.EmailDelivery = "patient", 0.3
	r, err := rollout.Rehearse(patient, c.stored(), c.read)
	require.NoError(t, err)
	require.Zero(t, r.State.Epoch, "half of the e-mails are enough for it")
	require.Equal(t, "patient", r.State.Plan.Name)
	require.Equal(t, len(c.snapshots), r.Snapshots)

	hasty := quick()
	hasty.Name, hasty.NoticeDays, hasty.Phases[0].SoakDays = "hasty", 0.1, 0.1
	r, err = rollout.Rehearse(hasty, c.stored(), c.read)
	require.NoError(t, err)
	require.Positive(t, r.State.Epoch)
}

func TestARehearsalEndsWhereADayIsNoWholeMilliseconds(t *testing.T) {
	t.Parallel()
	times := inDays
	times.Day = 1667499999 * time.Nanosecond
	began := rollout.Begin(rollout.Start{ID: "r1", Plan: quick(), By: "admin", Times: times}, noon)
	r, err := rollout.Rehearse(quick(), []rollout.Event{began}, func(number int) (rollout.Snapshot, bool, error) {
		return rollout.Snapshot{RolloutID: "r1", Number: number, At: noon.Add(20 * times.Day)}, number == 1, nil
	})
	require.NoError(t, err)
	require.Positive(t, r.State.Percentage, "it enters its phases")
}

// An attempt writes the flags and dies, and somebody sets them back to what they were before the next one.
func TestReplayKnowsFlagsThatWereSetBackBetweenTwoAttempts(t *testing.T) {
	t.Parallel()
	c := chronicled(t, quick())
	c.hours(40)
	next := rollout.Event{
		Seq: c.state.Seq + 1, Type: rollout.EventEntered, By: "rollout", At: c.now, Reason: "Entered phase 2.",
		Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Enabled: new(true), Percentage: new(c.state.Percentage + 10),
	}
	_, current := enact(c.state, next, flags.Document{FeatureFlags: c.flags, Version: 9})
	back := current.Change()
	back.TrialAutomation.RolloutPercentage = c.state.Percentage
	current, _ = current.Changed(back, "ada", c.now)
	came, _ := enact(c.state, next, current)
	require.Equal(t, rollout.EventOverridden, came.Type)
	c.events = append(c.events, came)
	r, err := rollout.Replay(c.stored(), c.read)
	require.NoError(t, err)
	require.Empty(t, r.Differences)
}
