package lanes_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/lanes"
)

// The first to come goes first, and who is urgent before all who are not.
func TestUrgentWorkGoesBeforeWhatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lanes.New(1, 10)
		leave, err := l.Enter(t.Context())
		require.NoError(t, err)
		var order []string
		enter := func(ctx context.Context, name string) {
			go func() {
				leave, err := l.Enter(ctx)
				if err == nil {
					order = append(order, name)
					leave()
				}
			}()
			synctest.Wait()
		}
		enter(t.Context(), "first")
		enter(t.Context(), "second")
		enter(lanes.Urgent(t.Context()), "stop")
		enter(lanes.Urgent(t.Context()), "stop too")
		leave()
		synctest.Wait()
		require.Equal(t, []string{"stop", "stop too", "first", "second"}, order)
	})
}

// Callers that give up lose no turn, even if it has just come.
func TestWhoGivesUpTakesNoTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			l := lanes.New(1, 10)
			leave, err := l.Enter(t.Context())
			require.NoError(t, err)
			ctx, giveUp := context.WithCancel(t.Context())
			go func() {
				if leave, err := l.Enter(ctx); err == nil {
					leave()
				}
			}()
			synctest.Wait()
			go leave()
			giveUp()
			synctest.Wait()
			again, err := l.Enter(t.Context())
			require.NoError(t, err)
			again()
		}
	})
}

func TestNoMoreWaitThanMay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lanes.New(1, 1)
		leave, err := l.Enter(t.Context())
		require.NoError(t, err)
		go func() {
			if leave, err := l.Enter(t.Context()); err == nil {
				leave()
			}
		}()
		synctest.Wait()
		_, err = l.Enter(t.Context())
		require.ErrorIs(t, err, lanes.ErrFull)
		ended, end := context.WithCancel(t.Context())
		end()
		_, err = l.Enter(ended)
		require.ErrorIs(t, err, context.Canceled)
		leave()
		synctest.Wait()
	})
}
