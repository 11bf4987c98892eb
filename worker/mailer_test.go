package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/trial"
)

var began = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)

func days(n int) time.Time { return began.AddDate(0, 0, n) }

// mailFor is the e-mail of a trial's step that runs at a moment, after all before
// it ran on time.
func mailFor(t *testing.T, p trial.Policy, kind trial.Kind, at time.Time) activities.Mail {
	t.Helper()
	s := trial.NewState(trial.Registration{VendorID: "v1", Cohort: trial.Automated, Policy: p, Day: trial.RealDay, At: began})
	run := trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}
	for {
		step, ok := s.Next()
		require.True(t, ok, "no %s", kind)
		if step.Kind == kind {
			return activities.Mail{State: s.Apply(s.StepEvent(step, run, trial.StepFacts{Now: at}, true)), Step: step, Now: at}
		}
		s = s.Apply(s.StepEvent(step, run, trial.StepFacts{Now: step.At}, true))
	}
}

func TestAMailNamesTheEndOfTheGraceThatHolds(t *testing.T) {
	t.Parallel()
	policy, noGrace := trial.DefaultPolicy(), trial.DefaultPolicy()
	noGrace.GraceDays = 0
	require.Equal(t, days(17), content(mailFor(t, policy, trial.Expiry, days(14))).GraceEndsAt)
	require.Equal(t, days(23), content(mailFor(t, policy, trial.Expiry, days(20))).GraceEndsAt, "told late, the vendor has the whole grace")
	require.Equal(t, days(19), content(mailFor(t, policy, trial.GraceEnd, days(19))).GraceEndsAt, "selling is paused when it is")
	require.Zero(t, content(mailFor(t, noGrace, trial.Expiry, days(14))).GraceEndsAt, "without grace there is no date to name")
}

func TestALateReminderCountsTheDaysThatAreLeft(t *testing.T) {
	t.Parallel()
	left := func(late time.Duration) int {
		return content(mailFor(t, trial.DefaultPolicy(), trial.Reminder(3), days(11).Add(late))).DaysLeft
	}
	require.Equal(t, 3, left(0))
	require.Equal(t, 3, left(8*time.Hour), "it is still the same date")
	require.Equal(t, 2, left(10*time.Hour))
}

// A vendor who is taken in amid the trial, or whose welcome was held, is not
// promised days that are over.
func TestALateWelcomePromisesTheDaysThatAreLeft(t *testing.T) {
	t.Parallel()
	promised := func(late time.Duration) int {
		return content(mailFor(t, trial.DefaultPolicy(), trial.Welcome, days(0).Add(late))).LengthDays
	}
	require.Equal(t, 14, promised(0))
	require.Equal(t, 9, promised(5*trial.RealDay))
	require.Equal(t, 1, promised(14*trial.RealDay))
}
