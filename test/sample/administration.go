package sample

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/recovery"
	"marketplace.example/trials/internal/platform/config"
)

// administration carries out what changes what applies to everybody, as the API does.
func (w *World) administration() *app.App {
	return app.New(app.Options{
		Store: administered{world: w}, Trials: heldTrials{}, Backups: w, Log: zap.NewNop(), Now: func() time.Time { return w.Moment },
	})
}

// heldTrials are told of flags, and do nothing.
type heldTrials struct{ app.Trials }

func (heldTrials) FlagsChanged(context.Context) error { return nil }

// administered is the part of a store that the use cases of flags, tokens and backups need.
type administered struct {
	app.Store
	world *World
}

func (s administered) Flags(ctx context.Context) (flags.Document, error) { return s.world.Flags(ctx) }
func (s administered) UpdateFlags(ctx context.Context, by string, change func(*flags.Change) error) (flags.Document, error) {
	return s.world.UpdateFlags(ctx, by, change)
}
func (s administered) AddToken(ctx context.Context, key access.Key, t access.Token) error {
	return s.world.AddToken(ctx, key, t)
}
func (s administered) RevokeToken(ctx context.Context, id, by string, at time.Time) (access.Token, error) {
	return s.world.RevokeToken(ctx, id, by, at)
}
func (s administered) AppendAudit(ctx context.Context, e audit.Entry) (audit.Entry, error) {
	return s.world.AppendAudit(ctx, e)
}
func (s administered) ClaimKey(ctx context.Context, key string, c idempotency.Claim) (idempotency.Claim, bool, error) {
	return s.world.ClaimKey(ctx, key, c)
}
func (s administered) SettleKey(ctx context.Context, key string, c idempotency.Claim, done bool) error {
	return s.world.SettleKey(ctx, key, c, done)
}

// ChangeFlagRecorded and the others implement dashboard.Administration.
func (w *World) ChangeFlagRecorded(ctx context.Context, c app.FlagChange) error {
	return w.administration().ChangeFlagRecorded(ctx, c)
}

func (w *World) IssueTokenRecorded(ctx context.Context, key string, o app.TokenOrder) (access.Token, string, error) {
	return w.administration().IssueTokenRecorded(ctx, key, o)
}

func (w *World) RevokeTokenRecorded(ctx context.Context, id string) (access.Token, error) {
	return w.administration().RevokeTokenRecorded(ctx, id)
}

func (w *World) BackupsView(ctx context.Context) app.BackupsView {
	return w.administration().BackupsView(ctx)
}

func (w *World) TakeBackupRecorded(ctx context.Context, key string) error {
	return w.administration().TakeBackupRecorded(ctx, key)
}

// StoredBackups and the others implement app.Backups.
func (w *World) StoredBackups(context.Context) (recovery.StoredBackups, error) {
	return w.Stored, w.BackupsErr
}

func (w *World) BackupSchedule(context.Context) (recovery.BackupSchedule, error) {
	return w.Schedule, w.BackupsErr
}

func (w *World) TakeBackup(context.Context) error {
	if w.BackupsErr == nil {
		w.BackupsTaken++
	}
	return w.BackupsErr
}

// Processes implements dashboard.Processes.
func (w *World) Processes(ctx context.Context) (all []monitoring.Process, err error) {
	err = w.Do(ctx, func() error {
		all = w.Running
		return nil
	})
	return all, err
}

// Settings are those of a production stack.
func Settings() dashboard.Settings {
	variables := map[string]string{
		"API_ADDR": ":8080", "MONGODB_URI_FILE": "/run/secrets/mongodb_uri", "ADMIN_TOKEN_FILE": "/run/secrets/admin_token",
		"SERVICE_TOKEN_FILE": "/run/secrets/service_token", "LINK_SECRET_FILE": "/run/secrets/link_secret", "PUBLIC_URL": "https://trials.nordic.example",
		"ROLLOUT_PLAN": "/etc/trials/rollout-plan.yaml", "SNS_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:mail-events", "BACKUP_S3_BUCKET": "nordic-backups",
	}
	c := config.Config{
		APIAddr: ":8080", WorkerAddr: ":8081", MongoDBDatabase: "marketplace", TaskQueue: "trials", TrialDay: day, PublicURL: variables["PUBLIC_URL"], RateLimit: 500,
		MailSenders: 1, RolloutPlan: variables["ROLLOUT_PLAN"], SNSTopicARN: variables["SNS_TOPIC_ARN"], BackupS3Bucket: variables["BACKUP_S3_BUCKET"], LogLevel: "info", LogFormat: "json",
		CanaryAddress: "success@simulator.amazonses.com",
	}
	return dashboard.Settings{Variables: c.SettingsFrom(variables), Version: "1.4.0", Go: "go1.26.11", Namespace: "default", TaskQueue: "trials"}
}

// administer has backups be taken, and processes run, one of them of an earlier version. The rollout has set the flags.
func (w *World) administer() {
	w.Document.Version, w.Document.UpdatedAt, w.Document.UpdatedBy = 12, w.Moment.Add(-2*time.Hour), flags.Automatic
	for i := range 9 {
		b := recovery.StoredBackup{
			Kind: "incremental", Database: "marketplace", End: w.Moment.Add(-time.Duration(4*i+2) * time.Hour), Documents: 18_240 - 310*i, Bytes: 4_812_331 - int64(40_000*i), Encrypted: true,
		}
		if i%6 == 5 || i == 8 {
			b.Kind, b.Documents, b.Bytes = "full", 412_881-900*i, 96_411_902
		}
		b.ID = b.End.Add(-40*time.Second).Format("20060102T150405.000Z") + "-" + b.Kind
		w.Stored.Good = append(w.Stored.Good, b)
	}
	for i := range w.Stored.Good {
		if w.Stored.Good[i].Kind == "incremental" {
			for _, older := range w.Stored.Good[i:] {
				if older.Kind == "full" {
					w.Stored.Good[i].Base = older.ID
					break
				}
			}
		}
	}
	w.Stored.Storage = "bucket nordic-backups"
	w.Stored.Refused = []string{"backup 20260312T081500.000Z-full.backup is refused: its manifest, which is written last, is not there: file does not exist"}
	w.Schedule = recovery.BackupSchedule{Next: w.Moment.Add(2 * time.Hour), Runs: []recovery.BackupRun{
		{WorkflowID: "back-up-2026-03-14T10:18:00Z", At: w.Moment.Add(-2 * time.Minute), Running: true},
		{WorkflowID: "back-up-2026-03-14T08:19:00Z", At: w.Moment.Add(-121 * time.Minute), ID: w.Stored.Good[0].ID, Kind: "incremental", Documents: 18_240, Bytes: 4_812_331},
		{WorkflowID: "back-up-2026-03-14T04:19:00Z", At: w.Moment.Add(-361 * time.Minute), Failed: true},
		{WorkflowID: "back-up-2026-03-14T00:19:00Z", At: w.Moment.Add(-601 * time.Minute)},
	}}
	running := func(role, instance, version string, ago time.Duration) {
		p := monitoring.Process{Role: role, Instance: instance, Version: version, Go: "go1.26.11"}
		p.Observe(monitoring.Sample{At: w.Moment.Add(-ago)})
		w.Running = append(w.Running, p)
	}
	running(monitoring.RoleAPI, "api-1", "1.4.0", 4*time.Second)
	running(monitoring.RoleWorker, "worker-1", "1.4.0", 9*time.Second)
	running(monitoring.RoleWorker, "worker-2", "1.3.2", 2*time.Second)
	running(monitoring.RoleWorker, "worker-3", "1.3.2", 20*time.Minute)
}
