package experiment_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

func registration(id string) experiment.Registration {
	at := began.Add(3 * day)
	return experiment.Registration{
		VendorID: id, StartedAt: at, At: at, Cohort: trial.Automated, PolicyBy: trial.PolicyByDefault, Flags: everybody(),
	}
}

// TestArmsAreHalvesOfEveryOtherDeal counts 10,000 vendors: 4 standard errors of a share of a half are 0.02.
func TestArmsAreHalvesOfEveryOtherDeal(t *testing.T) {
	t.Parallel()
	const vendors = 10_000
	inA, early, earlyInA, sameInOther := 0, 0, 0, 0
	for i := range vendors {
		id := "v-" + strconv.Itoa(i)
		a := experiment.Deal("salt", id) == experiment.ArmA
		if a {
			inA++
		}
		if a == (experiment.Deal("another", id) == experiment.ArmA) {
			sameInOther++
		}
		if flags.Bucket("salt", flags.Key, id) < 0.5 { // of the same salt, at worst
			early++
			if a {
				earlyInA++
			}
		}
	}
	require.InDelta(t, 0.5, float64(inA)/vendors, 0.02)
	require.InDelta(t, 0.5, float64(sameInOther)/vendors, 0.02)
	require.InDelta(t, 0.5, float64(earlyInA)/float64(early), 0.03)
}

func TestAVendorStaysInItsArm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, r := started(t), registration(rapid.StringMatching(`v-[a-z0-9-]{1,18}`).Draw(t, "id")) // no canary's
		arm, why := e.Admit(r)
		require.Empty(t, why)
		require.Equal(t, experiment.Deal(e.Salt, r.VendorID), arm)
		r.At = e.StartedAt.Add(time.Duration(rapid.Int64Range(0, int64(experiment.MaxDays*day)-1).Draw(t, "later")))
		r.StartedAt = r.At
		again, why := e.Admit(r)
		require.Empty(t, why)
		require.Equal(t, arm, again)
	})
}

func TestWhoIsDealtToNeitherArm(t *testing.T) {
	t.Parallel()
	canary := trial.CanaryID("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	for what, c := range map[string]struct {
		change func(*experiment.Experiment, *experiment.Registration)
		why    experiment.NotDealt
	}{
		"of the default policy": {func(*experiment.Experiment, *experiment.Registration) {}, ""},
		"begun within the day":  {func(_ *experiment.Experiment, r *experiment.Registration) { r.StartedAt = r.At.Add(-day) }, ""},
		"of a named policy":     {func(_ *experiment.Experiment, r *experiment.Registration) { r.PolicyBy = trial.PolicyNamed }, experiment.NotDefault},
		"of a rule's policy":    {func(_ *experiment.Experiment, r *experiment.Registration) { r.PolicyBy = trial.PolicyByRule }, experiment.NotDefault},
		"not on record why":     {func(_ *experiment.Experiment, r *experiment.Registration) { r.PolicyBy = "" }, experiment.NotDefault},
		"control":               {func(_ *experiment.Experiment, r *experiment.Registration) { r.Cohort = trial.Control }, experiment.NotAutomated},
		"a canary":              {func(_ *experiment.Experiment, r *experiment.Registration) { r.VendorID = canary }, experiment.NotAutomated},
		"automation off": {func(_ *experiment.Experiment, r *experiment.Registration) {
			r.Flags.FeatureFlags.TrialAutomation.Enabled = false
		}, experiment.NotEverybody},
		"rolled back": {func(_ *experiment.Experiment, r *experiment.Registration) {
			r.Flags.FeatureFlags.TrialAutomation.RolloutPercentage = 50
		}, experiment.NotEverybody},
		"begun before":     {func(_ *experiment.Experiment, r *experiment.Registration) { r.StartedAt = r.At.Add(-day - 1) }, experiment.StartedBefore},
		"before the start": {func(e *experiment.Experiment, r *experiment.Registration) { r.At = e.StartedAt.Add(-1) }, experiment.NotDealing},
		"after the last day": {func(e *experiment.Experiment, r *experiment.Registration) {
			r.At = e.StartedAt.Add(experiment.MaxDays * day)
			r.StartedAt = r.At
		}, experiment.NotDealing},
		"begun before the experiment": {func(e *experiment.Experiment, r *experiment.Registration) {
			r.At, r.StartedAt = e.StartedAt, e.StartedAt.Add(-1)
		}, experiment.StartedBefore},
		"dealing over": {func(e *experiment.Experiment, _ *experiment.Registration) {
			e.DealingEnded = &experiment.DealingEnd{}
		}, experiment.NotDealing},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			e, r := started(t), registration("v-1")
			c.change(&e, &r)
			arm, why := e.Admit(r)
			require.Equal(t, c.why, why)
			require.Equal(t, why == "", arm != "")
		})
	}
}

func TestConversionsCountWithinTheLongerArm(t *testing.T) {
	t.Parallel()
	e := started(t)
	require.True(t, e.Counts(began, began.Add(17*day)))
	require.False(t, e.Counts(began, began.Add(17*day+1)))
	require.Equal(t, 0, e.DayOf(began.Add(day-1)))
	require.Equal(t, 1, e.DayOf(began.Add(day)))
}
