package rest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	experiments     = "/api/admin/experiments"
	startExperiment = `{"name":"longer","armA":"standard-14d","armB":"brazil-30d","difference":0.05,"expected":{"perDay":30,"conversion":0.1}}`
)

// start starts the experiment that most tests are about.
func (a *api) startExperiment() experiment.View {
	a.t.Helper()
	return into[experiment.View](a.call(request{method: http.MethodPost, path: experiments, token: adminToken, key: "start-1", body: startExperiment}), http.StatusOK)
}

func (a *api) endExperiment(key, body string) answered {
	a.t.Helper()
	return a.call(request{method: http.MethodPost, path: experiments + "/current/end", token: adminToken, key: key, body: body})
}

func (a *api) registerAs(id, more string) rest.VendorTrial {
	a.t.Helper()
	answer := a.post("/api/vendors", serviceToken, fmt.Sprintf(`{"id":%q,"email":"%s@example.com","name":"A shop"%s}`, id, id, more))
	return into[rest.VendorTrial](answer, http.StatusCreated)
}

func TestAnExperimentFromItsStartToItsEnd(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{policies: new(offered())})
	require.Empty(t, into[rest.Experiments](a.get(experiments, adminToken), http.StatusOK).Experiments)
	a.get(experiments+"/current", adminToken).problem(http.StatusNotFound)

	first := a.startExperiment()
	require.Equal(t, experiment.Dealing, first.Status)
	require.Equal(t, 35, first.HorizonDays, "of the longer arm")
	require.Equal(t, first, a.startExperiment(), "once a key")
	require.Len(t, a.store.Experimented, 1)
	require.NotContains(t, string(a.get(experiments+"/current", adminToken).body), a.store.Experimented[0].Salt, "who knows it chooses its arm")
	a.call(request{method: http.MethodPost, path: experiments, token: adminToken, key: "start-2", body: startExperiment}).problem(http.StatusConflict)

	policies := map[string]string{"a": "standard-14d", "b": "brazil-30d"}
	arms := map[string]string{}
	for i := range 20 {
		id := fmt.Sprint("v-", i)
		v := a.registerAs(id, "")
		require.Equal(t, first.ID, v.Trial.Experiment.Experiment)
		require.Equal(t, policies[v.Trial.Experiment.Arm], v.Trial.Policy)
		require.Equal(t, string(trial.PolicyByExperiment), v.Policy.By)
		arms[v.Trial.Experiment.Arm] = id
		again := a.post("/api/vendors", serviceToken, fmt.Sprintf(`{"id":%q,"email":"%s@example.com","name":"A shop"}`, id, id))
		require.Equal(t, v, into[rest.VendorTrial](again, http.StatusOK), "a repeated registration")
		export := into[rest.VendorExport](a.get("/api/admin/vendors/"+id+"/export", adminToken), http.StatusOK)
		require.Equal(t, v.Trial.Experiment, export.Registration.Experiment)
	}
	require.Len(t, arms, 2)
	require.Nil(t, a.registerAs("named", `,"policy":"brazil-30d"`).Trial.Experiment)
	require.Nil(t, a.registerAs("by-rule", `,"attributes":{"country":"BR"}`).Trial.Experiment)

	a.endExperiment("end-0", `{"picked":"c","reason":"x"}`).problem(http.StatusBadRequest)
	a.endExperiment("end-0", `{"picked":"b"}`).problem(http.StatusBadRequest)
	const end = `{"picked":"b","reason":"The longer one sells more"}`
	over := into[experiment.View](a.endExperiment("end-1", end), http.StatusOK)
	require.Equal(t, experiment.Ended, over.Status)
	require.Equal(t, experiment.ArmB, over.Ended.Picked)
	require.Contains(t, over.Next, `write "default: brazil-30d" in the file that POLICIES names`)
	require.Equal(t, over, into[experiment.View](a.endExperiment("end-1", end), http.StatusOK), "once a key")
	a.endExperiment("end-2", end).problem(http.StatusConflict)
	require.Nil(t, a.registerAs("later", "").Trial.Experiment)
	require.Equal(t, "standard-14d", a.registerAs("later-still", "").Trial.Policy, "the pick changes nothing by itself")

	listed := into[rest.Experiments](a.get(experiments, adminToken), http.StatusOK).Experiments
	require.Len(t, listed, 1)
	require.Equal(t, over.Ended, listed[0].Ended)
	require.Nil(t, listed[0].Judgement)
}

// A policy that was edited since is not the arm that is compared: nobody gets it, and the experiment says so.
func TestAnExperimentDealsNoArmThatWasChanged(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{policies: new(offered())})
	a.startExperiment()
	require.NotNil(t, a.registerAs("v-1", "").Trial.Experiment)
	i := slices.IndexFunc(a.app.Policies.Policies, func(p trial.Policy) bool { return p.Name == "brazil-30d" })
	a.app.Policies.Policies[i].LengthDays = 45
	require.Nil(t, a.registerAs("v-2", "").Trial.Experiment)
	next := into[experiment.View](a.get(experiments+"/current", adminToken), http.StatusOK).Next
	require.Contains(t, next, "Nobody is dealt at present: the policy brazil-30d is not what it was when the experiment started. New vendors get standard-14d.")
	a.app.Policies.Policies[i].LengthDays = 30
	require.NotNil(t, a.registerAs("v-3", "").Trial.Experiment, "as it was")
}

func TestAnExperimentIsEndedWithoutAPick(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{policies: new(offered())})
	a.startExperiment()
	over := into[experiment.View](a.endExperiment("end-1", `{"picked":"none","reason":"Given up"}`), http.StatusOK)
	require.Empty(t, over.Ended.Picked)
	require.Equal(t, "No arm was picked. New vendors get standard-14d.", over.Next)
}

// Whatever lowers the flags ends the dealing, for good and with the reason; what was dealt is still compared.
func TestLoweringTheFlagsEndsTheDealing(t *testing.T) {
	t.Parallel()
	for reason, lower := range map[string]request{
		"the percentage was set to 50": {method: http.MethodPatch, path: "/api/admin/feature-flags", body: `{"featureFlags":{"trialAutomation":{"rolloutPercentage":50}}}`},
		"the automation was disabled":  {method: http.MethodPost, path: "/api/admin/feature-flags/trial-automation/rollout", body: `{"enabled":false,"rolloutPercentage":100}`},
	} {
		a := makeAPI(t, options{policies: new(offered())})
		a.startExperiment()
		require.NotNil(t, a.registerAs("v-1", "").Trial.Experiment)
		lower.token = adminToken
		require.Equal(t, http.StatusOK, a.call(lower).status)
		for range 2 {
			view := into[experiment.View](a.get(experiments+"/current", adminToken), http.StatusOK)
			require.Equal(t, experiment.Waiting, view.Status)
			require.Equal(t, reason, view.DealingEnded.Reason)
			require.Contains(t, view.Next, "No new vendor is dealt any more: "+reason+". They get standard-14d;")
			require.Nil(t, a.registerAs("after-"+fmt.Sprint(len(a.store.VendorsByID)), "").Trial.Experiment)
			raise := request{method: http.MethodPost, path: "/api/admin/feature-flags/trial-automation/rollout", token: adminToken, body: `{"enabled":true,"rolloutPercentage":100}`}
			require.Equal(t, http.StatusOK, a.call(raise).status) // and it does not go on
		}
		over := into[experiment.View](a.endExperiment("end-1", `{"picked":"a","reason":"Too few"}`), http.StatusOK)
		require.Equal(t, reason, over.DealingEnded.Reason, "on its record from now on")
		require.Equal(t, reason, a.store.Experimented[0].DealingEnded.Reason)
		again := a.call(request{method: http.MethodPost, path: experiments, token: adminToken, key: "start-2", body: startExperiment})
		require.Equal(t, experiment.Dealing, into[experiment.View](again, http.StatusOK).Status)
	}
}

func TestAnExperimentThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{policies: new(offered())})
	tried := 0
	start := func(from, to string) answered {
		tried++
		return a.call(request{method: http.MethodPost, path: experiments, token: adminToken, key: fmt.Sprint("try-", tried), body: strings.Replace(startExperiment, from, to, 1)})
	}
	for field, c := range map[string][2]string{
		"armA": {"standard-14d", "year"}, "armB": {"brazil-30d", "standard-14d"}, "name": {"longer", "Longer trial"}, "difference": {"0.05", "0.7"},
		"expected.conversion": {`,"conversion":0.1`, ""}, "expected.perDay": {`"perDay":30,`, ""},
	} {
		p := start(c[0], c[1]).problem(http.StatusBadRequest)
		require.Equal(t, field, *p.Field, "%v", c)
	}
	a.store.Document.FeatureFlags.TrialAutomation.RolloutPercentage = 99
	p := start("longer", "longer").problem(http.StatusConflict)
	require.Contains(t, *p.Detail, "it is at 99 %")
	require.Empty(t, a.store.Experimented)
	require.Nil(t, a.store.Document.Dealing)
}

// A start that broke off between its record and the flags is made good by its repetition.
func TestAStartThatBrokeOffIsMadeGood(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{policies: new(offered())})
	a.startExperiment()
	a.store.Document.Dealing = nil
	view := into[experiment.View](a.get(experiments+"/current", adminToken), http.StatusOK)
	require.Equal(t, experiment.Waiting, view.Status)
	require.Contains(t, view.DealingEnded.Reason, "the flags know nothing of it")
	require.Equal(t, experiment.Dealing, a.startExperiment().Status)
}

func TestAnExperimentIsForecast(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{policies: new(offered())})
	const question = `{"armA":"standard-14d","armB":"brazil-30d","difference":0.08,"expected":{"conversion":0.1}}`
	f := into[experiment.Outlook](a.post(experiments+"/forecast", adminToken, question), http.StatusOK)
	require.Equal(t, 35, f.HorizonDays)
	require.Len(t, f.Rows, 3)
	for i, perDay := range []float64{10, 30, 50} {
		require.InDelta(t, perDay, f.Rows[i].PerDay, 0)
		require.NotNil(t, f.Rows[i].Difference.Median)
		require.Greater(t, *f.Rows[i].Difference.Median, 35)
	}
	require.Empty(t, f.NoStart)
	a.store.Document.FeatureFlags.TrialAutomation.Enabled = false
	f = into[experiment.Outlook](a.post(experiments+"/forecast", adminToken, question), http.StatusOK)
	require.Contains(t, f.NoStart, "automation is off")
	a.post(experiments+"/forecast", adminToken, strings.Replace(question, "brazil-30d", "year", 1)).problem(http.StatusBadRequest)
	require.Empty(t, a.store.Record, "it changes nothing")
}

// The figures are those of the domain, as of the end once it has ended.
func TestAnExperimentIsJudged(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{policies: new(offered())})
	a.startExperiment()
	e := &a.store.Experimented[0]
	e.StartedAt = present.Add(-80 * trial.RealDay)
	for day := range 40 {
		a.store.Rows = append(a.store.Rows, experiment.Row{Day: day, A: experiment.Count{Dealt: 15, Converted: 1}, B: experiment.Count{Dealt: 15, Converted: 5}})
	}
	view := into[experiment.View](a.get(experiments+"/current", adminToken), http.StatusOK)
	require.Equal(t, experiment.Judge(*e, a.store.Rows, present), *view.Judgement)
	require.Equal(t, experiment.BBetter, view.Judgement.Verdict)
	require.Contains(t, view.Sentence, "B (brazil-30d) is better, at the level of 1 in 20")
	require.Equal(t, experiment.Series(*e, a.store.Rows, present), view.Series)
	require.Equal(t, time.UTC, view.StartedAt.Location())
	require.NotEqual(t, policy.BuiltIn(), a.app.Policies)
}

// A page's form acts on the state that it showed, once, and is on record.
func TestAFormActsOnTheExperimentThatItShowed(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{policies: new(offered())})
	ctx := access.With(t.Context(), access.Identity{Name: "ana", Role: access.Admin})
	asked := app.NewExperiment{Name: "longer", A: "standard-14d", B: "brazil-30d", Difference: 0.05, PerDay: new(30.0), Conversion: new(0.1)}
	for range 2 {
		require.NoError(t, a.app.StartExperimentRecorded(ctx, "form-1", "none", asked), "the same form twice")
	}
	require.Len(t, a.store.Experimented, 1)
	shown, err := a.app.Experiment(ctx, app.Latest)
	require.NoError(t, err)
	require.Equal(t, "ana", shown.StartedBy)
	require.Equal(t, trial.CodeConflict, trial.CodeOf(a.app.StartExperimentRecorded(ctx, "form-2", "none", asked)), "another one runs by now")

	end := app.ExperimentEnd{ID: shown.ID, Key: "form-3", Seen: shown.Mark(), Picked: experiment.ArmA, Reason: "enough"}
	a.store.Document.Dealing = a.store.Document.Dealing.Ended(flags.DealingEnd{At: present, By: "bea", Reason: "the automation was disabled"})
	require.Equal(t, trial.CodeConflict, trial.CodeOf(a.app.EndExperimentRecorded(ctx, end)), "it deals no more by now")
	require.Nil(t, a.store.Experimented[0].Ended)
	shown, err = a.app.Experiment(ctx, app.Latest)
	require.NoError(t, err)
	end.Key, end.Seen = "form-4", shown.Mark()
	for range 2 {
		require.NoError(t, a.app.EndExperimentRecorded(ctx, end))
	}
	require.Equal(t, experiment.ArmA, a.store.Experimented[0].Ended.Picked)
	require.Equal(t, "bea", a.store.Experimented[0].DealingEnded.By)

	require.Equal(t, trial.CodeConflict, trial.CodeOf(a.app.StartExperimentRecorded(ctx, "form-5", "none", asked)), "one has ended since")
	require.NoError(t, a.app.StartExperimentRecorded(ctx, "form-6", shown.ID, asked))
	last := a.store.Record[len(a.store.Record)-1]
	require.Equal(t, "startExperiment", last.Action)
	require.JSONEq(t, `{"name":"longer","armA":"standard-14d","armB":"brazil-30d","difference":0.05}`, string(last.Asked))
}
