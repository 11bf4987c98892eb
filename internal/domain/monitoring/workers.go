package monitoring

import (
	"fmt"
	"time"
)

// CountWorkers counts the workers that are there, by the same signs of life as health: when each, by its instance,
// last polled, which Temporal remembers for five minutes after it is gone, and a sample where it has given one. sign is when any of them, or of those that are gone, last gave one; zero for never.
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

// WorkerSilent says why nobody has answered what a worker answers, where Temporal itself does and a worker last
// polled then; zero where none has lately.
func WorkerSilent(polled, now time.Time) string {
	const unknown = "so nobody knows yet whether this was done; repeat it once a worker runs"
	switch {
	case polled.IsZero():
		return "no worker answers: none has asked for work in the last minutes, " + unknown
	case now.Sub(polled) > pollMissing:
		return fmt.Sprintf("no worker answers: the last one asked for work %s ago, %s", length(now.Sub(polled)), unknown)
	}
	return fmt.Sprintf("the worker has not answered in time, though one asked for work %s ago: it is busy, or has just ended; "+
		"nobody knows yet whether this was done, and repeating it is safe", length(now.Sub(polled)))
}
