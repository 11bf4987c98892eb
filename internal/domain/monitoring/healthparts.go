package monitoring

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
)

const (
	// slowMongoDB and slowTemporal are answers slow enough for callers to notice.
	slowMongoDB  = 500 * time.Millisecond
	slowTemporal = 600 * time.Millisecond

	// pollMissing is how long after the last poll no worker counts as polling. Temporal
	// keeps a poll open for 60 seconds and records the time of its beginning and of its end, so
	// the last poll of an idle, living worker may be that old.
	pollMissing = 70 * time.Second
	// signMissing is how long after its last sign of life a worker counts as
	// gone: three samples. Polls alone would show that only after pollMissing.
	signMissing = 3 * SampleEvery
	// taskWaits is how long a task may wait for a worker; an idle worker takes
	// it within milliseconds.
	taskWaits = time.Minute

	// quotaNear is the share of the day's e-mails above which the quota may not last.
	quotaNear = 0.8

	// The reconciler runs every 30 seconds. sweepLate allows for a sweep with
	// much to do, sweepMissing for the longest possible one, which Temporal ends after ten minutes.
	sweepLate    = 2 * time.Minute
	sweepMissing = 11 * time.Minute
)

func mongoDB(p Probes) Part {
	part := Part{Name: PartMongoDB, State: Healthy, Took: p.MongoDB.Took, Message: answered(p.MongoDB)}
	switch {
	case p.MongoDB.failed():
		part.State = Unhealthy
		part.Action = "Start MongoDB, or repair the network to it. " + Intake(true) + " Steps wait; nothing that was accepted is lost."
	case p.MongoDB.Took > slowMongoDB:
		part.State, part.Message = Degraded, slow(p.MongoDB, slowMongoDB)
		part.Action = "Check MongoDB's load, disk and slow queries; every request and step waits for it."
	}
	return part
}

// Intake says whether registrations and conversions are accepted meanwhile: the database alone decides that.
func Intake(databaseUnavailable bool) string {
	if databaseUnavailable {
		return "Registrations and conversions are refused (503) meanwhile."
	}
	return "Registrations and conversions are accepted meanwhile."
}

// TemporalUnavailable says what to do while Temporal does not answer.
func TemporalUnavailable(databaseUnavailable bool) string {
	action := "Start Temporal, or repair the network to it. Steps run late."
	if databaseUnavailable {
		return action // MongoDB's own message says what is refused
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
		part.Action = "Check the load of Temporal and of its database; steps run later than they should."
	}
	return part
}

// worker judges by two signs of life. Either may be missing for a while:
// polls are long, and samples stop while MongoDB is unavailable.
func worker(p Probes, now time.Time) Part {
	w := p.Worker
	part := Part{Name: PartWorker, State: Healthy, Took: w.Queue.Took}
	if w.Queue.failed() {
		part.State, part.Message, part.Through = Unknown, "unknown, because Temporal does not report who polls the task queue", PartTemporal
		part.Action = "Repair Temporal first."
		return part
	}
	sampled := lastSample(w.Processes, RoleWorker)
	silent := now.Sub(later(w.Polled, sampled))
	switch {
	case w.Polled.IsZero():
		part.State, part.Message = Unhealthy, "no worker has polled the task queue in the last minutes"
	case now.Sub(w.Polled) > pollMissing:
		part.State, part.Message, part.Since = Unhealthy, "no worker has polled the task queue for "+formatDuration(now.Sub(w.Polled)), w.Polled
	case !w.Noted.failed() && silent > signMissing:
		part.State, part.Message, part.Since = Unhealthy, "no worker has given a sign of life for "+formatDuration(silent), later(w.Polled, sampled)
	case w.Oldest > taskWaits:
		part.State = Degraded
		part.Message = fmt.Sprintf("%s for a worker, the first for %s", evidence.Counted(w.Waiting, "task waits", "tasks wait"), formatDuration(w.Oldest))
		part.Action = "Start more workers, or find in their logs what keeps them busy; steps run late."
		return part
	default:
		part.Message = fmt.Sprintf("last polled %s ago, %s", formatDuration(now.Sub(w.Polled)), evidence.Counted(w.Waiting, "task waits", "tasks wait"))
		return part
	}
	part.Action = "Start the worker and read the end of its log. Steps wait and run late; none is lost, and no e-mail is sent twice."
	return part
}

func mail(p Probes, now time.Time) Part {
	m := p.Mail
	part := Part{Name: PartMail, State: Healthy, Took: m.Took}
	used := 0.0
	part.Message = fmt.Sprintf("sending is enabled, %s in 24 hours without a limit", evidence.Counted(int(m.Sent), "e-mail", "e-mails"))
	if m.Quota > 0 {
		used = m.Sent / m.Quota
		part.Message = fmt.Sprintf("sending is enabled, %.0f of %.0f e-mails in 24 hours (%.0f %%)", m.Sent, m.Quota, used*100)
	}
	switch {
	case m.failed():
		part.State, part.Message = Unknown, "SES does not report the account's status: "+string(m.Failure)
		part.Action = "Check the AWS credentials and region of the API, and AWS's own status page. E-mails that SES does not accept are retried."
	case !m.Sending:
		part.State, part.Message = Unhealthy, "SES has paused sending for the account"
		part.Action = "Read the reason in the SES console under Account dashboard and answer AWS; e-mails wait, and are sent once sending is allowed."
	case m.Quota == 0 || used >= 1:
		part.State = Unhealthy
		part.Message = fmt.Sprintf("the day's quota is used up: %.0f of %.0f e-mails in 24 hours", m.Sent, m.Quota)
		part.Action = "Ask AWS for a higher sending quota; e-mails wait until the quota allows them."
	case used >= quotaNear:
		part.State = Degraded
		part.Action = "Ask AWS for a higher sending quota now; at 100 % e-mails wait."
	case templatesFault(p, now) != "":
		part.State, part.Message = Degraded, "the changed MAIL_TEMPLATES is wrong: "+templatesFault(p, now)
		part.Action = "Mend it; the workers take it within a minute. Until then e-mails say what they said before."
	}
	return part
}

// templatesFault is what a running worker says of its e-mail templates; empty for nothing.
func templatesFault(p Probes, now time.Time) string {
	for _, process := range p.Worker.Processes {
		if process.Fault != "" && now.Sub(process.Last()) <= signMissing {
			return process.Fault
		}
	}
	return ""
}

func watch(p Probes, now time.Time) Part {
	w := p.Watch
	part := Part{Name: PartWatch, State: Healthy, Message: "no rollout runs"}
	last := later(w.Began, w.Last)
	switch {
	case p.MongoDB.failed() || w.failed():
		return unknownWithoutDatabase(part)
	case !w.Running:
	case !p.Rollout.failed() && p.Rollout.Gone:
		part.State = Unhealthy
		part.Message = "the database says that a rollout runs, but its workflow is gone"
		part.Action = "The reconciler restarts it within half a minute: check the worker if it does not. Somebody terminated it, or Temporal has lost data."
	case !p.Rollout.failed() && p.Rollout.Attempts >= failingAttempts:
		part.State = Unhealthy
		part.Message = fmt.Sprintf("the rollout's workflow fails its tasks, %d attempts so far: requests to it wait", p.Rollout.Attempts)
		part.Action = "Read in the worker's log why. A rollback still lowers the flags; no request is lost."
	case rollout.WatchMissed(last, now, w.Day):
		part.State, part.Since = Unhealthy, last
		part.Message = fmt.Sprintf("a rollout runs, and its watch has not run for %s; it is due every %s", formatDuration(now.Sub(last)), formatDuration(rollout.WatchEvery(w.Day)))
		part.Action = "Check the worker, then schedule watch-rollout in the Temporal UI. Nothing rolls back the rollout by itself meanwhile: pause it or roll back if in doubt."
	case w.Last.IsZero():
		part.Message = "a rollout has begun, its first watch is due"
	default:
		part.Message = fmt.Sprintf("last ran %s ago", formatDuration(now.Sub(w.Last)))
	}
	return part
}

func reconciler(p Probes, now time.Time) Part {
	r := p.Reconciler
	part := Part{Name: PartReconciler, State: Healthy}
	since := now.Sub(r.Last)
	switch {
	case p.MongoDB.failed() || r.failed():
		return unknownWithoutDatabase(part)
	case r.Last.IsZero():
		part.State, part.Message = Unknown, "no sweep is on record"
		part.Action = "It runs within a minute of the worker's start; if it does not, run starter setup and check schedule reconcile in the Temporal UI."
		return part
	case since > sweepMissing:
		part.State, part.Since = Unhealthy, r.Last
	case since > sweepLate:
		part.State, part.Since = Degraded, r.Last
	}
	part.Message = fmt.Sprintf("the last sweep ended %s ago; it is due every 30 s", formatDuration(since))
	if part.State != Healthy {
		part.Action = "Check the worker, then schedule reconcile in the Temporal UI. Trials that were never started, and held ones, wait for it."
	}
	return part
}

func flagsPart(p Probes) Part {
	part := Part{Name: PartFlags, State: Healthy, Took: p.Flags.Took, Message: "can be read"}
	switch {
	case p.MongoDB.failed() || p.Flags.Failure == NoAnswer:
		return unknownWithoutDatabase(part)
	case p.Flags.failed():
		part.State, part.Message = Unhealthy, "the flag document cannot be read"
		part.Action = "Check the document featureFlags in the collection flags; without it nothing is sent and nothing expires."
	}
	return part
}

// unknownWithoutDatabase is a part that can be checked through the database only.
func unknownWithoutDatabase(part Part) Part {
	part.State, part.Message, part.Took, part.Through = Unknown, "unknown, because MongoDB does not answer", 0, PartMongoDB
	part.Action = "Repair MongoDB first."
	return part
}

func answered(r Reply) string {
	switch r.Failure {
	case NoAnswer:
		return "no answer after " + formatDuration(r.Took)
	case "":
		return "answered after " + formatDuration(r.Took)
	case NotThere, Broken:
	}
	return "answered with an error after " + formatDuration(r.Took)
}

func slow(r Reply, limit time.Duration) string {
	return fmt.Sprintf("answered after %s, which is later than %s", formatDuration(r.Took), formatDuration(limit))
}

// formatDuration formats a duration for people.
func formatDuration(d time.Duration) string {
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
