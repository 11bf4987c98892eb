package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestSuppressionCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, "No vendor is like that.\n", w.run(t, "suppression", "list").out)
	for _, id := range []string{"v-1", "v-2"} {
		require.Zero(t, w.run(t, "vendor", "register", "--id", id, "--email", id+"@example.com", "--name", "Shop").code)
	}
	past := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	_, _, err := w.Suppress(t.Context(), "v-1", trial.Suppression{
		Reason: trial.ReasonSuppressedAddress, At: past, SentAt: past, Cause: trial.CauseBounce, AddressHash: trial.AddressHash("v-1@example.com"),
	})
	require.NoError(t, err)
	_, _, err = w.Suppress(t.Context(), "v-2", trial.Suppression{Reason: trial.ReasonUnsubscribed, At: past.Add(time.Hour)})
	require.NoError(t, err)
	listed := w.run(t, "suppression", "list", "--limit", "1")
	require.Zero(t, listed.code, listed.err)
	require.Regexp(t, `^VENDOR +STOPPED BY +SINCE +CAN BE LIFTED\nv-2 +unsubscribed +2026-03-01 10:00:00 UTC, .* +no\n\nThere may be more: --cursor v-2\n$`, listed.out)
	require.Regexp(t, `\nv-1 +bounced +.* +yes\n$`, w.run(t, "suppression", "list", "--cursor", "v-2").out)
	require.NotContains(t, w.run(t, "suppression", "list", "--cause", "bounce", "--json").out, "v-2")
	require.NotZero(t, w.run(t, "suppression", "list", "--cause", "odd").code)

	refused := w.run(t, "suppression", "lift", "v-2", "--reason", "Asked by support")
	require.NotZero(t, refused.code)
	require.Contains(t, refused.err, "the vendor has unsubscribed: only the vendor takes that back")
	lifted := w.run(t, "suppression", "lift", "v-1", "--reason", "The mailbox was full", "--idempotency-key", "k-1")
	require.Zero(t, lifted.code, lifted.err)
	require.Contains(t, lifted.out, "Nothing stops e-mail to v-1: lifted ")
	require.Contains(t, lifted.out, "aws sesv2 delete-suppressed-destination")
	require.NotContains(t, w.run(t, "suppression", "list").out, "v-1")
}
