package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOneOfAHundredRollbacksMayBeLate(t *testing.T) {
	t.Parallel()
	lanes := []*lane{{name: "running"}}
	results := func(n, late int) [][]round {
		all := make([]round, n)
		for i := range late {
			all[i].lastMail = promised + time.Millisecond
		}
		return [][]round{all}
	}
	var out bytes.Buffer
	require.True(t, report(&out, lanes, results(100, 0)))
	require.True(t, report(&out, lanes, results(100, 1)))
	require.False(t, report(&out, lanes, results(100, 2)))
	require.True(t, report(&out, lanes, results(200, 2)))
	require.False(t, report(&out, lanes, results(199, 2)))
	require.Contains(t, out.String(), "Of 199 rollbacks 2 had an admission or an e-mail later than 1s after the answer; 1 may.")
}

func TestWhatCountsAsLate(t *testing.T) {
	t.Parallel()
	require.False(t, round{lastMail: promised, lastAdmission: promised}.late())
	require.True(t, round{lastMail: promised + 1}.late())
	require.True(t, round{lastAdmission: promised + 1}.late())
	moment := time.Now()
	a := &arrivals{all: []arrival{
		{asked: moment.Add(-time.Second), registered: moment.Add(-time.Second), admitted: true},
		{asked: moment.Add(3 * time.Second), registered: moment.Add(3 * time.Second)},
	}}
	require.LessOrEqual(t, a.lastAdmission(moment), time.Duration(0), "who came later was not admitted")
	a.all[1].admitted = true
	require.Equal(t, 3*time.Second, a.lastAdmission(moment))
}
