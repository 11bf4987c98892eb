package monitoring

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAWorkerIsThereAsLongAsItsSignsOfLifeAreYoung(t *testing.T) {
	t.Parallel()
	worker := func(instance string, sampled time.Duration) Process {
		return Process{Role: RoleWorker, Instance: instance, Samples: []Sample{{At: ago(sampled)}}}
	}
	for name, c := range map[string]struct {
		polls     map[string]time.Time
		processes []Process
		here      int
		sign      time.Duration
	}{
		"idle":                         {map[string]time.Time{"a": ago(59 * time.Second)}, []Process{worker("a", 5*time.Second)}, 1, 5 * time.Second},
		"killed":                       {map[string]time.Time{"a": ago(46 * time.Second)}, []Process{worker("a", 50*time.Second)}, 0, 46 * time.Second},
		"just killed":                  {map[string]time.Time{"a": ago(45 * time.Second)}, []Process{worker("a", 50*time.Second)}, 1, 45 * time.Second},
		"killed 90 seconds ago":        {map[string]time.Time{"a": ago(90 * time.Second)}, nil, 0, 90 * time.Second},
		"the database is away":         {map[string]time.Time{"a": ago(70 * time.Second)}, nil, 1, 70 * time.Second},
		"samples itself, polls not":    {map[string]time.Time{"a": ago(71 * time.Second)}, []Process{worker("a", time.Second)}, 0, time.Second},
		"one of two killed":            {map[string]time.Time{"a": ago(50 * time.Second), "b": ago(50 * time.Second)}, []Process{worker("a", 50*time.Second), worker("b", 3*time.Second)}, 1, 3 * time.Second},
		"an API of the name is no one": {map[string]time.Time{"a": ago(60 * time.Second)}, []Process{{Role: RoleAPI, Instance: "a", Samples: []Sample{{At: ago(50 * time.Second)}}}}, 1, 60 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, sign := CountWorkers(c.polls, c.processes, now)
			require.Equal(t, c.here, here)
			require.Equal(t, ago(c.sign), sign)
		})
	}
	here, sign := CountWorkers(nil, []Process{worker("a", time.Second)}, now)
	require.Zero(t, here)
	require.Zero(t, sign)
}

func TestTheAlertSaysHowOldWhatIsKnownOfWorkersIs(t *testing.T) {
	t.Parallel()
	s := Situation{ReportFacts: ReportFacts{Now: now}, Parts: Parts{Workers: new(1), WorkersNeeded: 1, WorkerSign: ago(12 * time.Second)}}
	require.Equal(t, "1 of 1 workers poll for work; the last sign of life is 12s old", s.workers().Text)
	s.Parts.WorkerSign = ago(-33 * time.Millisecond) // by another machine's clock
	require.Equal(t, "1 of 1 workers poll for work; the last sign of life is 0s old", s.workers().Text)
	s.Parts.WorkerSign = time.Time{}
	require.Equal(t, "1 of 1 workers poll for work", s.workers().Text)
}

func TestWhoDoesNotAnswerIsNamed(t *testing.T) {
	t.Parallel()
	require.Contains(t, WorkerSilent(time.Time{}, now), "no worker answers: none has polled in the last minutes")
	require.Contains(t, WorkerSilent(ago(3*time.Minute), now), "no worker answers: the last one polled 3m0s ago")
	require.Contains(t, WorkerSilent(ago(30*time.Second), now), "the worker has not answered in time, though one polled 30s ago")
}
