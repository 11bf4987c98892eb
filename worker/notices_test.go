package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/adapters/webhook"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/platform/telemetry"
	"marketplace.example/trials/internal/wiring"
	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/test/system"
)

const hookSecret = "webhook-secret-of-the-tests-0123"

// The worker's own parts tell stakeholders through the embedded mailbox, the
// embedded database and a webhook, each once, whatever goes wrong on the way.
func TestStakeholdersAreNotifiedOnceOnTheEmbeddedStack(t *testing.T) { //nolint:paralleltest // sets what the AWS SDK reads from the environment
	embedded, err := stack.Start(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, embedded.Stop()) })

	var mu sync.Mutex
	var posted []map[string]any
	var signatures, wanted []string
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var got map[string]any
		_ = json.Unmarshal(body, &got)
		mu.Lock()
		defer mu.Unlock()
		signatures, wanted = append(signatures, r.Header.Get("X-Signature")), append(wanted, webhook.Sign([]byte(hookSecret), body))
		if posted = append(posted, got); len(posted) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(hook.Close)
	list := filepath.Join(t.TempDir(), "stakeholders.yaml")
	require.NoError(t, os.WriteFile(list, fmt.Appendf(nil, `
stakeholders:
  - {role: product-owner, email: po@stakeholders.example.com}
  - {role: lead-developer, email: throttled@stakeholders.example.com}
  - {role: customer-support, email: hangup@stakeholders.example.com}
  - {role: management, webhook: "%s/hook"}
`, hook.URL), 0o600))
	notices := assembleNotices(t, embedded, list)
	fault(t, embedded, map[string]any{"kind": "throttle", "count": 1, "match": "throttled@"})
	fault(t, embedded, map[string]any{"kind": "hangup", "count": 1, "match": "hangup@"})

	m := announcement()
	require.ErrorContains(t, notices.Notify(t.Context(), m), "2 of 4 were not notified yet")
	for range 2 {
		require.NoError(t, notices.Notify(t.Context(), m))
	}

	for _, to := range []string{"po@", "throttled@", "hangup@"} { // who hangs up has taken it
		messages := mailsTo(t, embedded, to+"stakeholders.example.com")
		require.Len(t, messages, 1, to)
		require.Equal(t, m.Subject, messages[0].Subject)
		require.Contains(t, messages[0].HTML, "The phases")
		require.Contains(t, messages[0].Text, "WHOM TO CALL")
		require.Contains(t, messages[0].Tags, "notice")
		require.NotContains(t, messages[0].Tags, "trial_id")
		require.Empty(t, messages[0].Headers["List-Unsubscribe"])
	}
	mu.Lock()
	defer mu.Unlock()
	require.Len(t, posted, 2)
	require.Equal(t, wanted, signatures, "under the webhooks' own key")
	require.Equal(t, m.Key, posted[1]["key"])
	require.Equal(t, m.Lead, posted[1]["lead"])
}

// assembleNotices makes them as the worker does.
func assembleNotices(t *testing.T, embedded *stack.Stack, list string) *activities.Notices {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "embedded", "AWS_SECRET_ACCESS_KEY": "embedded",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL_SESV2": embedded.Mailbox,
	} {
		t.Setenv(name, value)
	}
	cfg, err := config.Parse(map[string]string{
		"MONGODB_URI": embedded.MongoDB, "MAIL_FROM": "Marketplace <trials@marketplace.example>", "SES_CONFIGURATION_SET": "trials",
		"PUBLIC_URL": "https://marketplace.example", "LINK_SECRET": "secret-of-the-tests-0123456789-ab", "STAKEHOLDERS": list,
		"WEBHOOK_SECRET": hookSecret,
	}, config.Worker)
	require.NoError(t, err)
	store, err := mongodb.Connect(t.Context(), cfg.MongoDBURI, cfg.MongoDBDatabase)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close(context.WithoutCancel(t.Context()))) })
	base := &wiring.Base{Config: cfg, Store: store, Metrics: telemetry.NewMetrics(), Log: zap.NewNop()}
	mailer, err := newMailer(t.Context(), cfg, policy.BuiltIn(), base)
	require.NoError(t, err)
	notices, err := base.Notices(mailer)
	require.NoError(t, err)
	return notices
}

// announcement is that of a rollout which has just been started.
func announcement() notice.Message {
	started := rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), By: "admin",
		Times: evidence.Times{Day: 24 * time.Hour, TrialDays: 17}}, time.Now())
	return *notice.MessageFor(rollout.State{}.Apply(started), started)
}

func fault(t *testing.T, embedded *stack.Stack, what map[string]any) {
	t.Helper()
	a, err := system.Call(t.Context(), http.MethodPut, embedded.Mailbox+"/faults", "", what, nil)
	require.NoError(t, err)
	require.Less(t, a.Status, 300, string(a.Body))
}

func mailsTo(t *testing.T, embedded *stack.Stack, to string) []system.Message {
	t.Helper()
	a, err := system.Call(t.Context(), http.MethodGet, embedded.Mailbox+"/messages?"+url.Values{"to": {to}}.Encode(), "", nil, nil)
	require.NoError(t, err)
	var messages []system.Message
	require.NoError(t, a.Into(&messages))
	return messages
}
