package rollout_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// asked are flags that were lowered for a rollback whose signal has not arrived, and maybe set since.
func asked(r flags.Request, enabled bool, percentage float64) flags.Document {
	d := flagged(enabled, percentage, 9)
	r.ID, r.By, r.Reason = "k-1", "ada", "slow"
	d.Rollback = &flags.RollbackRequest{Version: d.Version, RolloutID: "r1", Request: r}
	return d
}

// sees is a judgement that holds only the flags.
func sees(l *life, d flags.Document) *rollout.Judgement {
	j := healthy(l.state, l.now)
	f := d.FeatureFlags.TrialAutomation
	j.Enabled, j.Percentage, j.Version, j.DisabledVersion, j.Rollback = f.Enabled, f.RolloutPercentage, d.Version, d.DisabledVersion, d.Rollback
	return j
}

// The signal of a rollback may be late or lost: the request is stored with the flags.
func TestARollbackHoldsThoughItsSignalIsLost(t *testing.T) {
	t.Parallel()
	release := func(percentage float64) flags.Request {
		return flags.Request{Percentage: percentage, InFlight: flags.Release}
	}
	elsewhere := asked(release(10), true, 10)
	elsewhere.Rollback.RolloutID = "r0"
	for name, c := range map[string]struct {
		flags      flags.Document
		comes      rollout.EventType
		percentage float64
		inFlight   flags.InFlight
		by         string
		known      bool
		stage      int
	}{
		"in part":                       {asked(release(10), true, 10), rollout.EventRolledBack, 10, flags.Release, "ada", true, 1},
		"completely":                    {asked(release(0), false, 0), rollout.EventRolledBack, 0, flags.Release, "ada", true, 3},
		"keeping those in flight":       {asked(flags.Request{Percentage: 10}, true, 10), rollout.EventRolledBack, 10, flags.Keep, "ada", true, 1},
		"and lowered further":           {asked(release(10), true, 5), rollout.EventOverridden, 5, flags.Release, "flags", true, 3},
		"and disabled":                  {asked(release(10), false, 10), rollout.EventRolledBack, 10, flags.Release, "flags", true, 3},
		"and raised since":              {asked(release(10), true, 30), rollout.EventOverridden, 30, "", "flags", false, 3},
		"of another rollout":            {elsewhere, rollout.EventOverridden, 10, "", "flags", false, 3},
		"completely, on again, lowered": {asked(release(0), true, 20), rollout.EventOverridden, 20, "", "flags", false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := initial(t, rollout.DefaultPlan())
			l.toPhase(3)
			advance, err := l.state.Request(rollout.SignalAdvance, flags.Request{Reason: "on", ID: "k-0", FlagsVersion: 8}, nil, l.now)
			require.NoError(t, err)
			found, current := enact(l.state, *advance, c.flags)
			watched, _ := l.state.Next(sees(l, c.flags), l.now.Add(time.Hour))
			for how, e := range map[string]rollout.Event{"when about to write": found, "by the watch": *watched} {
				require.Equal(t, c.comes, e.Type, how)
				require.InDelta(t, c.percentage, *e.Percentage, 0, how)
				require.Equal(t, c.inFlight, e.InFlight, how)
				require.Equal(t, c.by, e.By, how)
				require.Equal(t, 9, e.HandVersion, how)
				after := l.state.Apply(e)
				require.Equal(t, c.known, after.Knows("k-1"), "%s: its signal does nothing any more", how)
				require.Equal(t, c.stage, after.Stage.Phase, how)
			}
			require.Equal(t, c.flags, current, "the flags stay as people set them")
		})
	}
}

// What goes further back than a rollback which is on its way is carried out, and hands over what that would.
func TestWhatGoesFurtherBackThanAPendingRollbackHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		name    string
		request flags.Request
		comes   rollout.EventType
		becomes float64
		on      bool
		stage   int
	}{
		"completely":          {rollout.SignalRollback, flags.Request{}, rollout.EventRolledBack, 0, false, 3},
		"further":             {rollout.SignalRollback, flags.Request{Percentage: 5}, rollout.EventRolledBack, 5, true, 0},
		"set to less":         {rollout.SignalSetPercentage, flags.Request{Percentage: 5}, rollout.EventOverridden, 5, true, 3},
		"less far":            {rollout.SignalRollback, flags.Request{Percentage: 25}, rollout.EventRolledBack, 10, true, 1},
		"set to more":         {rollout.SignalSetPercentage, flags.Request{Percentage: 25}, rollout.EventRolledBack, 10, true, 1},
		"completing, as well": {rollout.SignalAdvance, flags.Request{}, rollout.EventRolledBack, 10, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := initial(t, rollout.DefaultPlan())
			l.toPhase(3)
			current := asked(flags.Request{Percentage: 10, InFlight: flags.Release}, true, 10)
			if c.name == rollout.SignalAdvance {
				l.toPhase(5)
				l.state.Stage = rollout.Stage{Kind: rollout.Guard}
			}
			c.request.Reason, c.request.ID = "harm", "k-0"
			e, err := l.state.Request(c.name, c.request, nil, l.now)
			require.NoError(t, err)
			came, current := enact(l.state, *e, current)
			require.Equal(t, c.comes, came.Type)
			require.InDelta(t, c.becomes, current.FeatureFlags.TrialAutomation.RolloutPercentage, 0)
			require.Equal(t, c.on, current.FeatureFlags.TrialAutomation.Enabled)
			require.Equal(t, flags.Release, came.InFlight)
			require.Equal(t, c.stage, l.state.Apply(came).Stage.Phase)
		})
	}
}

// The next attempt finds what the first one wrote over them.
func TestFlagsThatWereSetByHandAreKnownToTheNextAttempt(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(3)
	back, err := l.state.Request(rollout.SignalRollback, flags.Request{Reason: "slow", Percentage: 10}, nil, l.now)
	require.NoError(t, err)
	c := flagged(true, 50, 8).Change()
	c.TrialAutomation.RolloutPercentage = 40
	current, _ := c.Found.Changed(c, "ada", noon)
	came, current := enact(l.state, *back, current)
	require.Equal(t, 9, came.HandVersion)
	again, _ := enact(l.state, *back, current)
	require.Equal(t, 9, again.HandVersion)
}

// A trigger had taken the rollout further back before its signal came, which was refused.
func TestARollbackThatWasPassedOverIsNotCarriedOutLater(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(3)
	l.state.Percentage = 5
	advance, err := l.state.Request(rollout.SignalAdvance, flags.Request{Reason: "on", FlagsVersion: 9}, nil, l.now)
	require.NoError(t, err)
	set, current := enact(l.state, *advance, asked(flags.Request{Percentage: 10, InFlight: flags.Release}, true, 5))
	require.Equal(t, rollout.EventEntered, set.Type)
	require.InDelta(t, 10, l.state.Apply(set).Percentage, 0)
	l.apply(set)
	l.ask(rollout.SignalSetPercentage, flags.Request{Percentage: 50})
	l.now = l.now.Add(time.Hour)
	current.FeatureFlags.TrialAutomation.RolloutPercentage, current.Version = 1, current.Version+1
	held, _ := l.state.Next(sees(l, current), l.now)
	require.Equal(t, rollout.EventOverridden, held.Type)
	require.Empty(t, held.InFlight)
	require.Empty(t, held.RequestID)
}

// Somebody has lowered the flags; what others asked for before is the earlier word.
func TestWhatWasAskedBeforeSomebodySetTheFlagsRaisesNothing(t *testing.T) {
	t.Parallel()
	lowered := flagged(true, 5, 9)
	for name, r := range map[string]flags.Request{
		rollout.SignalSetPercentage: {Percentage: 60}, rollout.SignalAdvance: {}, rollout.SignalResume: {},
	} {
		l := initial(t, rollout.DefaultPlan())
		l.toPhase(3)
		if name == rollout.SignalResume {
			l.ask(rollout.SignalPause, flags.Request{})
		}
		r.Reason, r.ID, r.FlagsVersion = "more", "k-1", 8
		e, err := l.state.Request(name, r, nil, l.now)
		require.NoError(t, err)
		came, current := enact(l.state, *e, lowered)
		require.Equal(t, lowered, current, name)
		if name != rollout.SignalResume { // which sets nothing
			require.Equal(t, rollout.EventOverridden, came.Type, name)
			require.InDelta(t, 5, *came.Percentage, 0, name)
		}
		held, _ := l.state.Next(sees(l, lowered), l.now.Add(time.Hour))
		l.apply(*held)
		require.False(t, l.state.Awaits(asked(flags.Request{Percentage: 5}, true, 5).Rollback), "a rollback from before it has had its turn")
		_, err = l.state.Request(name, r, nil, l.now)
		require.EqualError(t, err, "somebody has set the flags since "+name+" was requested: the rollout is at 5 % now")
		for _, version := range []int{0, 9, 10} { // unknown, as a signal has it that somebody sends now, or later
			r.FlagsVersion = version
			_, err = l.state.Request(name, r, nil, l.now)
			require.NoError(t, err, "%s with version %d", name, version)
		}
	}
}

func TestThePercentageIsSetOverFlagsThatWereSeen(t *testing.T) {
	t.Parallel()
	for version, becomes := range map[int]float64{0: 5, 8: 5, 9: 60, 10: 60} {
		l := initial(t, rollout.DefaultPlan())
		l.toPhase(3)
		e, err := l.state.Request(rollout.SignalSetPercentage, flags.Request{Reason: "more", Percentage: 60, FlagsVersion: version}, nil, l.now)
		require.NoError(t, err)
		came, current := enact(l.state, *e, flagged(true, 5, 9))
		require.InDelta(t, becomes, current.FeatureFlags.TrialAutomation.RolloutPercentage, 0, "version %d", version)
		require.InDelta(t, becomes, *came.Percentage, 0, "version %d", version)
	}
}

// steered is a rollout, its flags, and what is on the way to it.
type steered struct {
	*life
	flags flags.Document
	queue []sent
	// version is that in which somebody last set the flags to something else than the rollout had; 0 for none.
	version int
	// releases are the requests that hand trials over, by id, as long as nobody has raised the flags since.
	releases map[string]bool
}

// sent is a message, by a signal or over the API, which says on which flags it was sent.
type sent struct {
	name    string
	request flags.Request
	// seen is the version that its sender has seen, hand what the rollout had found by hand then.
	seen, hand int
}

// byHand has somebody set the flags.
func (s *steered) byHand(enabled bool, percentage float64, rollback *flags.RollbackRequest) {
	was := s.flags.FeatureFlags.TrialAutomation
	c := s.flags.Change()
	c.Off, c.Rollback = !enabled, rollback
	c.TrialAutomation.Enabled, c.TrialAutomation.RolloutPercentage = enabled, percentage
	s.flags, _ = s.flags.Changed(c, "ada", s.now)
	s.version = s.flags.Version
	says := s.state
	if w := s.flags.Write; w != nil && w.Seq > says.Seq { // by an attempt that died
		says.Enabled, says.Percentage = w.Enabled, w.Percentage
	}
	if enabled == says.Enabled && percentage == says.Percentage {
		s.version = 0 // that is what the rollout says as well
	}
	if enabled && (!was.Enabled || percentage > was.RolloutPercentage) {
		clear(s.releases)
	}
}

// rollBack is asked over the API, which lowers the flags first; its signal may be lost.
func (s *steered) rollBack(t *rapid.T, r flags.Request) {
	r.Percentage = float64(rapid.IntRange(0, 100).Draw(t, "to"))
	r.InFlight = rapid.SampledFrom([]flags.InFlight{flags.Keep, flags.Release}).Draw(t, "in flight")
	if _, err := s.state.Request(rollout.SignalRollback, r, nil, s.now); err != nil {
		return
	}
	now := s.flags.FeatureFlags.TrialAutomation
	clear(s.releases) // the last rollback says what becomes of the trials
	s.byHand(now.Enabled && r.Percentage > 0, min(now.RolloutPercentage, r.Percentage), &flags.RollbackRequest{RolloutID: "r1", Request: r})
	if r.InFlight == flags.Release {
		s.releases[r.ID] = true
	}
	if rapid.Bool().Draw(t, "heard") {
		s.queue = append(s.queue, sent{rollout.SignalRollback, r, s.flags.Version, s.state.HandVersion})
	}
}

// signal is sent past the API. It says nothing of the flags: whoever sends it knows those that the rollout has found.
func (s *steered) signal(name string, r flags.Request) {
	m := sent{name: name, request: r, hand: s.state.HandVersion}
	if s.state.HandVersion >= s.version {
		m.seen = s.flags.Version
	}
	s.queue = append(s.queue, m)
}

// enact carries an event out, and checks that it raises nothing over a later word of a person.
func (s *steered) enact(t *rapid.T, e *rollout.Event, asked *sent) {
	if e == nil {
		return
	}
	before, found := s.state, s.flags
	came, current := enact(before, *e, found)
	if rapid.Bool().Draw(t, "dies") { // having written, with nothing stored; people go on, and another attempt is made
		s.flags = current
		s.people(t)
		found = s.flags
		came, current = enact(before, *e, found)
	}
	was, is, knew := found.FeatureFlags.TrialAutomation, current.FeatureFlags.TrialAutomation, s.state.HandVersion >= s.version
	if asked != nil {
		knew = asked.seen >= s.version
	}
	if is.Enabled && !was.Enabled || is.Enabled && is.RolloutPercentage > was.RolloutPercentage {
		require.True(t, knew, "%s raised the flags to %v over version %d: %s", e.Type, is.RolloutPercentage, s.version, e.Reason)
		clear(s.releases)
	}
	s.flags = current
	s.apply(came)
	if came.InFlight == flags.Release {
		clear(s.releases)
	}
	switch r, w := found.Rollback, found.Write; {
	case asked == nil || asked.name != rollout.SignalRollback:
	case r != nil && (r.Overruled && r.Request.ID == asked.request.ID || slices.Contains(r.Before, asked.request.ID)),
		w != nil && w.Seq == e.Seq && was.Enabled && (was.RolloutPercentage > w.Percentage || !w.Enabled): // raised after an attempt
		require.False(t, came.InFlight == flags.Release && came.RequestID == asked.request.ID, "it was overruled: %s", came.Reason)
		require.Equal(t, was, is, "it was overruled: %s", came.Reason)
	default:
		require.False(t, is.Enabled && (is.RolloutPercentage > asked.request.Percentage || asked.request.Percentage == 0), "it was to go back to %v: %s", asked.request.Percentage, came.Reason)
		require.True(t, asked.request.InFlight != flags.Release || came.InFlight == flags.Release, "it was to hand over: %s", came.Reason)
	}
	if came.Enabled != nil {
		require.False(t, s.state.Enabled && !is.Enabled, "it takes itself for on")
		require.False(t, is.Enabled && is.RolloutPercentage > s.state.Percentage, "the flags exceed what is stored: %v over %v", is.RolloutPercentage, s.state.Percentage)
	}
}

// people set the flags by hand, or do nothing.
func (s *steered) people(t *rapid.T) {
	switch rapid.IntRange(0, 4).Draw(t, "people") {
	case 0:
		s.byHand(false, s.flags.FeatureFlags.TrialAutomation.RolloutPercentage, nil)
	case 1, 2:
		s.byHand(rapid.Bool().Draw(t, "on"), float64(rapid.IntRange(0, 100).Draw(t, "by hand")), nil)
	}
}

func (s *steered) deliver(t *rapid.T) {
	m := s.queue[0]
	s.queue = s.queue[1:]
	if m.request.FlagsVersion == 0 && s.state.HandVersion > m.hand { // found while it waited
		m.request.FlagsVersion = s.state.HandVersion - 1
	}
	if e, err := s.state.Request(m.name, m.request, nil, s.now); err == nil {
		s.enact(t, e, &m)
	}
}

// watch has the rollout act on what it sees, as the watch does.
func (s *steered) watch(t *rapid.T, j *rollout.Judgement) {
	f := s.flags.FeatureFlags.TrialAutomation
	j.Enabled, j.Percentage, j.Version, j.DisabledVersion = f.Enabled, f.RolloutPercentage, s.flags.Version, s.flags.DisabledVersion
	if s.state.Awaits(s.flags.Rollback) {
		j.Rollback = s.flags.Rollback
	}
	e, _ := s.state.Next(j, s.now)
	s.enact(t, e, nil)
}

func TestNothingIsSwitchedOnOrRaisedThatWasLoweredByHand(t *testing.T) {
	t.Parallel()
	names := []string{rollout.SignalResume, rollout.SignalAdvance, rollout.SignalPause, rollout.SignalSetPercentage, rollout.SignalRollback}
	rapid.Check(t, func(t *rapid.T) {
		s := &steered{life: initial(t, anyPlan(t)), flags: flagged(true, 0, 8), releases: map[string]bool{}}
		s.state.FlagsVersion, s.state.FlagsFound = 8, &rollout.FlagsFound{Enabled: true}
		for i := range rapid.IntRange(1, 40).Draw(t, "steps") {
			s.now = s.now.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "hours")) * time.Hour)
			r := flags.Request{By: "owner", Reason: "r", ID: fmt.Sprintf("k-%d", i)}
			switch rapid.IntRange(0, 11).Draw(t, "what") {
			case 0, 1:
				s.people(t)
			case 2, 3:
				s.rollBack(t, r)
			case 4, 5, 6:
				r.Percentage = float64(rapid.IntRange(0, 100).Draw(t, "percentage"))
				name := rapid.SampledFrom(names).Draw(t, "name")
				if rapid.Bool().Draw(t, "a signal") {
					s.signal(name, r)
					break
				}
				if r.FlagsVersion = s.flags.Version; name != rollout.SignalRollback {
					s.queue = append(s.queue, sent{name, r, s.flags.Version, s.state.HandVersion})
				}
			case 7, 8:
				s.watch(t, anyJudgement(t, s.state, s.now))
			default:
				if len(s.queue) > 0 {
					s.deliver(t)
				}
			}
			if s.state.Status.Final() {
				break
			}
		}
		for range 3 { // an outage's pause may have to end first
			s.now = s.now.Add(time.Minute)
			if !s.state.Status.Final() {
				s.watch(t, healthy(s.state, s.now))
			}
		}
		require.Empty(t, s.releases, "nobody has handed over")
	})
}
