package trial_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestNoMail(t *testing.T) {
	t.Parallel()
	bounced := func(address string) trial.Suppression {
		return trial.Suppression{Reason: trial.ReasonSuppressedAddress, AddressHash: trial.AddressHash(address)}
	}
	anywhere := trial.Suppression{Reason: trial.ReasonSuppressedAddress}
	unsubscribed := trial.Suppression{Reason: trial.ReasonUnsubscribed}
	erased := at("2026-03-02 10:00")
	tests := []struct {
		name   string
		vendor trial.Vendor
		kept   []trial.Suppression
		want   trial.Reason
	}{
		{"not taken in yet", trial.Vendor{Email: "a@example.org"}, nil, ""},
		{"no address", trial.Vendor{}, nil, trial.ReasonNoAddress},
		{"no address goes before a suppression", trial.Vendor{}, []trial.Suppression{unsubscribed}, trial.ReasonNoAddress},
		{"erased", trial.Vendor{Email: "a@example.org", ErasedAt: &erased}, nil, trial.ReasonNoAddress},
		{"this address bounced", trial.Vendor{Email: "A@example.org "}, []trial.Suppression{bounced("b@example.org"), bounced("a@example.org")}, trial.ReasonSuppressedAddress},
		{"an earlier address bounced", trial.Vendor{Email: "a@example.org"}, []trial.Suppression{bounced("b@example.org")}, ""},
		{"nobody knows which address bounced", trial.Vendor{Email: "a@example.org"}, []trial.Suppression{anywhere}, trial.ReasonSuppressedAddress},
		{"unsubscribed, whatever the address", trial.Vendor{Email: "a@example.org"}, []trial.Suppression{bounced("a@example.org"), unsubscribed}, trial.ReasonUnsubscribed},
		{"unsubscribed before it bounced", trial.Vendor{Email: "a@example.org"}, []trial.Suppression{unsubscribed, bounced("a@example.org")}, trial.ReasonUnsubscribed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range tt.kept {
				tt.vendor.Suppress(p)
			}
			require.Equal(t, tt.want, tt.vendor.NoMail())
		})
	}
}

func TestAMomentInWholeSecondsIsTheOneThatItWasCutFrom(t *testing.T) {
	t.Parallel()
	ours := time.Date(2026, 3, 1, 22, 43, 57, 542_000_000, time.UTC)
	for theirs, want := range map[time.Time]bool{
		ours: true, ours.Truncate(time.Second): true, ours.In(time.FixedZone("", 3600)).Truncate(time.Second): true,
		ours.Truncate(time.Second).Add(-time.Second): false, ours.Truncate(time.Second).Add(time.Second): false,
		ours.Add(-time.Millisecond): false, ours.Truncate(time.Minute): false,
	} {
		require.Equal(t, want, trial.SameTime(theirs, ours), theirs)
	}
}

func TestVendorRegistration(t *testing.T) {
	t.Parallel()
	v := trial.Vendor{
		ID: "v1", Email: "a@example.org", Name: "A", Zone: "Europe/Berlin", StartedAt: at("2026-03-02 10:00"), CreatedAt: at("2026-03-01 10:00"),
		Automation: &trial.Automation{Cohort: trial.Control, Bucket: 0.5},
	}
	require.Equal(t, sample(control, inZone("Europe/Berlin", "2026-03-02 10:00")), v.Registration(trial.DefaultPolicy(), trial.RealDay))
}
