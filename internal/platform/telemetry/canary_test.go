package telemetry

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/canary"
)

func TestTheCanarysMetrics(t *testing.T) {
	t.Parallel()
	var latest *canary.Result
	m := NewMetrics()
	require.NoError(t, m.Register(Canary{Latest: func(context.Context) (*canary.Result, time.Time, error) { return latest, time.Time{}, nil }}))
	require.NotContains(t, scrape(t, m), "trials_canary", "none has come")
	latest = &canary.Result{EndedAt: time.UnixMilli(1_500), Fault: canary.NoMailEvent, Parts: []canary.Part{
		{Name: "start", State: canary.Done, Took: 250 * time.Millisecond}, {Name: "report/welcome", State: canary.Failed},
	}}
	text := scrape(t, m)
	for _, line := range []string{"trials_canary_ended_timestamp_seconds 1.5", `trials_canary_fault{fault="no-mail-event"} 1`, `trials_canary_part_seconds{part="start"} 0.25`} {
		require.Contains(t, text, line+"\n")
	}
	require.NotContains(t, text, "report/welcome")
	latest.Fault = ""
	require.Contains(t, scrape(t, m), `trials_canary_fault{fault="none"} 1`)
}
