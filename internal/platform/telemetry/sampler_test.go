package telemetry

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/monitoring"
)

// samples keeps what was stored last.
type samples struct {
	mu          sync.Mutex
	process     monitoring.Process
	stored      int
	forgotten   time.Time
	unavailable bool
}

func (s *samples) PutProcess(_ context.Context, p monitoring.Process, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unavailable {
		return errors.New("away")
	}
	s.process = p
	s.process.Samples = append([]monitoring.Sample(nil), p.Samples...)
	s.stored++
	return nil
}

func (s *samples) ForgetProcesses(_ context.Context, before time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgotten = before
	return nil
}

// kept is the last stored sample, the number of samples, and the limit of the last cleanup.
func (s *samples) kept() ([]monitoring.Sample, int, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process.Samples, s.stored, s.forgotten
}

func (s *samples) setUnavailable(unavailable bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unavailable = unavailable
}

func TestAProcessSamplesItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, start := &samples{}, time.Now()
		s := &Sampler{store: store, log: zap.NewNop(), process: monitoring.Process{Role: "api", Instance: "a1"}}
		s.usage = func() (usage, error) { // one of two processors all the time
			return usage{at: time.Now(), cpu: time.Since(start), processors: 2, memory: 0.25}, nil
		}
		s.Certificate = func() monitoring.Validity { return monitoring.Validity{From: start, Until: time.Now().Add(time.Hour)} }
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { s.Run(ctx) })
		synctest.Wait()
		_, stored, forgotten := store.kept()
		require.Equal(t, 1, stored, "at once")
		require.Equal(t, start.Add(-time.Hour), forgotten)
		s.Called(time.Second)
		s.Called(monitoring.SlowResponse)
		s.Called(monitoring.SlowResponse + 1)
		time.Sleep(monitoring.SampleEvery) //nolint:forbidigo // in a bubble: nothing is waited for
		synctest.Wait()
		kept, _, _ := store.kept()
		require.Equal(t, []monitoring.Sample{
			{At: start.UTC(), Memory: 0.25},
			{At: start.Add(monitoring.SampleEvery).UTC(), CPU: 0.5, Memory: 0.25, Calls: 3, Slow: 1},
		}, kept)

		require.Equal(t, start.Add(monitoring.SampleEvery+time.Hour), store.process.Certificate.Until, "as it is now")

		store.setUnavailable(true)
		time.Sleep(monitoring.SampleEvery) //nolint:forbidigo // in a bubble: nothing is waited for
		synctest.Wait()
		store.setUnavailable(false)
		time.Sleep(monitoring.SampleEvery) //nolint:forbidigo // in a bubble: nothing is waited for
		synctest.Wait()
		kept, _, _ = store.kept()
		require.Len(t, kept, 4, "what could not be stored comes with the next")
		stop()
		running.Wait()
	})
}

func TestThisProcess(t *testing.T) {
	t.Parallel()
	g, err := newGauge()
	require.NoError(t, err)
	first, err := g.read()
	require.NoError(t, err)
	require.Positive(t, first.memory)
	require.Less(t, first.memory, 1.0)
	require.Zero(t, first.share(usage{}), "of the time before the first reading nothing is known")
}

func TestContainerLimit(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "memory.max")
	require.True(t, math.IsInf(containerLimit(file), 1))
	for content, want := range map[string]float64{"max\n": math.Inf(1), "536870912\n": 512 << 20, "": math.Inf(1)} {
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		require.Equal(t, want, containerLimit(file), content) //nolint:testifylint // whole bytes, or without end
	}
}
