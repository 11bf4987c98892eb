package dashboard

import (
	"context"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/monitoring"
)

// Administration changes what applies to everybody. What does not apply is a *trial.Error.
type Administration interface {
	// ChangeFlagRecorded sets a flag, unless the flags have changed since they were seen.
	ChangeFlagRecorded(ctx context.Context, c app.FlagChange) error
	// IssueTokenRecorded makes a token and its text, once for a key.
	IssueTokenRecorded(ctx context.Context, key string, o app.TokenOrder) (token access.Token, text string, err error)
	// RevokeTokenRecorded has a token open nothing from now on; the first time counts.
	RevokeTokenRecorded(ctx context.Context, id string) (access.Token, error)
	// BackupsView is what is known of the backups. TakeBackupRecorded, once for a key, has a worker take one now, unless one is being taken.
	BackupsView(ctx context.Context) app.BackupsView
	TakeBackupRecorded(ctx context.Context, key string) error
}

// Processes are the processes that have sampled themselves lately.
type Processes interface {
	Processes(ctx context.Context) ([]monitoring.Process, error)
}
