package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
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

func TestACurveIsLearnedFromFiftyConversions(t *testing.T) {
	t.Parallel()
	few := inDays.WithConversionCurve(former(49, 400, 0.1))
	require.Empty(t, few.Curve)
	require.Equal(t, &evidence.History{Trials: 449, Converted: 49}, few.History)
	require.Equal(t, "A trial counts for conversion once it and its grace are over, after 17 days: to know at which age vendors convert "+
		"takes 50 conversions from before the rollout, and there are 49, of 449 trials.", few.Explanation())

	enough := inDays.WithConversionCurve(former(50, 400, 0.1))
	require.Equal(t, &evidence.History{Trials: 450, Converted: 50, Later: 4.25}, enough.History)
	require.InDelta(t, 0, enough.Curve.At(4.1), 1e-12)
	require.InDelta(t, 1, enough.Curve.At(4.25+4.92), 1e-12, "all had come after 4.9 days")
	require.Equal(t, "A trial counts for conversion from 4.3 days on. The ages come from 50 conversions of 450 trials before the rollout, "+
		"shifted by 4.2 days to be safe.", enough.Explanation())
	require.Equal(t, "A trial counts for conversion once it and its grace are over, after 17 days.", inDays.Explanation())

	e := rollout.Begin(rollout.Start{ID: "r", Plan: rollout.DefaultPlan(), By: "admin", Times: enough}, noon)
	require.Equal(t, "started with plan default. "+enough.Explanation(), e.Reason)
	require.Equal(t, enough, rollout.Fold([]rollout.Event{e}).Times)
	require.Equal(t, enough.Explanation(), rollout.ViewOf(rollout.Fold([]rollout.Event{e}), nil, noon).Conversion)
}

// With a curve, what conversions say is known sooner.
func TestACurveGivesAVerdictSooner(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.position = inPhase(1, 1, 0)
	var admitted []rollout.Outcome
	for i := range 60 {
		id := string(rune('a'+i/26)) + string(rune('a'+i%26))
		admitted = append(admitted, rollout.Outcome{Kind: rollout.Admitted, VendorID: id, Key: id, At: noon})
	}
	b.take(time.Hour, rollout.Calls{}, admitted...)
	times := inDays.WithConversionCurve(former(100, 400, 0.05)) // all within five days
	judged := func(after time.Duration) rollout.TriggerResult {
		b.take(noon.Add(after).Sub(b.now), rollout.Calls{})
		return alarmOf(t, rollout.Judge(b.plan, times, b.ledger, b.taken[len(b.taken)-1]), rollout.TriggerConversion)
	}
	young := judged(3 * day)
	require.False(t, young.Firing)
	require.Equal(t, &evidence.Weighed{}, young.Weighed)
	require.NotNil(t, young.DecidableFrom)
	require.Contains(t, young.Reason, "no verdict is possible before "+young.DecidableFrom.UTC().Format("2 January 2006 15:04 UTC"))
	require.Less(t, young.DecidableFrom.Sub(noon), 11*day)

	before := judged(young.DecidableFrom.Sub(noon) - time.Minute)
	require.False(t, before.Firing)
	require.Equal(t, 60, before.Weighed.Vendors)
	require.Less(t, before.Weighed.Full, 60.0)
	require.True(t, before.Undecidable(), "however many count")
	then := judged(young.DecidableFrom.Sub(noon) + time.Minute)
	require.True(t, then.Firing)
	require.Nil(t, then.DecidableFrom)
	require.Zero(t, then.Seen, "no trial has ended")
	require.Contains(t, then.Reason, "no data yet; with younger trials, weighed by the ages of earlier conversions, 0 of 60 converted, which is worth")
}
