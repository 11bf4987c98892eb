package trial_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// A request may name the new end itself, as undoing does.
func TestRequestOfAnEnd(t *testing.T) {
	t.Parallel()
	startedAt := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	now := startedAt.Add(5 * trial.RealDay)
	active := trial.NewState(trial.Registration{VendorID: "v", Cohort: trial.Automated, Policy: trial.DefaultPolicy(), Day: trial.RealDay, Zone: "Europe/Paris", At: startedAt})
	cancelled := active.Apply(trial.Event{Seq: 2, Type: trial.EventCancelled, At: now})
	later, sooner := active.EndsAt.Add(90*time.Minute), active.EndsAt.Add(-90*time.Minute)
	past, far := now.Add(-time.Hour), startedAt.AddDate(4, 0, 0)
	for _, c := range []struct {
		message string
		state   trial.State
		end     time.Time
		days    int
		field   string
	}{
		{trial.MessageExtend, active, later, 0, ""},
		{trial.MessageShorten, active, sooner, 0, ""},
		{trial.MessageRevive, cancelled, active.EndsAt, 0, ""},
		{trial.MessageExtend, active, sooner, 0, "endsAt"},
		{trial.MessageExtend, active, active.EndsAt, 0, "endsAt"},
		{trial.MessageShorten, active, later, 0, "endsAt"},
		{trial.MessageShorten, active, past, 0, "endsAt"},
		{trial.MessageRevive, cancelled, past, 0, "endsAt"},
		{trial.MessageExtend, active, far, 0, "endsAt"},
		{trial.MessageExtend, active, later, 7, "endsAt"},
	} {
		e, err := c.state.Request(c.message, trial.Request{ID: "k", EndsAt: &c.end, Days: c.days, Reason: "r"}, now)
		if c.field != "" {
			var refused *trial.Error
			require.ErrorAs(t, err, &refused, "%s to %s", c.message, c.end)
			require.Equal(t, c.field, refused.Field)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.end, *e.EndsAt)
		require.Equal(t, c.end, c.state.Apply(*e).EndsAt)
	}
}

// A request may be meant for the trial as it was seen, and for no later one.
func TestRequestOfARevision(t *testing.T) {
	t.Parallel()
	startedAt := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	now := startedAt.Add(5 * trial.RealDay)
	s := trial.NewState(trial.Registration{VendorID: "v", Cohort: trial.Automated, Policy: trial.DefaultPolicy(), Day: trial.RealDay, At: startedAt})
	extend := func(id string, revision *int) trial.Request {
		return trial.Request{ID: id, Days: 1, Reason: "r", IfRevision: revision}
	}
	_, err := s.Request(trial.MessageExtend, extend("k", new(1)), now)
	var refused *trial.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "ifRevision", refused.Field)
	require.Equal(t, trial.CodeConflict, refused.Code)
	for _, revision := range []*int{nil, new(0)} {
		e, err := s.Request(trial.MessageExtend, extend("k", revision), now)
		require.NoError(t, err)
		after := s.Apply(*e)
		e, err = after.Request(trial.MessageExtend, extend("k", new(0)), now)
		require.NoError(t, err, "carried out before, it is a repetition")
		require.Nil(t, e)
		_, err = after.Request(trial.MessageCancel, extend("k-2", new(0)), now)
		require.Error(t, err)
	}
}
