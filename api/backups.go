package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/storage"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/temporal"
)

// backups lists the backups and has them taken. It reads manifests alone, which are not encrypted.
type backups struct {
	*temporal.Client

	// repository is nil where the API was not told where they are kept.
	repository *backup.Repository
}

func newBackups(ctx context.Context, cfg config.Config, client *temporal.Client) (backups, error) {
	cfg.BackupAgeRecipient, cfg.BackupAgeIdentityFile = "", "" // nothing is written or opened here
	repository, err := storage.Open(ctx, cfg, time.Now)
	if errors.Is(err, storage.ErrNoPlace) {
		err = nil
	}
	return backups{client, repository}, err
}

// storageLimit bounds reading the backup storage.
const storageLimit = 8 * time.Second

func (b backups) StoredBackups(ctx context.Context) (stored recovery.StoredBackups, err error) {
	if b.repository == nil {
		return stored, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storageLimit)
	defer cancel()
	stored.Storage = b.repository.Storage.String()
	listed, err := b.repository.List(ctx)
	for _, m := range slices.Backward(listed.Good) {
		stored.Good = append(stored.Good, recovery.StoredBackup{
			ID: m.ID, Kind: string(m.Kind), Database: m.Database, End: m.End, Documents: m.Documents(), Bytes: m.Size, Encrypted: m.Encrypted, Base: m.Base,
		})
	}
	for i := range listed.Bad {
		stored.Refused = append(stored.Refused, listed.Bad[i].Error())
	}
	return stored, err
}
