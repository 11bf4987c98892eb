package evidence_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/evidence"
)

// former are trials from before that were seen whole: so many converted, each a
// step older than the one before, and the others did not.
func former(converted, others int, step float64) []evidence.Lifetime {
	var lifetimes []evidence.Lifetime
	for i := range converted {
		lifetimes = append(lifetimes, evidence.Lifetime{Age: step * float64(i), Converted: true, Whole: true})
	}
	for range others {
		lifetimes = append(lifetimes, evidence.Lifetime{Age: 17, Whole: true})
	}
	return lifetimes
}

// A marketplace that opened a week ago knows early conversions only: its curve
// would be early, which is unsafe.
func TestYoungTrialsDoNotMakeACurve(t *testing.T) {
	t.Parallel()
	lifetimes := former(80, 400, 0.05)
	for i := range lifetimes {
		lifetimes[i].Whole = i >= 49 // of the conversions 31 were seen whole
	}
	times := inDays.WithConversionCurve(lifetimes)
	require.Empty(t, times.Curve)
	require.Equal(t, 31, times.History.Converted)
}

func TestATrialThatIsOverCountsWhole(t *testing.T) {
	t.Parallel()
	late := inDays.WithConversionCurve(former(50, 400, 0.33)) // the last after 16.17 days
	require.InDelta(t, 1, late.Curve.At(17), 1e-12)
	require.Less(t, late.Curve.At(16.99), 0.9)
	// Where extended trials converted after that, they say how late.
	extended := inDays.WithConversionCurve(former(50, 400, 0.5)) // the last after 24.5 days
	require.Less(t, extended.Curve.At(17), 0.6)
	require.InDelta(t, 1, extended.Curve.At(28.75), 1e-12)
	require.LessOrEqual(t, evidence.Times{TrialDays: 2}.WithConversionCurve(former(50, 0, 0.01)).Curve[0].Age, 1.1, "later by a day at the least")
	require.GreaterOrEqual(t, evidence.Times{TrialDays: 2}.WithConversionCurve(former(50, 0, 0.01)).Curve[0].Age, 1.0)
}

// A learned curve is small, rises to 1, and comes nowhere before what was seen.
func TestALearnedCurveIsNeverEarly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(50, 300).Draw(t, "converted")
		var lifetimes []evidence.Lifetime
		for range n {
			lifetimes = append(lifetimes, evidence.Lifetime{Age: rapid.Float64Range(0, 17).Draw(t, "age"), Converted: true, Whole: true})
		}
		for range rapid.IntRange(0, 50).Draw(t, "others") {
			lifetimes = append(lifetimes, evidence.Lifetime{Age: rapid.Float64Range(0, 17).Draw(t, "watched")})
		}
		all := evidence.KaplanMeier(lifetimes)
		curve := inDays.WithConversionCurve(lifetimes).Curve
		require.LessOrEqual(t, len(curve), 40)
		require.InDelta(t, 1, curve[len(curve)-1].Share, 1e-12)
		for i, p := range curve {
			require.True(t, i == 0 || p.Age > curve[i-1].Age && p.Share >= curve[i-1].Share)
			if p.Age < 17 {
				require.LessOrEqual(t, p.Share, all.At(p.Age-4.25)+1e-12)
			}
		}
	})
}
