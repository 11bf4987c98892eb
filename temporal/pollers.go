package temporal

import (
	"context"
	"time"

	"go.temporal.io/api/enums/v1"
)

// Polls are the moments at which each worker last asked for work, by its identity. Temporal remembers a worker for five
// minutes after it has gone.
func (c *Client) Polls(ctx context.Context) (map[string]time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	queue, err := c.SDK.DescribeTaskQueue(ctx, c.TaskQueue, enums.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return nil, unavailable("asking who polls for work", err)
	}
	polls := map[string]time.Time{}
	for _, p := range queue.GetPollers() {
		if at := p.GetLastAccessTime().AsTime(); at.After(polls[p.GetIdentity()]) {
			polls[p.GetIdentity()] = at
		}
	}
	return polls, nil
}
