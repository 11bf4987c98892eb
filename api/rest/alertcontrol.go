package rest

import (
	"context"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/monitoring"
)

// ControlAlert carries out what an admin wants of an alert, as the routes do, on record. A
// request that does not apply is a *trial.Error, and has changed nothing.
func (a *API) ControlAlert(ctx context.Context, id monitoring.RuleID, r monitoring.AlertRequest) error {
	if err := r.Validate(); err != nil {
		return err
	}
	r.Until = millisecond(r.Until) // as it is stored
	asked := audit.Entry{Action: string(r.Control) + "Alert", Subject: "monitoring/alerts/" + string(id), Reason: r.Reason, Key: r.ID}
	if r.Control == monitoring.ControlSilence {
		asked.Asked = audit.Document(map[string]any{"until": r.Until})
	}
	return a.server.onRecord(ctx, asked, r, func(ctx context.Context) error {
		_, err := a.server.changeAlert(ctx, string(id), r.Reason, r.Change)
		return err
	})
}
