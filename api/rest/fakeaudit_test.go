package rest_test

import (
	"context"
	"slices"

	"marketplace.example/trials/audit"
)

// audits is the audit record in memory.
type audits struct {
	entries []audit.Entry
	// fails is asked before an entry is written.
	fails func(audit.Entry) error
}

func (s *store) AppendAudit(ctx context.Context, e audit.Entry) (stands audit.Entry, err error) {
	err = s.do(func() error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.audits.fails != nil {
			if err := s.audits.fails(e); err != nil {
				return err
			}
		}
		var last audit.Entry
		if n := len(s.audits.entries); n > 0 {
			last = s.audits.entries[n-1]
		}
		stands = audit.Next(last, e)
		s.audits.entries = append(s.audits.entries, stands)
		return nil
	})
	return stands, err
}

func (s *store) AuditEntries(_ context.Context, f audit.Filter, before, limit int) (entries []audit.Entry, next int, err error) {
	err = s.do(func() error {
		for _, e := range slices.Backward(s.audits.entries) {
			switch {
			case before > 0 && e.Seq >= before, !f.Means(e):
			case len(entries) == limit:
				next = entries[limit-1].Seq
				return nil
			default:
				entries = append(entries, e)
			}
		}
		return nil
	})
	return entries, next, err
}
