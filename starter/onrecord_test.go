package main

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/audit"
)

// keptLog keeps entries in memory.
type keptLog struct {
	entries     []audit.Entry
	unavailable error
}

func (k *keptLog) AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	if err := errors.Join(k.unavailable, ctx.Err()); err != nil {
		return e, err
	}
	e.Seq = len(k.entries) + 1
	k.entries = append(k.entries, e)
	return e, nil
}

func TestWhatACommandDoesToTheDatabaseIsOnRecord(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	a := &app{out: io.Discard, now: func() time.Time { return now }}
	asked := audit.Entry{Action: "migrate", Subject: "migrations", Asked: audit.Document(map[string]int{"version": 1})}
	log, broken := &keptLog{}, errors.New("Ada's document is broken")
	require.NoError(t, a.onRecord(t.Context(), log, asked, func() (any, error) {
		require.Len(t, log.entries, 1, "before it is done")
		require.Equal(t, audit.Pending, log.entries[0].Outcome)
		return map[string]int{"migrated": 7}, nil
	}))
	require.Len(t, log.entries, 2)
	e := log.entries[1]
	require.Equal(t, audit.Entry{
		Seq: 2, At: now, Actor: "starter", Action: "migrate", Subject: "migrations", Asked: asked.Asked, Outcome: audit.Done, Settles: 1, After: `{"migrated":7}`,
	}, e)

	ctx, interrupt := context.WithCancel(t.Context())
	require.ErrorIs(t, a.onRecord(ctx, log, asked, func() (any, error) {
		interrupt()
		return nil, broken
	}), broken)
	e = log.entries[3]
	require.Equal(t, audit.Failed, e.Outcome)
	require.Equal(t, 3, e.Settles)
	require.NotContains(t, e.Detail, "Ada")

	log.unavailable = errors.New("away")
	require.ErrorContains(t, a.onRecord(t.Context(), log, asked, func() (any, error) {
		require.Fail(t, "nothing is done")
		return nil, nil
	}), "nothing was done")
}
