package test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// twoPolicies are a marketplace's own: a long one, and a short one for one country.
const twoPolicies = `policies:
  - name: month
    lengthDays: 30
    graceDays: 5
    sendHour: 8
    quietDays: []
    steps: [{id: welcome}, {id: reminder-10d, after: beforeEnd, days: 10}, {id: expiry}, {id: grace-end}]
  - name: brazil
    lengthDays: 4
    graceDays: 0
    sendHour: 8
    quietDays: []
    steps: [{id: welcome}, {id: reminder-2d, after: beforeEnd, days: 2}, {id: expiry}]
rules:
  - {when: {country: BR}, policy: brazil}
default: month
`

func TestAVendorGetsThePolicyOfItsCountry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policies.yaml")
	require.NoError(t, os.WriteFile(path, []byte(twoPolicies), 0o600))
	s := begin(t, system.Options{Day: 2 * day, Env: []string{"POLICIES=" + path}})
	bia, eve := s.vendor("bia"), s.vendor("eve")
	s.starter("vendor", "register", "--id", bia, "--email", email(bia), "--name", "Bia", "--attribute", "country=BR")
	s.starter("vendor", "register", "--id", eve, "--email", email(eve), "--name", "Eve", "--attribute", "country=SE")

	require.Contains(t, s.starter("policy", "show", "--vendor", bia), "a rule chose it")
	require.Contains(t, s.starter("policy", "list"), "vendors with country=BR get brazil")
	s.awaitStatus(wholeLife, bia, trial.Expired)
	require.Equal(t, []string{"welcome/0", "reminder-2d/0", "expiry/0"}, s.mails(bia))
	require.Equal(t, "brazil", s.known(bia).Trial.Policy)
	long := s.known(eve).Trial
	require.Equal(t, "month", long.Policy)
	require.Equal(t, trial.Active, long.Status)
	require.Equal(t, 30*s.Day, long.EndsAt.Sub(long.StartedAt))
}
