package main

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// A part that does not answer says nothing of another, whatever time it takes.
func TestEachPartIsAskedWithinItsOwnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		answers := func(ctx context.Context) error { return ctx.Err() }
		for name, other := range map[string]string{"mongodb": "temporal", "temporal": "mongodb"} {
			got, well := askParts(t.Context(), map[string]func(context.Context) error{name: hangs, other: answers})
			require.False(t, well)
			require.Equal(t, map[string]string{name: "away", other: "ok"}, got)
		}
		got, well := askParts(t.Context(), map[string]func(context.Context) error{"mongodb": answers, "temporal": answers})
		require.True(t, well)
		require.Equal(t, map[string]string{"mongodb": "ok", "temporal": "ok"}, got)
	})
}
