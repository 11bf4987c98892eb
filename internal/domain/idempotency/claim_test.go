package idempotency_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/idempotency"
)

func TestAFingerprintIsOfOneRequest(t *testing.T) {
	t.Parallel()
	of := func(operation, subject string, body any) string {
		text, err := idempotency.Fingerprint(operation, subject, body)
		require.NoError(t, err)
		return text
	}
	type body struct {
		Percentage float64 `json:"percentage"`
	}
	first := of("rollBack", "rollouts/r1", body{25})
	require.Equal(t, first, of("rollBack", "rollouts/r1", body{25}))
	require.Equal(t, first, of("rollBack", "rollouts/r1", map[string]any{"percentage": 25}))
	for _, other := range []string{
		of("rollBack", "rollouts/r1", body{0}), of("pause", "rollouts/r1", body{25}), of("rollBack", "rollouts/r2", body{25}),
		of("rollBackrollouts/r1", "", body{25}), of("rollBack", "rollouts/r1", nil),
	} {
		require.NotEqual(t, first, other)
	}
	_, err := idempotency.Fingerprint("a", "b", math.NaN())
	require.Error(t, err)
}

func TestWhatAKeyMakesHasOneID(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	c := idempotency.Claim{At: at}
	require.Equal(t, "bulk-20260310-120000-ca786f1e", c.ID("bulk", "k 1", 4))
	require.NotEqual(t, c.ID("bulk", "k", 3), c.ID("bulk", "l", 3), "two in the same second")
}
