package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/trial"
)

func TestVendorFeedback(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.AddTrial(extendedTrial("v-1"))
	require.Equal(t, result{0, "This vendor has not answered.\n", ""}, w.run(t, "vendor", "feedback", "v-1"))
	w.Answers["v-1"] = map[string]feedback.Answer{
		"welcome":     {Kind: "welcome", Helpful: true, At: present.Add(-time.Hour)},
		"reminder-7d": {Kind: "reminder-7d", Text: "Too late.\n\tAnd \x1b[2J too long.", At: present},
	}
	got := w.run(t, "vendor", "feedback", "v-1")
	require.Equal(t, result{0, "reminder-7d did not help: 2026-03-10 12:00:00 UTC, now\n  Too late.\n   And \ufffd[2J too long.\n" +
		"welcome helped: 2026-03-10 11:00:00 UTC, 1h ago\n", ""}, got)
	require.JSONEq(t, w.ask(t, "/api/vendors/v-1/feedback"), w.run(t, "vendor", "feedback", "v-1", "--json").out)
	require.Equal(t, 1, w.run(t, "vendor", "feedback", "nobody").code)
}

func TestRolloutFeedback(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Rollout, _ = climbing()
	require.Equal(t, result{0, "No vendor has answered while this rollout ran.\n", ""}, w.run(t, "rollout", "feedback"))
	id := w.Rollout[0].Start.ID
	for vendorID, a := range map[string]feedback.Answer{
		"v-1": {Kind: "welcome", Helpful: true, Cohort: trial.Automated, Phase: feedback.Phase{RolloutID: id, Phase: 1}},
		"v-2": {Kind: "welcome", Cohort: trial.Automated, Phase: feedback.Phase{RolloutID: id, Phase: 1}},
		"v-3": {Kind: "form", Cohort: trial.Control, Phase: feedback.Phase{RolloutID: id, Epoch: 1, Phase: 1}},
	} {
		w.Answers[vendorID] = map[string]feedback.Answer{a.Kind: a}
	}
	got := w.run(t, "rollout", "feedback")
	require.Zero(t, got.code, got.err)
	golden(t, "rollout-feedback", got.out)
	require.JSONEq(t, w.ask(t, "/api/admin/rollouts/current/feedback"), w.run(t, "rollout", "feedback", id, "--json").out)
}
