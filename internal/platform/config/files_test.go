package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/platform/config"
)

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func TestThePlanToCopyIsTheBuiltInOne(t *testing.T) {
	t.Parallel()
	plan, err := config.ReadPlan(strings.NewReader(content(t, planFile)))
	require.NoError(t, err)
	require.Equal(t, rollout.DefaultPlan(), plan)

	plan, err = config.Config{}.Plan()
	require.NoError(t, err)
	require.Equal(t, rollout.DefaultPlan(), plan)
	plan, err = config.Config{RolloutPlan: planFile}.Plan()
	require.NoError(t, err)
	require.Equal(t, rollout.DefaultPlan(), plan)
}

func TestAPlanHasDefaults(t *testing.T) {
	t.Parallel()
	plan, err := config.ReadPlan(strings.NewReader(`
name: short
phases: [{name: all, percentage: 100, soakDays: 0.5, gates: []}]
triggers: {slowdown: 2}
`))
	require.NoError(t, err)
	want := rollout.DefaultPlan()
	want.Name, want.Phases = "short", []rollout.Phase{{Name: "all", Percentage: 100, SoakDays: 0.5, Gates: []rollout.Gate{}}}
	want.Triggers.Slowdown = 2
	require.Equal(t, want, plan)

	plan, err = config.ReadPlan(strings.NewReader("name: n\nphases: [{name: all, percentage: 1, soakDays: 1, gates: [api]}]\nbackfill: false\nnoticeDays: 0\n"))
	require.NoError(t, err)
	require.False(t, plan.Backfill)
	require.Zero(t, plan.NoticeDays)
}

func TestPlansThatCannotWorkAreExplainedByLineAndField(t *testing.T) {
	t.Parallel()
	const head = "name: n\nphases:\n  - name: a\n    percentage: 0\n    soakDays: 2\n    gates: []\n  - name: b\n    percentage: 10\n    soakDays: 2\n    gates: [email, api]\n"
	_, err := config.ReadPlan(strings.NewReader(head))
	require.NoError(t, err)
	for name, c := range map[string]struct{ text, problem string }{
		"nothing":             {"", "has no fields"},
		"a comment":           {"# nothing\n", "has no fields"},
		"a list":              {"- a\n", "has no fields"},
		"not YAML":            {"name: [", "line 1: "},
		"two documents":       {head + "---\nname: m\n", "contains more than one document"},
		"no phases":           {"name: n\n", "phases: must be 1 to 20 phases"},
		"no name":             {strings.Replace(head, "name: n\n", "rule: evidence\n", 1), "name: must have 1 to 64 characters"},
		"unknown field":       {head + "soak: 3\n", "line 11: soak: is not a field here"},
		"unknown below":       {strings.Replace(head, "    soakDays: 2\n    gates: [e", "    soakdays: 2\n    gates: [e", 1), "line 9: phases[1].soakdays: is not a field here"},
		"twice":               {head + "name: m\n", "line 11: name: is already set on line 1"},
		"text for a number":   {strings.Replace(head, "percentage: 10", "percentage: ten", 1), "line 8: phases[1].percentage: must be a number"},
		"one of a line's":     {"name: n\nphases: [{name: a, soakDays: two, percentage: 1, gates: [api, email]}]\n", "line 2: phases[0]: a value in it must be a number"},
		"all on one line":     {"{name: n, noticeDays: x}\n", "line 1: a value must be a number"},
		"text for yes or no":  {head + "backfill: perhaps\n", "line 11: backfill: must be true or false"},
		"half a whole number": {head + "backfillPerHour: 1.5\n", "line 11: backfillPerHour: must be a whole number"},
		"no list of phases":   {"name: n\nphases: 3\n", "line 2: phases: must be a list"},
		"no fields":           {head + "triggers: 3\n", "line 11: triggers: must be fields with values"},
		"too many days":       {head + "guardDays: 366\n", "line 11: guardDays: must be 0 to 365"},
		"not a number":        {head + "guardDays: .nan\n", "line 11: guardDays: must be 0 to 365"},
		"a limit below":       {head + "triggers:\n  errorRate: 20\n", "line 12: triggers.errorRate: must be 0.001 to 0.999"},
		"not more than 0":     {strings.Replace(head, "percentage: 10", "percentage: 0", 1), "line 8: phases[1].percentage: must be above the 0 of the phase before"},
		"no such gate":        {strings.Replace(head, "[email, api]", "[email, mail]", 1), `line 10: phases[1].gates[1]: "mail" is no gate`},
		"no soak":             {strings.Replace(head, "    soakDays: 2\n    gates: [e", "    gates: [e", 1), "line 7: phases[1].soakDays: must be more than 0"},
		"gates forgotten":     {strings.Replace(head, "    gates: [email, api]\n", "", 1), "line 7: phases[1].gates: is missing; write [] for none"},
		"too large":           {head + strings.Repeat("#", 1<<20), "is larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan, err := config.ReadPlan(strings.NewReader(c.text))
			require.ErrorContains(t, err, c.problem)
			require.Zero(t, plan)
		})
	}
}

func TestStakeholdersAreRead(t *testing.T) {
	t.Parallel()
	example, err := config.Config{Stakeholders: stakeholdersFile}.ReadStakeholders()
	require.NoError(t, err)
	for _, role := range notice.Roles() {
		require.True(t, func() bool {
			for _, s := range example {
				if s.Role == role {
					return true
				}
			}
			return false
		}(), "the example has a %s", role)
	}
	nobody, err := config.ReadStakeholders(strings.NewReader("stakeholders: []\n"))
	require.NoError(t, err)
	require.Empty(t, nobody)
	nobody, err = config.Config{}.ReadStakeholders()
	require.NoError(t, err)
	require.Empty(t, nobody)

	got, err := config.ReadStakeholders(strings.NewReader(`
stakeholders:
  - {role: management, webhook: "http://127.0.0.1:8080/x?token=1"}
  - {role: management, webhook: "http://[::1]/x"}
  - {role: customer-support, name: Desk, email: desk@example.com, webhook: "https://example.com", onCall: true, phone: +1 (555) 01-00}
`))
	require.NoError(t, err)
	require.Equal(t, notice.Stakeholder{Role: notice.Support, Name: "Desk", Email: "desk@example.com", Webhook: "https://example.com",
		OnCall: true, Phone: "+1 (555) 01-00"}, got[2])
}

func TestWrongStakeholdersAreNamed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ entry, problem string }{
		"unknown role":       {"{role: boss, email: b@example.com}", `line 3: stakeholders[1].role: "boss" is not a role; the roles are [lead-developer`},
		"no role":            {"{email: b@example.com}", "line 3: stakeholders[1].role: is missing"},
		"no way to tell":     {"{role: management, name: B}", "line 3: stakeholders[1]: has neither an email nor a webhook"},
		"not an address":     {"{role: management, email: zq-secret}", "line 3: stakeholders[1].email: is not a bare e-mail address"},
		"a name and address": {`{role: management, email: "B <zq-secret@example.com>"}`, "stakeholders[1].email: is not a bare"},
		"not ASCII":          {`{role: management, email: "zq-secré@example.com"}`, "stakeholders[1].email: is not a bare"},
		"unknown field":      {"{role: management, mail: b@example.com}", "line 3: stakeholders[1].mail: is not a field here"},
		"list as address":    {"{role: management, email: [zq-secret@example.com]}", "line 3: stakeholders[1]: a value in it must be text"},
		"http elsewhere":     {`{role: management, webhook: "http://example.com/zq-secret"}`, "line 3: stakeholders[1].webhook: must begin with https://"},
		"http near loopback": {`{role: management, webhook: "http://127.0.0.1.example.com/zq-secret"}`, "must begin with https://"},
		"another scheme":     {`{role: management, webhook: "file:///etc/zq-secret"}`, "is not a URL"},
		"a login":            {`{role: management, webhook: "https://u:zq-secret@example.com"}`, "must contain no login"},
		"no host":            {`{role: management, webhook: "https:///zq-secret"}`, "is not a URL"},
		"twice":              {"{role: product-owner, email: a@example.com}", "line 3: stakeholders[1]: is a duplicate"},
		"a name without end": {"{role: management, email: b@example.com, name: " + strings.Repeat("n", 81) + "}", "stakeholders[1].name: has more than 80"},
		"on call, unnamed":   {"{role: management, email: b@example.com, onCall: true}", "stakeholders[1].name: is missing: notices name"},
		"not a number":       {"{role: management, email: b@example.com, phone: zq-secret}", "stakeholders[1].phone: is not a number like"},
		"text for an entry":  {"zq-secret", "line 3: stakeholders[1]: must be fields with values"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := config.ReadStakeholders(strings.NewReader("stakeholders:\n  - {role: product-owner, email: a@example.com}\n  - " + c.entry + "\n"))
			require.ErrorContains(t, err, c.problem)
			require.NotContains(t, err.Error(), "zq-secr", "an address may not be repeated")
			require.Empty(t, got)
		})
	}
	for text, problem := range map[string]string{"people: []\n": "line 1: people: is not a field here", "stakeholders:\n": "stakeholders: is missing", "": "has no fields"} {
		_, err := config.ReadStakeholders(strings.NewReader(text))
		require.ErrorContains(t, err, problem)
	}
	_, err := config.ReadStakeholders(strings.NewReader("stakeholders: [" + strings.Repeat("{role: management, email: b@example.com}, ", 201) + "]\n"))
	require.ErrorContains(t, err, "at most 200")
}

// YAML has several ways to write a number that mean another one than people read.
func TestNumbersAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	const plan = "name: n\nphases:\n  - name: a\n    percentage: PERCENT\n    soakDays: DAYS\n    gates: []\n"
	const alerts = "alerts:\n  reconcilerFinds:\n    threshold: PERCENT\n    cooldown: 30\n"
	for _, written := range []string{
		"010", "014", "0o17", "0x1F", "0b11", "1_000", "1e1", "1E1", ".5", "5.", "+10", "-010", "~", "null", "", "!!int 10", "!!float 10", "&a 10",
	} {
		_, err := config.ReadPlan(strings.NewReader(strings.NewReplacer("PERCENT", written, "DAYS", "2").Replace(plan)))
		require.ErrorContains(t, err, "line 4: phases[0].percentage", written)
		_, err = config.ReadPlan(strings.NewReader(strings.NewReplacer("PERCENT", "10", "DAYS", written).Replace(plan)))
		require.ErrorContains(t, err, "line 5: phases[0].soakDays", written)
		_, err = config.ReadAlerts(strings.NewReader(strings.ReplaceAll(alerts, "PERCENT", written)))
		require.ErrorContains(t, err, "line 3: alerts.reconcilerFinds.threshold", written)
	}
	for _, written := range []string{`"10"`, "1:30", "10 %", "ten", "[10]"} {
		_, err := config.ReadPlan(strings.NewReader(strings.NewReplacer("PERCENT", written, "DAYS", "2").Replace(plan)))
		require.ErrorContains(t, err, "line 4: phases[0].percentage", written)
	}
	got, err := config.ReadPlan(strings.NewReader(strings.NewReplacer("PERCENT", "12.5", "DAYS", "10").Replace(plan)))
	require.NoError(t, err)
	require.InDelta(t, 12.5, got.Phases[0].Percentage, 0)
	require.InDelta(t, 10, got.Phases[0].SoakDays, 0)

	for _, text := range []string{`{"alerts": {"reconcilerFinds": {"threshold": 1e1}}}`, `{"alerts": {"reconcilerFinds": {"threshold": null}}}`, `{"alerts": {"reconcilerFinds": {"threshold": 5, "threshold": 6}}}`} {
		_, err := config.ReadAlerts(strings.NewReader(text))
		require.ErrorContains(t, err, "line 1", text)
	}
	_, err = config.ReadStakeholders(strings.NewReader("stakeholders:\n  - &a {role: management, email: a@example.com}\n  - *a\n"))
	require.ErrorContains(t, err, "line 2: stakeholders[0]: is or has an alias")
}

func TestNamesAreCountedInLetters(t *testing.T) {
	t.Parallel()
	plan := func(name string) string {
		return "name: " + name + "\nphases:\n  - {name: " + name + ", percentage: 10, soakDays: 2, gates: []}\n"
	}
	for _, script := range []string{"я", "語", "a", "😀"} {
		_, err := config.ReadPlan(strings.NewReader(plan(strings.Repeat(script, 64))))
		require.NoError(t, err, script)
		_, err = config.ReadPlan(strings.NewReader(plan(strings.Repeat(script, 65))))
		require.ErrorContains(t, err, "1 to 64 characters", script)
	}
}
