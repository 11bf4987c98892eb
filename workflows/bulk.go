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
	// Work is the state that an earlier run passed on; nil means to read it from the database.
	Work *activities.BulkWork `json:"work"`
	// Signals is how far an earlier run counted its signals.
	Signals *SignalNumbers `json:"signals,omitempty"`
}

// pagesPerRun is the number of pages after which the operation continues as new: some 600 events, whatever its size.
const pagesPerRun = 100

// BulkOperation changes many trials, page by page. It ends with the operation, and after a dry run. A later request starts it
// again, and it goes on from the database.
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
	// canceled is the note on a cancellation for the workflow's details.
	canceled *string
	pages    int
	// activities names the activities; it stays nil.
	activities *activities.Bulk
}

func (b *bulkRun) setup(ctx workflow.Context, in BulkInput) error {
	b.queue = queueOf(ctx, in.Signals)
	b.resets.check(ctx, b.queue)
	known := func() bool { return b.Operation.ID != "" }
	if err := answer(ctx, bulk.QueryStatus, known, func() bulk.View { return bulk.ViewOf(b.Operation, b.State) }); err != nil {
		return err
	}
	if in.Work != nil {
		b.BulkWork = *in.Work
		return nil
	}
	return b.begin(ctx, in.ID)
}

// begin reads the stored state.
func (b *bulkRun) begin(ctx workflow.Context, id string) error {
	var stored activities.BulkWork
	if err := workflow.ExecuteActivity(bulkOptions(ctx, "begin"), b.activities.BeginBulk, id).Get(ctx, &stored); err != nil {
		return fmt.Errorf("reading the operation: %w", err)
	}
	if stored.State.Seq >= b.State.Seq { // a restored database may know less
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
				b.queue.dropHandled(b.State.HandledSignals)
			}
		case b.queue.pending():
			err = b.handle(ctx, b.queue.pop())
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

// page does the next page of the current phase.
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
	// A new variable: decoding into b.State would keep the fields that the result omits.
	var after bulk.State
	b.State.HandledSignals = b.queue.numbers.Handled // the result carries it on
	if err := workflow.ExecuteActivity(bulkOptions(ctx, summary), activity, b.BulkWork).Get(ctx, &after); err != nil {
		return fmt.Errorf("%s: %w", summary, err)
	}
	b.State = after
	return nil
}

// handle carries out one message. It logs one that does not apply: the API refused it before sending.
func (b *bulkRun) handle(ctx workflow.Context, m message) error {
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
		b.State = *stored // another run stored a newer state: decide the request again
	}
}

// readControl reads the control in a message. An unreadable pause or stop counts all the same: its name says what it wants, and
// it holds back something in a hurry. A start or a resume changes many trials, so it counts only if it can be read.
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
