package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/audit"
)

// cliActor is the actor on the audit record for changes that a command makes itself: no token says who runs it.
const cliActor = "starter"

// settleTimeout bounds recording a command's result, even of an interrupted one.
const settleTimeout = 5 * time.Second

// auditLog stores the audit record.
type auditLog interface {
	AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error)
}

// onRecord runs fn between two entries of the audit record: that it is about to run, without which it does not, and its
// result.
func (a *app) onRecord(ctx context.Context, log auditLog, asked audit.Entry, fn func() (came any, err error)) error {
	asked.At, asked.Actor, asked.Outcome = a.now(), cliActor, audit.Pending
	pending, err := log.AppendAudit(ctx, asked)
	if err != nil {
		return fmt.Errorf("nothing was done, since it cannot be put on the audit record: %w", err)
	}
	came, failure := fn()
	asked.At, asked.Settles, asked.Outcome, asked.After = a.now(), pending.Seq, audit.Done, audit.Document(came)
	if failure != nil {
		asked.Outcome, asked.Detail = audit.Failed, "it broke off; part of it may be done"
	}
	return errors.Join(failure, a.settle(ctx, log, asked))
}

// settle records a result.
func (a *app) settle(ctx context.Context, log auditLog, e audit.Entry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if _, err := log.AppendAudit(ctx, e); err != nil {
		return fmt.Errorf("what became of it cannot be put on the audit record: %w", err)
	}
	return nil
}
