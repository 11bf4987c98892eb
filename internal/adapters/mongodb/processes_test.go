package mongodb

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/monitoring"
)

func TestTheLastSweep(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	never, err := s.LastSweep(t.Context())
	require.NoError(t, err)
	require.Zero(t, never)
	require.NoError(t, s.NoteSweep(t.Context(), at))
	require.NoError(t, s.NoteSweep(t.Context(), at.Add(time.Minute)))
	last, err := s.LastSweep(t.Context())
	require.NoError(t, err)
	require.True(t, at.Add(time.Minute).Equal(last), "%s", last)
}

func TestProcesses(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	process := func(role, instance string, samples ...monitoring.Sample) monitoring.Process {
		return monitoring.Process{Role: role, Instance: instance, Samples: samples}
	}
	none, err := s.Processes(t.Context())
	require.NoError(t, err)
	require.Empty(t, none)
	first := monitoring.Sample{At: at, CPU: 0.5, Memory: 0.25, Calls: 7, Slow: 1}
	require.NoError(t, s.PutProcess(t.Context(), process("api", "a1", first), at))
	require.NoError(t, s.PutProcess(t.Context(), process("api", "a1", first, first), at.Add(time.Minute)))
	require.NoError(t, s.PutProcess(t.Context(), process("worker", "a1", first), at))
	shown := process("api", "a2", first)
	shown.Certificate = &monitoring.Validity{From: at, Until: at.AddDate(0, 3, 0)}
	require.NoError(t, s.PutProcess(t.Context(), shown, at))
	all, err := s.Processes(t.Context())
	require.NoError(t, err)
	for i := range all {
		for j := range all[i].Samples {
			all[i].Samples[j].At = all[i].Samples[j].At.UTC()
		}
		if v := all[i].Certificate; v != nil {
			v.From, v.Until = v.From.UTC(), v.Until.UTC()
		}
	}
	require.ElementsMatch(t, []monitoring.Process{process("api", "a1", first, first), process("worker", "a1", first), shown}, all)

	require.NoError(t, s.ForgetProcesses(t.Context(), at.Add(time.Second)))
	all, err = s.Processes(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, "api", all[0].Role)
}
