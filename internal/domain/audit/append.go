package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"marketplace.example/trials/internal/domain/lanes"
)

const (
	// appendTries bounds the attempts to append while other processes append too.
	appendTries = 200
	// mostWaiting bounds how many entries wait in this process.
	mostWaiting = 2000
	// mostTogether bounds how many entries one write contains.
	mostTogether = 100
	// WriteLimit bounds one write, even for callers that have gone: an entry that is being written is waited for.
	WriteLimit = 5 * time.Second
)

// ErrBusy says that an entry was not recorded because too many others are being written.
var ErrBusy = errors.New("too many others write to the audit record")

// Records stores entries under their numbers.
type Records interface {
	// InsertAudit inserts entries under their numbers, in order, up to the first whose number is
	// taken. stand is how many were inserted, counted from the first, even with an error.
	InsertAudit(ctx context.Context, entries []Entry) (stand int, err error)
	// AuditEntry returns the entry with a number, nil if there is none.
	AuditEntry(ctx context.Context, seq int) (*Entry, error)
}

// Appender appends entries to the record. Those of one process do not race each other for the
// next number: while some are being written, others queue, and form the next write,
// urgent ones first. Between processes the insert of a number decides, and the losers take the next.
type Appender struct {
	records Records
	// lost is called with a number that was seen, and is gone.
	lost func(seq int)
	seen int // the last number seen; owned by the writer

	mu      sync.Mutex
	writing bool
	// urgent and ordinary are queues, the first to come first.
	urgent, ordinary []*waiting
}

// waiting is an entry in a queue.
type waiting struct {
	entry Entry
	// written is closed when the entry is recorded, or when err says why it is not.
	written chan struct{}
	err     error
}

// NewAppender returns an appender; it calls lost with a number that was seen, and is gone.
func NewAppender(records Records, lost func(seq int)) *Appender {
	return &Appender{records: records, lost: lost}
}

// Append appends an entry to the record, and returns it as recorded. If the
// context ends before its turn, it is not recorded; once it is being written, Append waits.
func (a *Appender) Append(ctx context.Context, e Entry) (Entry, error) {
	if err := ctx.Err(); err != nil {
		return e, fmt.Errorf("waiting to write to the audit record: %w", err)
	}
	w := &waiting{entry: e, written: make(chan struct{})}
	if !a.enqueue(w, lanes.IsUrgent(ctx)) {
		return e, ErrBusy
	}
	select {
	case <-w.written:
	case <-ctx.Done():
		if a.withdraw(w) {
			return e, fmt.Errorf("waiting to write to the audit record: %w", ctx.Err())
		}
		<-w.written
	}
	return w.entry, w.err
}

// enqueue queues an entry, unless the queues are full.
func (a *Appender) enqueue(w *waiting, urgent bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.urgent)+len(a.ordinary) >= mostWaiting {
		return false
	}
	if urgent {
		a.urgent = append(a.urgent, w)
	} else {
		a.ordinary = append(a.ordinary, w)
	}
	if !a.writing {
		a.writing = true
		go a.write()
	}
	return true
}

// withdraw removes an entry that is not being written yet.
func (a *Appender) withdraw(w *waiting) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := len(a.urgent) + len(a.ordinary)
	same := func(other *waiting) bool { return other == w }
	a.urgent, a.ordinary = slices.DeleteFunc(a.urgent, same), slices.DeleteFunc(a.ordinary, same)
	return len(a.urgent)+len(a.ordinary) < before
}

// dequeue returns the entries to write now, none if the queues are empty.
func (a *Appender) dequeue() []*waiting {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := slices.Concat(a.urgent, a.ordinary)
	now := all[:min(len(all), mostTogether)]
	ofUrgent := min(len(a.urgent), len(now))
	a.urgent, a.ordinary = a.urgent[ofUrgent:], a.ordinary[len(now)-ofUrgent:]
	a.writing = len(now) > 0
	return now
}

// write writes until the queues are empty.
func (a *Appender) write() {
	for now := a.dequeue(); len(now) > 0; now = a.dequeue() {
		stand, err := a.appendAll(now)
		for i, w := range now {
			if i >= stand {
				w.err = err
			}
			close(w.written)
		}
	}
}

// appendAll appends entries to the record, and returns how many of them were recorded,
// counted from the first.
func (a *Appender) appendAll(now []*waiting) (stand int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), WriteLimit)
	defer cancel()
	last, err := a.lastKnown(ctx)
	for range appendTries {
		if err != nil {
			return stand, err
		}
		entries, before := make([]Entry, 0, len(now)-stand), last
		for _, w := range now[stand:] {
			before = Next(before, w.entry)
			entries = append(entries, before)
		}
		n, insertErr := a.records.InsertAudit(ctx, entries)
		for i, e := range entries[:n] {
			now[stand+i].entry, last = e, e
		}
		stand, a.seen = stand+n, max(a.seen, last.Seq)
		if insertErr != nil || stand == len(now) {
			return stand, insertErr
		}
		last, err = a.end(ctx, last)
	}
	return stand, ErrBusy
}

// lastKnown is the last entry seen, the zero Entry if there was none or it is gone: an older
// state was restored meanwhile, or somebody has cut off the end.
func (a *Appender) lastKnown(ctx context.Context) (Entry, error) {
	if a.seen == 0 {
		return a.end(ctx, Entry{})
	}
	e, err := a.records.AuditEntry(ctx, a.seen)
	if err != nil {
		return Entry{}, err
	}
	if e == nil {
		a.lost(a.seen)
		a.seen = 0
		return a.end(ctx, Entry{})
	}
	return *e, nil
}

// end is the last entry of the record at or after the given one. It searches in steps that double as
// long as there is an entry and then halve: twice as many reads by key as the number of later entries
// has binary digits. Sorting would read the whole collection on the embedded database.
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
