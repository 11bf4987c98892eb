package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// experimentWorld is a world at 100 % that offers two policies.
func experimentWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.Policies = policy.Only(trial.DefaultPolicy())
	w.Policies.Policies = append(w.Policies.Policies, trial.Policy{Name: "week", LengthDays: 7, SendHour: 9})
	w.Document.FeatureFlags.TrialAutomation.RolloutPercentage = 100
	return w
}

var startLonger = []string{"experiment", "start", "--name", "shorter", "--a", "standard-14d", "--b", "week", "--difference", "8", "--conversion", "10"}

var experimentID = regexp.MustCompile(`experiment-\d{8}-\d{6}-[0-9a-f]{6}`)

func TestAnExperimentOnTheCommandLine(t *testing.T) {
	t.Parallel()
	w := experimentWorld(t)
	require.Equal(t, result{0, "There was no experiment yet.\n", ""}, w.run(t, "experiment", "list"))
	require.Contains(t, w.run(t, "experiment", "status").err, "there was no experiment yet")

	forecast := w.run(t, append(startLonger, "--dry-run")...)
	require.Equal(t, result{0, forecast.out, ""}, forecast)
	golden(t, "experiment-forecast", forecast.out)
	require.Empty(t, w.Experimented)

	first := w.run(t, append(startLonger, "--per-day", "30", "--idempotency-key", "k-1")...)
	require.Equal(t, result{0, first.out, ""}, first)
	require.Equal(t, first, w.run(t, append(startLonger, "--per-day", "30", "--idempotency-key", "k-1")...))
	golden(t, "experiment-start", experimentID.ReplaceAllString(first.out, "experiment-ID"))

	require.Zero(t, w.run(t, "vendor", "register", "--email", "a@example.com", "--name", "A", "--id", "v-1").code)
	require.Contains(t, w.run(t, "policy", "show", "--vendor", "v-1").out, "an experiment dealt it")
	require.Regexp(t, `experiment +arm [AB] of experiment-`, w.run(t, "trial", "status", "v-1").out)

	w.Experimented[0].StartedAt = present.AddDate(0, 0, -60)
	for day := range 40 {
		w.Rows = append(w.Rows, experiment.Row{Day: day, A: experiment.Count{Dealt: 15, Converted: 1}, B: experiment.Count{Dealt: 15, Converted: 4}})
	}
	status := w.run(t, "experiment", "status")
	require.Equal(t, result{0, status.out, ""}, status)
	golden(t, "experiment-status", experimentID.ReplaceAllString(status.out, "experiment-ID"))
	require.Equal(t, w.ask(t, "/api/admin/experiments/current")+"\n", w.run(t, "experiment", "status", "--json").out)

	require.Contains(t, w.run(t, "experiment", "end", "--pick", "c", "--reason", "x").err, "--pick: must be a, b or none")
	over := w.run(t, "experiment", "end", "--pick", "b", "--reason", "The shorter one sells more")
	require.Equal(t, result{0, over.out, ""}, over)
	golden(t, "experiment-end", experimentID.ReplaceAllString(over.out, "experiment-ID"))
	require.Contains(t, w.run(t, "experiment", "list").out, "ended")
	require.Contains(t, w.run(t, "experiment", "end", "--pick", "a", "--reason", "x").err, "has ended")
	require.Contains(t, w.run(t, "experiment", "status", strings.Repeat("x", 80)).err, "starter")
}
