package activities_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/migration"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// sweepFake is what a sweep finds, and what it did about it.
type sweepFake struct {
	mu         sync.Mutex
	flags      flags.Flags
	vendors    []trial.Vendor
	converted  []trial.Vendor
	overdue    []trial.State
	held       []trial.State
	elsewhere  [][]trial.Whereabouts // vendors who have moved, a page each
	known      []string              // vendors that have a trial
	recorded   *trial.Vendor         // a vendor that was registered, whatever its document says
	running    []string              // vendors whose trial's workflow runs
	broken     string                // the vendor whose calls fail
	version    int                   // of the flags
	taken      []trial.Vendor        // vendors as they were taken in
	experiment experiment.Experiment // the latest one, which deals unless it has ended
	done       []string
	swept      time.Time // when a sweep last came to its end
	rollout    rollout.State
	runs       bool // whether the rollout's workflow does
	kept       int  // how often the watch was seen to
	canaries   bool // whether canaries are due
	// cost is how long each query takes, elapsed the time since now, asked the
	// queries made.
	cost, elapsed time.Duration
	asked         []string
}

func (y *sweepFake) note(what, id string) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	if id == y.broken {
		return errors.New("away")
	}
	y.done = append(y.done, what+" "+id)
	return nil
}

func (y *sweepFake) NoteSweep(_ context.Context, at time.Time) error {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.swept = at
	return nil
}

func (y *sweepFake) Flags(context.Context) (flags.Document, error) {
	doc := flags.Document{FeatureFlags: y.flags, Version: y.version}
	if y.experiment.ID != "" {
		doc.Dealing = &flags.Dealing{Experiment: y.experiment.ID}
	}
	return doc, nil
}

func (y *sweepFake) LatestExperiment(context.Context) (experiment.Experiment, bool, error) {
	return y.experiment, y.experiment.ID != "", nil
}

func (y *sweepFake) TakeIn(_ context.Context, v trial.Vendor) (trial.Vendor, error) {
	err := y.note("take in "+string(v.Automation.Cohort), v.ID)
	y.mu.Lock()
	defer y.mu.Unlock()
	y.taken = append(y.taken, v)
	return v, err
}

func (y *sweepFake) Vendor(_ context.Context, id string) (trial.Vendor, error) {
	if y.recorded != nil && y.recorded.ID == id {
		return *y.recorded, nil
	}
	return trial.Vendor{ID: id}, nil
}

func (y *sweepFake) ResyncVendor(_ context.Context, id string) (bool, error) {
	if !slices.Contains(y.known, id) {
		return false, nil
	}
	return true, y.note("mirror", id)
}

func (y *sweepFake) query(name string) {
	y.asked = append(y.asked, name)
	y.elapsed += y.cost
}

func (y *sweepFake) UnstartedVendors(_ context.Context, _ int, skip func(string) bool) ([]trial.Vendor, error) {
	y.query("unstarted")
	return slices.DeleteFunc(slices.Clone(y.vendors), func(v trial.Vendor) bool { return skip(v.ID) }), nil
}

func (y *sweepFake) UnrecordedConversions(context.Context, int) ([]trial.Vendor, error) {
	y.query("undelivered")
	return y.converted, nil
}

func (y *sweepFake) OverdueTrials(_ context.Context, before time.Time, _ int) ([]trial.State, error) {
	if !before.Equal(now.Add(y.elapsed).Add(-time.Minute)) {
		return nil, errors.New("wrong moment")
	}
	y.query("overdue")
	return y.overdue, nil
}

func (y *sweepFake) HeldTrials(_ context.Context, reasons []trial.Reason, _ string, _ int) ([]trial.State, error) {
	y.query("held")
	return slices.DeleteFunc(slices.Clone(y.held), func(s trial.State) bool { return !slices.Contains(reasons, s.Held.Reason) }), nil
}

// TrialsElsewhere has the vendor id after which a page begins be its number.
func (y *sweepFake) TrialsElsewhere(_ context.Context, after string, _ int) ([]trial.Whereabouts, string, error) {
	y.query("zones")
	if len(y.elsewhere) == 0 {
		return nil, "", nil
	}
	page, _ := strconv.Atoi(after)
	next := ""
	if page+1 < len(y.elsewhere) {
		next = strconv.Itoa(page + 1)
	}
	return y.elsewhere[page], next, nil
}

func (y *sweepFake) Start(_ context.Context, r trial.Registration) (bool, error) {
	return !slices.Contains(y.running, r.VendorID), y.note("start", r.VendorID)
}

func (y *sweepFake) Restart(_ context.Context, s trial.State) (bool, error) {
	return !slices.Contains(y.running, s.VendorID), y.note("restart", s.VendorID)
}

func (y *sweepFake) Convert(_ context.Context, id string, _ trial.Request) error {
	return y.note("convert", id)
}
func (y *sweepFake) Wake(_ context.Context, id string) error { return y.note("wake", id) }

func (y *sweepFake) CurrentRollout(context.Context) (rollout.State, bool, error) {
	return y.rollout, y.rollout.ID != "", nil
}

func (y *sweepFake) EnsureRolloutRunning(_ context.Context, id string) (bool, error) {
	if y.runs {
		return false, nil
	}
	return true, y.note("keep", id)
}

func (y *sweepFake) KeepWatching(context.Context) error {
	y.kept++
	return nil
}

func (y *sweepFake) CanariesDue(_ context.Context, due bool, _ time.Time) error {
	y.canaries = due
	return nil
}

func (y *sweepFake) sweeper() *activities.Sweep {
	return &activities.Sweep{
		Store: y, Starter: y, Rollouts: y, Policies: policy.BuiltIn(), Day: trial.RealDay, Slack: time.Minute,
		Now: func() time.Time { return now.Add(y.elapsed) }, Log: zap.NewNop(),
	}
}

func (y *sweepFake) sweep(t *testing.T) activities.Swept {
	t.Helper()
	return y.sweepWith(t, y.sweeper())
}

func (y *sweepFake) sweepWith(t *testing.T, s *activities.Sweep) activities.Swept {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
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
	return trial.State{VendorID: id, Held: &trial.HeldStep{Reason: reason}}
}

func TestASweepStartsDeliversRestartsAndWakes(t *testing.T) {
	t.Parallel()
	y := &sweepFake{flags: flags.Initial(), vendors: []trial.Vendor{registered("a"), {ID: "b", CreatedAt: now}}}
	c := registered("c")
	c.Automation.Conversion = &trial.Conversion{At: now}
	y.converted = []trial.Vendor{c}
	y.overdue = []trial.State{{VendorID: "d"}}
	y.held = []trial.State{heldState("e", trial.ReasonAutomationDisabled), heldState("f", trial.ReasonExpirationOff)}
	swept := y.sweep(t)
	require.Equal(t, activities.Swept{Started: 2, Converted: 1, Restarted: 1, Woken: 2}, swept)
	require.Equal(t, []string{"convert c", "restart d", "start a", "start b", "take in control b", "wake e", "wake f"}, y.done)
	require.Equal(t, now, y.swept, "it is noted that the sweep came")
}

func TestAHeldTrialIsLeftAsleepWhileItsReasonStands(t *testing.T) {
	t.Parallel()
	held := []trial.State{heldState("e", trial.ReasonAutomationDisabled), heldState("f", trial.ReasonExpirationOff)}
	off := &sweepFake{flags: flags.Initial(), held: held}
	off.flags.TrialAutomation.Enabled = false
	require.Zero(t, off.sweep(t).Woken)

	noExpiration := &sweepFake{flags: flags.Initial(), held: held}
	noExpiration.flags.TrialAutomation.AutoExpiration = false
	noExpiration.sweep(t)
	require.Equal(t, []string{"wake e"}, noExpiration.done)
}

func TestOneVendorsTroubleDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	y := &sweepFake{flags: flags.Initial(), vendors: []trial.Vendor{registered("a"), registered("b"), registered("c")}, broken: "b"}
	require.Equal(t, int64(2), y.sweep(t).Started)
	require.Equal(t, []string{"start a", "start c"}, y.done)
}

func TestEnrollDecidesStartAndCohort(t *testing.T) {
	t.Parallel()
	everybody := flags.Document{FeatureFlags: flags.Initial(), Version: 3}
	everybody.FeatureFlags.TrialAutomation.RolloutPercentage = 100
	days := func(n int) time.Time { return now.Add(time.Duration(n) * 24 * time.Hour) }
	for name, c := range map[string]struct {
		doc    flags.Document
		vendor trial.Vendor
		start  time.Time
		cohort trial.Cohort
	}{
		"the document has a date":        {everybody, trial.Vendor{ID: "v", CreatedAt: days(-3)}, days(-3), trial.Automated},
		"the trial's start wins":         {everybody, trial.Vendor{ID: "v", CreatedAt: days(-3), StartedAt: days(-2)}, days(-2), trial.Automated},
		"ends in a day":                  {everybody, trial.Vendor{ID: "v", CreatedAt: days(-13)}, days(-13), trial.Automated},
		"its clock is ahead":             {everybody, trial.Vendor{ID: "v", CreatedAt: now.Add(2 * time.Hour)}, now, trial.Automated},
		"nobody is admitted to the roll": {flags.Document{FeatureFlags: flags.Initial()}, trial.Vendor{ID: "v", CreatedAt: now}, now, trial.Control},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, doubt := activities.Enroll(c.doc, c.vendor, trial.DefaultPolicy(), trial.RealDay, now)
			require.Empty(t, doubt)
			require.Equal(t, c.start, v.StartedAt)
			require.Equal(t, c.cohort, v.Automation.Cohort)
			require.Equal(t, c.doc.Version, v.Automation.FlagsVersion)
		})
	}
}

// Vendors that the marketplace puts straight into its collection are part of an experiment as those are who register.
func TestASweepDealsNewVendors(t *testing.T) {
	t.Parallel()
	current := flags.Initial()
	current.TrialAutomation.RolloutPercentage = 100
	y := &sweepFake{flags: current, vendors: []trial.Vendor{{ID: "new", CreatedAt: now}, {ID: "earlier", CreatedAt: now.Add(-2 * time.Hour)}}}
	week := trial.Policy{Name: "week", LengthDays: 7, SendHour: 9}
	y.experiment = experiment.Experiment{ID: "x", ArmA: trial.DefaultPolicy().Name, ArmB: "week", TermsA: trial.DefaultPolicy(), TermsB: week, Day: trial.RealDay, HorizonDays: 17, StartedAt: now.Add(-time.Hour)}
	s := y.sweeper()
	s.Policies.Policies = append(s.Policies.Policies, week)
	y.sweepWith(t, s)
	slices.SortFunc(y.taken, func(a, b trial.Vendor) int { return strings.Compare(a.ID, b.ID) })
	require.Len(t, y.taken, 2)
	require.Nil(t, y.taken[0].Automation.Experiment, "it began before")
	arm := y.taken[1].Automation.Experiment
	require.Equal(t, &trial.Assignment{Experiment: "x", Arm: string(experiment.Deal("", "new"))}, arm)
	require.Equal(t, y.experiment.Policy(experiment.Arm(arm.Arm)), y.taken[1].Automation.Policy)
}

// Of whom nobody knows whether it is new is left alone, however the document says so, and told of.
func TestAVendorInDoubtIsLeftAloneAndReported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vendor trial.Vendor
		doubt  migration.Reason
	}{
		"no date at all":                   {trial.Vendor{ID: "v"}, migration.NoDate},
		"created in 2031":                  {trial.Vendor{ID: "v", CreatedAt: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)}, migration.StartInFuture},
		"begins in 2031":                   {trial.Vendor{ID: "v", CreatedAt: now, StartedAt: time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)}, migration.StartInFuture},
		"a user of 2018":                   {trial.Vendor{ID: "v", CreatedAt: time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)}, migration.OverAlready},
		"its trial would have ended today": {trial.Vendor{ID: "v", CreatedAt: now.AddDate(0, 0, -14)}, migration.OverAlready},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			current := flags.Initial()
			current.TrialAutomation.RolloutPercentage = 100
			_, doubt := activities.Enroll(flags.Document{FeatureFlags: current}, c.vendor, trial.DefaultPolicy(), trial.RealDay, now)
			require.Equal(t, c.doubt, doubt)

			core, logs := observer.New(zap.WarnLevel)
			y := &sweepFake{flags: current, vendors: []trial.Vendor{c.vendor, {ID: "new", CreatedAt: now}}}
			s := y.sweeper()
			s.Log = zap.New(core)
			require.Equal(t, activities.Swept{Started: 1, LeftAlone: 1}, y.sweepWith(t, s))
			require.Equal(t, []string{"start new", "take in automated new"}, y.done)
			require.Contains(t, logs.All()[0].ContextMap()["error"], string(c.doubt))

			y = &sweepFake{flags: current, vendors: []trial.Vendor{c.vendor}, known: []string{"v"}}
			require.Equal(t, activities.Swept{Synced: 1}, y.sweep(t), "one whose trial is known goes on, whatever its document says by now")
			recorded := registered("v")
			y = &sweepFake{flags: current, vendors: []trial.Vendor{c.vendor}, recorded: &recorded}
			require.Equal(t, activities.Swept{Started: 1}, y.sweep(t), "and so does one that was registered")
		})
	}
}

func TestACostlyLookTakesATwentiethOfTheTime(t *testing.T) {
	t.Parallel()
	y := &sweepFake{flags: flags.Initial(), cost: 3 * time.Second}
	s := y.sweeper()
	all := []string{"unstarted", "undelivered", "overdue", "held", "zones"}
	sweep := func(after time.Duration) []string {
		y.asked, y.elapsed = nil, y.elapsed+after
		y.sweepWith(t, s)
		return y.asked
	}
	require.Equal(t, all, sweep(0))
	require.Empty(t, sweep(30*time.Second), "3 s were taken, so a minute is left to others")
	y.flags.TrialAutomation.RolloutPercentage = 10
	y.version = 2
	require.Equal(t, []string{"held"}, sweep(time.Second), "changed flags let held trials go on at once")
	require.Equal(t, []string{"unstarted", "undelivered", "overdue", "zones"}, sweep(45*time.Second))

	y.cost = 0
	sweep(time.Hour)
	require.Equal(t, all, sweep(time.Millisecond), "what costs nothing is asked each time")

	y.cost = 5 * time.Minute
	sweep(0)
	y.cost = 0
	require.Equal(t, all, sweep(10*time.Minute), "however costly, it is asked again in ten minutes")
}

func TestAVendorWhoseDocumentWasReplacedIsNotStartedAgain(t *testing.T) {
	t.Parallel()
	y := &sweepFake{flags: flags.Initial(), vendors: []trial.Vendor{registered("a"), {ID: "b", CreatedAt: now}, {ID: "c", CreatedAt: now}}, known: []string{"a", "b"}}
	require.Equal(t, activities.Swept{Started: 1, Synced: 2}, y.sweep(t))
	require.Equal(t, []string{"mirror a", "mirror b", "start c", "take in control b", "take in control c"}, y.done)
}

func TestAVendorThatCannotBeStartedIsPassedByForAWhile(t *testing.T) {
	t.Parallel()
	y := &sweepFake{flags: flags.Initial(), vendors: []trial.Vendor{registered("a"), registered("b")}, broken: "b"}
	s := y.sweeper()
	require.Equal(t, int64(1), y.sweepWith(t, s).Started)
	y.broken, y.done = "", nil
	y.elapsed = 59 * time.Second
	y.sweepWith(t, s)
	require.Equal(t, []string{"start a"}, y.done)
	y.elapsed = time.Minute
	y.sweepWith(t, s)
	require.Contains(t, y.done, "start b")
}

func TestARegistrationOfAMomentAgoIsLeftToTheAPI(t *testing.T) {
	t.Parallel()
	young := registered("a")
	young.Automation.RegisteredAt = now
	y := &sweepFake{flags: flags.Initial(), vendors: []trial.Vendor{young, registered("b")}}
	s := y.sweeper()
	y.elapsed = 5*time.Second - time.Millisecond
	y.sweepWith(t, s)
	require.Equal(t, []string{"start b"}, y.done)
	y.elapsed, y.done = 5*time.Second, nil
	y.sweepWith(t, s)
	require.Equal(t, []string{"start a", "start b"}, y.done)
}

// mended counts by slot.
type mended map[monitoring.Period]int

func (m mended) AddRepairs(_ context.Context, slot monitoring.Period, n int) error {
	m[slot] += n
	return nil
}

func TestWhatASweepHadToMendIsCounted(t *testing.T) {
	t.Parallel()
	converted := registered("c")
	converted.Automation.Conversion = &trial.Conversion{RequestID: "r", At: now}
	y := &sweepFake{
		flags: flags.Initial(), vendors: []trial.Vendor{registered("a")}, converted: []trial.Vendor{converted},
		overdue: []trial.State{{VendorID: "o"}, {VendorID: "p"}}, held: []trial.State{heldState("h", trial.ReasonAutomationDisabled)},
	}
	found := mended{}
	sweeper := y.sweeper()
	sweeper.Repairs = found
	y.sweepWith(t, sweeper)
	require.Equal(t, mended{monitoring.SlotOf(now, trial.RealDay): 3}, found, "starting and waking are no findings")
	y.converted, y.overdue = nil, nil
	sweeper = y.sweeper()
	sweeper.Repairs = found
	y.sweepWith(t, sweeper)
	require.Len(t, found, 1)
}

// Where the mail service or a worker is behind, trials are late though their workflows run.
func TestATrialThatMerelyWaitsIsNotCountedAsMended(t *testing.T) {
	t.Parallel()
	y := &sweepFake{
		flags: flags.Initial(), vendors: []trial.Vendor{registered("a"), registered("b")},
		overdue: []trial.State{{VendorID: "o"}, {VendorID: "p"}}, running: []string{"a", "o"},
	}
	found := mended{}
	sweeper := y.sweeper()
	sweeper.Repairs = found
	require.Equal(t, activities.Swept{Started: 1, Restarted: 1}, y.sweepWith(t, sweeper))
	require.Equal(t, mended{monitoring.SlotOf(now, trial.RealDay): 1}, found)
}

func TestTheWatchOfARunningRolloutIsSeenTo(t *testing.T) {
	t.Parallel()
	for status, want := range map[rollout.Status]int{rollout.Running: 1, rollout.Paused: 1, rollout.Completed: 0, rollout.RolledBack: 0} {
		y := &sweepFake{flags: flags.Initial(), rollout: rollout.State{ID: "r-1", Status: status}, runs: true}
		y.sweep(t)
		require.Equal(t, want, y.kept, status)
	}
}
