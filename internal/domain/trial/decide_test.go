package trial_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// well are facts without any obstacle.
func well(now string) trial.StepFacts {
	return trial.StepFacts{Now: at(now), AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
}

// amiss are facts with every obstacle except for a conversion.
func amiss(now string) trial.StepFacts {
	return trial.StepFacts{Now: at(now), NoMail: trial.ReasonSuppressedAddress}
}

func but(f trial.StepFacts, change func(*trial.StepFacts)) trial.StepFacts {
	change(&f)
	return f
}

func enabled(f *trial.StepFacts)     { f.AutomationEnabled = true }
func disabled(f *trial.StepFacts)    { f.AutomationEnabled = false }
func noReminders(f *trial.StepFacts) { f.EmailReminders = false }
func noExpiry(f *trial.StepFacts)    { f.AutoExpiration = false }
func billed(f *trial.StepFacts)      { f.Converted = true }

func noMail(r trial.Reason) func(*trial.StepFacts) {
	return func(f *trial.StepFacts) { f.NoMail = r }
}

func run(r trial.Reason) trial.Decision  { return trial.Decision{Action: trial.Run, Reason: r} }
func skip(r trial.Reason) trial.Decision { return trial.Decision{Action: trial.Skip, Reason: r} }
func hold(r trial.Reason) trial.Decision { return trial.Decision{Action: trial.Hold, Reason: r} }

func TestDecideOnFlagsAndAddress(t *testing.T) {
	t.Parallel()
	const (
		welcomeDue  = "2026-03-02 10:00"
		reminderDue = "2026-03-13 10:00"
		expiryDue   = "2026-03-16 10:00"
		graceDue    = "2026-03-19 10:00"
	)
	tests := []struct {
		name  string
		kind  trial.Kind
		facts trial.StepFacts
		want  trial.Decision
	}{
		{"welcome, all well", trial.Welcome, well(welcomeDue), due},
		{"welcome is no reminder", trial.Welcome, but(well(welcomeDue), noReminders), due},
		{"welcome ends nothing", trial.Welcome, but(well(welcomeDue), noExpiry), due},
		{"welcome, disabled", trial.Welcome, but(well(welcomeDue), disabled), hold(trial.ReasonAutomationDisabled)},
		{"welcome, converted", trial.Welcome, but(well(welcomeDue), billed), skip(trial.ReasonAlreadyConverted)},
		{"welcome, no address", trial.Welcome, but(well(welcomeDue), noMail(trial.ReasonNoAddress)), skip(trial.ReasonNoAddress)},
		{"welcome, all amiss", trial.Welcome, amiss(welcomeDue), hold(trial.ReasonAutomationDisabled)},

		{"reminder, all well", "reminder-3d", well(reminderDue), due},
		{"reminder ends nothing", "reminder-3d", but(well(reminderDue), noExpiry), due},
		{"reminder, flag off", "reminder-3d", but(well(reminderDue), noReminders), skip(trial.ReasonRemindersOff)},
		{"reminder, disabled", "reminder-3d", but(well(reminderDue), disabled), hold(trial.ReasonAutomationDisabled)},
		{"reminder, converted", "reminder-3d", but(well(reminderDue), billed), skip(trial.ReasonAlreadyConverted)},
		{"reminder, unsubscribed", "reminder-3d", but(well(reminderDue), noMail(trial.ReasonUnsubscribed)), skip(trial.ReasonUnsubscribed)},
		{"reminder: disabled goes before its own flag", "reminder-3d", amiss(reminderDue), hold(trial.ReasonAutomationDisabled)},
		{"reminder: its flag goes before the address", "reminder-3d", but(amiss(reminderDue), enabled), skip(trial.ReasonRemindersOff)},
		{"reminder: converted goes before disabled", "reminder-3d", but(amiss(reminderDue), billed), skip(trial.ReasonAlreadyConverted)},

		{"expiry, all well", trial.Expiry, well(expiryDue), due},
		{"expiry is no reminder", trial.Expiry, but(well(expiryDue), noReminders), due},
		{"expiry, flag off", trial.Expiry, but(well(expiryDue), noExpiry), hold(trial.ReasonExpirationOff)},
		{"expiry, disabled", trial.Expiry, but(well(expiryDue), disabled), hold(trial.ReasonAutomationDisabled)},
		{"expiry, converted", trial.Expiry, but(well(expiryDue), billed), skip(trial.ReasonAlreadyConverted)},
		{"expiry runs without an address", trial.Expiry, but(well(expiryDue), noMail(trial.ReasonNoAddress)), run(trial.ReasonNoAddress)},
		{"expiry runs unsubscribed", trial.Expiry, but(well(expiryDue), noMail(trial.ReasonUnsubscribed)), run(trial.ReasonUnsubscribed)},
		{"expiry: disabled goes before its own flag", trial.Expiry, amiss(expiryDue), hold(trial.ReasonAutomationDisabled)},
		{"expiry: its flag goes before the address", trial.Expiry, but(amiss(expiryDue), enabled), hold(trial.ReasonExpirationOff)},
		{"expiry: converted goes before all flags", trial.Expiry, but(amiss(expiryDue), billed), skip(trial.ReasonAlreadyConverted)},

		{"grace-end, all well", trial.GraceEnd, well(graceDue), due},
		{"grace-end, flag off", trial.GraceEnd, but(well(graceDue), noExpiry), hold(trial.ReasonExpirationOff)},
		{"grace-end, disabled", trial.GraceEnd, but(well(graceDue), disabled), hold(trial.ReasonAutomationDisabled)},
		{"grace-end, converted", trial.GraceEnd, but(well(graceDue), billed), skip(trial.ReasonAlreadyConverted)},
		{"grace-end runs without an address", trial.GraceEnd, but(well(graceDue), noMail(trial.ReasonSuppressedAddress)), run(trial.ReasonSuppressedAddress)},
		{"grace-end: its flag goes before the address", trial.GraceEnd, but(amiss(graceDue), enabled), hold(trial.ReasonExpirationOff)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := lived(trial.NewState(sample()), tt.facts.Now.Add(-time.Second).Format("2006-01-02 15:04:05"))
			step, ok := s.Next()
			require.True(t, ok)
			require.Equal(t, tt.kind, step.Kind)
			require.Equal(t, tt.want, trial.Decide(s, step, tt.facts))
		})
	}
}

func TestDecideForATrialThatIsNotAutomated(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample(control))
	expiry := named(s, trial.Expiry)
	require.Equal(t, run(trial.ReasonNotAutomated), trial.Decide(s, expiry, well("2026-03-16 10:00")))
	require.Equal(t, run(trial.ReasonNotAutomated), trial.Decide(s, expiry, amiss("2026-03-16 10:00")), "flags and addresses are the automation's")
	require.Equal(t, skip(trial.ReasonAlreadyConverted), trial.Decide(s, expiry, but(amiss("2026-03-16 10:00"), billed)))

	s = lived(s, "2026-03-16 10:00")
	require.Equal(t, trial.Grace, s.Status)
	require.Equal(t, run(trial.ReasonNotAutomated), trial.Decide(s, named(s, trial.GraceEnd), amiss("2026-03-19 10:00")))
}

func TestDecideOnAStepThatIsOver(t *testing.T) {
	t.Parallel()
	initial := trial.NewState(sample())
	expiry := named(initial, trial.Expiry)
	// Nothing else matters then, a conversion included.
	facts := but(amiss("2026-03-16 10:00"), billed)
	over := skip(trial.ReasonRevised)

	extended := asked(initial, trial.MessageExtend, "2026-03-10 10:00", trial.Request{Days: 1})
	require.Equal(t, over, trial.Decide(extended, expiry, facts), "of the revision before")
	later := expiry
	later.Revision = 1
	require.Equal(t, over, trial.Decide(initial, later, facts), "of a revision that is not known")
	require.Equal(t, over, trial.Decide(lived(initial, "2026-03-16 10:00"), expiry, facts), "done already")
	cancelled := asked(initial, trial.MessageCancel, "2026-03-10 10:00", trial.Request{})
	require.Equal(t, over, trial.Decide(cancelled, expiry, facts), "cancelled")
	unplanned := trial.Step{Kind: trial.Reminder(5), At: at("2026-03-11 10:00")}
	require.Equal(t, over, trial.Decide(cancelled, unplanned, facts), "cancelled, a step it never had")
	converted := asked(initial, trial.MessageConvert, "2026-03-10 10:00", trial.Request{})
	require.Equal(t, over, trial.Decide(converted, expiry, facts), "converted")

	control := trial.NewState(sample(control))
	control = asked(control, trial.MessageCancel, "2026-03-10 10:00", trial.Request{})
	require.Equal(t, over, trial.Decide(control, expiry, facts), "cancelled, not automated")
}

func TestDecideWhenWokenLate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		kind trial.Kind
		now  string
		want trial.Decision
	}{
		{"welcome, a week late", trial.Welcome, "2026-03-09 09:59:59", due},
		{"welcome, a reminder due", trial.Welcome, "2026-03-09 10:00", skip(trial.ReasonOvertaken)},
		{"reminder, late", "reminder-7d", "2026-03-09 23:59:59", due},
		{"reminder, days late", "reminder-7d", "2026-03-13 09:59:59", skip(trial.ReasonOvertaken)},
		{"reminder, the next one due", "reminder-7d", "2026-03-13 10:00", skip(trial.ReasonOvertaken)},
		{"reminder, a later one due", "reminder-7d", "2026-03-15 12:00", skip(trial.ReasonOvertaken)},
		{"last reminder, late", "reminder-1d", "2026-03-15 23:59:59", due},
		{"last reminder, on the day itself", "reminder-1d", "2026-03-16 09:59:59", skip(trial.ReasonOvertaken)},
		{"last reminder, expiry due", "reminder-1d", "2026-03-16 10:00", skip(trial.ReasonOvertaken)},
		{"last reminder, everything due", "reminder-1d", "2027-01-01 10:00", skip(trial.ReasonOvertaken)},
		{"expiry, grace-end due", trial.Expiry, "2026-03-19 10:00", due},
		{"expiry, long after", trial.Expiry, "2027-01-01 10:00", due},
		{"grace-end, long after", trial.GraceEnd, "2027-01-01 10:00", due},
		{"decided by a clock that is behind", "reminder-7d", "2026-03-09 09:59:58", due},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := trial.NewState(sample())
			step := named(s, tt.kind)
			for next, _ := s.Next(); next.Kind != tt.kind; next, _ = s.Next() {
				s = s.Apply(s.StepEvent(next, due, trial.StepFacts{Now: next.At}, true))
			}
			require.Equal(t, tt.want, trial.Decide(s, step, well(tt.now)))
			if tt.want.Reason == trial.ReasonOvertaken {
				require.Equal(t, tt.want, trial.Decide(s, step, amiss(tt.now)), "overtaken goes before flags and addresses")
				require.Equal(t, skip(trial.ReasonAlreadyConverted), trial.Decide(s, step, but(well(tt.now), billed)), "but not before converted")
			}
		})
	}
}

func TestDecideLooksAtPendingStepsOnly(t *testing.T) {
	t.Parallel()
	// The later step is over, out of turn: it overtakes nothing any more.
	s := trial.NewState(sample())
	later := named(s, "reminder-7d")
	s = s.Apply(s.StepEvent(later, skip(trial.ReasonUnsubscribed), well("2026-03-09 10:00"), false))
	require.Equal(t, due, trial.Decide(s, named(s, trial.Welcome), well("2026-03-09 11:00")))
}

func TestDecideOnReminderPlannedBeforeTheChange(t *testing.T) {
	t.Parallel()
	initial := lived(trial.NewState(sample()), "2026-03-10 00:00")
	// The new end is the 18th, 10:00: the reminder of seven days is the 11th, 10:00.
	for now, want := range map[string]trial.Decision{
		"2026-03-11 09:59:59.999": due,
		"2026-03-11 10:00":        skip(trial.ReasonOvertaken),
		"2026-03-11 10:00:00.001": skip(trial.ReasonOvertaken),
	} {
		s := asked(initial, trial.MessageExtend, now, trial.Request{Days: 2})
		step := named(s, "reminder-7d")
		require.Equal(t, at("2026-03-11 10:00"), step.At)
		require.Equal(t, want, trial.Decide(s, step, well("2026-03-11 12:00")), now)
		require.Equal(t, due, trial.Decide(s, named(s, "reminder-3d"), well("2026-03-15 10:00")), now)
	}
}

func TestDecideOnReminderPlannedBeforeTheStart(t *testing.T) {
	t.Parallel()
	week := withPolicy(func(p *trial.Policy) { p.LengthDays = 7 })
	for name, r := range map[string]trial.Registration{
		"an hour before": sample(inZone("UTC", "2026-03-02 10:00"), week),
		"at the start":   sample(week),
	} {
		s := trial.NewState(r)
		require.Equal(t, skip(trial.ReasonOvertaken), trial.Decide(s, named(s, "reminder-7d"), well("2026-03-02 10:00")), name)
		require.Equal(t, due, trial.Decide(s, named(s, trial.Welcome), well("2026-03-02 10:00")), name)
	}
}

func TestALateReminderIsOvertakenOnceItsNumberIsUntrue(t *testing.T) {
	t.Parallel()
	overtaken := skip(trial.ReasonOvertaken)
	compressed := func(r *trial.Registration) { r.Day = 2 * time.Second }
	tests := []struct {
		name   string
		change func(*trial.Registration)
		late   time.Duration
		want   trial.Decision
		left   int
	}{
		{"on time", func(*trial.Registration) {}, 0, due, 3},
		{"the same day", func(*trial.Registration) {}, 13 * time.Hour, due, 3},
		{"the day after", func(*trial.Registration) {}, 15 * time.Hour, overtaken, 2},
		{"the day after, but by little", inZone("UTC", "2026-03-02 23:00"), 15*time.Hour + 30*time.Minute, overtaken, 2},
		{"in the vendor's evening", inZone("America/New_York", "2026-03-02 10:00"), 14 * time.Hour, due, 3},
		{"in the vendor's night", inZone("America/New_York", "2026-03-02 10:00"), 16 * time.Hour, overtaken, 2},
		{"a few seconds, where a day has two", compressed, 5 * time.Second, due, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// Only one reminder, so that no later one is due as well.
			s := trial.NewState(sample(tt.change, withPolicy(func(p *trial.Policy) { p.ReminderDays = []int{3} })))
			welcome, _ := s.Next()
			s = s.Apply(s.StepEvent(welcome, due, trial.StepFacts{Now: welcome.At}, true))
			step := named(s, "reminder-3d")
			facts := well("2026-03-02 10:00")
			facts.Now = step.At.Add(tt.late)
			require.Equal(t, tt.want, trial.Decide(s, step, facts))
			require.Equal(t, tt.left, s.DaysLeft(step, facts.Now))
		})
	}
}
