package experiment_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/experiment"
)

// drawnRows are up to 40 days whose arms convert by two shares, near each other or not.
func drawnRows(t *rapid.T) []experiment.Row {
	count := func(share int) *rapid.Generator[experiment.Count] {
		return rapid.Custom(func(t *rapid.T) experiment.Count {
			dealt := rapid.IntRange(0, 60).Draw(t, "dealt")
			return experiment.Count{Dealt: dealt, Converted: min(dealt, dealt*share/100+rapid.IntRange(0, 3).Draw(t, "more"))}
		})
	}
	a, b := count(rapid.IntRange(0, 60).Draw(t, "share of A")), count(rapid.IntRange(0, 60).Draw(t, "share of B"))
	var all []experiment.Row
	for i := range rapid.IntRange(0, 40).Draw(t, "days") {
		all = append(all, experiment.Row{Day: i, A: a.Draw(t, "a"), B: b.Draw(t, "b")})
	}
	return all
}

func drawnExperiment(t *rapid.T) experiment.Experiment {
	e := started(t)
	e.Difference = rapid.Float64Range(experiment.LeastDifference, experiment.MostDifference).Draw(t, "difference")
	e.Expected.Conversion = rapid.Float64Range(0.01, 0.9).Draw(t, "expected")
	return e
}

func TestSwappingTheArmsSwapsTheVerdict(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, seen := drawnExperiment(t), drawnRows(t)
		at := after(rapid.Float64Range(0, 60).Draw(t, "at"))
		j := experiment.Judge(e, seen, at)
		swapped := e
		swapped.ArmA, swapped.ArmB = e.ArmB, e.ArmA
		for i, r := range seen {
			seen[i].A, seen[i].B = r.B, r.A
		}
		other := experiment.Judge(swapped, seen, at)
		verdicts := map[experiment.Verdict]experiment.Verdict{experiment.ABetter: experiment.BBetter, experiment.BBetter: experiment.ABetter}
		want := other.Verdict
		if v, ok := verdicts[other.Verdict]; ok {
			want = v
		}
		require.Equal(t, want, j.Verdict)
		require.Equal(t, other.Since, j.Since)
		require.Equal(t, other.A, j.B)
		require.Equal(t, other.B, j.A)
		require.Equal(t, experiment.Interval{
			Estimate: 0 - j.Difference.Estimate, Low: 0 - j.Difference.High, High: 0 - j.Difference.Low,
		}, other.Difference)
		require.Equal(t, other.EvidenceA, j.EvidenceB) //nolint:testifylint // the same to the last bit
		require.Equal(t, other.MoreDays, j.MoreDays)
	})
}

func TestOrderAndSplitsOfRowsChangeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, seen := drawnExperiment(t), drawnRows(t)
		at := after(rapid.Float64Range(0, 60).Draw(t, "at"))
		split := []experiment.Row{}
		for _, r := range seen {
			dealt := rapid.IntRange(0, r.A.Dealt).Draw(t, "dealt in the first part")
			first := experiment.Count{Dealt: dealt, Converted: min(dealt, r.A.Converted)}
			rest := experiment.Count{Dealt: r.A.Dealt - dealt, Converted: r.A.Converted - first.Converted}
			split = append(split, experiment.Row{Day: r.Day, A: first}, experiment.Row{Day: r.Day, A: rest, B: r.B})
		}
		want, err := json.Marshal(experiment.Judge(e, seen, at))
		require.NoError(t, err)
		split = rapid.Permutation(split).Draw(t, "order")
		given := slices.Clone(split)
		got, err := json.Marshal(experiment.Judge(e, split, at))
		require.NoError(t, err)
		require.Equal(t, string(want), string(got), "a replay is the same to the byte")
		require.Equal(t, given, split, "the caller's rows stay as they are")
	})
}

func TestOneMoreConversionNeverSpeaksAgainstItsArm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, seen := drawnExperiment(t), drawnRows(t)
		before := experiment.Judge(e, seen, after(60))
		if len(seen) == 0 {
			return
		}
		r := &seen[rapid.IntRange(0, len(seen)-1).Draw(t, "day")]
		if r.A.Converted == r.A.Dealt {
			return
		}
		r.A.Converted++
		more := experiment.Judge(e, seen, after(60))
		require.GreaterOrEqual(t, more.EvidenceA, before.EvidenceA)
		require.LessOrEqual(t, more.EvidenceB, before.EvidenceB)
	})
}

func TestAVerdictStaysAndTheIntervalOnlyNarrows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, seen := drawnExperiment(t), drawnRows(t)
		points := experiment.Series(e, seen, after(60))
		require.Len(t, points, len(seen))
		last := experiment.Point{Verdict: experiment.NotYet, Difference: experiment.Interval{Low: -1, High: 1}}
		for _, p := range points {
			j := experiment.Judge(e, seen, p.At)
			want := experiment.Point{Day: e.DayOf(p.At), At: p.At, Difference: j.Difference, Verdict: j.Verdict}
			require.Equal(t, want, p, "a look and the series agree")
			if p.Verdict != experiment.Changing {
				require.GreaterOrEqual(t, p.Difference.Low, last.Difference.Low)
				require.LessOrEqual(t, p.Difference.High, last.Difference.High)
				require.LessOrEqual(t, p.Difference.Low, p.Difference.High)
			}
			if last.Verdict != experiment.NotYet && p.Verdict != experiment.Changing {
				require.Equal(t, last.Verdict, p.Verdict)
			}
			last = p
		}
	})
}

func TestAVerdictIsWhatTheIntervalSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, seen := drawnExperiment(t), drawnRows(t)
		j := experiment.Judge(e, seen, after(60))
		d := j.Difference
		switch j.Verdict {
		case experiment.ABetter:
			require.GreaterOrEqual(t, d.Low, 0.0)
			require.GreaterOrEqual(t, j.EvidenceA, 40-1e-9)
		case experiment.BBetter:
			require.LessOrEqual(t, d.High, 0.0)
			require.GreaterOrEqual(t, j.EvidenceB, 40-1e-9)
		case experiment.NoDifference:
			require.LessOrEqual(t, math.Max(d.High, -d.Low), e.Difference+1e-6)
		case experiment.NotYet:
			require.Less(t, d.Low, 0.0)
			require.Greater(t, d.High, 0.0)
			require.Greater(t, math.Max(d.High, -d.Low), e.Difference-1e-6)
		case experiment.Changing:
		}
	})
}
