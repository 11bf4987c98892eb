package trial_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/trial"
)

func TestNoMail(t *testing.T) {
	t.Parallel()
	suppressed := func(reason trial.Reason, hash string) *trial.Automation {
		return &trial.Automation{Suppression: &trial.Suppression{Reason: reason, AddressHash: hash}}
	}
	tests := []struct {
		name   string
		vendor trial.Vendor
		want   trial.Reason
	}{
		{"not taken in yet", trial.Vendor{Email: "a@example.org"}, ""},
		{"nothing against it", trial.Vendor{Email: "a@example.org", Automation: &trial.Automation{}}, ""},
		{"no address", trial.Vendor{Automation: &trial.Automation{}}, trial.ReasonNoAddress},
		{"no address goes before a suppression", trial.Vendor{Automation: suppressed(trial.ReasonUnsubscribed, "")}, trial.ReasonNoAddress},
		{"this address bounced", trial.Vendor{Email: "a@example.org", Automation: suppressed(trial.ReasonSuppressedAddress, "h1")}, trial.ReasonSuppressedAddress},
		{"an earlier address bounced", trial.Vendor{Email: "a@example.org", Automation: suppressed(trial.ReasonSuppressedAddress, "h2")}, ""},
		{"unsubscribed, whatever the address", trial.Vendor{Email: "a@example.org", Automation: suppressed(trial.ReasonUnsubscribed, "")}, trial.ReasonUnsubscribed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, tt.vendor.NoMail("h1"))
		})
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
