package temporal

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"
)

// scheduler is Temporal with some of the schedules, and what was done to them.
type scheduler struct {
	state map[string]*client.ScheduleState
	done  []string
}

func (s *scheduler) client(t *testing.T) *Client {
	t.Helper()
	sdk, all := mocks.NewClient(t), mocks.NewScheduleClient(t)
	sdk.On("ScheduleClient").Return(all).Maybe()
	all.On("Create", mock.Anything, mock.Anything).Maybe().Return(func(_ context.Context, o client.ScheduleOptions) (client.ScheduleHandle, error) {
		s.state[o.ID] = &client.ScheduleState{Paused: o.Paused}
		s.done = append(s.done, "make "+o.ID)
		return nil, nil //nolint:nilnil // nobody looks at the handle
	})
	all.On("GetHandle", mock.Anything, mock.Anything).Maybe().Return(func(_ context.Context, id string) client.ScheduleHandle { return s.handle(t, id) })
	return &Client{SDK: sdk, TaskQueue: "queue", Day: 24 * time.Hour}
}

func (s *scheduler) handle(t *testing.T, id string) client.ScheduleHandle {
	t.Helper()
	h := mocks.NewScheduleHandle(t)
	h.On("Describe", mock.Anything).Maybe().Return(func(context.Context) (*client.ScheduleDescription, error) {
		if s.state[id] == nil {
			return nil, serviceerror.NewNotFound("there is no such schedule")
		}
		return &client.ScheduleDescription{Schedule: client.Schedule{State: s.state[id]}}, nil
	})
	does := func(what string) func(mock.Arguments) {
		return func(mock.Arguments) { s.done = append(s.done, what+" "+id) }
	}
	h.On("Pause", mock.Anything, mock.Anything).Maybe().Run(does("pause")).Return(nil)
	h.On("Unpause", mock.Anything, mock.Anything).Maybe().Run(does("unpause")).Return(nil)
	h.On("Trigger", mock.Anything, mock.Anything).Maybe().Run(does("trigger")).Return(nil)
	return h
}

func TestASchedulesThatIsMissingIsMadeByWhoeverNeedsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		act  func(*Client) error
		want []string
	}{
		"the watch comes": {
			func(c *Client) error { return c.Watching(t.Context(), true) },
			[]string{"make watch-rollout", "unpause watch-rollout", "make back-up", "unpause back-up", "make canary"},
		},
		"the watch ends": {
			func(c *Client) error { return c.Watching(t.Context(), false) }, []string{"make watch-rollout", "make back-up", "make canary"},
		},
		"the watch is kept": {
			func(c *Client) error { return c.KeepWatching(t.Context()) },
			[]string{"make watch-rollout", "unpause watch-rollout", "make back-up", "unpause back-up", "make canary"},
		},
		"the watch comes, with canaries": {
			func(c *Client) error { c.WithCanaries = true; return c.Watching(t.Context(), true) },
			[]string{"make watch-rollout", "unpause watch-rollout", "make back-up", "unpause back-up", "make canary", "unpause canary"},
		},
		"somebody asks for a backup": {func(c *Client) error { return c.TakeBackup(t.Context()) }, []string{"make back-up", "trigger back-up"}},
		"somebody asks for a canary": {func(c *Client) error { return c.StartCanary(t.Context()) }, []string{"make canary", "trigger canary"}},
		"the flags change":           {func(c *Client) error { return c.FlagsChanged(t.Context()) }, []string{"make reconcile", "trigger reconcile"}},
		"a worker looks": {
			func(c *Client) error { return c.EnsureSchedules(t.Context()) },
			[]string{"make reconcile", "make watch-rollout", "make watch-alerts", "make recount-counters", "make report-rollout", "make back-up", "make canary"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scheduler{state: map[string]*client.ScheduleState{}}
			require.NoError(t, c.act(s.client(t)))
			require.Equal(t, c.want, s.done)
		})
	}
	s := &scheduler{state: map[string]*client.ScheduleState{}}
	unset := s.client(t)
	unset.Day = 0
	require.ErrorIs(t, unset.FlagsChanged(t.Context()), errNoSchedule)
}

func TestTheWatchIsKeptUnlessSomebodyPausedItOnPurpose(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state client.ScheduleState
		want  []string
	}{
		"runs":                    {client.ScheduleState{}, nil},
		"as setup made it":        {client.ScheduleState{Paused: true}, []string{"unpause watch-rollout"}},
		"as a rollout's end left": {client.ScheduleState{Paused: true, Note: notePaused}, []string{"unpause watch-rollout"}},
		"paused by a person":      {client.ScheduleState{Paused: true, Note: "the database moves"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scheduler{state: map[string]*client.ScheduleState{watchSchedule: &c.state, backupSchedule: {}, canarySchedule: {Paused: true}}}
			require.NoError(t, s.client(t).KeepWatching(t.Context()))
			require.Equal(t, c.want, s.done)
		})
	}
}

// Canaries may be switched off and on again while a rollout runs.
func TestTheCanarysScheduleFollowsWhetherSomeAreToCome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state client.ScheduleState
		with  bool
		want  []string
	}{
		"switched off":            {client.ScheduleState{}, false, []string{"pause canary"}},
		"off":                     {client.ScheduleState{Paused: true, Note: noteOff}, false, nil},
		"switched on again":       {client.ScheduleState{Paused: true, Note: noteOff}, true, []string{"unpause canary"}},
		"paused by a person, on":  {client.ScheduleState{Paused: true, Note: "the database moves"}, true, nil},
		"paused by a person, off": {client.ScheduleState{Paused: true, Note: "the database moves"}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scheduler{state: map[string]*client.ScheduleState{watchSchedule: {}, backupSchedule: {}, canarySchedule: &c.state}}
			control := s.client(t)
			control.WithCanaries = c.with
			require.NoError(t, control.KeepWatching(t.Context()))
			require.Equal(t, c.want, s.done)
		})
	}
}
