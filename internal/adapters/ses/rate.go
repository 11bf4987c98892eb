package ses

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
)

const (
	// refreshEvery is how often the account's rate is read.
	refreshEvery = 5 * time.Minute
	// refreshAtMost is the minimum interval between reads, whatever the cause.
	refreshAtMost = time.Minute
	// trustFor is how long the last answer holds without a newer one.
	trustFor = time.Hour
	// accountTimeout bounds one request for the rate.
	accountTimeout = 3 * time.Second
	// longestQueue bounds how far ahead turns are given. A caller that finds no turn within it
	// asks again after half of it or later; meanwhile the rate may have changed.
	longestQueue = 15 * time.Minute
	// fewTurns are how many turns a returning caller waits for, unless they take longestTurn.
	fewTurns    = 8
	longestTurn = 10 * time.Second
	// leastPause is the shortest pause before a caller returns.
	leastPause = time.Second
	// fallbackRate, in e-mails a second, is what every account of SES may send,
	// even one in the sandbox.
	fallbackRate = 1
)

// AccountAPI is the part of the SES client that a [Rate] uses.
type AccountAPI interface {
	GetAccount(context.Context, *sesv2.GetAccountInput, ...func(*sesv2.Options)) (*sesv2.GetAccountOutput, error)
}

// Deferral is the error of a wait that would take too long: nothing was
// sent, and a retry after RetryAfter makes sense.
type Deferral struct {
	Reason     string // ReasonThrottled or ReasonDailyQuota
	RetryAfter time.Duration
}

// Error returns the reason and the wait.
func (d *Deferral) Error() string {
	return fmt.Sprintf("sending deferred for %s: %s", d.RetryAfter, d.Reason)
}

// Rate keeps one of several senders to its share of the account's
// limits: e-mails a second, and e-mails in 24 hours. Its methods may be called
// concurrently.
type Rate struct {
	api     AccountAPI
	senders int
	log     *zap.Logger
	limiter *rate.Limiter

	asking chan struct{} // holds one token during a request to SES

	mu        sync.Mutex
	asked     time.Time // when SES was last asked; zero: never
	answered  time.Time // when it last answered; zero: never
	throttled bool      // SES has reported throttling since it was last asked
	queueEnd  time.Time // when the next turn comes for a caller that must return
	turnedOff int       // how many found no turn within longestQueue
	left      float64   // what is left to this sender of the daily quota
}

// NewRate returns the rate of one of senders equal senders. A nil log is
// allowed. It asks SES nothing until the first [Rate.Wait].
func NewRate(api AccountAPI, senders int, log *zap.Logger) (*Rate, error) {
	if senders < 1 {
		return nil, fmt.Errorf("MAIL_SENDERS: %d is not at least 1", senders)
	}
	if log == nil {
		log = zap.NewNop()
	}
	r := &Rate{api: api, senders: senders, log: log, asking: make(chan struct{}, 1), left: math.Inf(1)}
	r.limiter = rate.NewLimiter(r.share(fallbackRate))
	return r, nil
}

// Wait blocks until one e-mail may be sent. If that would take longer than
// budget, or earlier callers still have turns to come, it returns a
// [*Deferral] at once, whose RetryAfter is when a turn is reserved for the caller, who
// takes it with [Rate.WaitAgain]. If the context ends first it returns its
// error; the e-mail then counts as not sent.
func (r *Rate) Wait(ctx context.Context, budget time.Duration) error {
	return r.wait(ctx, budget, false)
}

// WaitAgain is Wait for a caller that was deferred before, and need not queue behind
// other deferred callers. Turns are not reserved by name: there are as many as were given,
// and with several workers a caller may return to another one. So if turns are rare,
// it waits longer than its budget, for a few turns, in case several return at once.
func (r *Rate) WaitAgain(ctx context.Context, budget time.Duration) error {
	few := time.Duration(fewTurns / float64(r.limiter.Limit()) * float64(time.Second))
	return r.wait(ctx, max(budget, min(few, longestTurn)), true)
}

func (r *Rate) wait(ctx context.Context, budget time.Duration, again bool) error {
	r.refresh(ctx)
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("waiting for the account's rate: %w", err)
	}
	if !r.takeQuota() {
		return &Deferral{Reason: ReasonDailyQuota, RetryAfter: retryQuota}
	}
	turn, pause := r.turn(time.Now(), budget, again)
	if turn == nil {
		r.returnQuota()
		return &Deferral{Reason: ReasonThrottled, RetryAfter: pause}
	}
	delay := turn.Delay()
	if delay == 0 {
		return nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		turn.Cancel()
		r.returnQuota()
		return fmt.Errorf("waiting for the account's rate: %w", ctx.Err())
	}
}

// turn takes a turn that comes within budget, or else returns the pause after which to
// return: half a budget before the next free turn, so that
// a caller that is slightly late still finds it.
func (r *Rate) turn(now time.Time, budget time.Duration, again bool) (*rate.Reservation, time.Duration) {
	r.mu.Lock() // otherwise a turn taken between Reserve and Cancel would be lost
	defer r.mu.Unlock()
	if again || !r.queueEnd.After(now) {
		turn := r.limiter.ReserveN(now, 1)
		delay := turn.DelayFrom(now)
		if delay <= budget {
			return turn, 0
		}
		turn.CancelAt(now)
		if free := now.Add(delay); free.After(r.queueEnd) {
			r.queueEnd = free
		}
	}
	queued := r.queueEnd.Sub(now)
	if queued > longestQueue {
		r.turnedOff++
		return nil, spread(longestQueue/2, r.turnedOff)
	}
	r.queueEnd = r.queueEnd.Add(time.Duration(float64(time.Second) / float64(r.limiter.Limit())))
	return nil, max(queued-budget/2, leastPause)
}

// spread returns one to two times a pause, evenly over all n (by the golden ratio).
func spread(pause time.Duration, n int) time.Duration {
	_, part := math.Modf(float64(n) * math.Phi)
	return pause + time.Duration(part*float64(pause))
}

// Throttled reports that SES found the sending too fast: the rate is read
// again soon. A nil Rate ignores it.
func (r *Rate) Throttled() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.throttled = true
}

func (r *Rate) takeQuota() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left < 1 {
		return false
	}
	r.left--
	return true
}

func (r *Rate) returnQuota() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left++
}

// refresh reads the rate from SES if that is due. One caller asks while the
// others continue with the known rate; all wait only for the very first answer,
// since nothing is known before it.
func (r *Rate) refresh(ctx context.Context) {
	due, first := r.due()
	if !due {
		return
	}
	if !r.startAsking(ctx, first) {
		return
	}
	defer func() { <-r.asking }()
	if due, _ := r.due(); !due {
		return // another caller has asked meanwhile
	}
	r.ask(ctx)
}

// startAsking takes the turn to ask SES. While another caller has it, it waits
// only if wait is set, and no longer than the context lives.
func (r *Rate) startAsking(ctx context.Context, wait bool) bool {
	if !wait {
		select {
		case r.asking <- struct{}{}:
			return true
		default:
			return false
		}
	}
	select {
	case r.asking <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *Rate) due() (due, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked.IsZero() {
		return true, true
	}
	age := time.Since(r.asked)
	urgent := r.throttled || r.left < 1 || r.answered.IsZero()
	return age >= refreshEvery || (urgent && age >= refreshAtMost), false
}

func (r *Rate) ask(ctx context.Context) {
	// The answer is for every caller, so one caller's cancellation must not stop
	// it; the timeout bounds it instead.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), accountTimeout)
	defer cancel()
	account, err := r.api.GetAccount(ctx, &sesv2.GetAccountInput{})

	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.asked, r.throttled = now, false
	if err != nil || account == nil || account.SendQuota == nil || !usable(account.SendQuota.MaxSendRate) {
		r.distrust(now)
		r.log.Warn("SES does not report the account's rate", zap.Float64("rate", float64(r.limiter.Limit())), zap.Error(err))
		return
	}
	r.answered = now
	quota := account.SendQuota
	r.setRate(quota.MaxSendRate)
	r.left = math.Inf(1)
	if quota.Max24HourSend >= 0 { // SES uses -1 for no quota
		r.left = math.Ceil((quota.Max24HourSend - quota.SentLast24Hours) / float64(r.senders))
	}
}

// usable reports whether a rate is positive; NaN is not.
func usable(perSecond float64) bool { return perSecond > 0 }

// distrust falls back to what every account may send, once the last answer is
// too old. A used-up quota is tried again: SES knows better.
func (r *Rate) distrust(now time.Time) {
	if !r.answered.IsZero() && now.Sub(r.answered) < trustFor {
		return
	}
	r.setRate(fallbackRate)
	r.left = math.Inf(1)
}

func (r *Rate) setRate(perSecond float64) {
	limit, burst := r.share(perSecond)
	r.limiter.SetLimit(limit)
	r.limiter.SetBurst(burst)
}

// share is this sender's part of the account's rate. Its burst is a tenth of a
// second's worth: enough to make up for a late timer, too little to be throttled.
func (r *Rate) share(perSecond float64) (rate.Limit, int) {
	mine := perSecond / float64(r.senders)
	return rate.Limit(mine), max(1, int(mine/10))
}
