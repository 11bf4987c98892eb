package rest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
)

const (
	auditPath = "/api/admin/audit"
	because   = `{"reason":"because"}`
	threeDays = `{"days":3,"reason":"because"}`
)

// changing are requests that the description lets pass, by operation: every one
// that changes something needs one here.
var changing = map[string]string{
	"extendTrial": threeDays, "shortenTrial": threeDays, "reviveTrial": threeDays, "cancelTrial": because,
	"moveTrial":        `{"policy":"standard-14d","reason":"because"}`,
	"acknowledgeAlert": because, "silenceAlert": `{"minutes":5,"reason":"because"}`, "unsilenceAlert": because,
	"patchFeatureFlags": `{"featureFlags":{"trialAutomation":{"emailReminders":false}}}`,
	"setRollout":        `{"enabled":true,"rolloutPercentage":50}`,
	"startRollout":      `{"reason":"because"}`, "rollBackRollout": `{"percentage":0,"reason":"because"}`,
	"pauseRollout": because, "resumeRollout": because, "advanceRollout": because,
	"setRolloutPercentage": `{"percentage":15,"reason":"because"}`,
	"tickRolloutCriterion": `{"met":true,"reason":"because"}`, "waiveRolloutCheck": because,
	"startBulkOperation": `{"action":"extend","ids":["v-1"],"days":3,"reason":"because"}`, "undoBulkOperation": because,
	"startPlannedBulkOperation": because, "pauseBulkOperation": because, "resumeBulkOperation": because, "stopBulkOperation": because,
	"createToken": `{"name":"support-1","role":"viewer","expiresAt":"2026-04-01T00:00:00Z"}`, "revokeToken": "", "startCanary": "",
	"resendEmail": because,
	"sendMail":    `{"kind":"welcome","to":"po@shop.example"}`,
	"eraseVendor": because, "liftSuppression": because, "startExperiment": startExperiment, "endExperiment": `{"picked":"b","reason":"because"}`,
}

// concrete puts something that is there into a path.
var concrete = strings.NewReplacer("{id}", "v-1", "{kind}", "welcome", "{revision}", "0", "{alert}", "sesPaused", "{rolloutId}", "current",
	"{experimentId}", "experiment-20260310-120000-010203", "{operationId}", "bulk-20260310-120000-01020304", "{token}", "0123456789abcdef",
	"/criteria/{subject}", "/criteria/dashboards-operational", "{subject}", "backup")

// changesOf calls f for every operation by which an admin changes something, on an
// API where a trial and a rollout run and an alert fires.
func changesOf(t *testing.T, f func(a *api, operation string, r request)) {
	t.Helper()
	walked := map[string]bool{}
	for path, item := range specification(t).Paths.Map() {
		for method, operation := range item.Operations() {
			harmless, _ := operation.Extensions["x-changes-nothing"].(bool)
			if method == http.MethodGet || harmless || !strings.HasPrefix(path, "/api/admin/") {
				continue
			}
			name := operation.OperationID
			require.Contains(t, changing, name, "how is it called? Add it to this test")
			walked[name] = true
			a := makeAPI(t, options{policies: new(offered())})
			a.enter(t)
			a.register()
			a.fire(monitoring.SESPaused, time.Minute)
			a.store.Record = nil
			f(a, name, request{method: method, path: concrete.Replace(path), token: adminToken, key: "k-1", body: changing[name]})
		}
	}
	require.Len(t, walked, len(changing))
}

// requireWhole checks that an audit record is a chain.
func requireWhole(t *testing.T, entries []audit.Entry) {
	t.Helper()
	var v audit.Verifier
	for i, e := range entries {
		require.NoError(t, v.Verify(i+1, e))
	}
	require.Empty(t, v.Pending())
}

// Every operation by which an admin changes something is put on record before it
// is tried, and again before its outcome is told.
func TestEveryChangeIsOnRecord(t *testing.T) {
	t.Parallel()
	outcomes := map[audit.Outcome]int{}
	changesOf(t, func(a *api, operation string, r request) {
		answer := a.call(r)
		require.NotContains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, answer.status, "%s: %s", operation, answer.body)
		record := a.store.Record
		require.Len(t, record, 2, operation)
		requireWhole(t, record)
		asked, settled := record[0], record[1]
		for _, e := range record {
			require.Equal(t, operation, e.Action)
			require.Equal(t, "admin", e.Actor, operation)
			require.Equal(t, answer.header.Get("X-Request-Id"), e.RequestID, operation)
			require.Equal(t, "k-1", e.Key, operation)
			require.NotContains(t, e.Subject, "{", operation)
			require.NotContains(t, e.Subject, "current", operation)
			require.Equal(t, present, e.At, operation)
			if strings.Contains(changing[operation], "because") {
				require.Equal(t, "because", e.Reason, operation)
				require.NotContains(t, e.Asked, "because", operation)
			}
		}
		require.Equal(t, audit.Pending, asked.Outcome, operation)
		require.Equal(t, asked.Seq, settled.Settles, operation)
		want := audit.Done
		if answer.status >= http.StatusBadRequest {
			want = audit.Refused
			require.NotEmpty(t, settled.Detail, operation)
		}
		require.Equal(t, want, settled.Outcome, "%s: %d %s", operation, answer.status, answer.body)
		if want == audit.Done {
			require.NotEmpty(t, settled.Before+settled.After, operation)
		}
		outcomes[want]++
	})
	require.Equal(t, map[audit.Outcome]int{audit.Done: 18, audit.Refused: 15}, outcomes,
		"refused are a move to the same policy, start and resume, since a rollout runs, revive, those of an experiment, which begins at 100 %, a lift, since nothing is suppressed, an e-mail that was not sent, and those of a bulk operation, a token and canaries that are not there")
}

// What cannot be put on record is not done.
func TestWithoutTheRecordNothingIsDone(t *testing.T) {
	t.Parallel()
	changesOf(t, func(a *api, operation string, r request) {
		a.store.audits.fails = func(audit.Entry) error { return errUnavailable }
		writes, before := a.store.written()
		events, alerts := len(a.store.Store.Rollout), len(a.store.AlertHistory[monitoring.SESPaused])
		p := a.call(r).problem(http.StatusServiceUnavailable)
		require.Contains(t, *p.Detail, "could not be put on the audit record, so nothing was done", operation)
		again, after := a.store.written()
		require.Equal(t, writes, again, operation)
		require.Equal(t, before, after, operation)
		require.Len(t, a.store.Store.Rollout, events, operation)
		require.Len(t, a.store.AlertHistory[monitoring.SESPaused], alerts, operation)
		require.Empty(t, a.store.Record)
	})
}

// Where only the outcome cannot be put on record, the caller is not told that all is well.
func TestAnOutcomeThatIsNotOnRecordIsNoSuccess(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.store.audits.fails = func(e audit.Entry) error {
		if e.Outcome != audit.Pending {
			return errUnavailable
		}
		return nil
	}
	p := a.ask(extendPath, "k-1", threeDays).problem(http.StatusServiceUnavailable)
	require.Contains(t, *p.Detail, "this was carried out, but what became of it could not be put on the audit record")
	require.Equal(t, 1, a.store.States["v-1"].Revision)
	require.Len(t, a.store.Record, 1, "the pending entry stays, and tells")
	refused := a.ask("/api/admin/trials/v-2/cancel", "k-2", because).problem(http.StatusNotFound)
	require.NotContains(t, *refused.Detail, "audit", "nothing was done anyway")
}

// Whoever hangs up after a change was begun does not keep its outcome off the record.
func TestTheOutcomeIsOnRecordAlsoForACallerThatHangsUp(t *testing.T) {
	t.Parallel()
	a := running(t)
	a.store.Record = nil
	ctx, hangUp := context.WithCancel(t.Context())
	a.store.audits.fails = func(e audit.Entry) error {
		if e.Outcome == audit.Pending {
			hangUp()
		}
		return nil
	}
	require.NoError(t, a.app.SteerRolloutRecorded(ctx, "current", rollout.SignalPause, flags.Request{ID: "k-1", Reason: "because"}))
	require.Len(t, a.store.Record, 2)
	e := a.store.Record[1]
	require.Equal(t, audit.Done, e.Outcome)
	require.Equal(t, "rollouts/"+a.view().Rollout.ID, e.Subject)
}

func TestWhatTheRecordSays(t *testing.T) {
	t.Parallel()
	a := running(t)
	a.register()
	a.fire(monitoring.SESPaused, time.Minute)
	last := func() audit.Entry { return a.store.Record[len(a.store.Record)-1] }

	require.Equal(t, http.StatusOK, a.ask(extendPath, "k-1", `{"days":7,"reason":"asked for more"}`).status)
	e := last()
	require.Equal(t, "trials/v-1", e.Subject)
	require.JSONEq(t, `{"days":7}`, string(e.Asked))
	require.JSONEq(t, `{"status":"active","revision":0,"endsAt":"2026-03-23T08:00:00Z","policy":"standard-14d"}`, string(e.Before))
	require.JSONEq(t, `{"status":"active","revision":1,"endsAt":"2026-03-30T07:00:00Z","policy":"standard-14d"}`, string(e.After))

	a.call(request{method: http.MethodPatch, path: flagsPath, token: adminToken, body: `{"featureFlags":{"monitoring":{"alerting":false}}}`})
	e = last()
	require.Equal(t, "feature-flags", e.Subject)
	require.JSONEq(t, `{"featureFlags":{"monitoring":{"alerting":false}}}`, string(e.Asked))
	require.Contains(t, e.Before, `"alerting":true`)
	require.Contains(t, e.After, `"alerting":false`)

	require.Equal(t, http.StatusOK, a.change(monitoring.SESPaused, "silence", `{"minutes":60,"reason":"known"}`).status)
	e = last()
	require.Equal(t, "monitoring/alerts/sesPaused", e.Subject)
	require.JSONEq(t, `{"status":"firing"}`, string(e.Before))
	require.JSONEq(t, `{"status":"firing","silencedUntil":"2026-03-10T13:00:00Z"}`, string(e.After))

	id := a.view().Rollout.ID
	require.Equal(t, http.StatusAccepted, a.steer("pause", "k-2", because).status)
	e = last()
	require.Equal(t, "rollouts/"+id, e.Subject, "by its id, though it was called current")
	require.JSONEq(t, `{"seq":4,"status":"running","stage":{"kind":"phase","phase":2},"enabled":true,"percentage":25}`, string(e.Before))
	require.Empty(t, e.After, "the rollout puts on record itself what comes of it")

	require.Equal(t, http.StatusConflict, a.steer("pause", "k-3", because).status)
	require.Equal(t, audit.Refused, last().Outcome)
	require.Equal(t, "the rollout is paused already", last().Detail)

	a.workflows.unavailable = errUnavailable
	require.Equal(t, http.StatusServiceUnavailable, a.ask(extendPath, "k-4", threeDays).status)
	require.Equal(t, audit.Failed, last().Outcome)
	require.NotEmpty(t, last().Before)
	require.Empty(t, last().After)
	requireWhole(t, a.store.Record)
}

// Free text other than the reason may hold anything; it is not kept.
func TestFreeTextIsNotOnRecord(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	plan := strings.NewReplacer("{", `{"plan":{"name":"Zwetschge's plan","noticeDays":1,"phases":[{"name":"zwetschge@example.com","percentage":10,"soakDays":1,"gates":[]}],`+
		`"stabilityDays":7,"guardDays":17,"backfill":true,"backfillPerHour":100,"rule":"evidence","triggers":{"emailDelivery":0.95,"errorRate":0.05,"slowdown":2,"conversion":0.2}},`).Replace(`{"phase":1}`)
	answer := a.ask(rolloutsPath, "start", plan)
	require.NotEqual(t, http.StatusUnprocessableEntity, answer.status)
	require.Len(t, a.store.Record, 2, "%s", answer.body)
	for _, e := range a.store.Record {
		require.NotContains(t, strings.ToLower(string(e.Canonical())), "zwetschge", "no id or hash holds it by chance")
		require.Contains(t, e.Asked, `"percentage":10`)
		require.Contains(t, e.Asked, `"phase":1`)
	}
}

// A long list is counted, and does not push out what else was asked for.
func TestALongListIsCountedOnRecord(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for n, want := range map[int]string{
		2:             `{"action":"extend","days":3,"ids":["v-1","v-2"]}`,
		bulk.MaxItems: `{"action":"extend","days":3,"ids":"20000 of them"}`,
	} {
		list := `["v-1","v-2"]`
		if n > 2 {
			list = ids(n)
		}
		a.startBulk(fmt.Sprint("k-", n), `{"action":"extend","days":3,"reason":"r","ids":`+list+`}`)
		e := a.store.Record[len(a.store.Record)-1]
		require.JSONEq(t, want, string(e.Asked))
	}
}

// What only reads, or is refused for its form, leaves no entry.
func TestWhatChangesNothingIsNotOnRecord(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.get("/api/admin/trials", adminToken)
	a.ask("/api/admin/rollouts/forecast", "", `{"registrationsPerDay":30}`)
	a.ask(extendPath, "k-1", `{"days":0,"reason":"r"}`).problem(http.StatusBadRequest)
	a.post(extendPath, serviceToken, threeDays).problem(http.StatusForbidden)
	require.Empty(t, a.store.Record)
}

// The pages steer by the same code, so that is on record too.
func TestSteeringFromThePagesIsOnRecord(t *testing.T) {
	t.Parallel()
	a := running(t)
	a.store.Record = nil
	id := a.view().Rollout.ID
	require.NoError(t, a.app.SteerRolloutRecorded(t.Context(), id, rollout.SignalRollback, flags.Request{ID: "k-1", Reason: "harm", Percentage: 10, InFlight: flags.Keep}))
	require.Len(t, a.store.Record, 2)
	e := a.store.Record[1]
	require.Equal(t, "rollBackRollout", e.Action)
	require.Equal(t, "rollouts/"+id, e.Subject)
	require.Equal(t, "harm", e.Reason)
	require.Equal(t, "k-1", e.Key)
	require.JSONEq(t, `{"percentage":10,"inFlight":"keep"}`, string(e.Asked))
	require.Contains(t, e.Before, `"rolloutPercentage":25`)
	require.Contains(t, e.After, `"rolloutPercentage":10`)

	operations := map[string]bool{}
	for _, item := range a.spec.Paths.Map() {
		for _, operation := range item.Operations() {
			operations[operation.OperationID] = true
		}
	}
	for _, signal := range []string{rollout.SignalPause, rollout.SignalResume, rollout.SignalAdvance, rollout.SignalSetPercentage, rollout.SignalTick, rollout.SignalWaive} {
		_ = a.app.SteerRolloutRecorded(t.Context(), id, signal, flags.Request{ID: "k-" + signal}) // no reason: refused
		e := a.store.Record[len(a.store.Record)-1]
		require.Equal(t, audit.Refused, e.Outcome, signal)
		require.True(t, operations[e.Action], "%s is %q", signal, e.Action)
	}
}

func TestTheRecordIsListed(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	require.Empty(t, into[rest.AuditPage](a.get(auditPath, adminToken), http.StatusOK).Entries)
	a.register()
	for _, key := range []string{"k-1", "k-2"} {
		require.Equal(t, http.StatusOK, a.ask(extendPath, key, threeDays).status)
	}
	require.Equal(t, http.StatusOK, a.post(rolloutPath, adminToken, changing["setRollout"]).status)
	list := func(query string) []int {
		numbers, cursor := []int{}, ""
		for {
			require.LessOrEqual(t, len(numbers), 6, "each entry is on one page")
			page := into[rest.AuditPage](a.get(auditPath+"?"+query+cursor, adminToken), http.StatusOK)
			for _, e := range page.Entries {
				numbers = append(numbers, e.Seq)
			}
			if page.NextCursor == "" {
				return numbers
			}
			cursor = "&cursor=" + page.NextCursor
		}
	}
	for query, want := range map[string][]int{
		"":                                      {6, 5, 4, 3, 2, 1},
		"limit=4":                               {6, 5, 4, 3, 2, 1},
		"limit=1&subject=trials":                {4, 3, 2, 1},
		"subject=trials/v-1&limit=3":            {4, 3, 2, 1},
		"subject=trials/v":                      {},
		"subject=feature-flags":                 {6, 5},
		"action=extendTrial":                    {4, 3, 2, 1},
		"actor=eve":                             {},
		"outcome=done":                          {6, 4, 2},
		"outcome=pending&subject=trials":        {3, 1},
		"outcome=failed":                        {},
		"actor=admin&from=2026-03-10T12:00:00Z": {6, 5, 4, 3, 2, 1},
		"from=2026-03-10T12:00:00.001Z":         {},
		"to=2026-03-10T12:00:00Z":               {},
		"to=2026-03-10T12:00:00.001Z&limit=500": {6, 5, 4, 3, 2, 1},
		"action=setRollout&subject=feature-flags/trial-automation/rollout": {6, 5},
	} {
		require.Equal(t, want, list(query), query)
	}
	e := into[rest.AuditPage](a.get(auditPath+"?limit=1", adminToken), http.StatusOK).Entries[0]
	require.Equal(t, a.store.Record[5], e, "as it is stored, so that its hash can be made again")

	for query, field := range map[string]string{
		"limit=0": "limit", "limit=501": "limit", "cursor=0": "cursor", "cursor=a": "cursor", "cursor=1234567890123": "cursor",
		"from=today": "from", "to=2026-03-10": "to", "actor=": "actor", "outcome=good": "outcome", "outcome=": "outcome", "subject=" + strings.Repeat("a", 257): "subject",
	} {
		require.Equal(t, field, *a.get(auditPath+"?"+query, adminToken).problem(http.StatusBadRequest).Field, query)
	}
}
