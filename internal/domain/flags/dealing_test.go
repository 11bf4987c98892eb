package flags_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
)

// dealing is a document at 100 % whose experiment deals.
func dealing() flags.Document {
	d := document(true, 100)
	c := d.Change()
	c.Dealing = &flags.Dealing{Experiment: "x"}
	d, _ = d.Changed(c, "ada", noon)
	return d
}

func TestWhateverLowersTheFlagsEndsTheDealing(t *testing.T) {
	t.Parallel()
	later := noon.Add(time.Hour)
	for reason, change := range map[string]func(*flags.Change){
		"the percentage was set to 50": func(c *flags.Change) { c.TrialAutomation.RolloutPercentage = 50 },
		"the automation was disabled":  func(c *flags.Change) { c.TrialAutomation.Enabled, c.Off = false, true },
		"the percentage was set to 25 by a rollback": func(c *flags.Change) {
			c.TrialAutomation.RolloutPercentage, c.Rollback = 25, &flags.RollbackRequest{RolloutID: "r"}
		},
		"the automation was disabled by the rollout": func(c *flags.Change) {
			c.TrialAutomation.Enabled, c.TrialAutomation.RolloutPercentage, c.Write = false, 0, &flags.Write{RolloutID: "r"}
		},
	} {
		d := dealing()
		require.Equal(t, "x", d.Deals(), reason)
		c := d.Change()
		change(&c)
		d, changed := d.Changed(c, "bea", later)
		require.True(t, changed, reason)
		require.Empty(t, d.Deals(), reason)
		require.Equal(t, &flags.DealingEnd{At: later, By: "bea", Rollback: c.Rollback != nil || c.Write != nil, Reason: reason}, d.Dealing.End)

		// Raised again, it stays ended, and the first end is the one on record.
		c = d.Change()
		c.TrialAutomation.Enabled, c.TrialAutomation.RolloutPercentage = true, 100
		raised, _ := d.Changed(c, "cyd", later.Add(time.Hour))
		require.Empty(t, raised.Deals(), reason)
		c = raised.Change()
		c.TrialAutomation.RolloutPercentage = 10
		again, _ := raised.Changed(c, "cyd", later.Add(2*time.Hour))
		require.Equal(t, d.Dealing, again.Dealing, reason)
		_, changed = again.Changed(again.Change(), "cyd", later.Add(3*time.Hour))
		require.False(t, changed, reason)
	}
}

// Who edits the document past us lowers the flags too: nobody is dealt then.
func TestNobodyIsDealtBelowHundred(t *testing.T) {
	t.Parallel()
	d := dealing()
	d.FeatureFlags.TrialAutomation.RolloutPercentage = 99.99
	require.Empty(t, d.Deals())
	d = dealing()
	d.FeatureFlags.TrialAutomation.Enabled = false
	require.Empty(t, d.Deals())
	require.Empty(t, document(true, 100).Deals())
}

func TestADealingIsNoChangeOfTheFlagsByHand(t *testing.T) {
	t.Parallel()
	before, after := document(true, 100), dealing()
	require.Equal(t, before.Version+1, after.Version)
	before.Version, before.Dealing = after.Version, after.Dealing
	require.Equal(t, before, after)

	other := after.Change()
	other.TrialAutomation.EmailReminders = false
	changed, _ := after.Changed(other, "ada", noon)
	require.Equal(t, after.Dealing, changed.Dealing, "flags that admit all the same leave it alone")
}
