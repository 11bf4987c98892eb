package harness_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/test/harness"
)

func TestUntilAsksUntilYesAnErrorOrTheLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, began := 0, time.Now()
		third := func() (bool, error) { asked++; return asked == 3, nil }
		require.NoError(t, harness.Until(t.Context(), time.Hour, time.Minute, third))
		require.Equal(t, 2*time.Minute, time.Since(began))

		broken := errors.New("broken")
		require.ErrorIs(t, harness.Until(t.Context(), time.Hour, time.Minute, func() (bool, error) { return false, broken }), broken)
		require.Equal(t, 2*time.Minute, time.Since(began), "an error is not asked about again")

		never := func() (bool, error) { return false, nil }
		require.ErrorIs(t, harness.Until(t.Context(), time.Hour, time.Minute, never), context.DeadlineExceeded)
		require.Equal(t, time.Hour+2*time.Minute, time.Since(began))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(90*time.Second, cancel)
		require.ErrorIs(t, harness.Until(ctx, time.Hour, time.Minute, never), context.Canceled)
	})
}
