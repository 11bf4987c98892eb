package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/storage"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/platform/config"
)

func TestTheAPIListsBackupsWhereItIsToldOfThem(t *testing.T) {
	t.Parallel()
	none, err := newBackups(t.Context(), config.Config{}, nil)
	require.NoError(t, err)
	stored, err := none.StoredBackups(t.Context())
	require.NoError(t, err)
	require.Equal(t, recovery.StoredBackups{}, stored)

	cfg := config.Config{BackupDir: t.TempDir(), BackupAgeIdentityFile: "not for the api"}
	var taken []backup.Manifest
	for hours := range 2 {
		repository, err := storage.Open(t.Context(), config.Config{BackupDir: cfg.BackupDir}, func() time.Time { return time.Date(2026, 3, 14, hours, 0, 0, 0, time.UTC) })
		require.NoError(t, err)
		m, err := repository.Create(t.Context(), backup.Full, backup.Origin{Installation: rand.Text(), Database: "marketplace"}, func(func(backup.Record, error) bool) {})
		require.NoError(t, err)
		taken = append(taken, m)
	}
	const broken = "20260314T050000.000Z-full.backup"
	require.NoError(t, os.WriteFile(filepath.Join(cfg.BackupDir, broken), []byte("x"), 0o600))
	b, err := newBackups(t.Context(), cfg, nil)
	require.NoError(t, err)
	stored, err = b.StoredBackups(t.Context())
	require.NoError(t, err)
	require.Contains(t, stored.Storage, cfg.BackupDir)
	require.Len(t, stored.Good, 2)
	require.Equal(t, recovery.StoredBackup{ID: taken[1].ID, Kind: "full", Database: "marketplace", End: taken[1].End, Bytes: taken[1].Size}, stored.Good[0], "the latest first")
	require.Len(t, stored.Refused, 1)
	require.Contains(t, stored.Refused[0], broken)
}
