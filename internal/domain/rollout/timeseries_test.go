package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/rollout"
)

// judgedAt is a judgement on a snapshot in a stage.
func judgedAt(snapshot, stageSeq int) rollout.Judgement {
	return rollout.Judgement{
		Snapshot: snapshot, At: noon.Add(time.Duration(snapshot) * 10 * time.Minute), Enabled: true, Percentage: 10,
		Position: rollout.Position{StageSeq: stageSeq, Stage: rollout.Stage{Kind: rollout.InPhase, Phase: 1}},
		Triggers: []rollout.TriggerResult{{Trigger: rollout.TriggerErrors, Evidence: float64(snapshot), Needed: 100, Estimate: 0.1, Limit: 0.2, Seen: 50}},
		Gates:    []rollout.GateResult{{Gate: rollout.GateEmail, Verdict: rollout.Pass, Evidence: 0.5, Needed: 20, Estimate: 1, Limit: 0.95, Seen: 8}},
	}
}

func TestATimeSeriesStaysSmallAndEndsNow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var series, replayed rollout.TimeSeries
		var all []rollout.Judgement
		snapshot, stage := 0, 1
		for range rapid.IntRange(1, 400).Draw(t, "judgements") {
			snapshot++
			if rapid.IntRange(0, 99).Draw(t, "moves") < 2 {
				stage++
			}
			all = append(all, judgedAt(snapshot, stage))
		}
		for _, j := range all {
			series.Add(j)
			last := series.Points[len(series.Points)-1]
			require.Equal(t, j.Snapshot, last.Snapshot, "the last point is the present judgement")
			require.InDelta(t, j.Triggers[0].Evidence, last.Triggers[0].Evidence, 0)
			require.LessOrEqual(t, len(series.Points), 60)
		}
		for i, p := range series.Points[1:] {
			require.Less(t, series.Points[i].Snapshot, p.Snapshot)
		}
		// As where a watch was interrupted and judges again.
		for i, j := range all {
			replayed.Add(j)
			replayed.Add(all[max(0, i-1)])
			replayed.Add(j)
		}
		require.Equal(t, series, replayed, "judged again, it is the same")
	})
}

func TestATimeSeriesIsEvenAndKeepsWhatWasDecidedOn(t *testing.T) {
	t.Parallel()
	var series rollout.TimeSeries
	for n := 1; n <= 1000; n++ {
		series.Add(judgedAt(n, 1+n/301))
	}
	var numbers []int
	for _, p := range series.Points {
		numbers = append(numbers, p.Snapshot)
	}
	require.Equal(t, 32, series.Every)
	require.Subset(t, numbers, []int{32, 64, 300, 601, 902, 992, 1000}, "each 32nd, the last of each stage, and now")
	require.Len(t, numbers, 31+3+1)
	marks := series.Marks()
	require.Len(t, marks, 4)
	require.Equal(t, noon.Add(320*10*time.Minute), marks[1].At, "the first point of the stage")
}

func TestWhatAPointKeepsOfAJudgement(t *testing.T) {
	t.Parallel()
	j := judgedAt(7, 3)
	j.Position.Epoch = 2
	j.Gates[0].Odds = 0.25
	j.Gates = append(j.Gates, rollout.GateResult{Gate: rollout.GateErrors, Verdict: rollout.Fail, Evidence: 30, Needed: 20, Estimate: 0.4, Limit: 0.05, Seen: 9})
	var series rollout.TimeSeries
	series.Add(j)
	require.Equal(t, []rollout.SeriesPoint{{
		Snapshot: 7, At: j.At, Epoch: 2, StageSeq: 3, Stage: j.Position.Stage, Percentage: 10,
		Triggers: []rollout.SeriesValue{{Name: "error-rate", Verdict: rollout.Pass, Evidence: 7, Needed: 100, Estimate: 0.1, Limit: 0.2, HighIsBad: true, Seen: 50}},
		Gates: []rollout.SeriesValue{
			{Name: "email", Verdict: rollout.Pass, Evidence: 0.5, Needed: 20, Estimate: 1, Limit: 0.95, Seen: 8, Odds: 0.25},
			{Name: "errors", Verdict: rollout.Fail, Evidence: 30, Needed: 20, Estimate: 0.4, Limit: 0.05, HighIsBad: true, Seen: 9},
		},
	}}, series.Points)
	off := judgedAt(8, 3)
	off.Enabled = false
	series.Add(off)
	require.Zero(t, series.Points[1].Percentage, "nobody is admitted")
	series.Add(judgedAt(9, 3))
	one, other := series, series
	one.Add(judgedAt(10, 3))
	other.Add(judgedAt(11, 3))
	require.Equal(t, 10, one.Points[len(one.Points)-1].Snapshot, "a copy goes its own way")
}

// What a rollback was decided on stays, also where the stage is the same.
func TestATimeSeriesKeepsTheLastPointOfAnEpoch(t *testing.T) {
	t.Parallel()
	var series rollout.TimeSeries
	for n := 1; n <= 301; n++ {
		j := judgedAt(n, 1)
		j.Position.Epoch = n / 102
		series.Add(j)
	}
	var numbers []int
	for _, p := range series.Points {
		numbers = append(numbers, p.Snapshot)
	}
	require.Subset(t, numbers, []int{101, 203, 301})
}

// However many stages there are, it does not grow.
func TestATimeSeriesOfStagesAlone(t *testing.T) {
	t.Parallel()
	var series rollout.TimeSeries
	for n := 1; n <= 500; n++ {
		series.Add(judgedAt(n, n))
	}
	require.Len(t, series.Points, 60)
	require.Equal(t, 500, series.Points[59].Snapshot)
	require.LessOrEqual(t, series.Every, 1024)
}

func TestTheIntervalOfAPoint(t *testing.T) {
	t.Parallel()
	low, high := rollout.SeriesValue{Estimate: 0.5, Seen: 10}.Interval()
	require.InDelta(t, 0.2366, low, 1e-4)
	require.InDelta(t, 0.7634, high, 1e-4)
	low, high = rollout.SeriesValue{}.Interval()
	require.Zero(t, low)
	require.InDelta(t, 1, high, 0)
}
