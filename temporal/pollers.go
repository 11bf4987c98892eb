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
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	queue, err := c.SDK.DescribeTaskQueue(ctx, c.TaskQueue, enums.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return 0, away("asking who polls for work", err)
	}
	polling := map[string]bool{}
	for _, p := range queue.GetPollers() {
		if now.Sub(p.GetLastAccessTime().AsTime()) < pollsWithin {
			polling[p.GetIdentity()] = true
		}
	}
	return len(polling), nil
}
