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

func TestTheConversionRateOfTheLastWeeks(t *testing.T) {
	t.Parallel()
	s := State{Plan: DefaultPlan()}
	for reason, c := range map[string]struct {
		facts ConversionFacts
		want  Verdict
	}{
		"not known, which holds nothing up: the flag monitoring.trialMetrics is off":                                    {ConversionFacts{Trials: 100}, Pass},
		"not known, which holds nothing up: 29 trials of the last weeks could have ended, and a rate takes at least 30": {ConversionFacts{Counted: true, Trials: 29}, Pass},
		"10 % of the 30 trials of the last weeks that could have ended converted":                                       {ConversionFacts{Counted: true, Converted: 3, Trials: 30}, Pass},
		"9.98 % of the 1002 trials of the last weeks that could have ended converted; below 10.00 % the rollout would switch the automation off: " +
			"find out why, start with a lower limit, or waive this check": {ConversionFacts{Counted: true, Converted: 100, Trials: 1002}, Fail},
	} {
		require.Equal(t, Check{ID: CheckConversion, Verdict: c.want, Reason: reason}, converting(s, c.facts))
	}
	facts := PreflightFacts{Conversion: ConversionFacts{Counted: true, Trials: 30}}
	require.Contains(t, Preflight(s, facts), converting(s, facts.Conversion))
}
