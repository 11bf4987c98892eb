package evidence_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/evidence"
)

func TestKaplanMeier(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		lifetimes []evidence.Lifetime
		want      evidence.Curve
	}{
		{"nobody", nil, nil},
		{"nobody converted", []evidence.Lifetime{{Age: 3}, {Age: 9}}, nil},
		{
			// Six at risk at age 1, four at age 3, one at age 5: S is 5/6, 5/6·2/4, 0.
			"by hand", []evidence.Lifetime{
				{Age: 5, Converted: true}, {Age: 1, Converted: true}, {Age: 2},
				{Age: 3, Converted: true}, {Age: 4}, {Age: 3, Converted: true},
			},
			evidence.Curve{{Age: 1, Share: 1.0 / 6}, {Age: 3, Share: 7.0 / 12}, {Age: 5, Share: 1}},
		},
		{
			// Who leaves at an age was at risk at it: S is 2/3, then 2/3·1/2; its end is scaled to 1.
			"leaving at the same age", []evidence.Lifetime{{Age: 2}, {Age: 2, Converted: true}, {Age: 2}},
			evidence.Curve{{Age: 2, Share: 1}},
		},
		{
			"scaled", []evidence.Lifetime{{Age: 1, Converted: true}, {Age: 2, Converted: true}, {Age: 9}, {Age: 9}},
			evidence.Curve{{Age: 1, Share: 0.5}, {Age: 2, Share: 1}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := evidence.KaplanMeier(tt.lifetimes)
			require.Len(t, got, len(tt.want))
			for i, p := range tt.want {
				require.InDelta(t, p.Age, got[i].Age, 1e-12)
				require.InDelta(t, p.Share, got[i].Share, 1e-12)
			}
		})
	}
}

func TestCurveAt(t *testing.T) {
	t.Parallel()
	curve := evidence.Curve{{Age: 1, Share: 0.2}, {Age: 3, Share: 0.7}, {Age: 5, Share: 1}}
	tests := []struct {
		name  string
		curve evidence.Curve
		age   float64
		want  float64
	}{
		{"no curve", nil, 100, 0},
		{"before the first point", curve, 0.99, 0},
		{"before birth", curve, -1, 0},
		{"on a point", curve, 1, 0.2},
		{"between two", curve, 2.99, 0.2},
		{"on the last", curve, 5, 1},
		{"beyond it", curve, 50, 1},
		{"matured, not yet", evidence.Matured(17), 16.99, 0},
		{"matured", evidence.Matured(17), 17, 1},
		{"later, not yet", curve.Shifted(2), 2.99, 0},
		{"later", curve.Shifted(2), 3, 0.2},
	}
	for _, tt := range tests {
		require.InDelta(t, tt.want, tt.curve.At(tt.age), 1e-12, tt.name)
	}
	require.InDelta(t, 1, curve[0].Age, 0, "shifting leaves the curve as it was")
}

func TestMaturedConversionsAreWeighedAsWhatTheyAre(t *testing.T) {
	t.Parallel()
	null := evidence.Null{Limit: 0.1, Side: evidence.TooLow}
	rapid.Check(t, func(t *rapid.T) {
		admitted := rapid.IntRange(0, 200).Draw(t, "admitted")
		converted := rapid.IntRange(0, admitted).Draw(t, "converted")
		young := rapid.IntRange(0, 50).Draw(t, "young")
		e := newEvidence(null)
		e.ObserveMany(1, converted)
		e.ObserveMany(0, admitted-converted)
		days := []evidence.AdmissionDay{
			{Day: 0, Admitted: admitted, Converted: converted},
			// Whoever is too young is not weighed, converted or not.
			{Day: 1, Admitted: 50, Converted: young},
		}
		require.InDelta(t, e.Log(1), evidence.ConversionSums(null, evidence.Matured(17), days, 18).Log(), near)
		require.Zero(t, evidence.ConversionSums(null, evidence.Matured(17), days, 17.99))
	})
}

func TestALaterCurveNeverGivesMoreEvidence(t *testing.T) {
	t.Parallel()
	null := evidence.Null{Limit: 0.1, Side: evidence.TooLow}
	curve := evidence.Curve{{Age: 0, Share: 0.1}, {Age: 5, Share: 0.5}, {Age: 10, Share: 1}}
	rapid.Check(t, func(t *rapid.T) {
		days := []evidence.AdmissionDay{{Day: 0, Admitted: rapid.IntRange(0, 300).Draw(t, "admitted")}}
		today := rapid.Float64Range(0, 30).Draw(t, "today")
		now := evidence.ConversionSums(null, curve, days, today).Log()
		require.LessOrEqual(t, evidence.ConversionSums(null, curve.Shifted(3), days, today).Log(), now+1e-12)
	})
}
