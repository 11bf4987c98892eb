package rest_test

import (
	"context"

	"marketplace.example/trials/internal/domain/bulk"
)

func (w *workflows) StartBulk(_ context.Context, o bulk.Operation) error {
	return w.guarded(func() error {
		w.started = append(w.started, o.ID)
		return nil
	})
}

func (w *workflows) SteerBulk(_ context.Context, o bulk.Operation, c bulk.Control) error {
	return w.guarded(func() error {
		return w.store.ChangeBulk(o.ID, func(_ bulk.Operation, s bulk.State) (bulk.State, error) { return s.Request(c) })
	})
}
