package temporal

import (
	"context"
	"time"

	"go.temporal.io/api/enums/v1"
)

// pollsWithin is how long ago a worker that lives has asked for work at the
// latest: it asks again when nothing has come for a minute.
const pollsWithin = 90 * time.Second

// Workers counts the workers that poll for work.
func (c *Client) Workers(ctx context.Context, now time.Time) (int, error) {
	polls, err := c.Polls(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, at := range polls {
		if now.Sub(at) < pollsWithin {
			n++
		}
	}
	return n, nil
}

// Polls tells when each worker last asked for work, as far as Temporal remembers.
func (c *Client) Polls(ctx context.Context) (map[string]time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	queue, err := c.SDK.DescribeTaskQueue(ctx, c.TaskQueue, enums.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return nil, away("asking who polls for work", err)
	}
	polls := map[string]time.Time{}
	for _, p := range queue.GetPollers() {
		if at := p.GetLastAccessTime().AsTime(); at.After(polls[p.GetIdentity()]) {
			polls[p.GetIdentity()] = at
		}
	}
	return polls, nil
}
