package ses

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/stretchr/testify/require"
)

// account is an SES account as GetAccount tells it.
type account struct {
	mu    sync.Mutex
	quota types.SendQuota
	err   error
	asked int
}

func (a *account) GetAccount(context.Context, *sesv2.GetAccountInput, ...func(*sesv2.Options)) (*sesv2.GetAccountOutput, error) {
	time.Sleep(20 * time.Millisecond) //nolint:forbidigo // in a synctest bubble: an answer takes a while
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	quota := a.quota
	return &sesv2.GetAccountOutput{SendQuota: &quota}, a.err
}

func (a *account) set(quota types.SendQuota, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quota, a.err = quota, err
}

func newRate(t *testing.T, a *account, senders int) *Rate {
	t.Helper()
	r, err := NewRate(a, senders, nil)
	require.NoError(t, err)
	return r
}

// sendFor waits for turns one after another and counts those that came in time.
func sendFor(t *testing.T, r *Rate, d time.Duration) int {
	t.Helper()
	sent := 0
	for end := time.Now().Add(d); time.Now().Before(end); sent++ {
		require.NoError(t, r.Wait(t.Context(), time.Minute))
	}
	return sent
}

func TestTheRateIsTheAccountsSharedAmongSenders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &account{quota: types.SendQuota{MaxSendRate: 14, Max24HourSend: -1}}
		require.InDelta(t, 70, sendFor(t, newRate(t, a, 2), 10*time.Second), 2)
		require.InDelta(t, 140, sendFor(t, newRate(t, a, 1), 10*time.Second), 2)
	})
}

func TestConcurrentSendersOfOneProcessShareItsRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &account{quota: types.SendQuota{MaxSendRate: 10, Max24HourSend: -1}}
		r := newRate(t, a, 1)
		start := time.Now()
		var senders sync.WaitGroup
		for range 50 {
			senders.Go(func() { require.NoError(t, r.Wait(t.Context(), time.Minute)) })
		}
		senders.Wait()
		require.InDelta(t, 4.9, time.Since(start).Seconds(), 0.2)
		require.Equal(t, 1, a.asked)
	})
}

func TestWaitGivesUpAtOnceBeyondItsBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRate(t, &account{quota: types.SendQuota{MaxSendRate: 0.1, Max24HourSend: -1}}, 1)
		require.NoError(t, r.Wait(t.Context(), time.Second))
		before := time.Now()
		deferral, ok := errors.AsType[*Deferral](r.Wait(t.Context(), time.Second))
		require.True(t, ok)
		require.Equal(t, &Deferral{Reason: "throttled", RetryAfter: 9500 * time.Millisecond}, deferral)
		require.Equal(t, before, time.Now())

		time.Sleep(9500 * time.Millisecond) //nolint:forbidigo // in a synctest bubble
		require.Error(t, r.Wait(t.Context(), time.Second), "the turn is of who was told to come back")
		require.NoError(t, r.WaitAgain(t.Context(), time.Second))
	})
}

// crowd lets so many mails wait for the rate at once, with workers that share it,
// and tells how often they asked again, and how long it took. Whoever is sent away comes
// back a little late, to whichever worker there is.
func crowd(t *testing.T, mails, workers int, perSecond float64, late time.Duration) (again int, took time.Duration) {
	t.Helper()
	a := &account{quota: types.SendQuota{MaxSendRate: perSecond, Max24HourSend: -1}}
	rates := make([]*Rate, workers)
	for i := range rates {
		rates[i] = newRate(t, a, workers)
	}
	var mu sync.Mutex
	start := time.Now()
	var all sync.WaitGroup
	for i := range mails {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			err := rates[random.IntN(workers)].Wait(t.Context(), 2*time.Second)
			for err != nil {
				deferral, ok := errors.AsType[*Deferral](err)
				require.True(t, ok, "%v", err)
				delay := time.Duration(random.Int64N(int64(late) + 1))
				time.Sleep(deferral.RetryAfter + delay) //nolint:forbidigo // in a synctest bubble
				mu.Lock()
				again++
				mu.Unlock()
				err = rates[random.IntN(workers)].WaitAgain(t.Context(), 2*time.Second)
			}
		})
	}
	all.Wait()
	return again, time.Since(start)
}

func TestWhoWaitsForTheRateComesBackAboutOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mails, workers int
		perSecond      float64
		late           time.Duration
		again, longer  float64 // at most so often a mail, and so many times what the rate needs
	}{
		"one worker":         {840, 1, 5, 0, 1.2, 1.1},
		"one worker, late":   {840, 1, 5, time.Second, 1.2, 1.3},
		"three workers":      {840, 3, 5, time.Second, 1.2, 1.3},
		"a slow account":     {120, 1, 1, time.Second, 1.2, 1.3},
		"slow, four workers": {120, 4, 1, time.Second, 1.2, 1.6},
		"a fast account":     {20000, 2, 200, time.Second, 1.2, 1.1},
		"more than a queue":  {9000, 2, 5, time.Second, 2, 1.2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				again, took := crowd(t, c.mails, c.workers, c.perSecond, c.late)
				require.LessOrEqual(t, float64(again)/float64(c.mails), c.again)
				require.LessOrEqual(t, took.Seconds(), c.longer*float64(c.mails)/c.perSecond)
				require.GreaterOrEqual(t, took.Seconds(), 0.95*float64(c.mails)/c.perSecond)
			})
		})
	}
}

// A newcomer does not take the turn of a deferred caller.
func TestTurnsAreGivenInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRate(t, &account{quota: types.SendQuota{MaxSendRate: 5, Max24HourSend: -1}}, 1)
		var order []int
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				err := r.Wait(t.Context(), 2*time.Second)
				for err != nil {
					deferral, ok := errors.AsType[*Deferral](err)
					require.True(t, ok)
					time.Sleep(deferral.RetryAfter) //nolint:forbidigo // in a synctest bubble
					err = r.WaitAgain(t.Context(), 2*time.Second)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
			time.Sleep(100 * time.Millisecond) //nolint:forbidigo // twice as fast as the rate
		}
		all.Wait()
		require.IsIncreasing(t, order)
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRate(t, &account{quota: types.SendQuota{MaxSendRate: 0.1, Max24HourSend: 2}}, 1)
		require.NoError(t, r.Wait(t.Context(), time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, r.Wait(ctx, time.Minute), context.DeadlineExceeded)
		require.ErrorIs(t, r.Wait(ctx, time.Minute), context.DeadlineExceeded)
		require.NoError(t, r.Wait(t.Context(), time.Minute), "what was not sent must not count towards the quota")
	})
}

func TestTheRateIsAskedForNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &account{quota: types.SendQuota{MaxSendRate: 10, Max24HourSend: -1}}
		r := newRate(t, a, 1)
		sendFor(t, r, 4*time.Minute)
		require.Equal(t, 1, a.asked)
		a.set(types.SendQuota{MaxSendRate: 20, Max24HourSend: -1}, nil)
		sendFor(t, r, 2*time.Minute)
		require.Equal(t, 2, a.asked)
		require.InDelta(t, 200, sendFor(t, r, 10*time.Second), 3)
	})
}

func TestThrottlingAsksAtMostOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &account{quota: types.SendQuota{MaxSendRate: 10, Max24HourSend: -1}}
		r := newRate(t, a, 1)
		for range 3 * 60 * 10 { // three minutes' worth of turns, each throttled
			require.NoError(t, r.Wait(t.Context(), time.Minute))
			r.Throttled()
		}
		require.Equal(t, 3, a.asked)
	})
}

func TestWithoutAnAnswerOneEmailASecondIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &account{err: errors.New("not allowed")}
		r := newRate(t, a, 1)
		require.InDelta(t, 120, sendFor(t, r, 2*time.Minute), 1)
		require.LessOrEqual(t, a.asked, 3)

		a.set(types.SendQuota{MaxSendRate: 10, Max24HourSend: -1}, nil)
		sendFor(t, r, time.Minute+time.Second)
		require.InDelta(t, 100, sendFor(t, r, 10*time.Second), 2)

		a.set(types.SendQuota{}, errors.New("gone"))
		sendFor(t, r, 30*time.Minute)
		require.InDelta(t, 100, sendFor(t, r, 10*time.Second), 2, "an answer of half an hour ago still holds")
		sendFor(t, r, 40*time.Minute)
		require.InDelta(t, 10, sendFor(t, r, 10*time.Second), 1, "an answer of more than an hour ago does not")
	})
}

func TestAnUnusableRateIsNoRate(t *testing.T) {
	t.Parallel()
	for _, perSecond := range []float64{0, -1, math.NaN()} {
		synctest.Test(t, func(t *testing.T) {
			r := newRate(t, &account{quota: types.SendQuota{MaxSendRate: perSecond, Max24HourSend: -1}}, 1)
			require.InDelta(t, 10, sendFor(t, r, 10*time.Second), 1)
		})
	}
}

func TestAUsedUpDailyQuotaDefers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &account{quota: types.SendQuota{MaxSendRate: 10, Max24HourSend: 100, SentLast24Hours: 94}}
		r := newRate(t, a, 2)
		for range 3 { // half of the six left
			require.NoError(t, r.Wait(t.Context(), time.Minute))
		}
		deferral, ok := errors.AsType[*Deferral](r.Wait(t.Context(), time.Minute))
		require.True(t, ok)
		require.Equal(t, &Deferral{Reason: "daily-quota", RetryAfter: 15 * time.Minute}, deferral)
		require.Equal(t, 1, a.asked)

		a.set(types.SendQuota{MaxSendRate: 10, Max24HourSend: 100, SentLast24Hours: 50}, nil)
		time.Sleep(15 * time.Minute) //nolint:forbidigo // in a synctest bubble
		require.NoError(t, r.Wait(t.Context(), time.Minute))
	})
}

func TestARateNeedsASender(t *testing.T) {
	t.Parallel()
	_, err := NewRate(&account{}, 0, nil)
	require.ErrorContains(t, err, "MAIL_SENDERS")
}
