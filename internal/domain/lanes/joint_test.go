package lanes_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/lanes"
)

// However many ask while something is being done, it is done once more for all of them.
func TestWhoAsksMeanwhileSharesTheNextTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j lanes.Joint
		times, underWay := 0, 0
		fn := func(context.Context) error {
			times++
			underWay++
			defer func() { underWay-- }()
			require.Equal(t, 1, underWay)
			time.Sleep(time.Second) //nolint:forbidigo // in a bubble
			return nil
		}
		began := time.Now()
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond) //nolint:forbidigo // in a bubble
				asked := time.Now()
				require.NoError(t, j.Do(t.Context(), fn))
				require.GreaterOrEqual(t, time.Since(asked), time.Second, "it began after it was asked for")
			})
		}
		all.Wait()
		require.Equal(t, 2, times)
		require.Equal(t, 2*time.Second, time.Since(began))
		require.NoError(t, j.Do(t.Context(), fn))
		require.Equal(t, 3, times)
	})
}

// What goes wrong does so for who shared it; who gives up waits no longer, and holds up nobody.
func TestWhatIsDoneTogetherFailsForItsOwnAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j lanes.Joint
		unavailable := errors.New("away")
		slowly := func(err error) func(context.Context) error {
			return func(context.Context) error {
				time.Sleep(time.Second) //nolint:forbidigo // in a bubble
				return err
			}
		}
		var failed, gaveUp error
		go func() { failed = j.Do(t.Context(), slowly(unavailable)) }()
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		go func() { gaveUp = j.Do(impatient, slowly(nil)) }()
		synctest.Wait()
		require.ErrorIs(t, j.Do(t.Context(), slowly(nil)), context.DeadlineExceeded, "it shares the first one's")
		require.NoError(t, j.Do(t.Context(), slowly(nil)))
		synctest.Wait()
		require.ErrorIs(t, failed, unavailable)
		require.ErrorIs(t, gaveUp, context.DeadlineExceeded)
	})
}
