package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// ourPolicies is a file of two policies and a rule.
const ourPolicies = `policies:
  - name: month
    lengthDays: 30
    graceDays: 5
    sendHour: 8
    quietDays: [sat, sun]
    steps: [{id: welcome}, {id: reminder-10d, after: beforeEnd, days: 10}, {id: expiry}, {id: grace-end},
      {id: win-back, after: afterExpiry, days: 7, template: win-back}]
  - name: week
    lengthDays: 7
    graceDays: 0
    sendHour: 10
    quietDays: []
    steps: [{id: welcome}, {id: expiry}]
rules:
  - {when: {country: BR, plan: pro}, policy: week}
default: month
`

func policyFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "policies.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestPoliciesAreCheckedBeforeAVendorGetsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := policyFile(t, ourPolicies)
	r := w.run(t, "policy", "check", path)
	require.Equal(t, result{exitFailure, "", "starter: policy month, step win-back: template: there are no words win-back: make the file MAIL_TEMPLATES/en/win-back.yaml\n"}, r)
	folder := brandFolder(t, "name: N\nbuttons: {default: https://n.example}\n")
	require.NoError(t, os.Mkdir(filepath.Join(folder, "en"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "en", "win-back.yaml"), []byte("subject: Come back\nparagraphs: [Come back]\n"), 0o600))
	checked := w.run(t, "policy", "check", path, "--timezone", "America/Sao_Paulo", "--templates", folder)
	require.Equal(t, result{0, checked.out, ""}, checked)
	golden(t, "policy-check", checked.out)
	require.Contains(t, w.run(t, "policy", "check").out, "Every vendor gets standard-14d, unless its registration names another one.\n")
	w.environment["POLICIES"], w.environment["MAIL_TEMPLATES"] = path, folder
	require.Equal(t, checked, w.run(t, "policy", "check", "--timezone", "America/Sao_Paulo"))
	require.Contains(t, w.run(t, "policy", "check", "--json").out, `"name":"month"`)
	require.Empty(t, w.Calls(), "no API is asked")
}

func TestPoliciesThatAreWrongAreNamedByFileAndLine(t *testing.T) {
	t.Parallel()
	path := policyFile(t, strings.Replace(ourPolicies, "days: 10", "days: 31", 1))
	r := newWorld(t).run(t, "policy", "check", path)
	require.Equal(t, exitFailure, r.code)
	require.Contains(t, r.err, path+": line 7: policies[0].steps[1].days: lies before the start: the trial lasts 30 days")
	require.Empty(t, r.out)
	r = newWorld(t).run(t, "policy", "check", "--timezone", "Mars")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.err, `--timezone: "Mars" is not an IANA time zone`)
}

func TestPoliciesOfTheAPIAndOfAVendor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	set := policy.Only(trial.DefaultPolicy())
	set.Policies = append(set.Policies, trial.Policy{Name: "month", LengthDays: 30, GraceDays: 5, SendHour: 8, QuietDays: []trial.QuietDay{"sun"}})
	set.Rules = []policy.Rule{{When: map[string]string{"country": "BR"}, Policy: "month"}}
	w.Policies = set
	golden(t, "policy-list", w.run(t, "policy", "list").out)
	require.Equal(t, w.ask(t, "/api/admin/policies")+"\n", w.run(t, "policy", "list", "--json").out)

	register := []string{"vendor", "register", "--email", "a@example.com", "--name", "A"}
	require.Zero(t, w.run(t, append(register, "--id", "v-1", "--attribute", "country=BR", "--attribute", "plan=pro")...).code)
	require.Zero(t, w.run(t, append(register, "--id", "v-2", "--policy", "month")...).code)
	require.Zero(t, w.run(t, append(register, "--id", "v-3")...).code)
	require.Contains(t, w.run(t, append(register, "--id", "v-4", "--policy", "year")...).err, "policy: is none of the policies: standard-14d, month")
	golden(t, "policy-show", w.run(t, "policy", "show", "--vendor", "v-1").out)
	require.Contains(t, w.run(t, "policy", "show", "--vendor", "v-2").out, "its registration named it")
	require.Contains(t, w.run(t, "policy", "show", "--vendor", "v-3").out, "it was the default")
	require.Contains(t, w.run(t, "policy", "show", "--vendor", "nobody").err, `no vendor "nobody"`)
	require.Equal(t, exitUsage, w.run(t, "policy", "show", "--vendor", "no id").code)
}
