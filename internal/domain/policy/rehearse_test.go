package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

func TestRehearseSaysWhatAVendorGetsAndWhen(t *testing.T) {
	t.Parallel()
	p := trial.DefaultPolicy()
	p.Name = "with-win-back"
	p.Mailings = []trial.Mailing{{ID: "win-back", After: trial.AfterExpiry, Days: 7, Template: "come-back"}}
	set := policy.Set{Default: "with-win-back", Policies: []trial.Policy{trial.DefaultPolicy(), p}}
	steps, err := set.Rehearse("", "America/Sao_Paulo", trial.RealDay, time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	var got []string
	for _, s := range steps {
		got = append(got, string(s.Kind)+" "+s.Local)
	}
	require.Equal(t, []string{
		"welcome Mon 2026-03-02 12:00 -03", "reminder-7d Mon 2026-03-09 09:00 -03", "reminder-3d Fri 2026-03-13 09:00 -03", "reminder-1d Sun 2026-03-15 09:00 -03",
		"expiry Mon 2026-03-16 12:00 -03", "grace-end Thu 2026-03-19 12:00 -03", "win-back Thu 2026-03-26 09:00 -03",
	}, got)
	require.Equal(t, trial.Expired, steps[6].After.Status)
	require.Equal(t, trial.Active, steps[3].After.Status)

	steps, err = set.Rehearse("standard-14d", "", trial.RealDay, time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	require.Len(t, steps, 6)
	require.Equal(t, "Mon 2026-03-02 15:00 UTC", steps[0].Local)
	for field, ask := range map[string][2]string{"policy": {"gone", ""}, "timezone": {"", "Mars/Base"}} {
		_, err := set.Rehearse(ask[0], ask[1], trial.RealDay, time.Time{})
		var refused *trial.Error
		require.ErrorAs(t, err, &refused)
		require.Equal(t, field, refused.Field)
	}
}
