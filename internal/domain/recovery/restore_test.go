package recovery_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/recovery"
)

// Which document comes from which backup, and which is not deleted before.
func TestWhatARestoreTakesFromWhere(t *testing.T) {
	t.Parallel()
	started := map[string]bool{"late": true}
	for name, c := range map[string]struct {
		document                          recovery.Document
		before, beforeAlone, after, final bool
	}{
		"a collection of the marketplace's": {document: recovery.Document{Collection: "orders"}, before: true, beforeAlone: true},
		"a user of before":                  {document: recovery.Document{Collection: recovery.Users, ID: "early"}, before: true, beforeAlone: true},
		"a user whose trial began since":    {document: recovery.Document{Collection: recovery.Users, ID: "late"}, before: true, beforeAlone: true, after: true},
		"a trial is folded":                 {document: recovery.Document{Collection: recovery.Trials, ID: "late"}},
		"a rollout is folded":               {document: recovery.Document{Collection: recovery.Rollouts}},
		"a process of then":                 {document: recovery.Document{Collection: recovery.Processes}},
		"a session of then":                 {document: recovery.Document{Collection: recovery.Sessions}},
		"a trial's event":                   {document: recovery.Document{Collection: recovery.Events, Owner: "late"}, beforeAlone: true},
		"a rollout's decision":              {document: recovery.Document{Collection: recovery.Decisions}, beforeAlone: true},
		"the flags":                         {document: recovery.Document{Collection: recovery.Flags, ID: recovery.FlagsID}, before: true, beforeAlone: true},
		"the installation's id":             {document: key(recovery.InstallationKey)},
		"a registration since":              {document: key("late/registration"), before: true, beforeAlone: true, after: true},
		"a registration of before":          {document: key("early/registration"), before: true, beforeAlone: true},
		"an erasure":                        {document: key("early/erasure"), before: true, beforeAlone: true, after: true, final: true},
		"a conversion":                      {document: key("early/conversion"), before: true, beforeAlone: true, after: true, final: true},
		"the key of a request":              {document: key("request with key/early/conversion"), before: true, beforeAlone: true},
		"another key of a vendor's":         {document: key("early/conversions"), before: true, beforeAlone: true},
		"a good token":                      {document: recovery.Document{Collection: recovery.Tokens}, before: true, beforeAlone: true},
		"a revoked token":                   {document: recovery.Document{Collection: recovery.Tokens, Revoked: true}, before: true, beforeAlone: true, final: true},
		"a suppression":                     {document: recovery.Document{Collection: recovery.Suppressions}, before: true, beforeAlone: true, final: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.before, c.document.FromBefore(true))
			require.Equal(t, c.beforeAlone, c.document.FromBefore(false))
			require.Equal(t, c.after, c.document.FromAfter(started))
			require.Equal(t, c.final, c.document.IsFinal())
		})
	}
}

func key(id string) recovery.Document {
	return recovery.Document{Collection: recovery.IdempotencyKeys, ID: id}
}

func TestTrialsThatStartedSinceAreTold(t *testing.T) {
	t.Parallel()
	first := recovery.Document{Collection: recovery.Events, Seq: 1, At: at}
	require.True(t, first.StartsTrial(at.Add(-time.Second)))
	require.False(t, first.StartsTrial(at))
	second, decision := first, first
	second.Seq, decision.Collection = 2, recovery.Decisions
	require.False(t, second.StartsTrial(at.Add(-time.Second)))
	require.False(t, decision.StartsTrial(at.Add(-time.Second)))
}

// A history is restored up to the first event after the moment, in whatever order its events come and whatever their
// clocks said: what stays has no gap, and nothing of after.
func TestHistoriesEndBeforeTheMoment(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		history := make([]recovery.Document, rapid.IntRange(0, 12).Draw(t, "events"))
		for i := range history {
			history[i] = recovery.Document{Seq: i + 1, At: at.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "hours")) * time.Hour)}
		}
		end := recovery.End(rapid.Permutation(history).Draw(t, "order"), at)
		for _, d := range history {
			switch {
			case d.Seq < end && d.At.After(at):
				t.Fatalf("event %d of after the moment stays", d.Seq)
			case d.Seq == end && !d.At.After(at):
				t.Fatalf("event %d of before the moment ends the history", d.Seq)
			}
		}
		if end < 1 || end > len(history)+1 {
			t.Fatalf("%d events end at %d", len(history), end)
		}
	})
}

// Restored flags are those of before, but for the automation, and nobody takes them for old ones.
func TestRestoredFlagsAreDisabled(t *testing.T) {
	t.Parallel()
	current := flags.Document{FeatureFlags: flags.Initial(), Salt: "salt", Version: 7}
	current.FeatureFlags.TrialAutomation.Enabled, current.FeatureFlags.TrialAutomation.RolloutPercentage = true, 25
	got := recovery.DisabledFlags(current, at.Add(time.Microsecond))
	require.Equal(t, 7+recovery.VersionsLost+1, got.Version)
	require.Equal(t, got.Version, got.DisabledVersion)
	require.Equal(t, recovery.By, got.UpdatedBy)
	require.Equal(t, at, got.UpdatedAt)
	want := current.FeatureFlags
	want.TrialAutomation.Enabled = false
	require.Equal(t, want, got.FeatureFlags)
	require.Equal(t, "salt", got.Salt)
}
