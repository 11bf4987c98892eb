package main

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/platform/telemetry"
)

// Whoever waits for the API waits longer than it takes: for an answer, for a page, and for its end.
func TestWhoeverWaitsForTheAPIWaitsLongEnough(t *testing.T) {
	t.Parallel()
	const sending = time.Second // the answer itself
	require.GreaterOrEqual(t, writeTimeout, rest.AnswersWithin+sending, "the connection is there for the answer")
	require.GreaterOrEqual(t, client.Timeout, rest.AnswersWithin+sending, "clients hear it")
	require.GreaterOrEqual(t, stopTimeout, rest.AnswersWithin+sending, "also when the API is to stop")
	require.Equal(t, rest.ChangeTimeout, dashboard.ChangeTimeout, "a form has the time of a change, whose turn it waits for")

	pending := audit.Entry{RequestID: "r-1", Outcome: audit.Pending}
	require.False(t, pending.Forgotten(pending.At.Add(2*rest.AnswersWithin)), "nobody else settles what is still being carried out")

	closing := closeTimeout + audit.WriteLimit + telemetry.FlushTimeout
	require.GreaterOrEqual(t, graceOf(t, "api"), stopTimeout+closing, "what is owed and what was counted is written before the container is killed")
}

// graceOf is how long Docker waits for a service to stop.
func graceOf(t *testing.T, service string) time.Duration {
	t.Helper()
	raw, err := os.ReadFile("../docker-compose.yml")
	require.NoError(t, err)
	var file struct {
		Services map[string]struct {
			Grace string `yaml:"stop_grace_period"`
		}
	}
	require.NoError(t, yaml.Unmarshal(raw, &file))
	grace, err := time.ParseDuration(file.Services[service].Grace)
	require.NoError(t, err)
	return grace
}
