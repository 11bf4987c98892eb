package rest_test

import (
	"context"
	"maps"
	"slices"

	"marketplace.example/trials/internal/domain/bulk"
)

// bulks keeps in memory what the database would of bulk operations.
type bulks struct {
	operations map[string]bulk.View
	items      map[string][]bulk.Item
}

func newBulks() bulks {
	return bulks{operations: map[string]bulk.View{}, items: map[string][]bulk.Item{}}
}

func (s *store) AddBulk(_ context.Context, o bulk.Operation, state bulk.State) error {
	return s.guarded(func() error {
		s.bulks.operations[o.ID] = bulk.ViewOf(o, state)
		s.writes++
		return nil
	})
}

func (s *store) AddBulkItems(_ context.Context, id string, items []bulk.Item) error {
	return s.guarded(func() error {
		s.bulks.items[id] = items
		return nil
	})
}

func (s *store) Bulk(_ context.Context, id string) (o bulk.Operation, state bulk.State, err error) {
	err = s.guarded(func() error {
		v, there := s.bulks.operations[id]
		if !there {
			return bulk.NotFound(id)
		}
		o, state = v.Operation, v.State
		return nil
	})
	return o, state, err
}

func (s *store) Bulks(_ context.Context, before string, limit int) (page []bulk.View, next string, err error) {
	err = s.guarded(func() error {
		for _, id := range slices.Backward(slices.Sorted(maps.Keys(s.bulks.operations))) {
			switch {
			case before != "" && id >= before:
			case len(page) == limit:
				next = page[limit-1].Operation.ID
				return nil
			default:
				page = append(page, s.bulks.operations[id])
			}
		}
		return nil
	})
	return page, next, err
}

func (s *store) BulkItem(_ context.Context, id string, number int) (i bulk.Item, there bool, err error) {
	err = s.guarded(func() error {
		if there = number <= len(s.bulks.items[id]); there {
			i = s.bulks.items[id][number-1]
		}
		return nil
	})
	return i, there, err
}

func (s *store) BulkParts(_ context.Context, vendorID string) (parts []bulk.Part, err error) {
	err = s.guarded(func() error {
		parts = []bulk.Part{}
		for _, id := range slices.Sorted(maps.Keys(s.bulks.operations)) {
			for _, item := range s.bulks.items[id] {
				if item.VendorID == vendorID {
					parts = append(parts, s.bulks.operations[id].Operation.Part(item))
				}
			}
		}
		return nil
	})
	return parts, err
}

func (w *workflows) StartBulk(_ context.Context, o bulk.Operation) error {
	return w.guarded(func() error {
		w.started = append(w.started, o.ID)
		return nil
	})
}

func (w *workflows) SteerBulk(_ context.Context, o bulk.Operation, c bulk.Control) error {
	return w.guarded(func() error {
		v := w.store.bulks.operations[o.ID]
		state, err := v.State.Request(c)
		w.store.bulks.operations[o.ID] = bulk.ViewOf(o, state)
		return err
	})
}
