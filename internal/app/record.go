package app

import (
	"context"
	"crypto/rand"
	"errors"
	"runtime/debug"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/lanes"
	"marketplace.example/trials/internal/domain/trial"
)

// noted is what is learnt of a change while it is made.
type noted struct {
	before, after any
	detail        string
}

type notedKey struct{}

// noteChange keeps for the record how something was and how it is now; nil where that is not known. Outside of what is on record
// it does nothing.
func noteChange(ctx context.Context, before, after any) {
	if n, ok := ctx.Value(notedKey{}).(*noted); ok {
		n.before, n.after = before, after
	}
}

// noteDetail keeps for the record what is to be known of something that succeeds.
func noteDetail(ctx context.Context, detail string) {
	if n, ok := ctx.Value(notedKey{}).(*noted); ok {
		n.detail = detail
	}
}

// passedOn says that a request was taken, and not yet carried out.
const passedOn = "passed on to its workflow, which carries it out or refuses it: what came of it is on record there, under the same key"

// Record does something that is to be on record: first that it was asked for, without which nothing is done, and then what became
// of it, before anybody is told. What stops something waits for no other change. body is what was asked for, whole: a key
// is refused with another one.
func (a *App) Record(ctx context.Context, asked audit.Entry, body any, fn func(context.Context) error) error {
	if err := CheckNamesNobody(asked, nil); err != nil { // the pages come here directly
		return err
	}
	if stopping[asked.Action] {
		ctx = lanes.Urgent(ctx)
	}
	leave, err := a.turn(ctx)
	if err != nil {
		return err
	}
	defer leave()
	asked.At, asked.Actor, asked.RequestID, asked.Outcome = a.Present(), actor(ctx), requestID(ctx), audit.Pending
	if asked.RequestID == "" {
		asked.RequestID = rand.Text() // a page's request has none
	}
	pending, err := a.Store.AppendAudit(ctx, asked)
	if err != nil {
		a.Log.Error("not on the audit record", zap.String("requestId", asked.RequestID), zap.String("action", asked.Action), zap.Error(err))
		return Untouched("this could not be put on the audit record")
	}
	a.logEntry(pending)
	made := &noted{}
	failure := a.attempt(context.WithValue(ctx, notedKey{}, made), asked.Action, func(ctx context.Context) error {
		return a.once(ctx, asked, body, fn)
	})
	settled := asked
	settled.At, settled.Settles = a.Present(), pending.Seq
	settled.Before, settled.After = audit.Document(made.before), audit.Document(made.after)
	settled.Outcome, settled.Detail = outcome(failure)
	if failure == nil {
		settled.Detail = made.detail
	}
	return a.settle(ctx, settled, failure)
}

// attempt carries out what is on record, where admins may. What panics has failed: its entry is settled too.
func (a *App) attempt(ctx context.Context, action string, fn func(context.Context) error) (err error) {
	defer func() {
		if found := recover(); found != nil {
			a.Log.Error("panic", zap.String("requestId", requestID(ctx)), zap.Any("panic", found), zap.ByteString("stack", debug.Stack()))
			err = errors.New("panic")
		}
	}()
	if err := a.permit(ctx, action); err != nil {
		return err
	}
	return fn(ctx)
}

// settle puts on record what became of a change, also where its caller has hung up meanwhile, and answers with what its caller is
// told. What cannot be written now is written later.
func (a *App) settle(ctx context.Context, settled audit.Entry, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), SettleTimeout)
	defer cancel()
	entry, err := a.Store.AppendAudit(ctx, settled)
	if err == nil {
		a.logEntry(entry)
		return failure
	}
	a.settler.owe(settled)
	a.Log.Error("outcome not on the audit record yet", zap.String("requestId", settled.RequestID), zap.Int("entry", settled.Settles),
		zap.String("outcome", string(settled.Outcome)), zap.Error(err))
	if failure != nil {
		return failure
	}
	return &trial.Error{
		Code: trial.CodeUnavailable, Certain: true,
		Message: "this was carried out, but what became of it could not be put on the audit record yet; repeating it is safe",
	}
}

// logEntry tells the log of an entry, so that its hash is also known elsewhere.
func (a *App) logEntry(e audit.Entry) {
	a.Log.Info("on the audit record", zap.String("requestId", e.RequestID), zap.Int("entry", e.Seq), zap.String("hash", e.Hash))
}

// outcome is what an error says of what was asked for, in words that callers are told too.
func outcome(failure error) (audit.Outcome, string) {
	if failure == nil {
		return audit.Done, ""
	}
	switch e := ErrorOf(failure); e.Code {
	case trial.CodeUnavailable:
		return audit.Failed, e.Message
	case CodeInternal, CodeGivenUp:
		return audit.Failed, e.Error()
	default:
		return audit.Refused, e.Error()
	}
}

// CheckNamesNobody refuses a reason or a key that holds an address, or the name of a vendor whom the request concerns: both are
// kept in histories and on the audit record, which nothing is erased from.
func CheckNamesNobody(asked audit.Entry, concerned []trial.Vendor) error {
	for _, kept := range []struct{ field, text string }{{"reason", asked.Reason}, {KeyField, asked.Key}} {
		names := trial.HoldsAddress(kept.text)
		for _, v := range concerned {
			names = names || v.NamedIn(kept.text)
		}
		if names {
			return trial.Invalid(kept.field, "must not hold a vendor's name or an address: it is kept where nothing can be erased")
		}
	}
	return nil
}
