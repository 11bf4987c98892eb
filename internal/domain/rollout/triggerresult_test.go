package rollout_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
)

func TestTheVerdictOnATrigger(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of                     rollout.Trigger
		limit, beyond          float64
		seen, tooFew, shownFor int
	}{
		{rollout.TriggerEmail, 0.90, 0.89, 1, 0, 20},
		{rollout.TriggerErrors, 0.20, 0.21, 1, 0, 10},
		{rollout.TriggerAPI, 0.20, 0.21, 1, 0, 10},
		{rollout.TriggerPerformance, 0.05, 0.06, 100, 99, 100},
		{rollout.TriggerConversion, 0.10, 0.09, 43, 42, 30},
	} {
		result := func(estimate float64, seen int, fires bool) (rollout.Verdict, string) {
			return rollout.TriggerResult{Trigger: c.of, Limit: c.limit, Estimate: estimate, Seen: seen, Firing: fires, Reason: "so it is"}.Verdict()
		}
		check := func(want rollout.Verdict, reason string, got rollout.Verdict, says string) {
			require.Equal(t, want, got, c.of)
			require.Equal(t, reason, says, c.of)
		}
		v, reason := result(c.limit, c.seen, false)
		check(rollout.Pass, "so it is", v, reason)
		v, reason = result(c.beyond, c.seen, false)
		check(rollout.Insufficient, "so it is; this may still be chance", v, reason)
		v, reason = result(c.beyond, c.tooFew, false)
		check(rollout.Insufficient, "so it is", v, reason)
		v, reason = result(c.beyond, c.tooFew, true)
		check(rollout.Fail, "so it is", v, reason)
		require.Equal(t, c.shownFor, rollout.TriggerResult{Trigger: c.of}.LeastToCompare(), c.of)
	}
}
