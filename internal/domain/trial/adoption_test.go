package trial_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/trial"
)

// handed is the trial after the rollout adopted or released it.
func handed(t require.TestingT, s trial.State, message string, now time.Time) trial.State {
	e, err := s.Request(message, trial.Request{FlagsVersion: 7}, now)
	require.NoError(t, err)
	require.NotNil(t, e)
	return s.Apply(*e)
}

func TestAnAdoptedTrialIsCountedByItself(t *testing.T) {
	t.Parallel()
	s := trial.NewState(sample(control))
	require.Equal(t, trial.Control, s.CountedAs())
	s = handed(t, s, trial.MessageAdopt, at("2026-03-10 10:00"))
	require.Equal(t, trial.Adopted, s.CountedAs())
	require.Equal(t, trial.Control, s.Cohort, "what was dealt never changes")
	require.Equal(t, at("2026-03-10 10:00"), *s.AdoptedAt)
	require.Equal(t, trial.Adopted, s.Overview().Cohort)
	require.Contains(t, s.Details(), "adopted cohort")
	s = handed(t, s, trial.MessageRelease, at("2026-03-11 10:00"))
	require.Equal(t, trial.Adopted, s.CountedAs(), "it was automated for a while, so it is no control")

	dealt := handed(t, trial.NewState(sample()), trial.MessageRelease, at("2026-03-03 10:00"))
	dealt = handed(t, dealt, trial.MessageAdopt, at("2026-03-10 10:00"))
	require.Equal(t, trial.Automated, dealt.CountedAs(), "it was automated from its registration on")
	require.Equal(t, at("2026-03-10 10:00"), *dealt.AdoptedAt)

	require.True(t, trial.Adopted.Known())
	require.False(t, trial.Cohort("").Known())
}

// What was due before the adoption is not made up for: no e-mail tells a vendor in the middle of a trial of its beginning.
func TestAnAdoptedTrialGetsNoMailAboutThePast(t *testing.T) {
	t.Parallel()
	adopted := func(when string) trial.State {
		return handed(t, trial.NewState(sample(control)), trial.MessageAdopt, at(when))
	}
	before := skip(trial.ReasonBeforeAdoption)
	s := adopted("2026-03-05 10:00")
	welcome, _ := s.Next()
	require.Equal(t, trial.Welcome, welcome.Kind)
	require.Equal(t, before, trial.Decide(s, welcome, well("2026-03-05 10:00")))
	require.Equal(t, before, trial.Decide(s, welcome, but(well("2026-03-05 10:00"), disabled)), "nothing is held that will not come")
	require.Equal(t, due, trial.Decide(s, named(s, "reminder-7d"), well("2026-03-09 10:00")))
	require.Equal(t, before, trial.Decide(adopted("2026-03-09 10:00"), named(s, "reminder-7d"), well("2026-03-09 10:00")))

	// A worker that is behind ends the trial all the same.
	s = adopted("2026-03-16 12:00")
	expiry := named(s, trial.Expiry)
	require.Equal(t, run(trial.ReasonBeforeAdoption), trial.Decide(s, expiry, well("2026-03-16 12:01")))
	require.Equal(t, hold(trial.ReasonAutomationDisabled), trial.Decide(s, expiry, but(well("2026-03-16 12:01"), disabled)))
	require.Equal(t, hold(trial.ReasonExpirationOff), trial.Decide(s, expiry, but(well("2026-03-16 12:01"), noExpiry)))
	require.Equal(t, due, trial.Decide(s, named(s, trial.GraceEnd), well("2026-03-19 12:00")))
}

// Whenever a trial is adopted, released and adopted again, and however late its worker is: each e-mail is of a step that came
// due after the last adoption, and the trial comes to its end.
func TestWheneverATrialIsAdopted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := sample(control, func(r *trial.Registration) { r.Policy = policies().Draw(t, "policy") })
		s, now := trial.NewState(r), r.At
		pass := func(label string) { now = now.Add(time.Duration(rapid.Int64Range(0, int64(9*r.Day)).Draw(t, label))) }
		wake := func() {
			for step, ok := s.Next(); ok && !step.At.After(now); step, ok = s.Next() {
				d := trial.Decide(s, step, trial.StepFacts{Now: now, AutomationEnabled: true, EmailReminders: true, AutoExpiration: true})
				require.NotEqual(t, trial.Hold, d.Action)
				if d.Mail {
					require.NotNil(t, s.AdoptedAt)
					require.True(t, step.At.After(*s.AdoptedAt), "%s is about the past", step.Kind)
				}
				s = s.Apply(s.StepEvent(step, d, trial.StepFacts{Now: now}, d.Mail))
			}
		}
		for _, message := range []string{trial.MessageAdopt, trial.MessageRelease, trial.MessageAdopt} {
			pass("time")
			if e, err := s.Request(message, trial.Request{}, now); err == nil && e != nil {
				s = s.Apply(*e)
			}
			if rapid.Bool().Draw(t, "woken") {
				wake()
			}
		}
		for range 3 { // a whole trial, its grace, and a grace that began late
			now = now.Add(30 * r.Day)
			wake()
		}
		require.Equal(t, trial.Expired, s.Status)
		require.Equal(t, trial.Control, s.Cohort)
	})
}

// Who is compared in an experiment stays in the arm that was dealt, whatever happens to the trial.
func TestATrialStaysInItsArm(t *testing.T) {
	t.Parallel()
	arm := &trial.Assignment{Experiment: "x", Arm: "a"}
	r := trial.Registration{VendorID: "v", Cohort: trial.Automated, Policy: trial.DefaultPolicy(), Day: trial.RealDay, At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Experiment: arm}
	s := trial.NewState(r)
	at := r.At.Add(time.Hour)
	for i, kind := range []trial.EventType{
		trial.EventExtended, trial.EventShortened, trial.EventRezoned, trial.EventReleased, trial.EventAdopted, trial.EventCancelled, trial.EventRevived, trial.EventConverted,
	} {
		s = s.Apply(trial.Event{Seq: 2 + i, Type: kind, At: at, EndsAt: new(at.AddDate(0, 0, 20)), Zone: "Europe/Paris", Request: &trial.Request{ID: string(kind), At: at}})
		require.Equal(t, arm, s.Experiment, kind)
		require.Equal(t, arm, s.Overview().Experiment, kind)
	}
}
