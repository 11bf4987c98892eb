package workflows_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/workflows"
)

// aviary is a system in which a canary lives, by a clock that goes on while the canary is watched. What is broken is set.
type aviary struct {
	mu  sync.Mutex
	now time.Time
	// refusing has the mail service refuse, deaf has no report come, stuck has no trial begin, lost loses conversions, and
	// sticky keeps what is to be removed.
	refusing, deaf, stuck, lost, sticky bool
	// failing is how many registrations fail.
	failing int

	vendor     *trial.Vendor
	state      trial.State
	started    *trial.Event
	sends      map[trial.Kind]trial.Send
	terminated []string
	results    []canary.Result
}

func (a *aviary) clock() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

func (a *aviary) pause(_ context.Context, d time.Duration) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = a.now.Add(d)
	if a.vendor == nil || a.stuck {
		return nil
	}
	if a.started == nil {
		event := trial.Start(a.vendor.Registration(canary.Policy(), canary.Day(24*time.Hour)), a.now)
		a.started, a.state = &event, trial.State{}.Apply(event)
	}
	now := a.now
	for {
		step, more := a.state.Next()
		if !more || step.At.After(a.now) {
			return nil
		}
		send := trial.Send{Key: step.Key(a.vendor.ID), VendorID: a.vendor.ID, Kind: step.Kind, ClaimedAt: a.now, AddressHash: "hash"}
		if a.refusing {
			send.Status, send.Reason = trial.SendReleased, "SendingPausedException"
			a.sends[step.Kind] = send
			return nil
		}
		send.Status, send.SettledAt = trial.SendSent, &now
		if !a.deaf {
			send.Delivery, send.DeliveryAt = trial.DeliveryDone, &now
		}
		a.sends[step.Kind] = send
		facts := trial.StepFacts{Now: a.now, AutomationEnabled: true, EmailReminders: true, AutoExpiration: true}
		a.state = a.state.Apply(a.state.StepEvent(step, trial.Decide(a.state, step, facts), facts, true))
	}
}

func (a *aviary) EnrollCanary(_ context.Context, v trial.Vendor) (trial.Vendor, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failing > 0 {
		a.failing--
		return v, errors.New("the database does not answer")
	}
	v.StartedAt, v.Automation = a.now, &trial.Automation{Cohort: trial.Automated}
	a.vendor = &v
	return v, nil
}

func (a *aviary) RecordConversion(_ context.Context, _ string, at *time.Time) (trial.Conversion, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.lost {
		a.state.Status, a.state.ConvertedAt = trial.Converted, at
	}
	return trial.Conversion{At: *at}, true, nil
}

func (a *aviary) Terminate(_ context.Context, id string) error {
	a.terminated = append(a.terminated, id)
	return nil
}

func (a *aviary) Vendor(context.Context, string) (trial.Vendor, error) { return *a.vendor, nil }

func (a *aviary) Trial(context.Context, string) (trial.State, bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state, a.started != nil, nil
}

func (a *aviary) Event(context.Context, string, int) (*trial.Event, error) { return a.started, nil }

func (a *aviary) Sends(context.Context, string) (sends []trial.Send, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, send := range a.sends {
		sends = append(sends, send)
	}
	return sends, nil
}

func (a *aviary) LivingCanaries(context.Context) ([]string, error) {
	if a.vendor == nil {
		return nil, nil
	}
	return []string{a.vendor.ID}, nil
}

func (a *aviary) ClearCanaries(context.Context) ([]string, error) {
	if a.sticky {
		return []string{"canary_sends"}, nil
	}
	a.vendor, a.sends = nil, map[trial.Kind]trial.Send{}
	return nil, nil
}

func (a *aviary) PutCanary(_ context.Context, r canary.Result) error {
	a.results = append(a.results, r)
	return nil
}

// environment runs workflows for canaries with this address.
func (a *aviary) environment(address string) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestWorkflowEnvironment()
	inTests(env)
	env.SetStartTime(a.now)
	env.RegisterActivity(&activities.Canaries{
		Store: a, App: a, Trials: a, Address: address, Day: 24 * time.Hour, Now: a.clock, Pause: a.pause, Log: zap.NewNop(),
	})
	return env
}

// fly lets a canary live in the aviary.
func (a *aviary) fly(t *testing.T) canary.Result {
	t.Helper()
	env := a.environment(canary.Simulator)
	env.ExecuteWorkflow(workflows.Canary)
	require.NoError(t, env.GetWorkflowError())
	var result canary.Result
	require.NoError(t, env.GetWorkflowResult(&result))
	require.Len(t, a.results, 1)
	assert.True(t, trial.IsCanary(result.ID), result.ID)
	return result
}

func TestACanaryLivesThroughAWholeTrialAndIsRemoved(t *testing.T) {
	t.Parallel()
	a := &aviary{now: start, sends: map[trial.Kind]trial.Send{}, failing: 2}
	result := a.fly(t)
	require.True(t, result.Well(), result.Reason)
	for _, p := range result.Parts {
		assert.Equal(t, canary.Done, p.State, p.Name)
	}
	assert.Len(t, result.Parts, 4+6*3)
	assert.Nil(t, a.vendor, "nothing is left behind")
	assert.InDelta(t, 175, result.Took().Seconds(), 10)
}

func TestWhereNoCanariesAreToComeOneShowsNothing(t *testing.T) {
	t.Parallel()
	a := &aviary{now: start, sends: map[trial.Kind]trial.Send{}}
	env := a.environment("")
	env.ExecuteWorkflow(workflows.Canary)
	require.NoError(t, env.GetWorkflowError())
	assert.Empty(t, a.results)
	assert.Nil(t, a.vendor)
}

func TestACanaryNamesWhatIsBrokenAndIsRemoved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		broken func(*aviary)
		want   canary.Fault
		within time.Duration
	}{
		"SES refuses":                   {func(a *aviary) { a.refusing = true }, canary.MailRefused, 70 * time.Second},
		"the SNS subscription is gone":  {func(a *aviary) { a.deaf = true }, canary.NoMailEvent, 130 * time.Second},
		"no trial begins":               {func(a *aviary) { a.stuck = true }, canary.TrialNotStarted, 70 * time.Second},
		"the conversion is lost":        {func(a *aviary) { a.lost = true }, canary.ConversionMissing, 250 * time.Second},
		"nobody can register":           {func(a *aviary) { a.failing = 1000 }, canary.RegistrationFailed, 70 * time.Second},
		"what it leaves is not removed": {func(a *aviary) { a.sticky = true }, canary.TracesLeft, 250 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &aviary{now: start, sends: map[trial.Kind]trial.Send{}}
			c.broken(a)
			result := a.fly(t)
			assert.Equal(t, c.want, result.Fault, result.Reason)
			assert.LessOrEqual(t, result.Took(), c.within)
			assert.NotEmpty(t, a.terminated, "its trial is ended")
			assert.True(t, a.vendor == nil || a.sticky)
		})
	}
}
