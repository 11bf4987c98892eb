package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/internal/domain/trial"
)

// planned is a running trial whose vendor's document names a zone.
func planned(id, zone, now string, seq int) trial.Whereabouts {
	return trial.Whereabouts{Zone: now, Trial: trial.State{
		VendorID: id, Seq: seq, Status: trial.Active, Automated: true, Day: trial.RealDay, Zone: zone,
	}}
}

// Each move is told once, however long the trial takes to follow; a trial that cannot follow is never told.
func TestATrialIsWokenOnceAfterItsVendorHasMoved(t *testing.T) {
	t.Parallel()
	control := planned("control", "", "Asia/Tokyo", 1)
	control.Trial.Automated = false
	compressed := planned("compressed", "", "Asia/Tokyo", 1)
	compressed.Trial.Day = time.Second
	often := planned("often", "", "Asia/Tokyo", 1)
	often.Trial.Revision = trial.MaxRevisions
	y := &sweepFake{flags: flags.Initial(), elsewhere: [][]trial.Whereabouts{
		{planned("a", "America/Los_Angeles", "Asia/Tokyo", 2), control}, {compressed, often}, {planned("b", "", "Europe/Paris", 2)},
	}}
	s := y.sweeper()
	require.Equal(t, activities.Swept{Moved: 1}, y.sweepWith(t, s))
	require.Equal(t, []string{"wake a"}, y.done)
	require.Equal(t, activities.Swept{}, y.sweepWith(t, s), "a page a sweep")
	require.Equal(t, activities.Swept{Moved: 1}, y.sweepWith(t, s))
	require.Equal(t, []string{"wake a", "wake b"}, y.done)

	pass := func() int64 {
		return y.sweepWith(t, s).Moved + y.sweepWith(t, s).Moved + y.sweepWith(t, s).Moved
	}
	require.Zero(t, pass(), "they were told")
	y.elsewhere[0][0].Trial.Seq = 3
	require.Equal(t, int64(1), pass(), "it has finished a step that it could not move with")
	y.elsewhere[2][0].Zone = "Asia/Tokyo"
	require.Equal(t, int64(1), pass(), "it has moved on")
	require.Zero(t, pass())
}

// Nobody may have heard of the move: the next look tells of it.
func TestAMoveThatDidNotReachTheTrialIsRepeated(t *testing.T) {
	t.Parallel()
	y := &sweepFake{flags: flags.Initial(), broken: "a", elsewhere: [][]trial.Whereabouts{{planned("a", "", "Asia/Tokyo", 2)}}}
	s := y.sweeper()
	require.Zero(t, y.sweepWith(t, s).Moved)
	y.broken = ""
	require.Equal(t, int64(1), y.sweepWith(t, s).Moved)
}

// A zone that is none moves nobody, and is told of as other doubts are.
func TestAnUnknownZoneIsReported(t *testing.T) {
	t.Parallel()
	unknown := planned("v", "Europe/Paris", "", 2)
	unknown.Unknown = true
	core, logs := observer.New(zap.WarnLevel)
	y := &sweepFake{flags: flags.Initial(), elsewhere: [][]trial.Whereabouts{{unknown}}}
	s := y.sweeper()
	s.Log = zap.New(core)
	require.Equal(t, activities.Swept{LeftAlone: 1}, y.sweepWith(t, s))
	require.Empty(t, y.done)
	require.Contains(t, logs.All()[0].ContextMap()["error"], "vendor v")
	require.Contains(t, logs.All()[0].ContextMap()["error"], string(migration.ZoneUnknown))

	y.elapsed = time.Minute - time.Second
	require.Zero(t, y.sweepWith(t, s).LeftAlone, "not in every sweep")
	y.elapsed = time.Minute
	require.Equal(t, int64(1), y.sweepWith(t, s).LeftAlone)
}
