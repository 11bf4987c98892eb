package workflows

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/workflow"
)

// errUnread answers a query that comes before the run has read its state.
var errUnread = errors.New("the state is being read; ask again in a moment")

// answer registers the handler of a query. Until the state is known it fails, so that nobody takes an empty state for the
// answer.
func answer[T any](ctx workflow.Context, query string, known func() bool, value func() T) error {
	err := workflow.SetQueryHandler(ctx, query, func() (T, error) {
		if !known() {
			var none T
			return none, errUnread
		}
		return value(), nil
	})
	if err != nil {
		return fmt.Errorf("registering query %s: %w", query, err)
	}
	return nil
}
