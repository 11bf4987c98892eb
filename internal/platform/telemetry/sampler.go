package telemetry

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/monitoring"
)

const (
	// storeTimeout bounds the storing of a sample; the next one includes its data.
	storeTimeout = 5 * time.Second
	// goneAfter is when a process that no longer samples itself is forgotten.
	goneAfter = time.Hour
)

// SampleStore stores the samples of all processes.
type SampleStore interface {
	PutProcess(ctx context.Context, p monitoring.Process, at time.Time) error
	// ForgetProcesses removes the processes whose last sample is older than before.
	ForgetProcesses(ctx context.Context, before time.Time) error
}

// Sampler samples its process, as a sign of life and a measure of its load.
type Sampler struct {
	// Certificate, if set before Run, returns the validity of this process's certificate.
	Certificate func() monitoring.Validity

	// Fault, if set before Run, says what is wrong with what this process was given to work with; empty for nothing.
	Fault func() string

	store   SampleStore
	usage   func() (usage, error)
	process monitoring.Process
	log     *zap.Logger

	calls, slow atomic.Int64
	before      usage
}

// NewSampler returns the sampler of this process, which runs a version of its program.
func NewSampler(role, version string, store SampleStore, log *zap.Logger) (*Sampler, error) {
	instance, err := Instance()
	if err != nil {
		return nil, err
	}
	gauge, err := newGauge()
	if err != nil {
		return nil, err
	}
	return &Sampler{
		store: store, usage: gauge.read, log: log,
		process: monitoring.Process{Role: role, Instance: instance, Version: version, Go: runtime.Version()},
	}, nil
}

// Instance names this process among all running ones, in its samples and its polls.
func Instance() (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("naming the process: %w", err)
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid()), nil
}

// Called counts an HTTP call that was answered.
func (s *Sampler) Called(took time.Duration) {
	s.calls.Add(1)
	if took > monitoring.SlowResponse {
		s.slow.Add(1)
	}
}

// Run takes a sample at once, so that a new process is visible, and
// then repeats until the context ends.
func (s *Sampler) Run(ctx context.Context) {
	s.forget(ctx)
	ticker := time.NewTicker(monitoring.SampleEvery)
	defer ticker.Stop()
	for {
		s.sample(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Sampler) sample(ctx context.Context) {
	used, err := s.usage()
	if err != nil {
		s.log.Warn("process not sampled", zap.Error(err)) // the empty sample still is a sign of life
	}
	at := time.Now()
	s.process.Observe(monitoring.Sample{
		At: at.UTC().Truncate(time.Millisecond), CPU: used.share(s.before), Memory: used.memory, Calls: s.calls.Swap(0), Slow: s.slow.Swap(0),
	})
	s.before = used
	if s.Certificate != nil {
		shown := s.Certificate()
		s.process.Certificate = &shown
	}
	if s.Fault != nil {
		s.process.Fault = s.Fault()
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := s.store.PutProcess(ctx, s.process, at); err != nil {
		s.log.Warn("sample of the process not stored", zap.Error(err))
	}
}

// forget removes processes that are gone: a restarted process has another name.
func (s *Sampler) forget(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := s.store.ForgetProcesses(ctx, time.Now().Add(-goneAfter)); err != nil {
		s.log.Warn("ended processes could not be removed", zap.Error(err))
	}
}
