package dashboard

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
)

func TestActionsInWords(t *testing.T) {
	t.Parallel()
	for action, words := range map[string]string{
		"extendTrial": "Extend trial", "startPlannedBulkOperation": "Start planned bulk operation", "rollout/rolled-back": "Rollout: rolled back", "": "", "x": "X",
	} {
		require.Equal(t, words, actionWords(action))
	}
}

func TestWhereASubjectIsShown(t *testing.T) {
	t.Parallel()
	for subject, page := range map[string]string{
		"trials/v-1": "/admin/trials/v-1", "vendors/v-1": "/admin/trials/v-1", "trials/../x": "", "trials": "", "trials/": "",
		"rollouts/r-1": "/admin/decisions", "rollouts/r-1/criteria/c": "/admin/decisions", "rollouts/r-2": "", "rollouts": "", "rollouts/": "",
		"monitoring/alerts/workerAway": "/admin/alerts/workerAway", "monitoring/alerts/x": "", "bulk": "/admin/bulk", "bulk/b-1": "/admin/bulk/b-1", "bulk/../x": "", "feature-flags": "", "": "",
	} {
		require.Equal(t, page, pageOf(subject, "r-1"), subject)
	}
	require.Empty(t, pageOf("rollouts/", ""), "there was no rollout yet")
}

func TestWhatAnActorIs(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 14, 10, 0, 0, 0, time.UTC)
	tokens := []access.Token{{Name: "ada", Role: access.Operator, CreatedAt: at, ExpiresAt: at.Add(time.Hour)}}
	for actor, words := range map[string]string{
		"ada": "operator", "admin": "", "rollout": "the system itself", "flags": "flags that were set by hand", "signal": "a signal to the workflow", "ben": "",
	} {
		require.Equal(t, words, actorWords(audit.Entry{Actor: actor, At: at}, tokens), actor)
	}
	require.Empty(t, actorWords(audit.Entry{Actor: "ada", At: at.Add(-time.Second)}, tokens), "there was no such token then")
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	require.Equal(t, changes{}, compare("", "", time.Time{}))
	require.Equal(t, changes{After: []fact{{"rolloutId", "r-1"}}}, compare("", `{"rolloutId":"r-1"}`, time.Time{}))
	require.Equal(t, changes{Before: []fact{{"leftOut", "has 9000 bytes, more than 8192"}}}, compare(`{"leftOut":"has 9000 bytes, more than 8192"}`, "", time.Time{}))
	both := compare(`{"leftOut":"has 9000 bytes, more than 8192"}`, `{"a":`, time.Time{})
	require.Equal(t, changes{Before: []fact{{"leftOut", "has 9000 bytes, more than 8192"}}, After: []fact{{"leftOut", "is not JSON as it is stored"}}}, both)
	require.Empty(t, both.Unknown())
	require.Equal(t, changes{
		Changed: []change{{"a", "1.50", "2"}, {"b.c", "(not there)", "true"}, {"ends", "2026-03-16 06:20:00 UTC", "(nothing)"}, {"list[2]", "y", "(not there)"}},
		Same:    []fact{{"big", "12345678901234567890"}, {"empty", "(empty)"}, {"list[1].x", "z"}, {"none", "(nothing)"}},
	}, compare(
		`{"big":12345678901234567890,"list":[{"x":"z"},"y"],"ends":"2026-03-16T07:20:00+01:00","a":1.50,"empty":"","none":[]}`,
		`{"a":2,"b":{"c":true},"ends":null,"list":[{"x":"z"}],"empty":"","none":{},"big":12345678901234567890}`, time.Time{}))
	require.Equal(t, changes{Same: []fact{{"", "7"}}}, compare(`7`, `7`, time.Time{}))
	require.Equal(t, []fact{{"leftOut", "is not JSON as it is stored"}}, factsOf(`{"a":`, time.Time{}))
}
