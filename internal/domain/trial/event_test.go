package trial_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestStart(t *testing.T) {
	t.Parallel()
	r := sample()
	r.At = time.Date(2026, 3, 2, 11, 0, 0, 999_999, time.FixedZone("east", 3600))
	e := trial.Start(r, r.At.Add(time.Minute))
	require.Equal(t, 1, e.Seq)
	require.Equal(t, trial.EventStarted, e.Type)
	require.Equal(t, at("2026-03-02 10:01"), e.At)
	require.Equal(t, at("2026-03-02 10:00"), e.Registration.At, "cut as it is stored")

	s := trial.Fold([]trial.Event{e})
	require.Empty(t, cmp.Diff(trial.State{
		VendorID: "v1", Seq: 1, Status: trial.Active, Cohort: trial.Automated, Automated: true, Policy: trial.DefaultPolicy(),
		Day: trial.RealDay, StartedAt: at("2026-03-02 10:00"), RevisedAt: at("2026-03-02 10:00"),
		EndsAt: at("2026-03-16 10:00"), GraceEndsAt: at("2026-03-19 10:00"),
	}, s))
	require.Empty(t, cmp.Diff(s, trial.NewState(r)))
	require.False(t, trial.NewState(sample(control)).Automated)
}

func TestStepEvent(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample())
	welcome := named(s, trial.Welcome)
	facts := well("2026-03-02 10:00")
	facts.Now = facts.Now.Add(5*time.Millisecond + 999*time.Microsecond)
	cut := well("2026-03-02 10:00")
	cut.Now = cut.Now.Add(5 * time.Millisecond)

	ran := due
	require.Empty(t, cmp.Diff(trial.Event{
		Seq: 2, Type: trial.EventStep, At: cut.Now, Step: &welcome, Decision: &ran, Facts: &cut, Mailed: true,
	}, s.StepEvent(welcome, due, facts, true)))
	held := hold(trial.ReasonAutomationDisabled)
	require.Empty(t, cmp.Diff(trial.Event{
		Seq: 2, Type: trial.EventHeld, At: cut.Now, Step: &welcome, Decision: &held, Facts: &cut,
	}, s.StepEvent(welcome, held, facts, false)))
}

func TestAStepLeavesItsRecord(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample())
	welcome, reminder := named(s, trial.Welcome), named(s, "reminder-7d")
	s = s.Apply(s.StepEvent(welcome, hold(trial.ReasonAutomationDisabled), well("2026-03-02 10:00"), false))
	require.Equal(t, &trial.HeldStep{Step: welcome, Reason: trial.ReasonAutomationDisabled, Since: at("2026-03-02 10:00")}, s.Held)
	require.Empty(t, s.Steps, "a held step is not over")

	s = s.Apply(s.StepEvent(welcome, due, well("2026-03-03 10:00"), true))
	s = s.Apply(s.StepEvent(reminder, skip(trial.ReasonUnsubscribed), well("2026-03-09 10:00"), false))
	require.Nil(t, s.Held)
	require.Equal(t, 4, s.Seq)
	require.Equal(t, []trial.StepRecord{
		{Step: welcome, Outcome: trial.Ran, Reason: trial.ReasonDue, At: at("2026-03-03 10:00"), Mailed: true},
		{Step: reminder, Outcome: trial.Skipped, Reason: trial.ReasonUnsubscribed, At: at("2026-03-09 10:00")},
	}, s.Steps)
	require.Equal(t, trial.Active, s.Status)
}

func TestAStepThatIsOverChangesNothing(t *testing.T) {
	t.Parallel()
	initial := lived(trial.NewState(sample()), "2026-03-15 10:00")
	expiry := named(initial, trial.Expiry)
	for name, s := range map[string]trial.State{
		"extended meanwhile":  asked(initial, trial.MessageExtend, "2026-03-16 10:00", trial.Request{Days: 3}),
		"cancelled meanwhile": asked(initial, trial.MessageCancel, "2026-03-16 10:00", trial.Request{}),
		"converted meanwhile": asked(initial, trial.MessageConvert, "2026-03-16 10:00", trial.Request{}),
		"done before":         lived(initial, "2026-03-16 10:00"),
	} {
		for _, d := range []trial.Decision{due, skip(trial.ReasonRevised), hold(trial.ReasonExpirationOff)} {
			want := s
			want.Seq++
			got := s.Apply(s.StepEvent(expiry, d, well("2026-03-16 10:00:01"), d.Mail))
			require.Empty(t, cmp.Diff(want, got), name)
		}
	}
}

func TestTheEndOfATrial(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		policy   func(*trial.Policy)
		decision trial.Decision
		status   trial.Status
		expired  bool
	}{
		{"into grace", func(*trial.Policy) {}, due, trial.Grace, false},
		{"into grace without an e-mail", func(*trial.Policy) {}, run(trial.ReasonNoAddress), trial.Grace, false},
		{"without grace", noGrace, due, trial.Expired, true},
		{"converted by billing's record", func(*trial.Policy) {}, skip(trial.ReasonAlreadyConverted), trial.Active, false},
		{"converted by billing's record, without grace", noGrace, skip(trial.ReasonAlreadyConverted), trial.Active, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := lived(trial.NewState(sample(withPolicy(tt.policy))), "2026-03-15 10:00")
			s = s.Apply(s.StepEvent(named(s, trial.Expiry), tt.decision, well("2026-03-16 10:00"), tt.decision.Mail))
			require.Equal(t, tt.status, s.Status)
			require.Equal(t, tt.expired, s.ExpiredAt != nil)
			if tt.expired {
				require.Equal(t, at("2026-03-16 10:00"), *s.ExpiredAt)
			}
		})
	}
	s := lived(trial.NewState(sample()), "2026-03-18 10:00")
	s = s.Apply(s.StepEvent(named(s, trial.GraceEnd), run(trial.ReasonUnsubscribed), well("2026-03-19 11:00"), false))
	require.Equal(t, trial.Expired, s.Status)
	require.Equal(t, at("2026-03-19 11:00"), *s.ExpiredAt, "when it happened, not when it was due")
}

func TestALateEndKeepsTheWholeGrace(t *testing.T) {
	t.Parallel()
	compressed := func(r *trial.Registration) { r.Day = 2400 * time.Millisecond } // a tenth of a second is an hour
	berlin := inZone("Europe/Berlin", "2026-03-13 17:00")                         // ends 2026-03-27 17:00, clocks change on the 29th
	tests := []struct {
		name         string
		registration trial.Registration
		now          string
		graceEnds    string
	}{
		{"at its moment", sample(), "2026-03-16 10:00", "2026-03-19 10:00"},
		{"a clock behind", sample(), "2026-03-16 09:59", "2026-03-19 10:00"},
		{"an hour late", sample(), "2026-03-16 11:00", "2026-03-19 10:00"},
		{"more than an hour late", sample(), "2026-03-16 11:00:00.001", "2026-03-19 11:00:00.001"},
		{"a month late", sample(), "2026-04-16 10:00", "2026-04-19 10:00"},
		{"on the vendor's calendar", sample(berlin), "2026-03-28 17:00", "2026-03-31 16:00"},
		{"compressed, its hour late", sample(compressed), "2026-03-02 10:00:33.700", "2026-03-02 10:00:40.800"},
		{"compressed, more than its hour late", sample(compressed), "2026-03-02 10:00:33.701", "2026-03-02 10:00:40.901"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := trial.NewState(tt.registration)
			ends := s.EndsAt
			s = s.Apply(s.StepEvent(named(s, trial.Expiry), due, well(tt.now), true))
			require.Equal(t, at(tt.graceEnds), s.GraceEndsAt)
			require.Equal(t, ends, s.EndsAt)
			require.Equal(t, at(tt.graceEnds), named(s, trial.GraceEnd).At)
		})
	}
}

func TestAChangeSupersedesWhatIsPending(t *testing.T) {
	t.Parallel()
	initial := lived(trial.NewState(sample()), "2026-03-13 12:00")
	ran := initial.Steps
	reminder, expiry, graceEnd := named(initial, "reminder-1d"), named(initial, trial.Expiry), named(initial, trial.GraceEnd)
	for message, reason := range map[string]trial.Reason{
		trial.MessageExtend: "schedule-revised", trial.MessageShorten: "schedule-revised",
		trial.MessageCancel: "trial-cancelled", trial.MessageConvert: "trial-converted",
	} {
		s := initial.Apply(initial.StepEvent(reminder, hold(trial.ReasonAutomationDisabled), well("2026-03-15 10:00"), false))
		s = asked(s, message, "2026-03-15 09:00", trial.Request{Days: 1, At: at("2026-03-14 00:00")})
		superseded := trial.StepRecord{Outcome: trial.Superseded, Reason: reason, At: at("2026-03-15 09:00")}
		want := slices.Concat(ran, []trial.StepRecord{superseded, superseded, superseded})
		for i, step := range []trial.Step{reminder, expiry, graceEnd} {
			want[len(ran)+i].Step = step
		}
		require.Equal(t, want, s.Steps, message)
		require.Nil(t, s.Held, message)
	}
	expired := lived(initial, "2026-03-19 10:00")
	revived := asked(expired, trial.MessageRevive, "2026-03-20 10:00", trial.Request{Days: 10})
	require.Equal(t, expired.Steps, revived.Steps, "nothing was pending")
	require.Nil(t, revived.ExpiredAt)
	cancelled := asked(initial, trial.MessageCancel, "2026-03-15 09:00", trial.Request{})
	require.Equal(t, at("2026-03-15 09:00"), *cancelled.CancelledAt)
	require.Nil(t, asked(cancelled, trial.MessageRevive, "2026-03-20 10:00", trial.Request{Days: 10}).CancelledAt)
}

func TestApplyLeavesTheStateBeforeAsItWas(t *testing.T) {
	t.Parallel()
	s := lived(trial.NewState(sample()), "2026-03-09 10:00")
	for _, id := range []string{"r1", "r2", "r3", "r4", "r5"} { // so many that slices have room to spare
		s = asked(s, trial.MessageExtend, "2026-03-10 10:00", trial.Request{ID: id, Days: 1})
	}
	before, err := json.Marshal(s)
	require.NoError(t, err)
	// Two futures of one state, which must not share what they add.
	one := asked(s, trial.MessageExtend, "2026-03-11 10:00", trial.Request{ID: "one", Days: 1})
	two := asked(s, trial.MessageCancel, "2026-03-11 10:00", trial.Request{ID: "two"})
	five := []string{"extended/r1", "extended/r2", "extended/r3", "extended/r4", "extended/r5"}
	require.Equal(t, append(slices.Clone(five), "extended/one"), one.Requests)
	require.Equal(t, append(slices.Clone(five), "cancelled/two"), two.Requests)
	require.Equal(t, trial.ReasonRevised, one.Steps[len(s.Steps)].Reason)
	require.Equal(t, trial.ReasonCancelled, two.Steps[len(s.Steps)].Reason)
	lived(s, "2026-06-01 00:00")
	after, err := json.Marshal(s)
	require.NoError(t, err)
	require.JSONEq(t, string(before), string(after))
}

func TestSameEvent(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample())
	step := s.StepEvent(named(s, trial.Welcome), due, well("2026-03-02 10:00"), true)
	again := s.StepEvent(named(s, trial.Welcome), skip(trial.ReasonUnsubscribed), well("2026-03-02 11:00"), false)
	require.True(t, step.Same(again), "decided twice, it is still the one step")
	require.False(t, step.Same(s.StepEvent(named(s, trial.Expiry), due, well("2026-03-02 10:00"), true)))
	require.False(t, step.Same(s.StepEvent(named(s, trial.Welcome), hold(trial.ReasonAutomationDisabled), well("2026-03-02 10:00"), false)))
	later, revised := again, *step.Step
	later.Seq++
	require.False(t, step.Same(later))
	revised.Revision++
	require.False(t, step.Same(s.StepEvent(revised, due, well("2026-03-02 10:00"), true)))

	extend := func(id string) trial.Event {
		e, err := s.Request(trial.MessageExtend, trial.Request{ID: id, Days: 1, Reason: "same"}, at("2026-03-05 10:00"))
		require.NoError(t, err)
		return *e
	}
	require.True(t, extend("r1").Same(extend("r1")))
	require.False(t, extend("r1").Same(extend("r2")))
	require.False(t, extend("r1").Same(step))
	require.False(t, step.Same(extend("r1")))
}

func TestATrialKeepsByWhichFlagsItIsAutomated(t *testing.T) {
	t.Parallel()
	decided := func(r *trial.Registration) { r.FlagsVersion = 3 }
	require.Equal(t, 3, trial.NewState(sample(decided)).AutomatedUnder)
	s := trial.NewState(sample(decided, control))
	require.Zero(t, s.AutomatedUnder)
	for _, c := range []struct {
		message string
		under   int
	}{{trial.MessageAdopt, 7}, {trial.MessageRelease, 0}, {trial.MessageAdopt, 7}} {
		e, err := s.Request(c.message, trial.Request{FlagsVersion: 7}, at("2026-03-03 10:00"))
		require.NoError(t, err)
		s = s.Apply(*e)
		require.Equal(t, c.under, s.AutomatedUnder)
	}
}
