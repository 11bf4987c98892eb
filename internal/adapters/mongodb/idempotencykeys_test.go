package mongodb

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/idempotency"
)

func TestAKeyStandsForTheRequestThatFirstUsedIt(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	first, other := idempotency.Claim{Request: "a", At: at}, idempotency.Claim{Request: "b", At: at.Add(time.Hour)}
	claim := func(c idempotency.Claim, want idempotency.Claim, wantMine bool) {
		t.Helper()
		kept, mine, err := s.ClaimKey(t.Context(), "k/1 $.", c)
		require.NoError(t, err)
		require.Equal(t, want, kept)
		require.Equal(t, wantMine, mine)
	}
	settle := func(c idempotency.Claim, done bool) {
		t.Helper()
		require.NoError(t, s.SettleKey(t.Context(), "k/1 $.", c, done))
	}
	claim(first, first, true)
	claim(other, first, false)
	settle(other, false)
	settle(other, true)
	claim(other, first, false)
	settle(first, false)
	claim(other, other, true) // the first was refused, and its key is free
	settle(other, true)
	other.Done = true
	settle(other, false)
	claim(first, other, false)
	kept, mine, err := s.ClaimKey(t.Context(), "k/2", first)
	require.NoError(t, err)
	require.True(t, mine)
	require.Equal(t, first, kept)
}
