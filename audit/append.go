package audit

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"marketplace.example/trials/lanes"
)

const (
	// appendTries bounds how often an entry is tried against those of other processes.
	appendTries = 200
	// mostWaiting bounds how many entries of this process wait to be written.
	mostWaiting = 2000
	// writeLimit bounds writing one entry, also for a caller who has gone.
	writeLimit = 5 * time.Second
)

// ErrBusy says that an entry is not on record, since too many others are being written.
var ErrBusy = errors.New("too many others write to the audit record")

// Records keeps entries under their numbers.
type Records interface {
	// InsertAudit puts an entry under its number, and tells whether it stands there: not where
	// another one does.
	InsertAudit(ctx context.Context, e Entry) (stands bool, err error)
	// AuditEntry is the entry under a number, nil where there is none.
	AuditEntry(ctx context.Context, seq int) (*Entry, error)
}

// Appender puts entries at the end of the record. Those of one process are written one after the
// other, urgent ones first, so that they do not race each other for the next number; of several
// processes the insert of a number decides, and the others take the next.
type Appender struct {
	records Records
	turns   *lanes.Lanes
	// lost is told of a number that was seen, and is gone.
	lost func(seq int)
	seen atomic.Int64 // the last number that was seen
}

// NewAppender makes one; lost is told of a number that was seen, and is gone.
func NewAppender(records Records, lost func(seq int)) *Appender {
	return &Appender{records: records, turns: lanes.New(1, mostWaiting), lost: lost}
}

// Append puts an entry at the end of the record, and answers with it as it stands there. Where the
// context ends before its turn, it is not on record; once it is being written it is waited for.
func (a *Appender) Append(ctx context.Context, e Entry) (Entry, error) {
	leave, err := a.turns.Enter(ctx)
	if errors.Is(err, lanes.ErrFull) {
		return e, ErrBusy
	}
	if err != nil {
		return e, fmt.Errorf("waiting to write to the audit record: %w", err)
	}
	defer leave()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeLimit)
	defer cancel()
	last, err := a.known(ctx)
	for range appendTries {
		if err != nil {
			return e, err
		}
		next := Next(last, e)
		stands, insertErr := a.records.InsertAudit(ctx, next)
		if insertErr != nil {
			return e, insertErr
		}
		if stands {
			a.seen.Store(int64(next.Seq))
			return next, nil
		}
		last, err = a.end(ctx, last)
	}
	return e, ErrBusy
}

// known is the last entry that was seen, the zero Entry where none was or it is gone: an older
// state was restored meanwhile, or somebody has cut the end off.
func (a *Appender) known(ctx context.Context) (Entry, error) {
	seen := int(a.seen.Load())
	if seen == 0 {
		return a.end(ctx, Entry{})
	}
	e, err := a.records.AuditEntry(ctx, seen)
	if err != nil {
		return Entry{}, err
	}
	if e == nil {
		a.lost(seen)
		return a.end(ctx, Entry{})
	}
	return *e, nil
}

// end is the last entry of the record at or behind the one given. It looks in steps that double as
// long as there is an entry and then halve: so many reads by key as the number of entries behind has
// binary digits, twice. Sorting would read the whole collection on the embedded database.
func (a *Appender) end(ctx context.Context, last Entry) (Entry, error) {
	step := 1
	for growing := true; step > 0; {
		e, err := a.records.AuditEntry(ctx, last.Seq+step)
		if err != nil {
			return last, err
		}
		if e != nil {
			last = *e
		}
		growing = growing && e != nil
		if growing {
			step *= 2
		} else {
			step /= 2
		}
	}
	return last, nil
}
