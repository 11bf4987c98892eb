package monitoring

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
)

const (
	// slowMongoDB and slowTemporal are answers that callers notice.
	slowMongoDB  = 500 * time.Millisecond
	slowTemporal = 600 * time.Millisecond

	// pollMissing is after how long without a poll no worker polls. Temporal
	// keeps a poll open for 60 seconds and notes the time at its beginning and at its end, so
	// that the last one of an idle worker that lives is up to that old.
	pollMissing = 70 * time.Second
	// signMissing is after how long a worker that has neither polled nor sampled itself
	// is gone: three samples. A poll alone would tell that only after pollMissing.
	signMissing = 3 * SampleEvery
	// taskWaits is how long a task may wait for a worker; one that is there takes
	// it within milliseconds.
	taskWaits = time.Minute

	// quotaNear is the share of the day's e-mails after which the rest may not do.
	quotaNear = 0.8

	// The reconciler comes every 30 seconds. sweepLate allows for a sweep that has
	// much to do, sweepMissing for the longest that there can be, which Temporal ends after ten minutes.
	sweepLate    = 2 * time.Minute
	sweepMissing = 11 * time.Minute
)

func mongoDB(p Probes) Part {
	part := Part{Name: PartMongoDB, State: Healthy, Took: p.MongoDB.Took, Message: answered(p.MongoDB)}
	switch {
	case p.MongoDB.failed():
		part.State = Unhealthy
		part.Action = "Start MongoDB, or mend the network to it. " + Intake(true) + " Steps wait; nothing that was accepted is lost."
	case p.MongoDB.Took > slowMongoDB:
		part.State, part.Message = Degraded, slow(p.MongoDB, slowMongoDB)
		part.Action = "Look at MongoDB's load, disk and slow queries; every request and step waits for it."
	}
	return part
}

// Intake says what becomes of registrations and conversions meanwhile, to all who say it: the database alone decides.
func Intake(databaseUnavailable bool) string {
	if databaseUnavailable {
		return "Registrations and conversions are refused (503) meanwhile."
	}
	return "Registrations and conversions are taken meanwhile."
}

// TemporalUnavailable says what to do where Temporal does not answer.
func TemporalUnavailable(databaseUnavailable bool) string {
	action := "Start Temporal, or mend the network to it. Steps run late."
	if databaseUnavailable {
		return action // the database's trouble says what is refused
	}
	return action + " " + Intake(false)
}

func temporal(p Probes) Part {
	part := Part{Name: PartTemporal, State: Healthy, Took: p.Temporal.Took, Message: answered(p.Temporal)}
	switch {
	case p.Temporal.Failure == NotThere:
		part.State, part.Message = Unhealthy, "it answers, but does not have our namespace"
		part.Action = "Check TEMPORAL_NAMESPACE; create the namespace, then run starter setup."
	case p.Temporal.failed():
		part.State = Unhealthy
		part.Action = TemporalUnavailable(p.MongoDB.failed())
	case p.Temporal.Took > slowTemporal:
		part.State, part.Message = Degraded, slow(p.Temporal, slowTemporal)
		part.Action = "Look at the load of Temporal and of its database; steps run later than they should."
	}
	return part
}

// worker judges by two signs of life. Either alone may be missing for a while:
// polls are long, and samples stop while MongoDB is away.
func worker(p Probes, now time.Time) Part {
	w := p.Worker
	part := Part{Name: PartWorker, State: Healthy, Took: w.Queue.Took}
	if w.Queue.failed() {
		part.State, part.Message, part.Through = Unknown, "not known while Temporal does not say who polls the task queue", PartTemporal
		part.Action = "See to Temporal first."
		return part
	}
	sampled := lastSample(w.Processes, RoleWorker)
	silent := now.Sub(later(w.Polled, sampled))
	switch {
	case w.Polled.IsZero():
		part.State, part.Message = Unhealthy, "no worker has polled the task queue in the last minutes"
	case now.Sub(w.Polled) > pollMissing:
		part.State, part.Message, part.Since = Unhealthy, "no worker has polled the task queue for "+length(now.Sub(w.Polled)), w.Polled
	case !w.Noted.failed() && silent > signMissing:
		part.State, part.Message, part.Since = Unhealthy, "no worker has given a sign of life for "+length(silent), later(w.Polled, sampled)
	case w.Oldest > taskWaits:
		part.State = Degraded
		part.Message = fmt.Sprintf("%d tasks wait for a worker, the first for %s", w.Waiting, length(w.Oldest))
		part.Action = "Start more workers, or look in their logs for what keeps them busy; steps run late."
		return part
	default:
		part.Message = fmt.Sprintf("last polled %s ago, %d tasks wait", length(now.Sub(w.Polled)), w.Waiting)
		return part
	}
	part.Action = "Start the worker and read the end of its log. Steps wait and run late; none is lost, and nobody is e-mailed twice."
	return part
}

func mail(p Probes) Part {
	m := p.Mail
	part := Part{Name: PartMail, State: Healthy, Took: m.Took}
	used := 0.0
	part.Message = fmt.Sprintf("sending is enabled, %.0f e-mails in 24 hours without a limit", m.Sent)
	if m.Quota > 0 {
		used = m.Sent / m.Quota
		part.Message = fmt.Sprintf("sending is enabled, %.0f of %.0f e-mails in 24 hours (%.0f %%)", m.Sent, m.Quota, used*100)
	}
	switch {
	case m.failed():
		part.State, part.Message = Unknown, "SES does not say how the account stands: "+string(m.Failure)
		part.Action = "Check the AWS credentials and region of the API, and AWS's own status page. E-mails that SES does not take are tried again."
	case !m.Sending:
		part.State, part.Message = Unhealthy, "SES has paused sending for the account"
		part.Action = "Read the reason in the SES console under Account dashboard and answer AWS; e-mails wait, and leave once sending is allowed."
	case m.Quota == 0 || used >= 1:
		part.State = Unhealthy
		part.Message = fmt.Sprintf("the day's quota is used up: %.0f of %.0f e-mails in 24 hours", m.Sent, m.Quota)
		part.Action = "Ask AWS for a higher sending quota; e-mails wait until the quota allows them."
	case used >= quotaNear:
		part.State = Degraded
		part.Action = "Ask AWS for a higher sending quota now; at 100 % e-mails wait."
	}
	return part
}

func watch(p Probes, now time.Time) Part {
	w := p.Watch
	part := Part{Name: PartWatch, State: Healthy, Message: "no rollout runs"}
	last := later(w.Began, w.Last)
	switch {
	case p.MongoDB.failed() || w.failed():
		return dependent(part)
	case !w.Running:
	case !p.Rollout.failed() && p.Rollout.Gone:
		part.State = Unhealthy
		part.Message = "a rollout runs by what is stored, and its workflow is gone"
		part.Action = "The reconciler starts it again within half a minute: see to the worker where it does not. Somebody terminated it, or Temporal has lost data."
	case !p.Rollout.failed() && p.Rollout.Attempts >= failingAttempts:
		part.State = Unhealthy
		part.Message = fmt.Sprintf("the rollout's workflow fails its tasks, %d attempts so far: what is asked of it waits", p.Rollout.Attempts)
		part.Action = "Read in the worker's log why. A rollback lowers the flags all the same; nothing that was asked is lost."
	case rollout.WatchMissed(last, now, w.Day):
		part.State, part.Since = Unhealthy, last
		part.Message = fmt.Sprintf("a rollout runs, and its watch has not come for %s; it is due every %s", length(now.Sub(last)), length(rollout.WatchEvery(w.Day)))
		part.Action = "See to the worker, then to schedule watch-rollout in the Temporal UI. Nothing rolls back the rollout by itself meanwhile: pause it or roll back if in doubt."
	case w.Last.IsZero():
		part.Message = "a rollout has begun, its first watch is due"
	default:
		part.Message = fmt.Sprintf("came %s ago", length(now.Sub(w.Last)))
	}
	return part
}

func reconciler(p Probes, now time.Time) Part {
	r := p.Reconciler
	part := Part{Name: PartReconciler, State: Healthy}
	since := now.Sub(r.Last)
	switch {
	case p.MongoDB.failed() || r.failed():
		return dependent(part)
	case r.Last.IsZero():
		part.State, part.Message = Unknown, "no sweep is on record"
		part.Action = "It comes within a minute of the worker's start; where it does not, run starter setup and look at schedule reconcile in the Temporal UI."
		return part
	case since > sweepMissing:
		part.State, part.Since = Unhealthy, r.Last
	case since > sweepLate:
		part.State, part.Since = Degraded, r.Last
	}
	part.Message = fmt.Sprintf("the last sweep ended %s ago; it is due every 30 s", length(since))
	if part.State != Healthy {
		part.Action = "See to the worker, then to schedule reconcile in the Temporal UI. Trials that were never started, and held ones, wait for it."
	}
	return part
}

func flags(p Probes) Part {
	part := Part{Name: PartFlags, State: Healthy, Took: p.Flags.Took, Message: "can be read"}
	switch {
	case p.MongoDB.failed() || p.Flags.Failure == NoAnswer:
		return dependent(part)
	case p.Flags.failed():
		part.State, part.Message = Unhealthy, "the flag document cannot be read"
		part.Action = "Look at the document featureFlags in the collection flags; without it nothing is sent and nothing expires."
	}
	return part
}

// dependent is a part that is known through the database only.
func dependent(part Part) Part {
	part.State, part.Message, part.Took, part.Through = Unknown, "not known while MongoDB does not say", 0, PartMongoDB
	part.Action = "See to MongoDB first."
	return part
}

func answered(r Reply) string {
	switch r.Failure {
	case NoAnswer:
		return "no answer after " + length(r.Took)
	case "":
		return "answered after " + length(r.Took)
	case NotThere, Broken:
	}
	return "answered with an error after " + length(r.Took)
}

func slow(r Reply, limit time.Duration) string {
	return fmt.Sprintf("answered after %s only, later than %s", length(r.Took), length(limit))
}

// length is a length of time for people to read.
func length(d time.Duration) string {
	if d < 10*time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
