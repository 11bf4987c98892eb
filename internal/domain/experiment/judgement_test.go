package experiment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/experiment"
)

// rows are so many days of 15 vendors an arm, of whom so many convert.
func rows(days, convertedA, convertedB int) []experiment.Row {
	all := make([]experiment.Row, days)
	for i := range all {
		all[i] = experiment.Row{Day: i, A: experiment.Count{Dealt: 15, Converted: convertedA}, B: experiment.Count{Dealt: 15, Converted: convertedB}}
	}
	return all
}

func after(days float64) time.Time { return began.Add(time.Duration(days * float64(day))) }

func TestBeforeAnybodyIsRipe(t *testing.T) {
	t.Parallel()
	e := started(t)
	for _, seen := range [][]experiment.Row{nil, rows(5, 15, 0)} {
		j := experiment.Judge(e, seen, after(17.9))
		require.Equal(t, experiment.NotYet, j.Verdict)
		require.Nil(t, j.Since)
		require.Equal(t, experiment.Interval{Low: -1, High: 1}, j.Difference)
		require.InDelta(t, 1, j.EvidenceA, 1e-9)
		require.InDelta(t, 1, j.EvidenceB, 1e-9)
		require.Equal(t, experiment.Figures{Policy: "standard-14d", Dealt: 15 * len(seen), High: 1}, j.A)
		require.Empty(t, experiment.Series(e, seen, after(17.9)))
	}
	j := experiment.Judge(e, nil, began)
	require.Equal(t, "Not yet. About 64 more days at this rate.", j.Sentence(e))
}

func TestABetterArmIsNamedOnceItsVendorsAreRipe(t *testing.T) {
	t.Parallel()
	e, seen := started(t), rows(60, 3, 1)
	before := experiment.Judge(e, seen, after(25.9))
	require.Equal(t, experiment.NotYet, before.Verdict)
	require.Equal(t, 120, before.A.Ripe)
	require.Equal(t, 24, before.A.Converted)
	require.Equal(t, 8, before.B.Converted)
	require.NotNil(t, before.MoreDays)
	require.Equal(t, "Not yet. About 1 more day at this rate.", before.Sentence(e))

	j := experiment.Judge(e, seen, after(26))
	require.Equal(t, experiment.ABetter, j.Verdict)
	require.Equal(t, after(26), *j.Since)
	require.GreaterOrEqual(t, j.EvidenceA, 40.0)
	require.Less(t, j.EvidenceB, 1.1)
	require.Nil(t, j.MoreDays)
	require.Equal(t, "A (standard-14d) is better, at the level of 1 in 20: it converts 20 % of 135 vendors, B (long-30d) 6.7 % of 135 vendors. "+
		"The difference is 0.8 to 26.5 points.", j.Sentence(e))
	later := experiment.Judge(e, seen, after(60))
	require.Equal(t, j.Since, later.Since)
	require.Greater(t, later.Difference.Low, 0.04)

	j = experiment.Judge(e, rows(60, 1, 3), after(60))
	require.Equal(t, experiment.BBetter, j.Verdict)
	require.Equal(t, "B (long-30d) is better, at the level of 1 in 20: it converts 20 % of 645 vendors, A (standard-14d) 6.7 % of 645 vendors. "+
		"The difference is 7.7 to 19.3 points.", j.Sentence(e))
}

func TestNoDifferenceIsLeft(t *testing.T) {
	t.Parallel()
	e := started(t)
	j := experiment.Judge(e, rows(120, 2, 2), after(120))
	require.Equal(t, experiment.NoDifference, j.Verdict)
	require.GreaterOrEqual(t, j.Difference.Low, -0.05)
	require.LessOrEqual(t, j.Difference.High, 0.05)
	require.Equal(t, "No difference larger than 5.0 points is left, at the level of 1 in 20: A (standard-14d) converts 13 % of 1545 vendors, "+
		"B (long-30d) 13 % of 1545 vendors.", j.Sentence(e))
}

func TestADifferenceThatTurnsNamesNobody(t *testing.T) {
	t.Parallel()
	e := started(t)
	seen := rows(200, 3, 1)
	for i := 40; i < len(seen); i++ {
		seen[i].A, seen[i].B = seen[i].B, seen[i].A
	}
	require.Equal(t, experiment.ABetter, experiment.Judge(e, seen, after(57)).Verdict)
	j := experiment.Judge(e, seen, after(200))
	require.Equal(t, experiment.Changing, j.Verdict)
	require.Contains(t, j.Sentence(e), "will not name a winner")
	for _, at := range []time.Time{*j.Since, after(200)} {
		j = experiment.Judge(e, seen, at)
		together := experiment.Row{
			A: experiment.Count{Dealt: j.A.Ripe, Converted: j.A.Converted}, B: experiment.Count{Dealt: j.B.Ripe, Converted: j.B.Converted},
		}
		require.Equal(t, experiment.Judge(e, []experiment.Row{together}, at).Difference, j.Difference, "that of all vendors together")
	}
}

func TestTheDaysMissingEndWithTheVerdict(t *testing.T) {
	t.Parallel()
	e := started(t)
	for what, share := range map[string][2]int{"a winner": {3, 1}, "no difference": {2, 2}} {
		seen := rows(experiment.MaxDays, share[0], share[1])
		final := experiment.Judge(e, seen, after(300))
		decided := final.Since.Sub(began).Hours() / 24
		for today := decided - 5; today < decided; today += 2.5 {
			j := experiment.Judge(e, seen[:int(today)], after(today))
			require.Equal(t, experiment.NotYet, j.Verdict)
			require.NotNil(t, j.MoreDays, what)
			require.InDelta(t, decided-today, *j.MoreDays, 4, "%s, %v days before", what, decided-today)
		}
	}
}

func TestADealThatHasEndedMayBeTooSmall(t *testing.T) {
	t.Parallel()
	e := started(t)
	e, err := e.EndDealing(experiment.ByRollback, "rollout", "", after(10))
	require.NoError(t, err)
	j := experiment.Judge(e, rows(10, 2, 1), after(12))
	require.Nil(t, j.MoreDays)
	require.Equal(t, "Not yet, and hardly with the vendors dealt: no more come, and those whose trials still run are too few.", j.Sentence(e))
	j = experiment.Judge(e, rows(10, 3, 0), after(19.5))
	require.Equal(t, experiment.NotYet, j.Verdict)
	require.NotNil(t, j.MoreDays)
	require.LessOrEqual(t, *j.MoreDays, 8, "until the last ones are ripe")
}

func TestAMillionVendors(t *testing.T) {
	t.Parallel()
	e := started(t)
	all := make([]experiment.Row, experiment.MaxDays)
	for i := range all {
		all[i] = experiment.Row{Day: i, A: experiment.Count{Dealt: 1250, Converted: 125}, B: experiment.Count{Dealt: 1250, Converted: 120}}
	}
	j := experiment.Judge(e, all, after(500))
	require.Equal(t, 500_000, j.A.Ripe)
	require.Less(t, j.Difference.Low, 0.004)
	require.Greater(t, j.Difference.High, 0.004)
	require.Less(t, j.Difference.High-j.Difference.Low, 0.02)
	require.Len(t, experiment.Series(e, all, after(500)), experiment.MaxDays)
}
