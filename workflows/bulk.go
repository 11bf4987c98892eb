package workflows

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	sdktemporal "go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/bulk"
)

// BulkInput starts the workflow of an operation, or continues one as new.
type BulkInput struct {
	ID string `json:"id"`
	// Work is what an earlier run carried on; nil means to look in the database.
	Work *activities.BulkWork `json:"work"`
	// Signals is how far an earlier run had counted its signals.
	Signals *SignalNumbers `json:"signals,omitempty"`
}

// pagesPerRun is after how many pages the operation continues as new: some 600
// events, however many items it has.
const pagesPerRun = 100

// BulkOperation changes many trials, page by page. It ends with the operation, and
// when a dry run is over; a request that comes later starts it again, and it goes on
// from what the database holds.
func BulkOperation(ctx workflow.Context, in BulkInput) (bulk.View, error) {
	b := &bulkRun{}
	ctx, b.canceled = uncancelable(ctx)
	if err := b.setup(ctx, in); err != nil {
		return bulk.View{}, err
	}
	return b.run(ctx)
}

// bulkRun is the state of one run.
type bulkRun struct {
	activities.BulkWork
	queue  *queue
	resets resets
	// canceled is what is said of a cancellation.
	canceled *string
	pages    int
	// activities names the activities; the worker has the real ones.
	activities *activities.Bulk
}

func (b *bulkRun) setup(ctx workflow.Context, in BulkInput) error {
	b.queue = queueOf(ctx, in.Signals)
	b.resets.check(ctx, b.queue)
	if err := workflow.SetQueryHandler(ctx, bulk.QueryStatus, func() (bulk.View, error) {
		return bulk.ViewOf(b.Operation, b.State), nil
	}); err != nil {
		return fmt.Errorf("registering query: %w", err)
	}
	if in.Work != nil {
		b.BulkWork = *in.Work
		return nil
	}
	return b.begin(ctx, in.ID)
}

// begin reads how far the operation is.
func (b *bulkRun) begin(ctx workflow.Context, id string) error {
	var stored activities.BulkWork
	if err := workflow.ExecuteActivity(bulkOptions(ctx, "begin"), b.activities.BeginBulk, id).Get(ctx, &stored); err != nil {
		return fmt.Errorf("reading the operation: %w", err)
	}
	if stored.State.Seq >= b.State.Seq { // a database that was restored may know less
		b.BulkWork = stored
	}
	return nil
}

func (b *bulkRun) run(ctx workflow.Context) (bulk.View, error) {
	for {
		workflow.SetCurrentDetails(ctx, bulk.Details(b.Operation, b.State)+*b.canceled)
		var err error
		switch {
		case b.resets.check(ctx, b.queue):
			if err = b.begin(ctx, b.Operation.ID); err == nil {
				b.resets.pending = false
				b.queue.forget(b.State.HandledSignals)
			}
		case b.queue.pending():
			err = b.answer(ctx, b.queue.pop())
		case b.State.Status.Final():
			return bulk.ViewOf(b.Operation, b.State), nil
		case b.pages >= pagesPerRun || workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			next := BulkInput{ID: b.Operation.ID, Work: &b.BulkWork, Signals: b.queue.numbers}
			return bulk.View{}, workflow.NewContinueAsNewError(ctx, bulk.WorkflowType, next)
		case b.State.Status == bulk.Paused:
			err = workflow.Await(ctx, b.queue.pending)
		default:
			err = b.page(ctx)
		}
		if err != nil {
			return bulk.View{}, err
		}
	}
}

// page does the next page of whatever is to be done.
func (b *bulkRun) page(ctx workflow.Context) error {
	b.pages++
	page := b.State.Page(b.Operation)
	summary, activity := fmt.Sprintf("%d to %d", page.From, page.To), any(b.activities.CarryOut)
	switch b.State.Status { //nolint:exhaustive // the others have no pages
	case bulk.Choosing:
		summary, activity = "choose trials", b.activities.ChooseItems
	case bulk.Planning:
		summary, activity = "look at "+summary, b.activities.LookAtItems
	}
	// Into a value of its own: what is decoded over another keeps what the new one leaves out.
	var after bulk.State
	b.State.HandledSignals = b.queue.numbers.Handled // and so in what comes of it
	if err := workflow.ExecuteActivity(bulkOptions(ctx, summary), activity, b.BulkWork).Get(ctx, &after); err != nil {
		return fmt.Errorf("%s: %w", summary, err)
	}
	b.State = after
	return nil
}

// answer carries out one message. One that does not apply is logged: over HTTP it was refused before it was sent.
func (b *bulkRun) answer(ctx workflow.Context, m message) error {
	c, err := readControl(m)
	if err != nil {
		refuseMessage(ctx, m, err)
		return nil
	}
	c.At = workflow.Now(ctx)
	for {
		after, err := b.State.Request(c)
		if err != nil {
			refuseMessage(ctx, m, err)
			return nil
		}
		if after.Seq == b.State.Seq {
			return nil
		}
		after.HandledSignals = b.queue.numbers.Handled
		var stored *bulk.State
		work := activities.BulkWork{Operation: b.Operation, State: after}
		if err := workflow.ExecuteActivity(bulkOptions(ctx, c.Name), b.activities.NoteBulk, work).Get(ctx, &stored); err != nil {
			return fmt.Errorf("noting %s: %w", c.Name, err)
		}
		if stored == nil {
			b.State = after
			return nil
		}
		b.State = *stored // somebody got ahead of this run: the request is decided anew
	}
}

// readControl is what an admin asks for with a message. A pause or a stop that cannot be read counts all the
// same: it says by its name what is wanted, and holds back what somebody is in a hurry to hold back. A start or a
// resume changes many trials, so it is taken only as it was meant.
func readControl(m message) (bulk.Control, error) {
	if !slices.Contains(bulk.Controls(), m.name) {
		return bulk.Control{}, errUnknownMessage
	}
	c, err := decode[bulk.Control](m, shape{needs: []string{"reason"}, may: []string{"name", "id", "by", "at"}})
	if err == nil && c.Name != "" && c.Name != m.name {
		err = errors.New("name is that of another message")
	}
	if err != nil && (m.name == bulk.ControlPause || m.name == bulk.ControlStop) {
		c, err = bulk.Control{Reason: "no reason could be read"}, nil
	}
	c.Name, c.ID, c.By = m.name, cmp.Or(c.ID, m.id), cmp.Or(c.By, "signal")
	return c, err
}

func bulkOptions(ctx workflow.Context, summary string) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 10 * time.Minute, HeartbeatTimeout: heartbeatTimeout, Summary: summary,
		RetryPolicy: &sdktemporal.RetryPolicy{InitialInterval: firstRetry, BackoffCoefficient: 2, MaximumInterval: 30 * time.Second},
	})
}
