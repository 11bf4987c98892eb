package recovery

import "time"

// StoredBackup is a finished backup, as its manifest describes it. It was read back before that was written.
type StoredBackup struct {
	ID, Kind, Database string
	// End is the moment after the last document was read.
	End       time.Time
	Documents int
	// Bytes is the length of its file.
	Bytes     int64
	Encrypted bool
	// Base is the full backup that an incremental one changes; empty for a full one.
	Base string
}

// StoredBackups are the backups in a folder or a bucket.
type StoredBackups struct {
	// Storage says where they are kept; empty where this process was not told.
	Storage string
	// Good are finished and of the right length, the latest first. Refused says of each other one why it is no good.
	Good    []StoredBackup
	Refused []string
}

// BackupSchedule is the schedule that takes backups.
type BackupSchedule struct {
	// Paused says that it starts none by itself, Note why.
	Paused bool
	Note   string
	// Next is when the next one begins; zero where none is to come.
	Next time.Time
	// Runs are the last of its runs, the latest first.
	Runs []BackupRun
}

// BackupRun is a run of the schedule.
type BackupRun struct {
	WorkflowID string
	At         time.Time
	// Running says that it is not over, Failed that no backup came of it. A run that is over and has not failed has no backup
	// where its worker was not told where to keep one.
	Running, Failed bool
	// Forgotten says that Temporal no longer knows what came of it.
	Forgotten bool
	// ID, Kind, Documents and Bytes are the backup's that was taken.
	ID, Kind  string
	Documents int
	Bytes     int64
}
