package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/backup"
	"marketplace.example/trials/backup/storage"
	"marketplace.example/trials/config"
	"marketplace.example/trials/mongodb"
)

// keeper takes backups of the store into the vault.
type keeper struct {
	vault *backup.Vault
	store *mongodb.Store

	mu sync.Mutex
	// seen is when the last backup was finished that LastBackup has seen.
	seen time.Time
}

// newKeeper is nil where it is not said where to keep backups.
func newKeeper(ctx context.Context, cfg config.Config, store *mongodb.Store) (*keeper, error) {
	vault, err := storage.Open(ctx, storage.Settings{
		Dir: cfg.BackupDir, Bucket: cfg.BackupS3Bucket, Prefix: cfg.BackupS3Prefix,
		Recipient: cfg.BackupAgeRecipient, IdentityFile: cfg.BackupAgeIdentityFile,
	}, time.Now)
	if errors.Is(err, storage.ErrNoPlace) {
		return nil, nil //nolint:nilnil // documented: there is none, and nothing is wrong
	}
	if err != nil {
		return nil, fmt.Errorf("preparing backups: %w", err)
	}
	return &keeper{vault: vault, store: store}, nil
}

// TakeIncremental takes a backup, a full one where that is due, and deletes what has expired. Where only the latter
// fails, it answers with the backup and with an error.
func (k *keeper) TakeIncremental(ctx context.Context) (activities.BackedUp, error) {
	m, err := k.vault.Take(ctx, backup.Incremental, k.store.Database(), k.store.Records(ctx))
	if err != nil {
		return activities.BackedUp{}, err
	}
	expired, err := k.vault.Expire(ctx, k.store.Database())
	return activities.BackedUp{ID: m.ID, Kind: string(m.Kind), Begin: m.Begin, Documents: m.Documents(), Bytes: m.Size, Expired: len(expired)}, err
}

// lookLimit bounds a look at the place where backups are kept.
const lookLimit = 10 * time.Second

// LastBackup is when the last good backup was finished; zero for none. With an error it is the one that was
// seen last, since none comes to a place that does not answer.
func (k *keeper) LastBackup(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	last, _, err := k.vault.Last(ctx, k.store.Database())
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		k.seen = last.End
	}
	return k.seen, err
}

// LastFull is when the last good full backup was begun.
func (k *keeper) LastFull(ctx context.Context) (time.Time, error) {
	listed, err := k.vault.List(ctx)
	if err != nil {
		return time.Time{}, err
	}
	last, _ := backup.LastFull(backup.Past(backup.OfDatabase(listed.Good, k.store.Database()), k.vault.Now()))
	return last.Begin, nil
}
