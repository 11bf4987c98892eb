package rest

import (
	"context"

	"marketplace.example/trials/monitoring"
)

// ControlAlert carries out what an admin wants of an alert, as the routes do. A
// request that does not apply is a *trial.Error, and has changed nothing.
func (a *API) ControlAlert(ctx context.Context, id monitoring.RuleID, r monitoring.AlertRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	r.Until = moment(r.Until) // as it is stored
	_, err := a.server.changeAlert(ctx, string(id), r.Reason, r.Change)
	return err
}
