package workflows

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"
)

// message is what somebody sent to a workflow, as it arrived.
type message struct {
	name    string
	payload *common.Payloads
	// id stands for the message where it names none itself. It is the same when the message arrives
	// again because the run was reset.
	id string
}

// queue holds the signals of a run in their order of arrival, whatever their names: the SDK's channels
// keep the order only among signals of one name.
type queue struct {
	messages []message
	// again is how many of them were there when a reset was noticed: sent to the run once more, before anything new.
	again int
	// alike counts the messages of the same name and payload that have arrived.
	alike map[string]int
}

// pending tells whether a message waits.
func (q *queue) pending() bool { return len(q.messages) > 0 }

// pop takes out the oldest message; one must be pending.
func (q *queue) pop() message {
	m := q.messages[0]
	q.messages, q.again = q.messages[1:], max(q.again-1, 0)
	return m
}

// forget drops, of the messages that a reset gave the run once more, those up to the last that is known to be carried
// out: a reset gives a run its signals once more,
// in their order, and those before that one have had their turn. One that was refused then might be taken now, against
// what was asked for later.
func (q *queue) forget(known func(message) bool) {
	for i := q.again - 1; i >= 0; i-- {
		if known(q.messages[i]) {
			q.messages = q.messages[i+1:]
			break
		}
	}
	q.again = 0
}

// push puts a message behind the others. run is the run that it was first sent to.
func (q *queue) push(run, name string, payload *common.Payloads) {
	hash := sha256.New()
	hash.Write([]byte(name))
	for _, p := range payload.GetPayloads() {
		hash.Write([]byte{0})
		hash.Write(p.GetData())
	}
	sum := hex.EncodeToString(hash.Sum(nil)[:8])
	q.alike[sum]++
	q.messages = append(q.messages, message{name: name, payload: payload, id: fmt.Sprintf("signal-%s-%s-%d", run, sum, q.alike[sum])})
}

// queueKey is under what a workflow's context holds its queue.
type queueKey struct{}

// queueOf is the queue of the running workflow. Without the interceptor there is none, and signals
// would be lost: the workflow task fails then, and is tried again by a worker that has it.
func queueOf(ctx workflow.Context) *queue {
	q, ok := ctx.Value(queueKey{}).(*queue)
	if !ok {
		panic("the worker lacks workflows.Interceptors: signals would be lost")
	}
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
	i := &inbound{queue: &queue{alike: map[string]int{}}}
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
func (i *inbound) HandleSignal(ctx workflow.Context, in *interceptor.HandleSignalInput) error {
	i.queue.push(workflow.GetInfo(ctx).OriginalRunID, in.SignalName, in.Arg)
	return nil
}
