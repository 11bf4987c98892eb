package activities_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/rollout"
	"marketplace.example/trials/trial"
)

// yard is what a sweep finds, and what it did about it.
type yard struct {
	mu        sync.Mutex
	flags     rollout.Flags
	vendors   []trial.Vendor
	converted []trial.Vendor
	overdue   []trial.State
	held      []trial.State
	broken    string // the vendor whose calls fail
	done      []string
}

func (y *yard) note(what, id string) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if id == y.broken {
		return errors.New("away")
	}
	y.done = append(y.done, what+" "+id)
	return nil
}

func (y *yard) Flags(context.Context) (rollout.Document, error) {
	return rollout.Document{FeatureFlags: y.flags}, nil
}

func (y *yard) TakeIn(_ context.Context, v trial.Vendor) (trial.Vendor, error) {
	return v, y.note("take in "+string(v.Automation.Cohort), v.ID)
}
func (y *yard) UnstartedVendors(context.Context, int) ([]trial.Vendor, error) { return y.vendors, nil }
func (y *yard) UnrecordedConversions(context.Context, int) ([]trial.Vendor, error) {
	return y.converted, nil
}

func (y *yard) OverdueTrials(_ context.Context, before time.Time, _ int) ([]trial.State, error) {
	if !before.Equal(now.Add(-time.Minute)) {
		return nil, errors.New("wrong moment")
	}
	return y.overdue, nil
}

func (y *yard) HeldTrials(_ context.Context, reasons []trial.Reason, _ string, _ int) ([]trial.State, error) {
	return slices.DeleteFunc(slices.Clone(y.held), func(s trial.State) bool { return !slices.Contains(reasons, s.Held.Reason) }), nil
}
func (y *yard) Start(_ context.Context, r trial.Registration) error {
	return y.note("start", r.VendorID)
}
func (y *yard) Convert(_ context.Context, id string, _ trial.Request) error {
	return y.note("convert", id)
}
func (y *yard) Wake(_ context.Context, id string) error { return y.note("wake", id) }

func (y *yard) sweep(t *testing.T) activities.Swept {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	s := &activities.Sweep{Store: y, Starter: y, Policy: trial.DefaultPolicy(), Day: trial.RealDay, Slack: time.Minute,
		Now: func() time.Time { return now }, Log: zap.NewNop()}
	env.RegisterActivity(s)
	value, err := env.ExecuteActivity(s.Sweep)
	require.NoError(t, err)
	var swept activities.Swept
	require.NoError(t, value.Get(&swept))
	slices.Sort(y.done)
	return swept
}

func registered(id string) trial.Vendor {
	return trial.Vendor{ID: id, StartedAt: now, Automation: &trial.Automation{Cohort: trial.Automated}}
}

func heldState(id string, reason trial.Reason) trial.State {
	return trial.State{VendorID: id, Held: &trial.Hold{Reason: reason}}
}

func TestASweepStartsDeliversRestartsAndWakes(t *testing.T) {
	t.Parallel()
	y := &yard{flags: rollout.InitialFlags(), vendors: []trial.Vendor{registered("a"), {ID: "b"}}}
	c := registered("c")
	c.Automation.Conversion = &trial.Conversion{At: now}
	y.converted = []trial.Vendor{c}
	y.overdue = []trial.State{{VendorID: "d"}}
	y.held = []trial.State{heldState("e", trial.ReasonAutomationDisabled), heldState("f", trial.ReasonExpirationOff)}
	swept := y.sweep(t)
	require.Equal(t, activities.Swept{Started: 2, Converted: 1, Restarted: 1, Woken: 2}, swept)
	require.Equal(t, []string{"convert c", "start a", "start b", "start d", "take in control b", "wake e", "wake f"}, y.done)
}

func TestAHeldTrialIsLeftAsleepWhileItsReasonStands(t *testing.T) {
	t.Parallel()
	held := []trial.State{heldState("e", trial.ReasonAutomationDisabled), heldState("f", trial.ReasonExpirationOff)}
	off := &yard{flags: rollout.InitialFlags(), held: held}
	off.flags.TrialAutomation.Enabled = false
	require.Zero(t, off.sweep(t).Woken)

	noExpiration := &yard{flags: rollout.InitialFlags(), held: held}
	noExpiration.flags.TrialAutomation.AutoExpiration = false
	noExpiration.sweep(t)
	require.Equal(t, []string{"wake e"}, noExpiration.done)
}

func TestOneVendorsTroubleDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	y := &yard{flags: rollout.InitialFlags(), vendors: []trial.Vendor{registered("a"), registered("b"), registered("c")}, broken: "b"}
	require.Equal(t, int64(2), y.sweep(t).Started)
	require.Equal(t, []string{"start a", "start c"}, y.done)
}

func TestEnrolDecidesStartAndCohort(t *testing.T) {
	t.Parallel()
	everybody := rollout.Document{FeatureFlags: rollout.InitialFlags(), Version: 3}
	everybody.FeatureFlags.TrialAutomation.RolloutPercentage = 100
	days := func(n int) time.Time { return now.Add(time.Duration(n) * 24 * time.Hour) }
	for name, c := range map[string]struct {
		doc    rollout.Document
		vendor trial.Vendor
		start  time.Time
		cohort trial.Cohort
	}{
		"nothing is known of its start":  {everybody, trial.Vendor{ID: "v"}, now, trial.Automated},
		"the document has a date":        {everybody, trial.Vendor{ID: "v", CreatedAt: days(-3)}, days(-3), trial.Automated},
		"the trial's start wins":         {everybody, trial.Vendor{ID: "v", CreatedAt: days(-3), StartedAt: days(-2)}, days(-2), trial.Automated},
		"ends in a day":                  {everybody, trial.Vendor{ID: "v", CreatedAt: days(-13)}, days(-13), trial.Automated},
		"its trial would be over":        {everybody, trial.Vendor{ID: "v", CreatedAt: days(-14)}, days(-14), trial.Control},
		"nobody is admitted to the roll": {rollout.Document{FeatureFlags: rollout.InitialFlags()}, trial.Vendor{ID: "v"}, now, trial.Control},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := activities.Enrol(c.doc, c.vendor, trial.DefaultPolicy(), trial.RealDay, now)
			require.Equal(t, c.start, v.StartedAt)
			require.Equal(t, c.cohort, v.Automation.Cohort)
			require.Equal(t, c.doc.Version, v.Automation.FlagsVersion)
		})
	}
}
