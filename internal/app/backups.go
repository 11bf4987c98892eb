package app

import (
	"context"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/recovery"
)

// Backups reaches the backups.
type Backups interface {
	// StoredBackups are those in the storage that this process was told of.
	StoredBackups(ctx context.Context) (recovery.StoredBackups, error)
	// BackupSchedule is the schedule that takes them.
	BackupSchedule(ctx context.Context) (recovery.BackupSchedule, error)
	// TakeBackup has a worker take one, unless one is being taken.
	TakeBackup(ctx context.Context) error
}

// BackupsView is what is known of the backups.
type BackupsView struct {
	recovery.StoredBackups
	Schedule recovery.BackupSchedule
	// StorageFault and ScheduleFault say that a part cannot be read now.
	StorageFault, ScheduleFault bool
}

// BackupsView is what is known of the backups. A part that cannot be read is left out, and the log says why.
func (a *App) BackupsView(ctx context.Context) (view BackupsView) {
	stored, err := a.Backups.StoredBackups(ctx)
	if view.StoredBackups, view.StorageFault = stored, err != nil; err != nil {
		a.Log.Error("the backups cannot be listed", zap.Error(err))
	}
	if view.Schedule, err = a.Backups.BackupSchedule(ctx); err != nil {
		view.ScheduleFault = true
		a.Log.Error("the schedule of the backups cannot be read", zap.Error(err))
	}
	return view
}

// TakeBackupRecorded has a worker take a backup now, on record, once for a key and unless one is being taken.
func (a *App) TakeBackupRecorded(ctx context.Context, key string) error {
	return a.Record(ctx, audit.Entry{Action: "takeBackup", Subject: "backups", Key: key}, nil, func(ctx context.Context) error {
		if keyOf(ctx).done() {
			return nil
		}
		noteDetail(ctx, "passed on to a worker, which takes it")
		return a.Backups.TakeBackup(ctx)
	})
}
