package mail

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
	// refreshEvery is how often the account's rate is asked for.
	refreshEvery = 5 * time.Minute
	// refreshAtMost is how often at most, whatever gives cause to.
	refreshAtMost = time.Minute
	// trustFor is how long the last answer is kept to when no newer one comes.
	trustFor = time.Hour
	// accountTimeout bounds one question for the rate.
	accountTimeout = 3 * time.Second
	// longestQueue bounds how far ahead turns are given. Who finds no turn within it
	// asks again in half of it or later; meanwhile the rate may have changed.
	longestQueue = 15 * time.Minute
	// fewTurns are waited for by who comes back, unless they take longestTurn.
	fewTurns    = 8
	longestTurn = 10 * time.Second
	// leastPause is the least time to come back after.
	leastPause = time.Second
	// fallbackRate, in e-mails a second, is what every account of SES may send,
	// one in the sandbox included.
	fallbackRate = 1
)

// AccountAPI is the part of the SES client that a [Rate] uses.
type AccountAPI interface {
	GetAccount(context.Context, *sesv2.GetAccountInput, ...func(*sesv2.Options)) (*sesv2.GetAccountOutput, error)
}

// Deferral is the error of a wait that would have taken too long: nothing was
// sent, and after RetryAfter it is worth trying again.
type Deferral struct {
	Reason     string // ReasonThrottled or ReasonDailyQuota
	RetryAfter time.Duration
}

// Error says why, and for how long.
func (d *Deferral) Error() string {
	return fmt.Sprintf("sending deferred for %s: %s", d.RetryAfter, d.Reason)
}

// Outcome is the deferral as the outcome of the send that was not tried.
func (d *Deferral) Outcome() SendResult { return deferred(d.Reason, d.RetryAfter) }

// Rate keeps one of several senders to its share of what the account may send:
// so many e-mails a second, and so many in 24 hours. Its methods may be called
// concurrently.
type Rate struct {
	api     AccountAPI
	senders int
	log     *zap.Logger
	limiter *rate.Limiter

	asking chan struct{} // holds one token while SES is asked

	mu        sync.Mutex
	asked     time.Time // when SES was last asked; zero: never
	answered  time.Time // when it last answered; zero: never
	throttled bool      // SES said so since it was last asked
	queueEnd  time.Time // when the turn comes that is given next to who is sent away
	turnedOff int       // how many found no turn within longestQueue
	left      float64   // what this sender may yet send of the daily quota
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

// Wait blocks until one e-mail may be sent. Where that would take longer than
// budget, or others were sent away and have not had their turns yet, it returns a
// [*Deferral] at once, whose RetryAfter is when a turn is kept for the caller, who
// takes it with [Rate.WaitAgain]. When the context ends first it returns its
// error; the e-mail then counts as not sent.
func (r *Rate) Wait(ctx context.Context, budget time.Duration) error {
	return r.wait(ctx, budget, false)
}

// WaitAgain is Wait for who was sent away before, and need not stand behind the
// others who were. Turns are not kept by name: there are as many as were given,
// and with several workers one may come back to another. So where turns are rare
// it waits longer than its budget, for a few of them, if several come back at once.
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

// turn takes a turn that comes within budget, or else says after which pause to
// come back: half a budget before the next turn that is not given yet, so that
// who comes a little late finds it still.
func (r *Rate) turn(now time.Time, budget time.Duration, again bool) (*rate.Reservation, time.Duration) {
	r.mu.Lock() // or a turn taken between Reserve and Cancel would be lost
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

// spread is from once to twice a pause, evenly over all n (by the golden ratio).
func spread(pause time.Duration, n int) time.Duration {
	_, part := math.Modf(float64(n) * math.Phi)
	return pause + time.Duration(part*float64(pause))
}

// Throttled reports that SES found the sending too fast: the rate is asked for
// again soon. A nil Rate takes it for information.
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

// refresh asks SES for the rate where that is due. One caller asks while the
// others go on with what is known; only the very first question is waited for
// by all, since before it nothing is.
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
// only where told to, and then no longer than the context lives.
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
	// The answer is for every caller, so one caller's giving up must not spoil
	// it; the time-out bounds it instead.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), accountTimeout)
	defer cancel()
	account, err := r.api.GetAccount(ctx, &sesv2.GetAccountInput{})

	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.asked, r.throttled = now, false
	if err != nil || account == nil || account.SendQuota == nil || !usable(account.SendQuota.MaxSendRate) {
		r.distrust(now)
		r.log.Warn("SES does not say the account's rate", zap.Float64("rate", float64(r.limiter.Limit())), zap.Error(err))
		return
	}
	r.answered = now
	quota := account.SendQuota
	r.setRate(quota.MaxSendRate)
	r.left = math.Inf(1)
	if quota.Max24HourSend >= 0 { // -1 is SES's way to say that there is none
		r.left = math.Ceil((quota.Max24HourSend - quota.SentLast24Hours) / float64(r.senders))
	}
}

// usable tells whether a rate is one: neither nothing, nor less, nor NaN.
func usable(perSecond float64) bool { return perSecond > 0 }

// distrust falls back to what every account may send, once the last answer is
// too old to go by. A quota that ran out is tried again: SES knows, we do not.
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
// second's worth: enough to ride out a late timer, too little to be throttled.
func (r *Rate) share(perSecond float64) (rate.Limit, int) {
	mine := perSecond / float64(r.senders)
	return rate.Limit(mine), max(1, int(mine/10))
}
