package canary

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnAbsentCanaryIsNamed(t *testing.T) {
	t.Parallel()
	no, yes := false, true
	since := began
	well := &Result{ID: id, EndedAt: began.Add(4 * time.Minute)}
	broken := &Result{ID: id, EndedAt: began.Add(4 * time.Minute), Fault: MailRefused, Reason: "refused"}
	for name, c := range map[string]struct {
		latest *Result
		since  time.Time
		after  time.Duration
		reach  Reach
		want   Fault
	}{
		"none is due without a rollout":            {nil, time.Time{}, day, Reach{}, ""},
		"the first has time":                       {nil, since, 30 * time.Minute, Reach{}, ""},
		"none came":                                {nil, since, 40 * time.Minute, Reach{}, NoCanary},
		"the last was well":                        {well, since, 30 * time.Minute, Reach{&yes, &yes}, ""},
		"the worker is stopped":                    {well, since, 45 * time.Minute, Reach{&yes, &no}, WorkerStopped},
		"Temporal is away":                         {well, since, 45 * time.Minute, Reach{&no, nil}, TemporalAway},
		"the schedule is paused":                   {well, since, 45 * time.Minute, Reach{&yes, &yes}, NoCanary},
		"the last has found something":             {broken, since, 30 * time.Minute, Reach{&yes, &yes}, MailRefused},
		"an older rollout's canary does not count": {broken, since.Add(time.Hour), 70 * time.Minute, Reach{&yes, &yes}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := Assess(c.latest, c.since, began.Add(c.after), day, c.reach)
			assert.Equal(t, c.want, s.Fault)
			assert.Equal(t, c.want != "", s.Broken())
			assert.Equal(t, c.want == "", s.Reason == "", "a fault has its sentence")
		})
	}
}

func TestResultsAreBounded(t *testing.T) {
	t.Parallel()
	var results []Result
	for n := range MostResults + 5 {
		results = Insert(results, Result{ID: fmt.Sprint(n)})
	}
	require.Len(t, results, MostResults)
	assert.Equal(t, fmt.Sprint(MostResults+4), results[0].ID)
	again := Insert(results, Result{ID: results[0].ID, Fault: MailRefused})
	require.Len(t, again, MostResults)
	assert.Equal(t, MailRefused, again[0].Fault)
	assert.NotEqual(t, again[0].ID, again[1].ID)
}
