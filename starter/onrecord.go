package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/audit"
)

// cliActor is who is put on record for what a command does to the database itself:
// no token says who calls it.
const cliActor = "starter"

// settleTimeout bounds noting what became of a command, also of one that was interrupted.
const settleTimeout = 5 * time.Second

// auditLog keeps the audit record.
type auditLog interface {
	AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error)
}

// onRecord does something to the database that is to be on record: first that it
// is about to be done, without which nothing is, and then what it came to.
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

// settle puts on record what something came to.
func (a *app) settle(ctx context.Context, log auditLog, e audit.Entry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if _, err := log.AppendAudit(ctx, e); err != nil {
		return fmt.Errorf("what became of it cannot be put on the audit record: %w", err)
	}
	return nil
}
