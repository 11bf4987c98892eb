package flags_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// The places were worked out with Python's hashlib:
//
//	parts = [p.encode() for p in ("1", salt, flag, vendor)]
//	digest = sha256(b"".join(struct.pack(">Q", len(p)) + p for p in parts)).digest()
//	place = (int.from_bytes(digest[:8], "big") >> 11) / 2**53
//
// They never change: a vendor that moved would change sides.
func TestBucketIsFixed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		salt, flag, vendor string
		want               float64
	}{
		{"", "", "", 0.27843654428368936},
		{"salt", "trialAutomation", "v1", 0.25352041876429754},
		{"salt", "trialAutomation", "v2", 0.10509574628664364},
		{"salt2", "trialAutomation", "v1", 0.7592383358560837},
		{"salt", "other", "v1", 0.7239164657636897},
		{"sal", "ttrialAutomation", "v1", 0.26251937690779903}, // the lengths keep the parts apart
		{"2017", "trialAutomation", "3442f8959a84dea7ee197c632cb2df15", 0.7148043132224281},
		{"süß", "trialAutomation", "A-z_9", 0.5060693208552546},
	}
	for _, tt := range tests {
		got := flags.Bucket(tt.salt, tt.flag, tt.vendor)
		require.Equal(t, tt.want, got, "%+v", tt) //nolint:testifylint // to the last bit
	}
	require.Equal(t, "trialAutomation", flags.Key)
}

const vendors = 20_000

func places(salt string) []float64 {
	all := make([]float64, vendors)
	for i := range all {
		all[i] = flags.Bucket(salt, flags.Key, fmt.Sprintf("vendor-%d", i))
	}
	return all
}

func TestBucketsAreSpreadEvenly(t *testing.T) {
	t.Parallel()
	const bins = 100
	// Chi-square with 99 degrees of freedom is beyond 148.2 once in a thousand, and
	// below 61.1 as seldom: neither lumpy nor too smooth.
	for _, salt := range []string{"", "salt", "2026-11"} {
		var counts [bins]float64
		for _, place := range places(salt) {
			require.GreaterOrEqual(t, place, 0.0)
			require.Less(t, place, 1.0)
			counts[int(place*bins)]++
		}
		var chi float64
		for _, n := range counts {
			const expected = vendors / bins
			chi += (n - expected) * (n - expected) / expected
		}
		require.Less(t, chi, 148.2, "salt %q", salt)
		require.Greater(t, chi, 61.1, "salt %q", salt)
	}
}

func TestAnotherSaltDealsAnew(t *testing.T) {
	t.Parallel()
	one, two := places("one"), places("two")
	both := 0
	for i := range one {
		if one[i] < 0.25 && two[i] < 0.25 {
			both++
		}
	}
	// A sixteenth of 20,000 is 1,250; its standard deviation is 34.
	require.InDelta(t, 1250, both, 4*34)
}

func document(enabled bool, percentage float64) flags.Document {
	d := flags.Document{FeatureFlags: flags.Initial(), Salt: "salt", Version: 7}
	d.FeatureFlags.TrialAutomation.Enabled = enabled
	d.FeatureFlags.TrialAutomation.RolloutPercentage = percentage
	return d
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	const place = 0.10509574628664364 // of v2 under this salt
	tests := []struct {
		enabled    bool
		percentage float64
		want       bool
	}{
		{true, 0, false},
		{true, 10, false},
		{true, 10.5, false},
		{true, place * 100, false}, // a place is below its percentage, or out
		{true, 10.51, true},
		{true, 25, true},
		{true, 100, true},
		{false, 25, false},
		{false, 100, false},
	}
	for _, tt := range tests {
		cohort := trial.Control
		if tt.want {
			cohort = trial.Automated
		}
		require.Equal(t,
			&trial.Automation{Cohort: cohort, Bucket: place, RolloutPercentage: tt.percentage, FlagsVersion: 7, Policy: "standard", RegisteredAt: noon},
			document(tt.enabled, tt.percentage).Admit("v2", "standard", noon))
	}
}

func TestAdmitTakesTheShareThatIsAsked(t *testing.T) {
	t.Parallel()
	for percentage, want := range map[float64]int{0: 0, 10: 2000, 33.33: 6666, 75: 15_000, 100: vendors} {
		d, admitted := document(true, percentage), 0
		for i := range vendors {
			if d.Admit(fmt.Sprintf("vendor-%d", i), "", noon).Cohort == trial.Automated {
				admitted++
			}
		}
		slack := 4 * 71.0 // four standard deviations, at most
		if percentage == 0 || percentage == 100 {
			slack = 0
		}
		require.InDelta(t, want, admitted, slack, "%v %%", percentage)
	}
}

func TestAHigherPercentageIsASuperset(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hundredths := rapid.IntRange(0, 100_00)
		low, high := float64(hundredths.Draw(t, "one"))/100, float64(hundredths.Draw(t, "other"))/100
		low, high = min(low, high), max(low, high)
		require.NoError(t, flags.ValidPercentage(low))
		require.NoError(t, flags.ValidPercentage(high))
		below, above := document(true, low), document(true, high)
		below.Salt = rapid.String().Draw(t, "salt")
		above.Salt = below.Salt
		for range 10 {
			id := rapid.StringMatching(`[A-Za-z0-9_-]{1,64}`).Draw(t, "vendor")
			one, more := below.Admit(id, "", noon), above.Admit(id, "", noon)
			require.Equal(t, one, below.Admit(id, "", noon), "admission changes its mind")
			require.True(t, one.Cohort == trial.Control || more.Cohort == trial.Automated, "%s is in at %v but not at %v", id, low, high)
			require.Equal(t, one.Bucket*100 < low, one.Cohort == trial.Automated, "%s at %v", id, low)
		}
	})
}

// noon is the time that tests count from.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)
