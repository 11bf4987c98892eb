package rest_test

import (
	"context"

	"marketplace.example/trials/internal/domain/monitoring"
)

// alerts keeps the alerts' events, as the database does.
type alerts map[monitoring.RuleID][]monitoring.AlertEvent

func (s *store) Alert(_ context.Context, id monitoring.RuleID) (alert monitoring.Alert, err error) {
	err = s.guarded(func() error {
		alert = s.alerts.fold(id)
		return nil
	})
	return alert, err
}

func (a alerts) fold(id monitoring.RuleID) monitoring.Alert {
	alert := monitoring.NewAlert(id)
	for _, e := range a[id] {
		alert, alert.EvaluatedAt, alert.Observation = alert.Apply(e), e.At, e.Observation
	}
	return alert
}

func (s *store) ChangeAlert(
	_ context.Context, id monitoring.RuleID, change func(monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error),
) (after monitoring.Alert, err error) {
	err = s.guarded(func() error {
		var e *monitoring.AlertEvent
		var err error
		after, e, err = change(s.alerts.fold(id))
		if err == nil && e != nil {
			s.alerts[id] = append(s.alerts[id], *e)
			s.writes++
		}
		return err
	})
	return after, err
}

func (s *store) AlertEvents(_ context.Context, id monitoring.RuleID, from, limit int) (events []monitoring.AlertEvent, err error) {
	err = s.guarded(func() error {
		all := s.alerts[id]
		events = all[min(from-1, len(all)):]
		events = events[:min(limit, len(events))]
		return nil
	})
	return events, err
}
