package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/backup"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/adapters/recovery"
	"marketplace.example/trials/internal/adapters/storage"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/wiring"
	"marketplace.example/trials/test/stack"
)

// onlyBackups asks nothing but how old the last backup is.
type onlyBackups struct {
	t *testing.T
	alertParts
}

func (p onlyBackups) AlertParts(ctx context.Context, _ time.Time) monitoring.Parts {
	last, err := p.backedUp(ctx)
	require.NoError(p.t, err)
	return monitoring.Parts{BackedUp: &last}
}

// recorder records the notices that people get.
type recorder struct{ notified []notice.Message }

func (r *recorder) NotifyTogether(_ context.Context, messages []notice.Message, _ activities.Together) map[string]error {
	r.notified = append(r.notified, messages...)
	return nil
}

// From the place where backups are kept to the people: the alert fires where none has come for five hours of a
// rollout, once in its cooldown, and clears with the next backup.
func TestALateBackupNotifiesUntilOneIsTaken(t *testing.T) {
	t.Parallel()
	embedded, err := stack.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, embedded.Stop()) })
	store, err := mongodb.Connect(t.Context(), embedded.MongoDB, "marketplace")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close(context.WithoutCancel(t.Context()))) })

	began := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	now := began
	clock := func() time.Time { return now }
	k := &backupService{repository: &backup.Repository{Storage: storage.Folder(t.TempDir()), Now: clock,
		OtherClock: func(context.Context) (time.Time, error) { return now, nil }}, store: recovery.Store{Store: store}}
	people := &recorder{}
	alerts := &activities.Alerts{
		Store: store, Parts: onlyBackups{t, alertParts{Base: &wiring.Base{Store: store, Log: zap.NewNop()}, backups: k}}, Notifier: people,
		Policy: trial.DefaultPolicy(), Day: trial.RealDay, MailsFrom: began.Add(-21 * time.Hour), Now: clock, Log: zap.NewNop(),
	}
	for _, rule := range monitoring.Rules() {
		if rule.ID == monitoring.BackupLate {
			alerts.Rules = []monitoring.Rule{rule}
		}
	}
	evaluate := func(at time.Duration, firing, notified int) {
		t.Helper()
		now = began.Add(at)
		seen, err := alerts.EvaluateAlerts(t.Context())
		require.NoError(t, err)
		require.Zero(t, seen.Unmeasured)
		require.Equal(t, firing, seen.Firing)
		require.Len(t, people.notified, notified)
	}

	evaluate(-20*time.Hour, 0, 0) // no rollout runs, so none is due
	begin := rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), By: "admin", Times: evidence.Times{Day: trial.RealDay, TrialDays: 17}}, began)
	_, err = store.AppendDecision(t.Context(), begin, rollout.State{}.Apply(begin))
	require.NoError(t, err)
	evaluate(4*time.Hour, 0, 0)
	evaluate(5*time.Hour+time.Minute, 1, 1)
	evaluate(5*time.Hour+10*time.Minute, 1, 1)
	taken, err := k.TakeIncremental(t.Context())
	require.NoError(t, err)
	require.Positive(t, taken.Documents)
	evaluate(5*time.Hour+20*time.Minute, 0, 2)
	evaluate(10*time.Hour, 0, 2)
	evaluate(10*time.Hour+20*time.Minute, 1, 3)
}
