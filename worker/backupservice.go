package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/adapters/recovery"
	"marketplace.example/trials/internal/adapters/storage"
	"marketplace.example/trials/internal/platform/config"
)

// backedUp is the database to back up.
type backedUp interface {
	// KnownOrigin names the database where a backup has been taken before.
	KnownOrigin(ctx context.Context) (backup.Origin, bool, error)
	BackUp(ctx context.Context, to *backup.Repository, kind backup.Kind) (backup.Manifest, backup.Expiry, error)
}

// backupService takes backups of the store into the repository.
type backupService struct {
	repository *backup.Repository
	store      backedUp

	mu sync.Mutex
	// seen is when the last backup that LastBackup has seen finished.
	seen time.Time
}

// newBackupService returns nil if no backup storage is configured.
func newBackupService(ctx context.Context, cfg config.Config, store *mongodb.Store) (*backupService, error) {
	repository, err := storage.Open(ctx, cfg, time.Now)
	if errors.Is(err, storage.ErrNoPlace) {
		return nil, nil //nolint:nilnil // documented: there is none, and nothing is wrong
	}
	if err != nil {
		return nil, fmt.Errorf("preparing backups: %w", err)
	}
	return &backupService{repository: repository, store: recovery.Store{Store: store}}, nil
}

// TakeIncremental takes a backup, a full one if that is due, and deletes expired ones. If only the latter
// fails, it returns the backup and an error.
func (k *backupService) TakeIncremental(ctx context.Context) (activities.BackedUp, error) {
	m, expiry, err := k.store.BackUp(ctx, k.repository, backup.Incremental)
	return activities.BackedUp{
		ID: m.ID, Kind: string(m.Kind), Begin: m.Begin, Documents: m.Documents(), Bytes: m.Size,
		Expired: len(expiry.IDs), Doubt: expiry.Doubt,
	}, err
}

// statusLimit bounds a read of the backup storage.
const statusLimit = 10 * time.Second

// LastBackup returns when the last good backup finished; zero for none. With an error it is the last one
// seen, since no backup reaches storage that does not answer.
func (k *backupService) LastBackup(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, statusLimit)
	defer cancel()
	var last backup.Manifest
	origin, found, err := k.store.KnownOrigin(ctx)
	if err == nil && found {
		last, _, err = k.repository.Last(ctx, origin)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		k.seen = last.End
	}
	return k.seen, err
}

// LastFull returns when the last good full backup began.
func (k *backupService) LastFull(ctx context.Context) (time.Time, error) {
	origin, found, err := k.store.KnownOrigin(ctx)
	if err != nil || !found {
		return time.Time{}, err
	}
	listed, err := k.repository.List(ctx)
	if err != nil {
		return time.Time{}, err
	}
	last, _ := backup.LastFull(backup.WithoutFuture(backup.Of(listed.Good, origin), k.repository.Now()))
	return last.Begin, nil
}
