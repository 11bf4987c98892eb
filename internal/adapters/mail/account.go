package mail

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"marketplace.example/trials/internal/domain/monitoring"
)

// leastRefusals is how many sends in a row SES must not have taken, for reasons
// that have nothing to do with the e-mail, before that counts as an outage.
const leastRefusals = 5

// Account tells how the account at SES stands: what SES says of it, and whether
// it takes anything at all. Its methods may be called concurrently.
type Account struct {
	api AccountAPI
	// forget is after which time without a try a refusal says nothing any more.
	forget time.Duration

	mu       sync.Mutex
	refusals int
	since    time.Time
	last     time.Time
}

// NewAccount returns the account behind an API; what was refused longer than
// forget ago says nothing any more.
func NewAccount(api AccountAPI, forget time.Duration) *Account {
	return &Account{api: api, forget: forget}
}

// SendingEnabled tells whether SES lets the account send.
func (a *Account) SendingEnabled(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, accountTimeout)
	defer cancel()
	account, err := a.api.GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return false, fmt.Errorf("asking SES how the account stands: %w", err)
	}
	return account.SendingEnabled, nil
}

// AccountStatus is what SES says of the account, for whoever looks after it.
func (a *Account) AccountStatus(ctx context.Context) (monitoring.MailAccount, error) {
	account, err := a.api.GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return monitoring.MailAccount{}, fmt.Errorf("asking SES how the account stands: %w", err)
	}
	status := monitoring.MailAccount{Sending: account.SendingEnabled, Quota: -1}
	if q := account.SendQuota; q != nil {
		status.Sent, status.Quota = q.SentLast24Hours, q.Max24HourSend
	}
	return status, nil
}

// Note takes the outcome of a send.
func (a *Account) Note(o SendResult, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case o.Status == Sent, o.Status == Refused: // SES judged this e-mail, so it takes e-mails
		a.refusals = 0
		return
	case o.Reason == ReasonThrottled, o.Reason == ReasonCancelled:
		return
	case a.refusals == 0:
		a.since = at
	}
	a.refusals++
	a.last = at
}

// AllRefused tells since when SES has taken nothing; zero where it takes some,
// or where nothing was tried lately.
func (a *Account) AllRefused(now time.Time) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refusals < leastRefusals || now.Sub(a.last) > a.forget {
		return time.Time{}
	}
	return a.since
}
