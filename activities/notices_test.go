package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/webhook"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

const noticeSecret = "secret-of-the-tests-0123456789-ab"

// board is a list of stakeholders, a database in memory, a mail service in
// memory, and webhooks on a real server.
type board struct {
	mu      sync.Mutex
	notices map[string]trial.SendStatus
	reasons map[string]string
	mails   []string // addresses mailed, in order
	mailed  []notice.Message
	// outcome is what the mail service answers for an address; sent where none is set.
	outcome map[string]trial.SendResult
	broken  error // of the store's claims
	noRoom  error // of the mail service's rate
	// series is what the rollout has seen, unless that cannot be read.
	series    rollout.TimeSeries
	seriesErr error

	stakeholders []notice.Stakeholder
	posts        []*http.Request
	bodies       [][]byte
	answer       http.HandlerFunc
	logs         *observer.ObservedLogs
	log          *zap.Logger
}

func newBoard(t *testing.T) (b *board, hook string) {
	t.Helper()
	b = &board{notices: map[string]trial.SendStatus{}, reasons: map[string]string{}, outcome: map[string]trial.SendResult{}}
	core, logs := observer.New(zapcore.DebugLevel)
	b.log, b.logs = zap.New(core), logs
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		b.posts, b.bodies = append(b.posts, r), append(b.bodies, body)
		answer := b.answer
		b.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(server.Close)
	b.stakeholders = []notice.Stakeholder{
		{Role: notice.ProductOwner, Name: "Ana", Email: "ana@example.com"},
		{Role: notice.Management, Name: "Bo", Email: "bo@example.com"},
		{Role: notice.Support, Name: "Chat", Webhook: server.URL + "/hook-token"},
	}
	return b, server.URL
}

// posted are the requests that the webhook got.
func (b *board) posted() []*http.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.posts)
}

func (b *board) notify(t *testing.T, m notice.Message) error {
	t.Helper()
	client, err := webhook.New(noticeSecret, time.Minute)
	require.NoError(t, err)
	a := &activities.Notices{Store: b, Mailer: b, Poster: client, Stakeholders: b.stakeholders, Dashboard: "https://trials.example", Now: time.Now, Log: b.log}
	return a.Notify(t.Context(), m)
}

func (b *board) ClaimNotice(_ context.Context, key string, _ time.Time) (bool, error) {
	if b.broken != nil {
		return false, b.broken
	}
	if status, there := b.notices[key]; there && status != trial.SendReleased {
		return false, nil
	}
	b.notices[key] = trial.SendClaimed
	return true, nil
}

func (b *board) NoticeStatus(_ context.Context, key string) (trial.SendStatus, error) {
	return b.notices[key], nil
}

func (b *board) SettleNotice(_ context.Context, key string, status trial.SendStatus, reason string, _ time.Time) error {
	b.notices[key], b.reasons[key] = status, reason
	return nil
}

func (b *board) TimeSeries(context.Context, string) (rollout.TimeSeries, error) {
	return b.series, b.seriesErr
}

func (b *board) Wait(context.Context) (bool, error) { return false, b.noRoom }

func (b *board) DeliverNotice(_ context.Context, to, _ string, m notice.Message) (trial.SendResult, error) {
	b.mails, b.mailed = append(b.mails, to), append(b.mailed, m)
	if d, set := b.outcome[to]; set {
		return d, nil
	}
	return trial.SendResult{Status: trial.SendSent, MessageID: "m1"}, nil
}

// status is what is known of the notice to a role.
func (b *board) status(role notice.Role) trial.SendStatus {
	for key, status := range b.notices {
		if strings.HasPrefix(key, "r1/7/"+string(role)+"-") {
			return status
		}
	}
	return ""
}

func sampleNotice(kind notice.Kind) notice.Message {
	return notice.Message{
		Key: "r1/7", Kind: kind, At: now, Subject: "Trial rollout: paused", Lead: "It has paused.", Lines: []string{"Why: a figure."},
		Sections: []notice.Section{{Title: "Criteria", Items: []notice.Item{{Label: "stable", Text: "it was", Verdict: rollout.Pass}}}},
		Figures:  []notice.Figure{{Name: "E-mails delivered", Use: notice.ToGoOn, Estimate: 0.9, Limit: 0.95, Seen: 20, Verdict: rollout.Fail}},
	}
}

func TestEverybodyConcernedIsNotifiedOnce(t *testing.T) {
	t.Parallel()
	b, _ := newBoard(t)
	for range 3 { // as after a crash, or when the activity is repeated
		require.NoError(t, b.notify(t, sampleNotice(notice.NoticeCritical)))
	}
	require.Equal(t, []string{"ana@example.com", "bo@example.com"}, b.mails)
	require.Len(t, b.posted(), 1)

	require.NoError(t, b.notify(t, notice.Message{Key: "r1/8", Kind: notice.NoticeDaily, Subject: "s", Lead: "l"}))
	require.Equal(t, []string{"ana@example.com", "bo@example.com", "ana@example.com"}, b.mails, "the daily update is not for management")
}

func TestAWebhookGetsTheMessageAndItsSender(t *testing.T) {
	t.Parallel()
	b, _ := newBoard(t)
	require.NoError(t, b.notify(t, sampleNotice(notice.NoticeCritical)))
	var got map[string]any
	require.NoError(t, json.Unmarshal(b.bodies[0], &got))
	require.Equal(t, map[string]any{
		"key": "r1/7", "kind": "critical", "at": "2026-03-09T15:00:01Z", "subject": "Trial rollout: paused", "lead": "It has paused.",
		"lines": []any{"Why: a figure.", "Criteria: stable: it was (PASS)"},
		"figures": []any{map[string]any{"name": "E-mails delivered", "use": "to-go-on", "estimate": 0.9, "limit": 0.95, "highIsBad": false,
			"seen": 20.0, "verdict": "FAIL", "reason": ""}},
	}, got)
	require.Equal(t, webhook.Sign([]byte(noticeSecret), b.bodies[0]), b.posts[0].Header.Get("X-Signature"))
	require.Regexp(t, `^r1/7/customer-support-[0-9a-f]{12}$`, b.posts[0].Header.Get("Idempotency-Key"))

	require.NoError(t, b.notify(t, notice.Message{Key: "r1/8", Kind: notice.NoticeDaily, Subject: "s", Lead: "l"}))
	require.Contains(t, string(b.bodies[1]), `"lines":[],"figures":[]`)

	asking := notice.Message{Key: "r1/9", Kind: notice.NoticeDaily, Subject: "s", Lead: "l", Sections: []notice.Section{
		{Title: "For a person to judge", Items: []notice.Item{{Label: "User feedback positive", Text: "Tick it here", Page: "/admin/rollout/tick/feedback-positive"}}},
	}}
	require.NoError(t, b.notify(t, asking))
	require.Contains(t, string(b.bodies[2]), `Tick it here: https://trials.example/admin/rollout/tick/feedback-positive`)
}

// What asks for a person says where to decide and whom to call; nothing that is kept names anybody.
func TestWhoIsAskedForIsNamedInWhatLeavesAlone(t *testing.T) {
	t.Parallel()
	b, _ := newBoard(t)
	b.stakeholders[1].OnCall, b.stakeholders[1].Phone = true, "+1 555 0100"
	m := sampleNotice(notice.NoticeCritical)
	m.Page, m.RolloutID = notice.PageEvidence, "r1"
	b.series.Add(rollout.Judgement{Snapshot: 1, At: now, Gates: []rollout.GateResult{{Gate: rollout.GateEmail, Verdict: rollout.Fail, Estimate: 0.8, Seen: 10}}})
	require.NoError(t, b.notify(t, m))
	for _, mailed := range b.mailed {
		require.Equal(t, "https://trials.example/admin/evidence", mailed.Page)
		require.Equal(t, "bad from 15:00:01; 80 %", mailed.History.Rows[0].Text)
		require.Equal(t, notice.Section{Title: "On call", Items: []notice.Item{{Label: "Bo", Text: "Management, +1 555 0100, bo@example.com"}}}, mailed.Sections[0])
	}
	require.Len(t, b.mailed, 2)
	require.NotContains(t, string(b.bodies[0]), "Bo", "others read a webhook's room")
	require.Contains(t, string(b.bodies[0]), `"page":"https://trials.example/admin/evidence"`)
	for key := range b.notices {
		require.NotContains(t, key, "Bo")
	}
	b.seriesErr, m.Key = errors.New("away"), "r1/8"
	require.NoError(t, b.notify(t, m), "it is sent without the picture")
	require.Nil(t, b.mailed[2].History)
	for _, line := range b.logs.All() {
		require.NotContains(t, line.Message+fmt.Sprint(line.ContextMap()), "Bo")
	}
}

func TestOnlyThoseWhoWereNotNotifiedAreNotifiedLater(t *testing.T) {
	t.Parallel()
	b, _ := newBoard(t)
	b.outcome["ana@example.com"] = trial.SendResult{Status: trial.SendReleased, Reason: "throttled", RetryAfter: 5 * time.Second}
	b.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	err := b.notify(t, sampleNotice(notice.NoticeCritical))
	require.Equal(t, time.Minute, pause(t, err), "the longest of what was asked")
	require.ErrorContains(t, err, "2 of 3 were not notified yet")
	require.Equal(t, trial.SendSent, b.status(notice.Management), "the others are told all the same")
	require.Equal(t, trial.SendReleased, b.status(notice.Support))

	delete(b.outcome, "ana@example.com")
	b.answer = nil
	require.NoError(t, b.notify(t, sampleNotice(notice.NoticeCritical)))
	require.Equal(t, []string{"ana@example.com", "bo@example.com", "ana@example.com"}, b.mails)
	require.Len(t, b.posted(), 2)
	require.Equal(t, trial.SendSent, b.status(notice.Support))
}

func TestWhatNobodyKnowsIsNotRepeated(t *testing.T) {
	t.Parallel()
	b, _ := newBoard(t)
	b.outcome["ana@example.com"] = trial.SendResult{Status: trial.SendUnknown, Reason: "no-answer"}
	b.answer = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for range 2 {
		require.NoError(t, b.notify(t, sampleNotice(notice.NoticeCritical)))
	}
	require.Equal(t, []string{"ana@example.com", "bo@example.com"}, b.mails)
	require.Len(t, b.posted(), 1)
	require.Equal(t, trial.SendUnknown, b.status(notice.ProductOwner))
	require.Equal(t, trial.SendUnknown, b.status(notice.Support))
	require.Equal(t, 2, b.logs.FilterMessageSnippet("nobody knows").Len())
}

func TestAClaimThatAnAttemptDiedOverIsNoted(t *testing.T) {
	t.Parallel()
	b, _ := newBoard(t)
	require.NoError(t, b.notify(t, sampleNotice(notice.NoticeCritical)))
	for key := range b.notices {
		b.notices[key] = trial.SendClaimed
	}
	require.NoError(t, b.notify(t, sampleNotice(notice.NoticeCritical)))
	require.Len(t, b.mails, 2)
	for key, status := range b.notices {
		require.Equal(t, trial.SendUnknown, status)
		require.Equal(t, "interrupted", b.reasons[key])
	}
}

func TestARecipientWhoCannotBeNotifiedIsLoggedByIDOnly(t *testing.T) {
	t.Parallel()
	b, hook := newBoard(t)
	b.outcome["ana@example.com"] = trial.SendResult{Status: trial.SendRefused, Reason: "rejected"}
	b.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }
	require.NoError(t, b.notify(t, sampleNotice(notice.NoticeCritical)))
	require.NoError(t, b.notify(t, sampleNotice(notice.NoticeCritical)))
	require.Len(t, b.mails, 2)
	require.Len(t, b.posted(), 1)
	require.Equal(t, 2, b.logs.FilterMessage("stakeholder cannot be notified").Len())
	for _, entry := range b.logs.All() {
		line, err := json.Marshal(entry.ContextMap())
		require.NoError(t, err)
		for _, secret := range []string{"ana@", "Ana", "hook-token", hook} {
			require.NotContains(t, entry.Message+string(line), secret)
		}
	}
}

func TestWithoutTheDatabaseOrTheRateItIsTriedLater(t *testing.T) {
	t.Parallel()
	b, _ := newBoard(t)
	b.noRoom = errors.New("no room")
	require.Error(t, b.notify(t, sampleNotice(notice.NoticeCritical)))
	require.Empty(t, b.mails)
	require.Len(t, b.posted(), 1, "webhooks need no place in the mail's rate")
	b.noRoom, b.broken = nil, errors.New("away")
	require.Error(t, b.notify(t, sampleNotice(notice.NoticeCritical)))
	require.Empty(t, b.mails)
	b.broken = nil
	require.NoError(t, b.notify(t, sampleNotice(notice.NoticeCritical)))
	require.Len(t, b.mails, 2)
}

func TestNobodyToTellIsNoError(t *testing.T) {
	t.Parallel()
	b, _ := newBoard(t)
	b.stakeholders = nil
	require.NoError(t, b.notify(t, sampleNotice(notice.NoticeCritical)))
	require.Error(t, b.notify(t, notice.Message{Key: "r1/7"}), "a message that says nothing")
}
