package workflows

import (
	"slices"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// message is one message to a workflow, as it arrived.
type message struct {
	name    string
	payload *common.Payloads
	// id identifies a message that names no id itself. It is the same when a reset delivers the message again.
	id string
	// sentBefore is the version of the flags set by hand that the run found while the message waited; 0 for none.
	sentBefore int
}

// queue holds the signals of a run in their order of arrival, whatever their names. The SDK's channels keep the order only
// among signals of one name.
type queue struct {
	messages []message
	// beforeReset is how many of the messages were there when the run noticed a reset.
	beforeReset int
	// numbers is nil until the run begins. Signals may arrive earlier.
	numbers *SignalNumbers
}

// begin numbers the waiting messages: on from what an earlier run passed on, or from zero in the name of the run.
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

// markSentBefore notes that the first n messages were sent before the run knew a version of the flags.
func (q *queue) markSentBefore(version, n int) {
	for i := range n {
		q.messages[i].sentBefore = version
	}
}

// pop takes out the oldest message and counts it as handled. The queue must not be empty.
func (q *queue) pop() message {
	m := q.messages[0]
	q.numbers.Handled = q.numbers.handledAfter(q.numbers.Handled, m)
	q.messages, q.beforeReset = q.messages[1:], max(q.beforeReset-1, 0)
	return m
}

// dropHandled drops the messages up to the stored handled, and returns them. A reset delivers a run's signals again, in order;
// one that was refused then might be accepted now, against what somebody asked for later. If the hash fits no message, as
// after a reset that left signals out, it drops none: ids prevent repetition.
func (q *queue) dropHandled(handled string) []message {
	q.beforeReset = 0
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

// push adds a message at the end.
func (q *queue) push(name string, payload *common.Payloads) {
	m := message{name: name, payload: payload}
	if q.numbers != nil {
		m.id = q.numbers.id(m)
	}
	q.messages = append(q.messages, m)
}

// queueKey is the key of a queue in a workflow's context.
type queueKey struct{}

// queueOf is the queue of the running workflow. carried is what an earlier run passed on, nil for nothing. Without the
// interceptor there is no queue, and signals would be lost: then the workflow task fails, and a worker that has it retries it.
func queueOf(ctx workflow.Context, carried *SignalNumbers) *queue {
	q, ok := ctx.Value(queueKey{}).(*queue)
	if !ok {
		panic("the worker lacks workflows.Interceptors: signals would be lost")
	}
	q.begin(workflow.GetInfo(ctx).OriginalRunID, carried)
	return q
}

// Interceptors are required by every worker, test environment and replayer of these workflows.
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

// inbound receives the signals of one run.
type inbound struct {
	interceptor.WorkflowInboundInterceptorBase
	queue *queue
}

func (i *inbound) ExecuteWorkflow(ctx workflow.Context, in *interceptor.ExecuteWorkflowInput) (any, error) {
	return i.Next.ExecuteWorkflow(workflow.WithValue(ctx, queueKey{}, i.queue), in)
}

// HandleSignal is called once per signal, in the order of the history. It does not pass the signal on to its channel.
func (i *inbound) HandleSignal(_ workflow.Context, in *interceptor.HandleSignalInput) error {
	i.queue.push(in.SignalName, in.Arg)
	return nil
}
