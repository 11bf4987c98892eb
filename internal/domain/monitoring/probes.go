package monitoring

import "time"

// Failure is why nothing was learnt from a probe; empty where something was.
type Failure string

// The failures.
const (
	// NoAnswer is a part that cannot be reached, or is too slow.
	NoAnswer Failure = "no answer"
	// NotThere is a part that answers, and has not what it was asked for.
	NotThere Failure = "not there"
	// Broken is a part that answers with any other error.
	Broken Failure = "error"
)

// Reply is how a part answered when it was asked.
type Reply struct {
	Took    time.Duration
	Failure Failure
}

func (r Reply) failed() bool { return r.Failure != "" }

// Probes are what was found out about every part at one moment.
type Probes struct {
	MongoDB Reply
	// Temporal is about our namespace: NotThere where Temporal does not have it.
	Temporal Reply
	Worker   WorkerProbe
	Mail     MailProbe
	Watch    WatchProbe
	// Rollout is what Temporal says of the rollout's workflow.
	Rollout    RolloutProbe
	Reconciler ReconcilerProbe
	Flags      Reply
	// Certificate is the one that the API shows; nil where it shows none.
	Certificate *Validity
}

// Validity is from when until when a certificate is good.
type Validity struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// WorkerProbe is what Temporal says of the task queue, and what the processes
// say of themselves.
type WorkerProbe struct {
	// Queue is how Temporal answered about the queue, and what.
	Queue Reply
	TaskQueue
	// Noted is how the database answered about Processes.
	Noted     Reply
	Processes []Process
}

// TaskQueue is how the queue stands that workers poll.
type TaskQueue struct {
	// Polled is when a worker last asked for work, of both kinds there are; zero
	// where none has lately.
	Polled time.Time
	// Waiting counts tasks that no worker has taken, Oldest is how long the first waits.
	Waiting int64
	Oldest  time.Duration
}

// MailProbe is what the mail service says of the account.
type MailProbe struct {
	Reply
	MailAccount
}

// MailAccount is how the account at the mail service stands.
type MailAccount struct {
	// Sending says that the mail service lets the account send.
	Sending bool
	// Sent is how many e-mails left in the last 24 hours, Quota how many may;
	// negative where there is no limit.
	Sent, Quota float64
}

// WatchProbe is what is stored of the rollout's watch.
type WatchProbe struct {
	Reply
	// Running says that a rollout runs, since Began, with days that last so long.
	Running bool
	Began   time.Time
	Day     time.Duration
	// Last is when the watch last came; zero for never.
	Last time.Time
}

// RolloutProbe is how the workflow of the rollout stands, whether or not there is to be one.
type RolloutProbe struct {
	Reply
	WorkflowRun
}

// WorkflowRun is how a workflow stands.
type WorkflowRun struct {
	// Gone says that it does not run.
	Gone bool
	// Attempts is how often its present task has been tried.
	Attempts int
}

// failingAttempts is from how many attempts on a workflow's tasks fail: a worker that was stopped costs one.
const failingAttempts = 4

// ReconcilerProbe is what is stored of the reconciler.
type ReconcilerProbe struct {
	Reply
	// Last is when a sweep last came to its end; zero for never.
	Last time.Time
}
