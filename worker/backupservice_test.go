package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/storage"
)

// unavailableStorage does not say what is in it.
type unavailableStorage struct{ backup.Storage }

// aDatabase is a database whose installation has an id.
type aDatabase struct{ origin backup.Origin }

var market = aDatabase{backup.Origin{Installation: "MARKETAAAAAAAAAAAAAAAAAAAA", Database: "marketplace"}}

func (d aDatabase) KnownOrigin(context.Context) (backup.Origin, bool, error) {
	return d.origin, true, nil
}

func (aDatabase) BackUp(context.Context, *backup.Repository, backup.Kind) (m backup.Manifest, e backup.Expiry, err error) {
	return m, e, errUnavailable
}

var errUnavailable = errors.New("does not answer")

func (unavailableStorage) List(context.Context) (map[string]int64, error) { return nil, errUnavailable }

func TestTheLastBackupIsRememberedWhileItsPlaceIsAway(t *testing.T) {
	t.Parallel()
	place := storage.Folder(t.TempDir())
	k := &backupService{repository: &backup.Repository{Storage: place, Now: time.Now}, store: market}

	last, err := k.LastBackup(t.Context())
	require.NoError(t, err)
	require.Zero(t, last)
	taken, err := k.repository.Create(t.Context(), backup.Full, market.origin, backup.None)
	require.NoError(t, err)
	last, err = k.LastBackup(t.Context())
	require.NoError(t, err)
	require.Equal(t, taken.End, last)
	k.repository.Storage = unavailableStorage{place}
	last, err = k.LastBackup(t.Context())
	require.ErrorIs(t, err, errUnavailable)
	require.Equal(t, taken.End, last)
}

// A full backup dated in the future, by a clock that was wrong, lets nobody pass the preflight.
func TestTheLastFullBackupIsNoneOfTheFuture(t *testing.T) {
	t.Parallel()
	now := time.Now()
	k := &backupService{repository: &backup.Repository{Storage: storage.Folder(t.TempDir()), Now: func() time.Time { return now }}, store: market}
	taken, err := k.repository.Create(t.Context(), backup.Full, market.origin, backup.None)
	require.NoError(t, err)
	now = now.AddDate(1, 0, 0)
	_, err = k.repository.Create(t.Context(), backup.Full, market.origin, backup.None)
	require.NoError(t, err)
	now = now.AddDate(-1, 0, 0)
	last, err := k.LastFull(t.Context())
	require.NoError(t, err)
	require.Equal(t, taken.Begin, last)
}
