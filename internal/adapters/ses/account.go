package ses

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/trial"
)

// leastRefusals is how many consecutive sends SES must have refused, for reasons
// unrelated to the e-mail, before that counts as an outage.
const leastRefusals = 5

// Account reports the status of the account at SES: what SES says about it, and
// whether SES accepts anything at all. Its methods may be called concurrently.
type Account struct {
	api AccountAPI
	// forget is how long after the last attempt a refusal still counts.
	forget time.Duration

	mu       sync.Mutex
	refusals int
	since    time.Time
	last     time.Time
}

// NewAccount returns the account behind an API; a refusal longer ago than
// forget no longer counts.
func NewAccount(api AccountAPI, forget time.Duration) *Account {
	return &Account{api: api, forget: forget}
}

// SendingEnabled reports whether SES lets the account send.
func (a *Account) SendingEnabled(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, accountTimeout)
	defer cancel()
	account, err := a.api.GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return false, fmt.Errorf("reading the account's status from SES: %w", err)
	}
	return account.SendingEnabled, nil
}

// AccountStatus returns SES's report on the account.
func (a *Account) AccountStatus(ctx context.Context) (monitoring.MailAccount, error) {
	account, err := a.api.GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return monitoring.MailAccount{}, fmt.Errorf("reading the account's status from SES: %w", err)
	}
	status := monitoring.MailAccount{Sending: account.SendingEnabled, Quota: -1}
	if q := account.SendQuota; q != nil {
		status.Sent, status.Quota = q.SentLast24Hours, q.Max24HourSend
	}
	return status, nil
}

// Note records the outcome of a send.
func (a *Account) Note(o trial.SendResult, at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case o.Status == trial.SendSent, o.Status == trial.SendRefused: // SES judged this e-mail, so it accepts e-mails
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

// AllRefused returns since when SES has refused everything; zero if it accepts e-mails,
// or if there was no recent attempt.
func (a *Account) AllRefused(now time.Time) time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.refusals < leastRefusals || now.Sub(a.last) > a.forget {
		return time.Time{}
	}
	return a.since
}
