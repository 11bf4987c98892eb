package simulation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/experiment"
)

// compared is how often a test lives through each case; make simulate does it all.
const compared = 40

func TestExperimentsShowWhatTheyMust(t *testing.T) {
	t.Parallel()
	for _, c := range ExperimentCases() {
		if c.Must == "" {
			continue
		}
		row, err := c.Check(t.Context(), compared)
		require.NoError(t, err)
		t.Logf("%s: must show: %s; shown: %s", row.Name, row.Must, row.Shown)
		require.True(t, row.OK, "%s must show: %s; shown: %s", row.Name, row.Must, row.Shown)
	}
}

func TestTheLimitsNoticeAnExperimentThatErrs(t *testing.T) {
	t.Parallel()
	differ := []Arms{alike(func(w *Arms) { w.A = 0.18 })}
	named := outcome(func(c Compared) bool { return c.Verdict == experiment.ABetter }, "named")
	for name, show := range map[string]func([][]Compared) (string, bool){
		"it differs":          named.atMost(0.05),
		"the other way round": outcome(func(c Compared) bool { return c.Verdict == experiment.BBetter }, "named").atLeast(0.8),
	} {
		row, err := ExperimentCase{Name: name, Worlds: differ, show: show}.Check(t.Context(), 20)
		require.NoError(t, err)
		require.False(t, row.OK, "%s: %s", name, row.Shown)
	}
	row, err := ExperimentCase{Name: "too soon", Worlds: []Arms{alike(func(w *Arms) { w.A, w.Looks = 0.18, 25 })}, show: winner(0.80)}.Check(t.Context(), 20)
	require.NoError(t, err)
	require.False(t, row.OK, row.Shown)
	missed := outcome(func(c Compared) bool { return c.Missed }, "missed")
	row, err = ExperimentCase{Name: "another truth", Worlds: []Arms{alike(func(w *Arms) {
		w.A, w.B, w.Clustering = 0.4, 0.1, 1 // each day is all or nothing, so a day's vendors tell no more than one
	})}, show: missed.atMost(0.05)}.Check(t.Context(), 20)
	require.NoError(t, err)
	require.False(t, row.OK, row.Shown)
}

// TestTheLastLookTellsWhatDailyOnesShow holds Compare to its word: conversions that are still to come change no verdict before.
func TestTheLastLookTellsWhatDailyOnesShow(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		w := alike(func(w *Arms) { w.A, w.B, w.DaysB = 0.20, 0.10, 10 })
		last := Compare(w, seed)
		first := 0.0
		for looks := 1; looks <= 90 && first == 0; looks++ {
			e, rows := w.live(seed, looks)
			if j := experiment.Judge(e, rows, dawn.Add(time.Duration(looks)*day)); j.Verdict != experiment.NotYet {
				require.Equal(t, last.Verdict, j.Verdict)
				first = float64(looks)
			}
		}
		require.Equal(t, last.Day, first) //nolint:testifylint // whole days
	}
}
