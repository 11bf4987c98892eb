package dashboard

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
)

func TestWhatTheChartsOfAGateDraw(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	var series rollout.TimeSeries
	for n, r := range []rollout.GateResult{{Evidence: 1}, {Evidence: 10, Estimate: 0.9, Seen: 20, Odds: 0.1}, {Evidence: 10, Estimate: 0.9, Seen: 20, Odds: 0.1}} {
		r.Gate, r.Needed, r.Limit = rollout.GateEmail, 20, 0.95
		stage := rollout.Position{StageSeq: n + 1, Stage: rollout.Stage{Kind: rollout.InPhase, Phase: min(n, 1)}}
		series.Add(rollout.Judgement{Snapshot: n + 1, At: at.Add(time.Duration(n) * time.Hour), Enabled: true, Percentage: float64(10 * min(n, 1)), Position: stage, Gates: []rollout.GateResult{r}})
	}
	first := seconds1970(at)
	second, third := first+3600, first+7200
	low, high := evidence.Wilson(0.9, 20)
	charts := newSeriesView(series, string(rollout.GateEmail), rollout.SeriesPoint.GateValue, time.UTC).Charts
	require.Len(t, charts, 3)
	for _, c := range charts {
		require.Equal(t, []tick{{first, "0 %"}, {second, "10 %"}}, c.Marks, "where the percentage changes")
		require.InDelta(t, first, c.X.Min, 0)
		require.InDelta(t, third, c.X.Max, 0)
	}
	for name, c := range map[string]struct {
		line chartLine
		want []float64
	}{
		"needed to act": {charts[0].Lines[0], []float64{math.Log10(20), math.Log10(20), math.Log10(20)}}, "evidence against health": {charts[0].Lines[1], []float64{0, 1, 1}},
		"passes below": {charts[1].Lines[0], []float64{0, 0, 0}}, "odds of a break": {charts[1].Lines[1], []float64{math.NaN(), -1, -1}},
		"limit": {charts[2].Lines[0], []float64{0.95, 0.95, 0.95}}, "rate": {charts[2].Lines[1], []float64{math.NaN(), 0.9, 0.9}},
	} {
		require.Equal(t, name, c.line.Name)
		for i, x := range []float64{first, second, third} {
			require.InDelta(t, x, c.line.Points[i].X, 0, name)
			require.InDelta(t, c.want[i], c.line.Points[i].Y, 1e-9, name)
		}
	}
	require.Greater(t, charts[0].Y.Max, math.Log10(20), "what is needed is in the picture")
	require.Equal(t, []bandPoint{{second, low, high}, {third, low, high}}, charts[2].Band, "of what was seen")
}

// A plan that compares plainly weighs nothing.
func TestAPlainComparisonHasNoChartOfEvidence(t *testing.T) {
	t.Parallel()
	var series rollout.TimeSeries
	series.Add(rollout.Judgement{Snapshot: 1, Gates: []rollout.GateResult{{Gate: rollout.GateEmail, Evidence: 0.9, Needed: 0.95, Estimate: 0.9, Limit: 0.95, Seen: 20}}})
	view := newSeriesView(series, string(rollout.GateEmail), rollout.SeriesPoint.GateValue, time.UTC)
	require.False(t, view.Weighed)
	require.Len(t, view.Charts, 1)
}

func TestWhatTheChartsOfConversionDraw(t *testing.T) {
	t.Parallel()
	share := func(share float64, trials int) monitoring.ConvertedShare {
		return monitoring.ConvertedShare{Estimated: evidence.Estimated{Share: share, Low: share / 2, High: 2 * share}, Trials: trials}
	}
	v := newConversionView([]monitoring.AgeConversion{
		{Days: 1, Automated: share(0.3, 10), Control: share(0.2, 20), Difference: &evidence.Estimated{Share: 0.1, Low: -0.05, High: 0.25}},
		{Days: 2, Control: share(0.25, 16)},
	})
	require.Equal(t, []chartLine{
		{Name: "control", Class: "second", Points: []chartPoint{{1, 0.2}, {2, 0.25}}}, {Name: "automated", Class: "first", Points: []chartPoint{{1, 0.3}}},
	}, v.Shares.Lines)
	require.Equal(t, "Trials converted by age. After 2 days: automated no trial that old, control 25 % (12 % to 50 %) of 16.", v.Shares.Label)
	require.Equal(t, []chartLine{
		{Name: "no difference", Class: "limit", Points: []chartPoint{{0, 0}, {2, 0}}}, {Name: "difference", Class: "first", Points: []chartPoint{{1, 0.1}}},
	}, v.Difference.Lines)
	require.Equal(t, []bandPoint{{1, -0.05, 0.25}}, v.Difference.Band)
	require.Contains(t, v.Difference.Label, "After 2 days: not known.")
	require.Equal(t, "+10.0 (-5.0 to +25.0)", differenceWords(&evidence.Estimated{Share: 0.1, Low: -0.05, High: 0.25}))
}

func TestWhatLiesBeyondAnAxisIsDrawnAtItsEnd(t *testing.T) {
	t.Parallel()
	p := newPen(200, 100, 10, axis{Max: 4}, axis{Max: 2})
	for v, want := range map[float64][2]int{-1: {10, 90}, 0: {10, 90}, 1: {55, 50}, 2: {100, 10}, 4: {190, 10}, 5: {190, 10}} {
		require.Equal(t, want, [2]int{p.x(v), p.y(v)}, "%v", v)
	}
}
