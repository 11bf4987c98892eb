package rollout_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/rollout"
)

// What is dealt into parts and added up again is the same, whatever the number of parts and their order.
func TestOpenEvidenceIsDealtAndAddedUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.MapOf(rapid.StringN(1, 20, -1), rapid.Bool())
		days := rapid.MapOf(rapid.String(), rapid.Custom(func(t *rapid.T) rollout.VendorDay {
			return rollout.VendorDay{Seen: rapid.IntRange(1, 9).Draw(t, "seen")}
		}))
		times := rapid.MapOf(rapid.String(), rapid.Just(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)))
		counts := rapid.MapOf(rapid.String(), rapid.Int())
		all := rollout.OpenEvidence{
			EmailVendors: keys.Draw(t, "emailVendors"), StepVendors: keys.Draw(t, "stepVendors"),
			EmailDays: days.Draw(t, "emailDays"), StepDays: days.Draw(t, "stepDays"),
			Awaited: times.Draw(t, "awaited"), Settled: times.Draw(t, "settled"), Delivered: times.Draw(t, "delivered"),
			DayOf: counts.Draw(t, "dayOf"), LeftOut: counts.Draw(t, "leftOut"),
		}
		if len(all.LeftOut) == 0 {
			all.LeftOut = nil
		}
		parts := all.Deal(rapid.IntRange(1, 64).Draw(t, "parts"))
		sum, entries := rollout.NewOpenEvidence(), 0
		for _, part := range rapid.Permutation(parts).Draw(t, "order") {
			sum.Add(part)
			entries += part.Len()
		}
		require.Equal(t, all, sum)
		require.Equal(t, all.Len(), entries)
	})
}

// A part holds no more than so many entries, and there are seldom more parts or fewer.
func TestPartsAreBoundedAndSeldomChange(t *testing.T) {
	t.Parallel()
	parts, changes := 1, 0
	for entries := range 1_000_000 {
		next := rollout.Parts(entries, parts)
		if next != parts {
			changes++
		}
		parts = next
		require.LessOrEqual(t, entries, 1000*parts)
	}
	require.Equal(t, 10, changes, "they double")
	for _, entries := range []int{1_000_000, 999_000, 1_000_000, 140_000} {
		require.Equal(t, parts, rollout.Parts(entries, parts), fmt.Sprint(entries))
	}
	require.Equal(t, 1, rollout.Parts(0, parts))
}
