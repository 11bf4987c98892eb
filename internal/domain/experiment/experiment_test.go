package experiment_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

const day = 24 * time.Hour

var began = time.Date(2026, time.March, 2, 9, 30, 0, 0, time.UTC)

func everybody() flags.Document {
	d := flags.Document{FeatureFlags: flags.Initial(), Salt: "rollout"}
	d.FeatureFlags.TrialAutomation.RolloutPercentage = 100
	return d
}

func request() experiment.Request {
	return experiment.Request{
		Name: "longer-trial", ArmA: "standard-14d", ArmB: "long-30d", Difference: 0.05,
		Expected: experiment.Expected{PerDay: 30, Conversion: 0.10},
	}
}

func situation() experiment.Situation {
	return experiment.Situation{
		Flags: everybody(), Day: day,
		Offered: []trial.Policy{{Name: "standard-14d", LengthDays: 14, GraceDays: 3}, {Name: "long-30d", LengthDays: 30}, {Name: "other"}},
	}
}

// started is an experiment of 14 days and 3 of grace against 10 and 7, so that both have 17.
func started(t require.TestingT) experiment.Experiment {
	s := situation()
	s.Offered[1] = trial.Policy{Name: "long-30d", LengthDays: 10, GraceDays: 7}
	e, err := experiment.Start("e-1", "salt", "ana", request(), s, began)
	require.NoError(t, err)
	return e
}

func TestAnExperimentStartsAsItIsAskedFor(t *testing.T) {
	t.Parallel()
	e, err := experiment.Start("e-1", "salt", "ana", request(), situation(), began)
	require.NoError(t, err)
	require.Equal(t, experiment.Experiment{
		ID: "e-1", Name: "longer-trial", ArmA: "standard-14d", ArmB: "long-30d", TermsA: situation().Offered[0], TermsB: situation().Offered[1], Difference: 0.05, Expected: experiment.Expected{PerDay: 30, Conversion: 0.10},
		HorizonDays: 30, Day: day, Salt: "salt", StartedAt: began, StartedBy: "ana", Formula: "betting/1",
	}, e, "the longer arm's 30 days count, not the 14 and 3 of the other")
	r := request()
	r.ArmA, r.ArmB = r.ArmB, r.ArmA
	swapped, err := experiment.Start("e-1", "salt", "ana", r, situation(), began)
	require.NoError(t, err)
	require.Equal(t, 30, swapped.HorizonDays)
	require.Equal(t, experiment.Dealing, e.Status())
	require.Equal(t, "standard-14d", e.Policy(experiment.ArmA))
	require.Equal(t, "long-30d", e.Policy(experiment.ArmB))
}

func TestAnExperimentDealsOnTheTermsOfItsStart(t *testing.T) {
	t.Parallel()
	e, err := experiment.Start("e-1", "salt", "ana", request(), situation(), began)
	require.NoError(t, err)
	require.Empty(t, e.Amiss(situation().Offered))
	changed := situation().Offered
	changed[1].LengthDays = 45
	require.Equal(t, "the policy long-30d is not what it was when the experiment started", e.Amiss(changed))
	require.Equal(t, "the policy standard-14d is not offered any more", e.Amiss(changed[1:]))

	view := e.View(nil, policy.Set{Default: "other", Policies: changed}, began)
	require.Equal(t, "Nobody is dealt at present: the policy long-30d is not what it was when the experiment started. New vendors get other. "+
		"Bring the policy back as it was then and restart API and worker, or end the experiment.", view.Next)
	over, err := e.End("", "ana", "changed", began)
	require.NoError(t, err)
	require.Equal(t, "No arm was picked. New vendors get other.", over.View(nil, policy.Set{Default: "other", Policies: changed}, began).Next)
}

func TestARequestIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	const name, bounds = "must be 1 to 40 small letters, digits and dashes, beginning with a letter or digit", "must be 0.005 to 0.5, is "
	for what, c := range map[string]struct {
		change         func(*experiment.Request)
		field, message string
	}{
		"no name":             {func(r *experiment.Request) { r.Name = "" }, "name", name},
		"a name in capitals":  {func(r *experiment.Request) { r.Name = "Longer" }, "name", name},
		"a long name":         {func(r *experiment.Request) { r.Name = strings.Repeat("x", 41) }, "name", name},
		"no first policy":     {func(r *experiment.Request) { r.ArmA = "" }, "armA", "is missing"},
		"no second policy":    {func(r *experiment.Request) { r.ArmB = "" }, "armB", "is missing"},
		"one policy twice":    {func(r *experiment.Request) { r.ArmB = r.ArmA }, "armB", "is the same policy as armA"},
		"a policy not there":  {func(r *experiment.Request) { r.ArmB = "gold" }, "armB", "is none of the policies offered"},
		"another not there":   {func(r *experiment.Request) { r.ArmA = "gold" }, "armA", "is none of the policies offered"},
		"no difference":       {func(r *experiment.Request) { r.Difference = 0 }, "difference", bounds + "0"},
		"a small difference":  {func(r *experiment.Request) { r.Difference = 0.004 }, "difference", bounds + "0.004"},
		"percent":             {func(r *experiment.Request) { r.Difference = 5 }, "difference", bounds + "5"},
		"not a number":        {func(r *experiment.Request) { r.Difference = math.NaN() }, "difference", bounds + "NaN"},
		"nobody a day":        {func(r *experiment.Request) { r.Expected.PerDay = 0 }, "expected.perDay", "must be more than 0 and at most 1000000, is 0"},
		"too many a day":      {func(r *experiment.Request) { r.Expected.PerDay = math.Inf(1) }, "expected.perDay", "must be more than 0 and at most 1000000, is +Inf"},
		"nobody converts":     {func(r *experiment.Request) { r.Expected.Conversion = 0 }, "expected.conversion", "must be more than 0 and less than 1, is 0"},
		"everybody converts":  {func(r *experiment.Request) { r.Expected.Conversion = 1 }, "expected.conversion", "must be more than 0 and less than 1, is 1"},
		"no share of vendors": {func(r *experiment.Request) { r.Expected.Conversion = math.NaN() }, "expected.conversion", "must be more than 0 and less than 1, is NaN"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			r := request()
			c.change(&r)
			_, err := experiment.Start("e-1", "salt", "ana", r, situation(), began)
			requireRefusal(t, err, trial.Error{Code: trial.CodeInvalid, Field: c.field, Message: c.message})
		})
	}
}

func requireRefusal(t *testing.T, err error, want trial.Error) {
	t.Helper()
	var refusal *trial.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, want, *refusal)
}

func TestAnExperimentStartsOnlyWhenEverybodyIsAutomated(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		change  func(*experiment.Situation)
		message string
	}{
		"during the rollout": {
			func(s *experiment.Situation) { s.Flags.FeatureFlags.TrialAutomation.RolloutPercentage = 50 },
			"an experiment starts only once the rollout is at 100 % and on; it is at 50 %",
		},
		"under the kill switch": {
			func(s *experiment.Situation) { s.Flags.FeatureFlags.TrialAutomation.Enabled = false },
			"an experiment starts only once the rollout is at 100 % and on; automation is off",
		},
		"without conversions": {
			func(s *experiment.Situation) { s.Flags.FeatureFlags.TrialAutomation.ConversionTracking = false },
			"conversion tracking is off: an experiment compares conversions",
		},
		"beside another": {
			func(s *experiment.Situation) { s.Open = &experiment.Experiment{Name: "first"} },
			"the experiment first is dealing: end it first",
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := situation()
			c.change(&s)
			_, err := experiment.Start("e-1", "salt", "ana", request(), s, began)
			requireRefusal(t, err, trial.Error{Code: trial.CodeConflict, Message: c.message})
		})
	}
}

func TestDealingEndsOnceAndAPersonEndsTheExperiment(t *testing.T) {
	t.Parallel()
	e := started(t)
	waiting, err := e.EndDealing(experiment.ByRollback, "rollout", "", began.Add(day))
	require.NoError(t, err)
	require.Equal(t, experiment.Waiting, waiting.Status())
	require.Equal(t, &experiment.DealingEnd{At: began.Add(day), By: "rollout", Cause: experiment.ByRollback}, waiting.DealingEnded)
	require.Equal(t, experiment.Dealing, e.Status(), "the record before is as it was")
	_, err = waiting.EndDealing(experiment.ByPerson, "ana", "", began.Add(2*day))
	requireRefusal(t, err, trial.Error{Code: trial.CodeConflict, Message: "the experiment longer-trial is waiting: it deals no more"})

	ended, err := waiting.End(experiment.ArmB, "ana", "cheaper", began.Add(3*day))
	require.NoError(t, err)
	require.Equal(t, experiment.Ended, ended.Status())
	require.Equal(t, &experiment.End{At: began.Add(3 * day), By: "ana", Picked: experiment.ArmB, Reason: "cheaper"}, ended.Ended)
	require.Equal(t, waiting.DealingEnded, ended.DealingEnded)
	_, err = ended.End(experiment.ArmA, "ana", "", began)
	requireRefusal(t, err, trial.Error{Code: trial.CodeConflict, Message: "the experiment longer-trial has ended"})
	_, err = ended.EndDealing(experiment.ByPerson, "ana", "", began)
	requireRefusal(t, err, trial.Error{Code: trial.CodeConflict, Message: "the experiment longer-trial is ended: it deals no more"})

	at, err := e.End(experiment.ArmA, "ana", "enough", began.Add(3*day))
	require.NoError(t, err)
	require.Equal(t, &experiment.DealingEnd{At: began.Add(3 * day), By: "ana", Cause: experiment.ByPerson, Reason: "enough"}, at.DealingEnded)
	neither, err := e.End("", "ana", "", began.Add(3*day))
	require.NoError(t, err)
	require.Equal(t, experiment.Ended, neither.Status())
	_, err = e.End("c", "ana", "", began)
	requireRefusal(t, err, trial.Error{Code: trial.CodeInvalid, Field: "picked", Message: `must be a, b or nothing, is "c"`})
	_, err = e.End(experiment.ArmA, "", "", began)
	requireRefusal(t, err, trial.Error{Code: trial.CodeInvalid, Field: "by", Message: "is missing: a person ends an experiment"})
}
