package memory

import (
	"context"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/trial"
)

func (s *Store) RegisterVendor(ctx context.Context, v trial.Vendor) (stored trial.Vendor, created bool, err error) {
	err = s.Do(ctx, func() error {
		var there bool
		if stored, there = s.VendorsByID[v.ID]; !there || stored.Automation == nil {
			s.VendorsByID[v.ID], stored, created = v, v, true
			s.Writes++
		}
		return nil
	})
	return stored, created, err
}

// VendorOnRecord knows a vendor whose document is gone by its trial.
func (s *Store) VendorOnRecord(ctx context.Context, id string) (trial.Vendor, error) {
	v, err := s.Vendor(ctx, id)
	if state, there := s.States[id]; err != nil && there {
		return trial.Vendor{ID: id, StartedAt: state.StartedAt, Automation: &trial.Automation{Cohort: state.Cohort}}, nil
	}
	return v, err
}

func (s *Store) RecordConversion(ctx context.Context, id string, c trial.Conversion) (first trial.Conversion, created bool, err error) {
	err = s.Do(ctx, func() error {
		v, there := s.VendorsByID[id]
		if !there {
			first, created = c, true
			return nil
		}
		if v.Automation.Conversion == nil {
			automation := *v.Automation
			automation.Conversion, created = &c, true
			v.Automation = &automation
			s.VendorsByID[id] = v
			s.Writes++
		}
		first = *v.Automation.Conversion
		return nil
	})
	return first, created, err
}

func (s *Store) EraseVendor(ctx context.Context, id string, e trial.Erasure) (trial.Erasure, error) {
	err := s.Do(ctx, func() error {
		v, there := s.VendorsByID[id]
		switch {
		case !there:
			return trial.NotFound(id)
		case v.ErasedAt != nil:
			e.At = *v.ErasedAt
			return nil
		}
		v.Name, v.Email, v.ErasedAt = "", "", &e.At
		for kind, a := range s.Answers[id] {
			a.Text = ""
			s.Answers[id][kind] = a
		}
		for key, send := range s.Sends {
			if send.VendorID == id {
				send.Fields = nil
				s.Sends[key] = send
			}
		}
		if v.Automation != nil {
			a := *v.Automation
			a.Attributes, v.Automation = nil, &a
		}
		s.VendorsByID[id] = v
		s.Writes++
		return nil
	})
	return e, err
}

func (s *Store) Suppressions(ctx context.Context, id string) (all []trial.Suppression, err error) {
	err = s.run(ctx, func() { all = append([]trial.Suppression{}, s.Suppressed[id]...) })
	return all, err
}

func (s *Store) UpdateFlags(ctx context.Context, by string, change func(*flags.Change) error) (doc flags.Document, err error) {
	err = s.Do(ctx, func() error {
		c := s.Document.Change()
		if err := change(&c); err != nil {
			return err
		}
		s.Document, _ = s.Document.Changed(c, by, s.Now().UTC())
		s.Writes++
		doc = s.Document
		return nil
	})
	return doc, err
}

func (s *Store) AppendAudit(ctx context.Context, e audit.Entry) (stands audit.Entry, err error) {
	err = s.run(ctx, func() { stands = s.AddEntry(e) })
	return stands, err
}

func (s *Store) AddBulk(ctx context.Context, o bulk.Operation, state bulk.State) error {
	return s.run(ctx, func() {
		s.Operations = append(s.Operations, bulk.ViewOf(o, state))
		s.Writes++
	})
}

func (s *Store) AddBulkItems(ctx context.Context, id string, items []bulk.Item) error {
	return s.run(ctx, func() { s.Items[id] = items })
}

func (s *Store) BulkParts(ctx context.Context, vendorID string) (parts []bulk.Part, err error) {
	parts = []bulk.Part{}
	err = s.run(ctx, func() {
		for _, v := range s.Operations {
			for _, item := range s.Items[v.Operation.ID] {
				if item.VendorID == vendorID {
					parts = append(parts, v.Operation.Part(item))
				}
			}
		}
	})
	return parts, err
}

// ChangeBulk lets an operation be changed that is there; within Do.
func (s *Store) ChangeBulk(id string, change func(bulk.Operation, bulk.State) (bulk.State, error)) error {
	i := slices.IndexFunc(s.Operations, func(v bulk.View) bool { return v.Operation.ID == id })
	if i < 0 {
		return bulk.NotFound(id)
	}
	o := s.Operations[i].Operation
	state, err := change(o, s.Operations[i].State)
	if err == nil {
		s.Operations[i] = bulk.ViewOf(o, state)
	}
	return err
}

func (s *Store) Report(ctx context.Context, _, id string) (r report.Report, notified, found bool, err error) {
	err = s.Do(ctx, func() error { r, found = s.Reports[id]; return nil })
	return r, found, found, err
}

func (s *Store) Alert(ctx context.Context, id monitoring.RuleID) (alert monitoring.Alert, err error) {
	err = s.Do(ctx, func() error { alert = s.AlertOf(id); return nil })
	return alert, err
}

func (s *Store) ChangeAlert(
	ctx context.Context, id monitoring.RuleID, change func(monitoring.Alert) (monitoring.Alert, *monitoring.AlertEvent, error),
) (after monitoring.Alert, err error) {
	err = s.Do(ctx, func() error {
		changed, e, err := change(s.AlertOf(id))
		if err == nil {
			s.SetAlert(changed, e)
			after = changed
		}
		return err
	})
	return after, err
}

func (s *Store) AddToken(ctx context.Context, key access.Key, t access.Token) error {
	return s.Do(ctx, func() error {
		s.Issued[key] = t
		s.Writes++
		return nil
	})
}

func (s *Store) RevokeToken(ctx context.Context, id, by string, at time.Time) (t access.Token, err error) {
	err = s.Do(ctx, func() error {
		for key, known := range s.Issued {
			if known.ID != id {
				continue
			}
			if t = known; t.RevokedAt == nil {
				t.RevokedAt, t.RevokedBy = &at, by
				s.Issued[key] = t
				s.Writes++
			}
			return nil
		}
		return access.NoToken(id)
	})
	return t, err
}

func (s *Store) ClaimKey(ctx context.Context, key string, c idempotency.Claim) (first idempotency.Claim, mine bool, err error) {
	err = s.Do(ctx, func() error {
		var there bool
		if first, there = s.Keys[key]; !there {
			s.Keys[key], first, mine = c, c, true
		}
		return nil
	})
	return first, mine, err
}

func (s *Store) SettleKey(ctx context.Context, key string, c idempotency.Claim, done bool) error {
	return s.Do(ctx, func() error {
		kept, there := s.Keys[key]
		switch {
		case !there || kept.Request != c.Request || kept.Done:
		case done:
			kept.Done = true
			s.Keys[key] = kept
		default:
			delete(s.Keys, key)
		}
		return nil
	})
}
