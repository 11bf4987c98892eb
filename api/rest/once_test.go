package rest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/rollout"
)

// keyedRequests are all that change something in an admin's name, each in a world
// in which it applies.
var keyedRequests = map[string]struct {
	method, path, body, other string
	world                     func(*testing.T) *api
}{
	"start a rollout":        {"POST", rolloutsPath, `{}`, `{"plan": ` + otherPlan + `}`, newAPI},
	"roll back":              {"POST", current + "rollback", `{"percentage": 10, "reason": "r"}`, `{"percentage": 0, "reason": "r"}`, running},
	"roll back, in flight":   {"POST", current + "rollback", `{"percentage": 0, "reason": "r"}`, `{"percentage": 0, "reason": "r", "inFlight": "release"}`, running},
	"pause":                  {"POST", current + "pause", `{"reason": "r"}`, `{"reason": "other"}`, running},
	"resume":                 {"POST", current + "resume", `{"reason": "r"}`, `{"reason": "other"}`, pausedRollout},
	"advance":                {"POST", current + "advance", `{"reason": "r"}`, `{"reason": "other"}`, running},
	"set the percentage":     {"POST", current + "set-percentage", `{"percentage": 10, "reason": "r"}`, `{"percentage": 11, "reason": "r"}`, running},
	"tick":                   {"POST", current + "criteria/feedback-positive", `{"met": true, "reason": "r"}`, `{"met": false, "reason": "r"}`, running},
	"waive":                  {"POST", current + "preflight/backup/waiver", `{"reason": "r"}`, `{"reason": "other"}`, running},
	"extend":                 {"POST", extendPath, `{"days": 7, "reason": "r"}`, `{"days": 8, "reason": "r"}`, withAda},
	"shorten":                {"POST", shortenPath, `{"days": 1, "reason": "r"}`, `{"days": 2, "reason": "r"}`, withAda},
	"cancel":                 {"POST", cancelPath, `{"reason": "r"}`, `{"reason": "other"}`, withAda},
	"erase":                  {"POST", "/api/admin/vendors/v-1/erase", `{"reason": "r"}`, `{"reason": "other"}`, withAda},
	"a bulk operation":       {"POST", "/api/admin/bulk", `{"action": "extend", "days": 7, "ids": ["v-1"], "reason": "r"}`, `{"action": "extend", "days": 7, "ids": ["v-2"], "reason": "r"}`, withAda},
	"the two flags":          {"POST", flagsPath + "/trial-automation/rollout", `{"enabled": true, "rolloutPercentage": 50}`, `{"enabled": true, "rolloutPercentage": 60}`, newAPI},
	"any flag":               {"PATCH", flagsPath, `{"featureFlags": {"monitoring": {"alerting": false}}}`, `{"featureFlags": {"monitoring": {"alerting": true}}}`, newAPI},
	"silence an alert":       {"POST", "/api/admin/monitoring/alerts/emailDeliveryFailed/silence", `{"minutes": 60, "reason": "r"}`, `{"minutes": 61, "reason": "r"}`, newAPI},
	"the end of the silence": {"POST", "/api/admin/monitoring/alerts/emailDeliveryFailed/unsilence", `{"reason": "r"}`, `{"reason": "other"}`, newAPI},
}

const (
	current   = rolloutsPath + "/current/"
	otherPlan = `{"name": "other", "noticeDays": 1, "phases": [{"name": "all", "percentage": 100, "soakDays": 1, "gates": []}],
		"stabilityDays": 1, "guardDays": 1, "backfill": false, "backfillPerHour": 0, "rule": "evidence",
		"triggers": {"emailDelivery": 0.9, "errorRate": 0.2, "slowdown": 0.5, "conversion": 0.1}}`
)

func withAda(t *testing.T) *api {
	t.Helper()
	a := newAPI(t)
	a.register()
	return a
}

func pausedRollout(t *testing.T) *api {
	t.Helper()
	a := running(t)
	require.Equal(t, http.StatusAccepted, a.steer("pause", "before", `{"reason": "lunch"}`).status)
	return a
}

func (a *api) keyed(method, path, key, body string) answered {
	a.t.Helper()
	return a.call(request{method: method, path: path, token: adminToken, key: key, body: body})
}

// answeredBefore is an answer without when an alert was last looked at, which nobody
// asked for.
func answeredBefore(a answered) map[string]any {
	body := into[map[string]any](a, a.status)
	delete(body, "lookedAt")
	return body
}

// last is the latest entry of the audit record.
func (a *api) last() audit.Entry {
	a.t.Helper()
	entries, _, err := a.store.AuditEntries(a.t.Context(), audit.Filter{}, 0, 1)
	require.NoError(a.t, err)
	return entries[0]
}

func TestAKeyUsedAgainForTheSameRequestGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range keyedRequests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := c.world(t)
			first := a.keyed(c.method, c.path, "k", c.body)
			require.Less(t, first.status, 300, string(first.body))
			decided, flags := len(a.store.Store.Rollout), a.store.Document
			again := a.keyed(c.method, c.path, "k", c.body)
			require.Equal(t, first.status, again.status, string(again.body))
			require.Equal(t, answeredBefore(first), answeredBefore(again))
			require.Len(t, a.store.Store.Rollout, decided)
			require.Equal(t, flags, a.store.Document)
		})
	}
}

func TestAKeyUsedForAnotherRequestIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range keyedRequests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := c.world(t)
			require.Less(t, a.keyed(c.method, c.path, "k", c.body).status, 300)
			decided, flags := len(a.store.Store.Rollout), a.store.Document
			_, content := a.store.written()
			refused := func(got answered) {
				t.Helper()
				require.Equal(t, "Idempotency-Key", *got.problem(http.StatusUnprocessableEntity).Field)
				require.Equal(t, audit.Refused, a.last().Outcome)
				require.Len(t, a.store.Store.Rollout, decided)
				require.Equal(t, flags, a.store.Document)
				_, now := a.store.written()
				require.Equal(t, content, now)
			}
			refused(a.keyed(c.method, c.path, "k", c.other))
			for elsewhere, other := range keyedRequests { // another operation, or another subject
				if other.path != c.path {
					got := a.keyed(other.method, other.path, "k", other.body)
					if got.status != http.StatusNotFound { // of a world without a rollout
						t.Log(elsewhere)
						refused(got)
					}
				}
			}
		})
	}
}

func TestTheKeyOfARollbackIsNotGoodForACompleteOne(t *testing.T) {
	t.Parallel()
	a := running(t)
	require.Equal(t, http.StatusAccepted, a.steer("rollback", "night-1", `{"percentage": 10, "reason": "slow"}`).status)
	p := a.steer("rollback", "night-1", `{"percentage": 0, "reason": "slow"}`).problem(http.StatusUnprocessableEntity)
	require.Equal(t, "Idempotency-Key", *p.Field)
	require.Equal(t, audit.Refused, a.last().Outcome)
	require.Equal(t, http.StatusAccepted, a.steer("rollback", "night-2", `{"percentage": 0, "reason": "slow"}`).status)
	require.Equal(t, rollout.RolledBack, a.view().Rollout.Status)
}

func TestTheRecordTellsWhatWasPassedOnFromWhatWasDone(t *testing.T) {
	t.Parallel()
	a := running(t)
	require.Equal(t, http.StatusAccepted, a.steer("pause", "k", `{"reason": "r"}`).status)
	require.Contains(t, a.last().Detail, "passed on to its workflow")
	require.Equal(t, http.StatusAccepted, a.steer("pause", "k", `{"reason": "r"}`).status)
	require.Equal(t, "repeats an earlier request, and counts once", a.last().Detail)
	require.Equal(t, http.StatusAccepted, a.steer("rollback", "k-2", `{"percentage": 0, "reason": "r"}`).status)
	require.Empty(t, a.last().Detail, "the flags were changed")
}

func TestAKeyOfAnotherRolloutIsRefused(t *testing.T) {
	t.Parallel()
	a := running(t)
	require.Equal(t, http.StatusAccepted, a.steer("rollback", "night-1", `{"percentage": 0, "reason": "harm"}`).status)
	require.Equal(t, http.StatusAccepted, a.ask(rolloutsPath, "start-2", `{}`).status)
	p := a.steer("rollback", "night-1", `{"percentage": 0, "reason": "harm"}`).problem(http.StatusUnprocessableEntity)
	require.Equal(t, "Idempotency-Key", *p.Field)
	require.Equal(t, rollout.Running, a.view().Rollout.Status)
}

func TestWhatWasRefusedFreesItsKey(t *testing.T) {
	t.Parallel()
	a := running(t)
	a.steer("rollback", "k", `{"percentage": 30, "reason": "slow"}`).problem(http.StatusBadRequest)
	require.Equal(t, http.StatusAccepted, a.steer("rollback", "k", `{"percentage": 10, "reason": "slow"}`).status)
}

func TestWhatMayHaveBeenDoneKeepsItsKey(t *testing.T) {
	t.Parallel()
	a := running(t)
	a.workflows.unavailable = errUnavailable
	a.steer("pause", "k", `{"reason": "r"}`).problem(http.StatusServiceUnavailable)
	a.steer("pause", "k", `{"reason": "other"}`).problem(http.StatusUnprocessableEntity)
	a.workflows.unavailable = nil
	require.Equal(t, http.StatusAccepted, a.steer("pause", "k", `{"reason": "r"}`).status)
}

func TestARefusedRepetitionLeavesTheKeyToWhatMayHaveBeenDone(t *testing.T) {
	t.Parallel()
	a := running(t)
	body := keyedRequests["set the percentage"].body
	a.workflows.unavailable = errUnavailable
	a.steer("set-percentage", "k", body).problem(http.StatusServiceUnavailable)
	a.workflows.unavailable = nil
	a.store.Document.FeatureFlags.AdminTools.Enabled = false
	a.steer("set-percentage", "k", body).problem(http.StatusForbidden)
	a.store.Document.FeatureFlags.AdminTools.Enabled = true
	a.steer("set-percentage", "k", `{"percentage": 1, "reason": "other"}`).problem(http.StatusUnprocessableEntity)
	require.Equal(t, http.StatusAccepted, a.steer("set-percentage", "k", body).status)
}

// What is kept of keys may be lost with a database; what a trial or a rollout knows
// is not.
func TestAKeyThatOnlyTheSubjectKnowsIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range keyedRequests {
		switch name {
		case "pause", "advance", "set the percentage", "roll back", "tick", "waive", "extend", "shorten":
		default:
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := c.world(t)
			require.Less(t, a.keyed(c.method, c.path, "k", c.body).status, 300)
			clear(a.store.Keys)
			a.keyed(c.method, c.path, "k", c.other).problem(http.StatusUnprocessableEntity)
		})
	}
}

func TestARepeatedChangeOfTheFlagsLeavesWhatCameAfterIt(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	on := `{"enabled": true, "rolloutPercentage": 50}`
	path := flagsPath + "/trial-automation/rollout"
	require.Equal(t, http.StatusOK, a.keyed("POST", path, "k", on).status)
	require.Equal(t, http.StatusOK, a.post(path, adminToken, `{"enabled": false, "rolloutPercentage": 0}`).status)
	again := into[rest.FeatureFlagDocument](a.keyed("POST", path, "k", on), http.StatusOK)
	require.False(t, again.FeatureFlags.TrialAutomation.Enabled)
	require.False(t, a.store.Document.FeatureFlags.TrialAutomation.Enabled)
}

func TestAKeyMakesOneToken(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	body := `{"name": "cron", "role": "viewer", "expiresAt": "2026-04-10T12:00:00Z"}`
	require.Equal(t, http.StatusCreated, a.keyed("POST", "/api/admin/tokens", "k", body).status)
	a.keyed("POST", "/api/admin/tokens", "k", body).problem(http.StatusConflict)
}

func TestAKeyIsReadWhereItIsNotAskedFor(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	require.Equal(t, "Idempotency-Key", *a.keyed("POST", flagsPath+"/trial-automation/rollout", "a b", `{"enabled": true, "rolloutPercentage": 50}`).problem(http.StatusBadRequest).Field)
}
