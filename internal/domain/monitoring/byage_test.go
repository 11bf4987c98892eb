package monitoring_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// By hand: of 15 one converts on its first day, and two on their third; only the ten that began on day 20,560 are older than
// three days, eight of them have not converted, and one does on its sixth. Those are 13 days old at the most.
func TestConversionByAgeByHand(t *testing.T) {
	t.Parallel()
	a, c := trial.Automated, trial.Control
	ages := report(monitoring.Tally{
		counter("day/20560", a, monitoring.Began): 12, counter("day/20560", a, monitoring.BeganCancelled): 1, counter("day/20560", a, monitoring.BeganUntracked): 1,
		counter("day/20560", a, monitoring.ConvertedAtAge(2)): 2, counter("day/20560", a, monitoring.ConvertedAtAge(5)): 1,
		counter("day/20570", a, monitoring.Began): 5, counter("day/20570", a, monitoring.ConvertedAtAge(0)): 1,
		counter("day/20573", a, monitoring.Began): 40, // not a day old for sure
		counter("day/20550", c, monitoring.Began): 20, counter("day/20550", c, monitoring.ConvertedAtAge(3)): 8,
		counter("day/20525", c, monitoring.Began): 90, // too old
	}, rollout.Calls{}).ByAge
	require.Len(t, ages, 17)
	for days, want := range map[int]struct {
		share  float64
		trials int
	}{1: {1. / 15, 15}, 2: {1. / 15, 15}, 3: {.2, 15}, 4: {.2, 10}, 5: {.2, 10}, 6: {.3, 10}, 13: {.3, 10}, 14: {0, 0}, 17: {0, 0}} {
		got := ages[days-1]
		require.Equal(t, days, got.Days)
		require.InDelta(t, want.share, got.Automated.Share, 1e-12, "by day %d", days)
		require.Equal(t, want.trials, got.Automated.Trials, "by day %d", days)
		require.Equal(t, want.trials > 0, got.Difference != nil, "by day %d", days)
	}
	require.InDelta(t, .1078, ages[5].Automated.Low, 1e-4, "of ten, though eight were left to convert")
	require.InDelta(t, .6032, ages[5].Automated.High, 1e-4)
	require.Equal(t, 20, ages[16].Control.Trials)
	require.InDelta(t, .4, ages[16].Control.Share, 1e-12)
	require.InDelta(t, .2-.4, ages[3].Difference.Share, 1e-12)
	require.Negative(t, ages[3].Difference.Low)
	require.Positive(t, ages[3].Difference.High, "of so few it is not certain")
	require.Empty(t, report(nil, rollout.Calls{}).ByAge)
	alone := report(monitoring.Tally{counter("day/20560", a, monitoring.Began): 11}, rollout.Calls{}).ByAge
	require.Nil(t, alone[0].Difference, "there is nobody to compare with")
}

// Where all trials are old, it is the plain share of them.
func TestConversionByAgeOfOldTrialsIsTheirShare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tally := monitoring.Tally{}
		began, converted := 0, make([]int, 17)
		for _, day := range []string{"day/20530", "day/20541", "day/20555"} {
			n := 0
			for age := range 17 {
				k := rapid.IntRange(0, 3).Draw(t, "converted")
				tally[counter(day, trial.Control, monitoring.ConvertedAtAge(age))] = k
				converted[age] += k
				n += k
			}
			n += rapid.IntRange(1, 20).Draw(t, "others")
			tally[counter(day, trial.Control, monitoring.Began)] = n
			began += n
		}
		sum, ages := 0, report(tally, rollout.Calls{}).ByAge
		require.Len(t, ages, 17)
		for age, a := range ages {
			sum += converted[age]
			require.InDelta(t, float64(sum)/float64(began), a.Control.Share, 1e-9)
			require.Equal(t, began, a.Control.Trials)
			require.LessOrEqual(t, a.Control.Low, a.Control.Share+1e-9)
			require.GreaterOrEqual(t, a.Control.High, a.Control.Share-1e-9)
			require.Nil(t, a.Difference)
		}
	})
}
