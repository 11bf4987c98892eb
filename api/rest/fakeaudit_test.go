package rest_test

import (
	"context"
	"slices"

	"marketplace.example/trials/internal/domain/audit"
)

// audits is what happens to the audit record.
type audits struct {
	// fails is asked before an entry is written.
	fails func(audit.Entry) error
	// lost loses the answer to a write that has arrived.
	lost func(audit.Entry) error
	// appender writes as the real one does; nil: at once.
	appender *audit.Appender
}

// InsertAudit and AuditEntry are what an appender writes by: whoever is faster has the number.
func (s *store) InsertAudit(ctx context.Context, entries []audit.Entry) (stand int, err error) {
	if err := s.answers(ctx); err != nil {
		return 0, err
	}
	err = s.guarded(func() error {
		for ; stand < len(entries) && entries[stand].Seq == len(s.Record)+1; stand++ {
			s.Record = append(s.Record, entries[stand])
		}
		return nil
	})
	return stand, err
}

func (s *store) AuditEntry(ctx context.Context, seq int) (e *audit.Entry, err error) {
	if err := s.answers(ctx); err != nil {
		return nil, err
	}
	err = s.guarded(func() error {
		if seq <= len(s.Record) {
			e = &s.Record[seq-1]
		}
		return nil
	})
	return e, err
}

func (s *store) AppendAudit(ctx context.Context, e audit.Entry) (stands audit.Entry, err error) {
	if s.audits.appender != nil {
		return s.audits.appender.Append(ctx, e)
	}
	err = s.guarded(func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.audits.fails != nil {
			if err := s.audits.fails(e); err != nil {
				return err
			}
		}
		stands = s.AddEntry(e)
		if s.audits.lost != nil {
			return s.audits.lost(e)
		}
		return nil
	})
	return stands, err
}

func (s *store) SettleAudit(ctx context.Context, settled audit.Entry) error {
	s.Lock()
	known := slices.ContainsFunc(s.Record, func(e audit.Entry) bool { return e.Settles == settled.Settles })
	s.Unlock()
	if known {
		return nil
	}
	_, err := s.AppendAudit(ctx, settled)
	return err
}
