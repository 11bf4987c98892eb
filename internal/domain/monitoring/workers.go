package monitoring

import (
	"fmt"
	"time"
)

// CountWorkers counts the living workers, by the same signs of life as health: the last poll of each instance,
// which Temporal remembers for five minutes after the instance has ended, and its samples. sign is the last sign of life of any of them; zero for never.
func CountWorkers(polls map[string]time.Time, processes []Process, now time.Time) (here int, sign time.Time) {
	sampled := map[string]time.Time{}
	for _, p := range processes {
		if p.Role == RoleWorker {
			sampled[p.Instance] = p.Last()
		}
	}
	for instance, at := range polls {
		last := later(at, sampled[instance])
		sign = later(sign, last)
		silent := !sampled[instance].IsZero() && now.Sub(last) > signMissing
		if now.Sub(at) <= pollMissing && !silent {
			here++
		}
	}
	return here, sign
}

// WorkerSilent explains that a worker did not answer although Temporal did; polled is when a worker
// last polled, zero if none has recently.
func WorkerSilent(polled, now time.Time) string {
	const unknown = "so it is unknown whether this was done; repeat it once a worker runs"
	switch {
	case polled.IsZero():
		return "no worker answers: none has polled in the last minutes, " + unknown
	case now.Sub(polled) > pollMissing:
		return fmt.Sprintf("no worker answers: the last one polled %s ago, %s", formatDuration(now.Sub(polled)), unknown)
	}
	return fmt.Sprintf("the worker has not answered in time, though one polled %s ago: it is busy, or has just ended; "+
		"it is unknown whether this was done, and repeating it is safe", formatDuration(now.Sub(polled)))
}
