package rollout

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
)

func TestTheBackupCheck(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		facts BackupFacts
		day   time.Duration
		want  Verdict
	}{
		"taken by other means":      {day: 24 * time.Hour, want: Insufficient},
		"the place is away":         {facts: BackupFacts{Kept: true}, day: 24 * time.Hour, want: Insufficient},
		"none was taken":            {facts: BackupFacts{Kept: true, Answers: true}, day: 24 * time.Hour, want: Fail},
		"a day old":                 {facts: BackupFacts{Kept: true, Answers: true, Full: now.Add(-24 * time.Hour)}, day: 24 * time.Hour, want: Pass},
		"older":                     {facts: BackupFacts{Kept: true, Answers: true, Full: now.Add(-24*time.Hour - time.Second)}, day: 24 * time.Hour, want: Fail},
		"an hour, in a day of less": {facts: BackupFacts{Kept: true, Answers: true, Full: now.Add(-time.Hour)}, day: 2 * time.Second, want: Pass},
	} {
		check := backedUp(State{Times: evidence.Times{Day: c.day}}, PreflightFacts{Now: now, Backup: c.facts})
		require.Equal(t, c.want, check.Verdict, name)
		require.Equal(t, CheckBackup, check.ID)
		require.NotEmpty(t, check.Reason)
	}
}

func TestBackupEvery(t *testing.T) {
	t.Parallel()
	require.Equal(t, 4*time.Hour, BackupEvery(24*time.Hour))
	require.Equal(t, 2*time.Minute, BackupEvery(2*time.Second))
}
