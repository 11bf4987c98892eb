package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

func TestStarterSpeaksToTheRunningSystem(t *testing.T) {
	s := begin(t, system.Options{Day: trial.RealDay})
	id := s.vendor("bruno")
	require.Contains(t, s.starter("vendor", "register", "--id", id, "--email", email(id), "--name", "Bruno's Tools"), "is registered")
	s.awaitMail(soon, id, "welcome/0")
	require.Contains(t, s.starter("trial", "schedule", id), "reminder-7d")
	require.Contains(t, s.starter("vendor", "convert", id), "is on record")
	s.awaitStatus(soon, id, trial.Converted)
	require.Contains(t, s.starter("vendor", "convert", id), "was on record before")
	require.Contains(t, s.starter("trial", "list", "--status", "converted"), id)
	require.NotContains(t, s.starter("trial", "list", "--status", "expired"), id)

	require.Contains(t, s.starter("flags", "set", "trialAutomation.emailReminders=false"), "changed by admin")
	var flags struct {
		FeatureFlags struct {
			TrialAutomation struct{ EmailReminders bool }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(s.starter("flags", "get", "--json")), &flags))
	require.False(t, flags.FeatureFlags.TrialAutomation.EmailReminders)

	out, err := s.Starter(s.ctx, "trial", "extend", id, "--days", "3", "--reason", "too late")
	require.Error(t, err, "a converted trial is not extended")
	require.Contains(t, out, "converted")
	out, err = s.Starter(s.ctx, "trial", "status", s.vendor("nobody"))
	require.Error(t, err)
	require.Contains(t, out, s.vendor("nobody"))
}

func TestImportLivesThroughRecordedVendors(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * day})
	file, ids, converted := s.recorded()
	args := []string{"import", "--csv", file, "--resume", filepath.Join(t.TempDir(), "state.jsonl")}
	out := s.starter(args...)
	for _, line := range []string{"line 4", "line 7", "line 12"} {
		require.Contains(t, out, line, "the bad row is reported")
	}
	require.Regexp(t, `lines skipped +3`, out)
	require.Regexp(t, `registered +17 \(17 automated, 0 control\)`, out)
	require.Regexp(t, `converted +2`, out)
	require.Regexp(t, `refused +0`, out)

	again := s.starter(args...)
	require.Contains(t, again, "Going on from")
	eventually(t, wholeLife, func() error {
		for _, id := range ids {
			want := trial.Expired
			if converted[id] {
				want = trial.Converted
			}
			if doc, err := s.stored(id); err != nil || doc.Status != want {
				return fmt.Errorf("trial %s is %s, not %s: %w", id, doc.Status, want, err)
			}
		}
		return nil
	})
	for _, id := range ids {
		if converted[id] {
			require.Equal(t, []string{"welcome/0"}, s.mails(id))
			continue
		}
		s.mailedAsRecorded(id)
	}
}

// recorded writes 20 rows, three of which cannot be used; it tells the ids of
// the others, and which of these convert.
func (s *scenario) recorded() (file string, ids []string, converted map[string]bool) {
	s.t.Helper()
	var b strings.Builder
	b.WriteString("vendor_id,registered_at,origin,converted_at\n")
	converted = map[string]bool{}
	for i := range 20 {
		id, date, conversion := s.vendor(fmt.Sprintf("r%02d", i)), fmt.Sprintf("2018-01-%02d", 1+i/5), ""
		switch line := i + 2; line {
		case 4:
			date = "2018-13-01"
		case 7:
			id = "not an id"
		case 12:
			id = ids[0] // twice
		case 14, 15:
			conversion = "2018-01-06T10:00:00Z"
		}
		fmt.Fprintf(&b, "%s,%s,social,%s\n", id, date, conversion)
		if i != 2 && i != 5 && i != 10 {
			ids = append(ids, id)
			converted[id] = conversion != ""
		}
	}
	file = filepath.Join(s.t.TempDir(), "vendors.csv")
	require.NoError(s.t, os.WriteFile(file, []byte(b.String()), 0o600))
	return file, ids, converted
}

// starter runs the command-line tool, which must succeed.
func (s *scenario) starter(args ...string) string {
	s.t.Helper()
	out, err := s.Starter(s.ctx, args...)
	require.NoError(s.t, err)
	return out
}
