package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRelative(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for want, distance := range map[string]time.Duration{
		"now":          -999 * time.Millisecond,
		"in 1s":        1900 * time.Millisecond,
		"in 59s":       59 * time.Second,
		"in 1m":        time.Minute,
		"in 5m 10s":    5*time.Minute + 10*time.Second,
		"in 3d 4h":     3*day + 4*time.Hour + 59*time.Minute,
		"in 3d":        3*day + 59*time.Minute,
		"1h 30m ago":   -90 * time.Minute,
		"400d 23h ago": -(400*day + 23*time.Hour),
	} {
		require.Equal(t, want, relative(present.Add(distance), present))
	}
}

func TestTableKeepsOthersWordsFromSteeringTheTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	table := table{header: []string{"A", "B"}}
	table.row("x\x1b[2J\n\tü", "y\u202ez")
	table.row("long enough to move", "b")
	require.NoError(t, table.write(&out))
	require.Equal(t, "A                     B\nx\ufffd[2J\ufffd\ufffdü              y\ufffdz\nlong enough to move   b\n", out.String())
}
