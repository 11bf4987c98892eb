package importer

import (
	"context"
	"math"
	"time"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	// probeEvery is the interval between probes of one running trial.
	probeEvery = 500 * time.Millisecond
	// probesKept is how many probes the lateness is the maximum of: few running trials have a step due at one moment.
	probesKept = 20
)

// probe reads running trials, one at a time, to see how late their steps are. A system may answer requests at once and still
// fall behind with its own work.
type probe struct {
	caller *caller
	// running are the vendors of running trials, the oldest first.
	running []runningTrial
	late    [probesKept]time.Duration
	taken   int
	busy    bool
	next    time.Time
	seen    chan time.Duration
}

type runningTrial struct {
	vendorID string
	until    time.Time
}

// follow adds a vendor registered at a moment.
func (p *probe) follow(vendorID string, at time.Time, day time.Duration) {
	policy := trial.DefaultPolicy()
	p.running = append(p.running, runningTrial{vendorID, at.Add(time.Duration(policy.LengthDays+policy.GraceDays) * day)})
}

// ask starts a probe of one trial, if it is time.
func (p *probe) ask(ctx context.Context, now time.Time) {
	for len(p.running) > 0 && p.running[0].until.Before(now) {
		p.running = p.running[1:]
	}
	if p.busy || now.Before(p.next) || len(p.running) == 0 {
		return
	}
	p.busy, p.next = true, now.Add(probeEvery)
	id := p.running[spread(p.taken, len(p.running))].vendorID
	go func() { p.seen <- p.caller.lateness(ctx, id) }()
}

// spread chooses one of n places, such that successive choices lie far apart: the steps of neighbors are due at the same moments.
func spread(round, n int) int {
	_, part := math.Modf(float64(round) / math.Phi)
	return min(int(part*float64(n)), n-1)
}

// note records the result of a probe.
func (p *probe) note(late time.Duration) {
	p.busy = false
	p.late[p.taken%probesKept] = late
	p.taken++
}

// worst is the greatest lateness in the last probes.
func (p *probe) worst() time.Duration {
	var worst time.Duration
	for _, late := range p.late {
		worst = max(worst, late)
	}
	return worst
}

// lateness is how long a trial's next step has been due. A held trial is not late, nor is one that cannot be read: other requests
// show that failure.
func (c *caller) lateness(ctx context.Context, vendorID string) time.Duration {
	answer, err := client.Read[client.VendorTrial](c.api.GetVendor(ctx, vendorID))
	if err != nil {
		return 0
	}
	return overdue(answer.Value.Trial, time.Now())
}

func overdue(t *client.Trial, now time.Time) time.Duration {
	if t == nil || t.Next == nil || t.Held != nil {
		return 0
	}
	return max(0, now.Sub(t.Next.At))
}
