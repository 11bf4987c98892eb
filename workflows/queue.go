package workflows

import (
	"slices"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// message is what somebody sent to a workflow, as it arrived.
type message struct {
	name    string
	payload *common.Payloads
	// id stands for the message where it names none itself. It is the same when the message arrives
	// again because a run was reset.
	id string
	// before is the version of the flags that somebody had set, as the run found while the message waited; 0 for none.
	before int
}

// queue holds the signals of a run in their order of arrival, whatever their names: the SDK's channels
// keep the order only among signals of one name.
type queue struct {
	messages []message
	// again is how many of them were there when a reset was noticed: sent before that, most of them once more.
	again int
	// numbers is nil until the run begins; signals may arrive before that.
	numbers *SignalNumbers
}

// begin has the messages numbered, those that are there first: on from what an earlier run carried, or from nothing in
// the name of the run.
func (q *queue) begin(run string, carried *SignalNumbers) {
	q.numbers = &SignalNumbers{Run: run}
	if carried != nil {
		q.numbers = &SignalNumbers{Run: carried.Run, Alike: slices.Clone(carried.Alike), Floor: carried.Floor, Handled: carried.Handled}
	}
	for i := range q.messages {
		q.messages[i].id = q.numbers.id(q.messages[i])
	}
}

// pending tells whether a message waits.
func (q *queue) pending() bool { return len(q.messages) > 0 }

// found notes that the first n messages which wait were sent before the run knew of a version of the flags.
func (q *queue) found(version, n int) {
	for i := range n {
		q.messages[i].before = version
	}
}

// pop takes out the oldest message; one must be pending. It counts as handled from then on.
func (q *queue) pop() message {
	m := q.messages[0]
	q.numbers.Handled = q.numbers.handledAfter(q.numbers.Handled, m)
	q.messages, q.again = q.messages[1:], max(q.again-1, 0)
	return m
}

// forget drops the messages that were handled before what is stored, which says so of them: a reset gives a run its
// signals once more, in their order. One that was refused then might be taken now, against what was asked for later.
// Where they are not those that the run was given, as after a reset without its signals, nothing is dropped: each has
// its turn, and what was carried out is known by its id. It answers with those that were dropped.
func (q *queue) forget(handled string) []message {
	q.again = 0
	now := q.numbers.Handled
	for i, m := range q.messages {
		if now = q.numbers.handledAfter(now, m); now == handled {
			dropped := q.messages[:i+1]
			q.messages, q.numbers.Handled = q.messages[i+1:], now
			return dropped
		}
	}
	return nil
}

// push puts a message behind the others.
func (q *queue) push(name string, payload *common.Payloads) {
	m := message{name: name, payload: payload}
	if q.numbers != nil {
		m.id = q.numbers.id(m)
	}
	q.messages = append(q.messages, m)
}

// queueKey is under what a workflow's context holds its queue.
type queueKey struct{}

// queueOf is the queue of the running workflow, which begins with what an earlier run carried on; nil for nothing.
// Without the interceptor there is none, and signals
// would be lost: the workflow task fails then, and is tried again by a worker that has it.
func queueOf(ctx workflow.Context, carried *SignalNumbers) *queue {
	q, ok := ctx.Value(queueKey{}).(*queue)
	if !ok {
		panic("the worker lacks workflows.Interceptors: signals would be lost")
	}
	q.begin(workflow.GetInfo(ctx).OriginalRunID, carried)
	return q
}

// Interceptors are what every worker, test environment, and replayer of these workflows needs.
func Interceptors() []interceptor.WorkerInterceptor {
	return []interceptor.WorkerInterceptor{&queueing{}}
}

// queueing gives each run its queue.
type queueing struct {
	interceptor.WorkerInterceptorBase
}

func (*queueing) InterceptWorkflow(_ workflow.Context, next interceptor.WorkflowInboundInterceptor) interceptor.WorkflowInboundInterceptor {
	i := &inbound{queue: &queue{}}
	i.Next = next
	return i
}

// inbound sees what arrives at one run.
type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	queue *queue
}

func (i *inbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	return i.Next.ExecuteWorkflow(workflow.WithValue(ctx, queueKey{}, i.queue), in)
}

// HandleSignal is called once a signal, in the order of the history. It does not hand the signal on: in its
// channel it would wait for nobody.
func (i *inbound) HandleSignal(_ workflow.Context, in *interceptor.HandleSignalInput) error {
	i.queue.push(in.SignalName, in.Arg)
	return nil
}
