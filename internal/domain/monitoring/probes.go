package monitoring

import "time"

// Failure is why a probe learned nothing; empty if it did learn something.
type Failure string

// The failures.
const (
	// NoAnswer: the part cannot be reached, or is too slow.
	NoAnswer Failure = "no answer"
	// NotThere: the part answers, but does not have what was asked for.
	NotThere Failure = "not there"
	// Broken: the part answers with any other error.
	Broken Failure = "error"
)

// Reply is a part's answer to a probe.
type Reply struct {
	Took    time.Duration
	Failure Failure
}

func (r Reply) failed() bool { return r.Failure != "" }

// Probes are the results of probing every part once.
type Probes struct {
	MongoDB Reply
	// Temporal is about our namespace: NotThere if Temporal does not have it.
	Temporal Reply
	Worker   WorkerProbe
	Mail     MailProbe
	Watch    WatchProbe
	// Rollout is Temporal's report on the rollout's workflow.
	Rollout    RolloutProbe
	Reconciler ReconcilerProbe
	Flags      Reply
	// Certificate is the API's; nil if it uses none.
	Certificate *Validity
}

// Validity is the period in which a certificate is valid.
type Validity struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// WorkerProbe is Temporal's report on the task queue, and the processes'
// reports on themselves.
type WorkerProbe struct {
	// Queue is Temporal's answer about the queue.
	Queue Reply
	TaskQueue
	// Noted is the database's answer about Processes.
	Noted     Reply
	Processes []Process
}

// TaskQueue is the state of the queue that workers poll.
type TaskQueue struct {
	// Polled is when a worker last polled, for either kind of task; zero
	// if none has polled recently.
	Polled time.Time
	// Waiting counts the tasks that no worker has taken, Oldest is how long the first has waited.
	Waiting int64
	Oldest  time.Duration
}

// MailProbe is the mail service's report on the account.
type MailProbe struct {
	Reply
	MailAccount
}

// MailAccount is the status of the account at the mail service.
type MailAccount struct {
	// Sending says that the mail service lets the account send.
	Sending bool
	// Sent is how many e-mails were sent in the last 24 hours, Quota how many may be;
	// negative without a limit.
	Sent, Quota float64
}

// WatchProbe is what the database holds about the rollout's watch.
type WatchProbe struct {
	Reply
	// Running says that a rollout runs, since Began, with days of length Day.
	Running bool
	Began   time.Time
	Day     time.Duration
	// Last is when the watch last ran; zero for never.
	Last time.Time
}

// RolloutProbe is the state of the rollout's workflow, whether or not one should run.
type RolloutProbe struct {
	Reply
	WorkflowRun
}

// WorkflowRun is the state of a workflow.
type WorkflowRun struct {
	// Gone says that it does not run.
	Gone bool
	// Attempts counts the attempts at its present task.
	Attempts int
}

// failingAttempts is the number of attempts from which a workflow's tasks count as failing: a worker that stops costs one.
const failingAttempts = 4

// ReconcilerProbe is what the database holds about the reconciler.
type ReconcilerProbe struct {
	Reply
	// Last is when a sweep last finished; zero for never.
	Last time.Time
}
