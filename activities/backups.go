package activities

import (
	"context"
	"time"

	"go.uber.org/zap"
)

// BackupService takes backups of the database.
type BackupService interface {
	// TakeIncremental takes an incremental backup, or a full one if that is due, and deletes expired ones. With an error, the
	// id is that of a backup that was taken nevertheless, empty for none.
	TakeIncremental(ctx context.Context) (BackedUp, error)
}

// BackedUp describes a backup.
type BackedUp struct {
	// ID is empty if the product takes no backups.
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	Begin     time.Time `json:"begin"`
	Documents int       `json:"documents"`
	Bytes     int64     `json:"bytes"`
	// Expired counts deleted backups.
	Expired int `json:"expired"`
	// Doubt says why expired backups are kept, empty if none is.
	Doubt string `json:"doubt,omitempty"`
}

// Backups takes the backups of a schedule.
type Backups struct {
	// BackupService is nil if the product takes no backups.
	BackupService BackupService
	Log           *zap.Logger
}

// BackUp takes one backup. It reads the whole database.
func (b *Backups) BackUp(ctx context.Context) (BackedUp, error) {
	if b.BackupService == nil {
		return BackedUp{}, nil
	}
	defer heartbeat(ctx)()
	taken, err := b.BackupService.TakeIncremental(ctx)
	if err != nil && taken.ID == "" {
		return taken, failed("taking a backup", err)
	}
	if err != nil { // another attempt would take another backup
		b.Log.Error("what has expired of the backups is not deleted", zap.Error(err))
	}
	if taken.Doubt != "" {
		b.Log.Warn("old backups are kept, since a clock may be wrong", zap.String("reason", taken.Doubt))
	}
	b.Log.Info("backup taken", zap.String("backup", taken.ID), zap.Int("documents", taken.Documents), zap.Int64("bytes", taken.Bytes), zap.Int("expired", taken.Expired))
	return taken, nil
}
