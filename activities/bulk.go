package activities

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	// bulkParallel bounds the trials asked at once.
	bulkParallel = 8
	// bulkTries is the number of attempts at a page after which an item without an answer has failed: about three minutes.
	bulkTries = 8
	// chooseBatch is the number of trials in one query.
	chooseBatch = 500
)

// BulkStore is what bulk operations need of the database.
type BulkStore interface {
	app.FlagReader
	app.ItemReader
	// RecordConversion keeps billing's word; the first counts, and is returned.
	RecordConversion(ctx context.Context, id string, c trial.Conversion) (first trial.Conversion, created bool, err error)

	SendStore

	// GrowBulk stores an operation's progress, unless more is stored.
	GrowBulk(ctx context.Context, id string, state bulk.State) error
	// AddBulkItems stores items, and does not change existing ones.
	AddBulkItems(ctx context.Context, id string, items []bulk.Item) error
	BulkItem(ctx context.Context, id string, number int) (bulk.Item, bool, error)
	// SettleBulkItem stores an item's result, and returns the stored one.
	SettleBulkItem(ctx context.Context, id string, number int, r bulk.Result) (bulk.Result, error)
}

// BulkTrials reaches the trials' workflows.
type BulkTrials interface {
	// Ask sends a message and returns the trial after it. A *trial.Error is the trial's refusal, or CodeUnavailable.
	Ask(ctx context.Context, message, vendorID string, r trial.Request) (trial.Overview, error)
	Convert(ctx context.Context, vendorID string, r trial.Request) error
}

// Bulk carries out operations on many trials, one page of items at a time. If more is stored than the workflow knows, because that was
// reset or an attempt was thought dead, the stored state is returned and nothing is done. The request of each item has an id of
// its own, so that a repetition after a crash does nothing twice. A page's counts come from the stored results.
type Bulk struct {
	Store  BulkStore
	Trials BulkTrials
	Mailer Mailer
	Now    func() time.Time
	Log    *zap.Logger
}

// BulkWork is an operation and its progress.
type BulkWork struct {
	Operation bulk.Operation `json:"operation"`
	State     bulk.State     `json:"state"`
}

// BeginBulk reads the stored operation.
func (b *Bulk) BeginBulk(ctx context.Context, id string) (BulkWork, error) {
	o, s, err := b.Store.Bulk(ctx, id)
	return BulkWork{Operation: o, State: s}, failed("reading the operation", err)
}

// NoteBulk stores an operation's progress, and returns nil. If a run thought dead, or reset, has stored as much already, it returns
// that and stores nothing.
func (b *Bulk) NoteBulk(ctx context.Context, w BulkWork) (*bulk.State, error) {
	stored, err := b.storedSuccessor(ctx, w.Operation.ID, w.State.Seq-1)
	if err != nil || stored != nil && !stored.UpdatedAt.Equal(w.State.UpdatedAt) {
		return stored, err
	}
	return nil, b.note(ctx, w.Operation, w.State)
}

// storedSuccessor is the stored progress if it has more than seq changes, otherwise nil.
func (b *Bulk) storedSuccessor(ctx context.Context, id string, seq int) (*bulk.State, error) {
	_, stored, err := b.Store.Bulk(ctx, id)
	if err != nil {
		return nil, failed("reading the operation's progress", err)
	}
	if stored.Seq <= seq {
		return nil, nil //nolint:nilnil // documented: it is not
	}
	return &stored, nil
}

func (b *Bulk) note(ctx context.Context, o bulk.Operation, s bulk.State) error {
	if err := b.Store.GrowBulk(ctx, o.ID, s); err != nil {
		return failed("storing the operation's progress", err)
	}
	b.Log.Info("bulk operation", zap.String("operation", o.ID), zap.String("action", string(o.Action)),
		zap.String("status", string(s.Status)), zap.String("cause", s.Cause), zap.Int("turned", s.Turned()), zap.Int("total", s.Total))
	return nil
}

// ChooseItems adds the next items of an operation with a filter or an undo.
func (b *Bulk) ChooseItems(ctx context.Context, w BulkWork) (bulk.State, error) {
	return b.advance(ctx, w, func() (bulk.State, error) {
		choose := b.chooseUndone
		if w.Operation.Filter != nil {
			choose = b.chooseFiltered
		}
		total, last, err := choose(ctx, w.Operation, w.State.Total)
		return w.State.Chosen(w.Operation, total, last, b.Now()), failed("choosing the trials", err)
	})
}

// advance takes an operation a step on and stores its state after it, unless more is stored already.
func (b *Bulk) advance(ctx context.Context, w BulkWork, step func() (bulk.State, error)) (bulk.State, error) {
	defer heartbeat(ctx)()
	stored, err := b.storedSuccessor(ctx, w.Operation.ID, w.State.Seq)
	if err != nil {
		return w.State, err
	}
	if stored != nil {
		return *stored, nil
	}
	after, err := step()
	if err != nil {
		return w.State, err
	}
	return after, b.note(ctx, w.Operation, after)
}

// deref is the value of p, or otherwise for nil.
func deref[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// chooseFiltered chooses the trials after the last stored item. An attempt thought dead may have stored more than the workflow knows:
// those items stay.
func (b *Bulk) chooseFiltered(ctx context.Context, o bulk.Operation, total int) (after int, last bool, err error) {
	from := ""
	for number := max(total, 1); ; number++ {
		item, found, err := b.Store.BulkItem(ctx, o.ID, number)
		if err != nil {
			return total, false, err
		}
		if !found {
			break
		}
		from, total = item.VendorID, number
	}
	var items []bulk.Item
	for len(items) == 0 && !last { // the next call begins after the last item, so there must be one
		// The database filters by cohort and status, the code below by end.
		page, next, err := b.Store.Trials(ctx, trial.Filter{Status: o.Filter.Status, Cohort: o.Filter.Cohort}, from, chooseBatch)
		if err != nil {
			return total, false, err
		}
		for _, s := range page {
			if o.Filter.Takes(s) {
				items = append(items, bulk.Item{Number: total + len(items) + 1, VendorID: s.VendorID})
			}
		}
		from, last = next, next == ""
	}
	return total + len(items), last, b.Store.AddBulkItems(ctx, o.ID, items)
}

// chooseUndone makes an item for each item of the operation to undo.
func (b *Bulk) chooseUndone(ctx context.Context, o bulk.Operation, total int) (after int, last bool, err error) {
	var items []bulk.Item
	for number := total + 1; len(items) < chooseBatch; number++ {
		item, found, err := b.Store.BulkItem(ctx, o.Undoes, number)
		if err != nil {
			return total, false, err
		}
		if !found {
			last = true
			break
		}
		items = append(items, bulk.Undoing(item, b.Now()))
	}
	return total + len(items), last, b.Store.AddBulkItems(ctx, o.ID, items)
}

// LookAtItems evaluates the next page of items, and changes nothing.
func (b *Bulk) LookAtItems(ctx context.Context, w BulkWork) (bulk.State, error) {
	return b.advance(ctx, w, func() (bulk.State, error) {
		page := w.State.Page(w.Operation)
		current, err := b.Store.Flags(ctx)
		if err != nil {
			return w.State, failed("reading the flags", err)
		}
		var seen bulk.Tally
		var examples []bulk.Example
		for number := page.From; number <= page.To; number++ {
			item, err := b.item(ctx, w.Operation, number)
			if err != nil {
				return w.State, err
			}
			example := bulk.Example{VendorID: item.VendorID}
			if item.Result != nil {
				example.Outcome, example.Reason, example.Detail = item.Result.Outcome, item.Result.Reason, item.Result.Detail
			} else {
				facts, err := app.ItemFacts(ctx, b.Store, w.Operation, item.VendorID, current.FeatureFlags, b.Now())
				if err != nil {
					return w.State, failed("looking at trial "+item.VendorID, err)
				}
				example = w.Operation.Decide(item, facts).Example(item.VendorID)
			}
			seen, examples = seen.Add(example.Outcome, example.Reason), append(examples, example)
		}
		return w.State.Looked(page, examples, seen, b.Now()), nil
	})
}

// CarryOut carries out the next page of items, unless a flag forbids it by now.
func (b *Bulk) CarryOut(ctx context.Context, w BulkWork) (bulk.State, error) {
	return b.advance(ctx, w, func() (bulk.State, error) {
		current, err := b.Store.Flags(ctx)
		if err != nil {
			return w.State, failed("reading the flags", err)
		}
		if flag := w.Operation.Against(current.FeatureFlags); flag != "" {
			return w.State.Held(flag, b.Now()), nil
		}
		page := w.State.Page(w.Operation)
		counts, err := b.carry(ctx, w.Operation, page)
		return w.State.Carried(page, counts, b.Now()), err
	})
}

// carry carries out a page, several items at once, within the rate. Items without an answer are left for the next attempt, which finds
// the others done.
func (b *Bulk) carry(ctx context.Context, o bulk.Operation, page bulk.Page) (bulk.Tally, error) {
	limiter := rate.NewLimiter(rate.Limit(float64(o.PerMinute)/60), 1)
	limiter.Allow() // the page before has used this moment
	var mu sync.Mutex
	var counts bulk.Tally
	var unanswered []error
	var g errgroup.Group
	g.SetLimit(bulkParallel)
	for number := page.From; number <= page.To; number++ {
		g.Go(func() error {
			r, err := b.carryItem(ctx, o, number, limiter)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				unanswered = append(unanswered, err)
				return nil
			}
			counts = counts.Add(r.Outcome, r.Reason)
			return nil
		})
	}
	_ = g.Wait() // the functions above report no error
	if len(unanswered) > 0 {
		return nil, later(fmt.Sprintf("%d of %d items got no answer yet: %v", len(unanswered), page.To-page.From+1, unanswered[0]), longestWait(unanswered))
	}
	return counts, nil
}

// carryItem carries out one item, and returns the stored result. With an error it got no answer, and is worth another attempt.
func (b *Bulk) carryItem(ctx context.Context, o bulk.Operation, number int, limiter *rate.Limiter) (bulk.Result, error) {
	item, err := b.item(ctx, o, number)
	if err != nil {
		return bulk.Result{}, err
	}
	if !item.Open() {
		return *item.Result, nil
	}
	if err := limiter.Wait(ctx); err != nil {
		return bulk.Result{}, fmt.Errorf("keeping the rate: %w", err)
	}
	result, err := b.execute(ctx, o, item)
	if err != nil {
		if attempt(ctx) < bulkTries || ctx.Err() != nil {
			return bulk.Result{}, err
		}
		b.Log.Warn("bulk operation: no answer", zap.String("item", bulk.ItemKey(o.ID, number)), zap.Error(err))
		result = bulk.NewResult(bulk.Failed, bulk.ReasonNoAnswer, "", b.Now())
	}
	stands, err := b.Store.SettleBulkItem(ctx, o.ID, number, result)
	return stands, failed("recording the result of item "+bulk.ItemKey(o.ID, number), err)
}

// attempt is the number of the activity's attempt, from 1.
func attempt(ctx context.Context) int {
	if !activity.IsActivity(ctx) {
		return 1
	}
	return int(activity.GetInfo(ctx).Attempt)
}

func (b *Bulk) item(ctx context.Context, o bulk.Operation, number int) (bulk.Item, error) {
	item, found, err := b.Store.BulkItem(ctx, o.ID, number)
	if err == nil && !found {
		err = fmt.Errorf("item %s is gone", bulk.ItemKey(o.ID, number))
	}
	return item, failed("reading an item", err)
}

// execute decides an item on fresh facts and carries out the decision. An e-mail waits for its turn within the account's rate; after a
// wait the item is decided again, since its vendor may have unsubscribed, converted or moved.
func (b *Bulk) execute(ctx context.Context, o bulk.Operation, item bulk.Item) (bulk.Result, error) {
	d, facts, err := b.decide(ctx, o, item)
	if err == nil && d.Step != nil {
		var waited bool
		if waited, err = b.Mailer.Wait(ctx); err != nil {
			return bulk.Result{}, failed("waiting for the account's rate", err)
		}
		if waited {
			d, facts, err = b.decide(ctx, o, item)
		}
	}
	switch {
	case err != nil:
		return bulk.Result{}, err
	case d.Outcome != bulk.Succeeded:
		return b.undone(ctx, o, item, d)
	case d.Step != nil:
		return b.resend(ctx, o, *d.Step, facts)
	case d.Message == trial.MessageConvert:
		return b.convert(ctx, item, d)
	}
	return b.ask(ctx, item, d)
}

// decide reads the facts and decides an item.
func (b *Bulk) decide(ctx context.Context, o bulk.Operation, item bulk.Item) (bulk.Decision, bulk.ItemFacts, error) {
	current, err := b.Store.Flags(ctx)
	if err != nil {
		return bulk.Decision{}, bulk.ItemFacts{}, failed("reading the flags", err)
	}
	facts, err := app.ItemFacts(ctx, b.Store, o, item.VendorID, current.FeatureFlags, b.Now())
	if err != nil {
		return bulk.Decision{}, bulk.ItemFacts{}, failed("looking at trial "+item.VendorID, err)
	}
	return o.Decide(item, facts), facts, nil
}

// ask sends a decision's request to the trial.
func (b *Bulk) ask(ctx context.Context, item bulk.Item, d bulk.Decision) (bulk.Result, error) {
	result := bulk.NewResult(bulk.Succeeded, bulk.ReasonCarriedOut, "", b.Now())
	if !d.Repeated {
		o, err := b.Trials.Ask(ctx, d.Message, item.VendorID, d.Request)
		if e, ok := errors.AsType[*trial.Error](err); ok && e.Code != trial.CodeUnavailable {
			return bulk.RefusedBy(e, b.Now()), nil
		}
		if err != nil {
			return bulk.Result{}, failed("asking trial "+item.VendorID, err)
		}
		if o.Revision == d.Change.Revision && o.EndsAt.Equal(d.Change.Is) {
			result.Change = d.Change
			return result, nil
		}
	}
	// It was carried out before, or with another result than expected.
	events, err := b.Store.Events(ctx, item.VendorID, 1)
	if err != nil {
		return bulk.Result{}, failed("reading what happened to trial "+item.VendorID, err)
	}
	if change, found := bulk.ChangeBy(events, d.Request.ID); found {
		result.Change = &change
	}
	return result, nil
}

// convert stores the conversion, and signals the trial. If the signal is lost, the reconciler delivers the conversion.
func (b *Bulk) convert(ctx context.Context, item bulk.Item, d bulk.Decision) (bulk.Result, error) {
	kept, _, err := b.Store.RecordConversion(ctx, item.VendorID, trial.Conversion{At: d.Request.At, RequestID: d.Request.ID})
	if err != nil {
		return bulk.Result{}, failed("recording the conversion of "+item.VendorID, err)
	}
	if kept.RequestID != d.Request.ID {
		return bulk.NewResult(bulk.Skipped, bulk.ReasonAlreadyConverted, "", b.Now()), nil
	}
	if err := b.Trials.Convert(ctx, item.VendorID, d.Request); err != nil {
		return bulk.Result{}, failed("telling trial "+item.VendorID, err)
	}
	return bulk.NewResult(bulk.Succeeded, bulk.ReasonCarriedOut, "", b.Now()), nil
}
