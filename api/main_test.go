package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/platform/httpserver"
)

// settings are those of an API whose MongoDB and Temporal are both away.
func settings(t *testing.T) config.Config {
	t.Helper()
	cfg, err := config.Parse(map[string]string{
		"API_ADDR": "127.0.0.1:0", "MONGODB_URI": "mongodb://" + nobody(t) + "/?serverSelectionTimeoutMS=200",
		"ADMIN_TOKEN": "admin-token-of-the-tests", "SERVICE_TOKEN": "service-token-of-the-tests",
		"SNS_TOPIC_ARN": topic, "LINK_SECRET": strings.Repeat("s", 32),
	}, config.API)
	require.NoError(t, err)
	return cfg
}

// nobody is an address at which nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}

// The API starts without MongoDB and Temporal, says what it lacks, refuses what
// needs it, and stops when it is told to.
func TestAloneInTheWorld(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", nobody(t))
	cfg := settings(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said, out := io.Pipe()
	stopped := make(chan error, 1)
	go func() { stopped <- run(ctx, cfg, zap.NewNop(), out) }()
	var ready struct{ API string }
	require.NoError(t, json.NewDecoder(said).Decode(&ready))

	require.NoError(t, httpserver.AskHealth(t.Context(), strings.TrimPrefix(ready.API, "http://"), false))
	answer, err := http.Get(ready.API + "/readyz")
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
	require.JSONEq(t, `{"ready":false,"mongodb":"unavailable","temporal":"unavailable"}`, string(body))

	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, ready.API+"/api/vendors",
		strings.NewReader(`{"id":"v-1","email":"ada@example.com","name":"Ada"}`))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+cfg.ServiceToken)
	request.Header.Set("Content-Type", "application/json")
	refused, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer refused.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, refused.StatusCode)
	require.NotEmpty(t, refused.Header.Get("Retry-After"))

	stop()
	select {
	case err := <-stopped:
		require.NoError(t, err)
	case <-time.After(3 * stopTimeout):
		t.Fatal("the API does not stop")
	}
	require.Error(t, httpserver.AskHealth(t.Context(), strings.TrimPrefix(ready.API, "http://"), false))
}
