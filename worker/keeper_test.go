package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/backup"
	"marketplace.example/trials/backup/storage"
	"marketplace.example/trials/mongodb"
)

// awayPlace does not say what is in it.
type awayPlace struct{ backup.Place }

var errAway = errors.New("does not answer")

func (awayPlace) List(context.Context) (map[string]int64, error) { return nil, errAway }

func TestTheLastBackupIsRememberedWhileItsPlaceIsAway(t *testing.T) {
	t.Parallel()
	store, err := mongodb.Connect(t.Context(), "mongodb://127.0.0.1:1", "marketplace")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close(context.WithoutCancel(t.Context()))) })
	place := storage.Folder(t.TempDir())
	k := &keeper{vault: &backup.Vault{Place: place, Now: time.Now}, store: store}

	last, err := k.LastBackup(t.Context())
	require.NoError(t, err)
	require.Zero(t, last)
	taken, err := k.vault.Take(t.Context(), backup.Full, "marketplace", backup.None)
	require.NoError(t, err)
	last, err = k.LastBackup(t.Context())
	require.NoError(t, err)
	require.Equal(t, taken.End, last)
	k.vault.Place = awayPlace{place}
	last, err = k.LastBackup(t.Context())
	require.ErrorIs(t, err, errAway)
	require.Equal(t, taken.End, last)
}

// A full backup dated in the future, by a clock that was wrong, lets nobody pass the preflight.
func TestTheLastFullBackupIsNoneOfTheFuture(t *testing.T) {
	t.Parallel()
	store, err := mongodb.Connect(t.Context(), "mongodb://127.0.0.1:1", "marketplace")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close(context.WithoutCancel(t.Context()))) })
	now := time.Now()
	k := &keeper{vault: &backup.Vault{Place: storage.Folder(t.TempDir()), Now: func() time.Time { return now }}, store: store}
	taken, err := k.vault.Take(t.Context(), backup.Full, "marketplace", backup.None)
	require.NoError(t, err)
	now = now.AddDate(1, 0, 0)
	_, err = k.vault.Take(t.Context(), backup.Full, "marketplace", backup.None)
	require.NoError(t, err)
	now = now.AddDate(-1, 0, 0)
	last, err := k.LastFull(t.Context())
	require.NoError(t, err)
	require.Equal(t, taken.Begin, last)
}
