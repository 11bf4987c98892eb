package rollout

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
)

func TestTheBackupCheck(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		facts BackupFacts
		day   time.Duration
		want  Verdict
	}{
		"taken by other means":       {day: 24 * time.Hour, want: Insufficient},
		"the place is away":          {facts: BackupFacts{Kept: true}, day: 24 * time.Hour, want: Insufficient},
		"none was taken":             {facts: BackupFacts{Kept: true, Answers: true}, day: 24 * time.Hour, want: Fail},
		"the next one is on its way": {facts: BackupFacts{Kept: true, Answers: true, Full: now.Add(-32 * time.Hour)}, day: 24 * time.Hour, want: Pass},
		"older":                      {facts: BackupFacts{Kept: true, Answers: true, Full: now.Add(-32*time.Hour - time.Second)}, day: 24 * time.Hour, want: Fail},
		"an hour, in a day of less":  {facts: BackupFacts{Kept: true, Answers: true, Full: now.Add(-time.Hour)}, day: 2 * time.Second, want: Pass},
	} {
		check := backedUp(State{Times: evidence.Times{Day: c.day}}, PreflightFacts{Now: now, Backup: c.facts})
		require.Equal(t, c.want, check.Verdict, name)
		require.Equal(t, CheckBackup, check.ID)
		require.NotEmpty(t, check.Reason)
	}
}

func TestTheChecksOfVendorsMailAndWatch(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	well := PreflightFacts{Now: now, MailAnswers: true, MayMail: true, Judged: &Judgement{At: now.Add(-30*time.Minute - 20*time.Second)}}
	for name, c := range map[string]struct {
		change func(*PreflightFacts)
		id     string
		want   Verdict
		reason string
	}{
		"all migrated":      {func(*PreflightFacts) {}, CheckMigration, Pass, "every vendor has a trialStartDate"},
		"one is not":        {func(f *PreflightFacts) { f.VendorsWithoutStart = 1 }, CheckMigration, Fail, "1 vendor has no trialStartDate"},
		"all answer":        {func(*PreflightFacts) {}, CheckHealth, Pass, "database, workflows and mail service answer"},
		"no mail service":   {func(f *PreflightFacts) { f.MailAnswers = false }, CheckHealth, Insufficient, "the mail service does not answer"},
		"a paused account":  {func(f *PreflightFacts) { f.MayMail = false }, CheckHealth, Fail, "the mail service has paused the account"},
		"three missed":      {func(*PreflightFacts) {}, CheckMonitoring, Pass, "the watch runs regularly"},
		"a moment more":     {func(f *PreflightFacts) { f.Now = now.Add(time.Millisecond) }, CheckMonitoring, Fail, "the watch last ran at 10 March 2026 11:29 UTC"},
		"never watched yet": {func(f *PreflightFacts) { f.Judged = nil }, CheckMonitoring, Insufficient, "the watch has not run yet"},
	} {
		facts := well
		c.change(&facts)
		require.Contains(t, Preflight(State{Times: evidence.Times{Day: 24 * time.Hour}}, facts), Check{ID: c.id, Verdict: c.want, Reason: c.reason}, name)
	}
}

func TestTheCanaryCheck(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	state := State{StartedAt: now.Add(-20 * time.Minute), Times: evidence.Times{Day: 24 * time.Hour}}
	for name, c := range map[string]struct {
		latest *canary.Result
		want   Verdict
		says   string
	}{
		"none came":                     {nil, Insufficient, "one is started, and takes up to 7 minutes"},
		"it is of before the start":     {&canary.Result{EndedAt: now.Add(-30 * time.Minute)}, Insufficient, "one is started"},
		"it has found something broken": {&canary.Result{EndedAt: now, Fault: canary.NoMailEvent, Reason: "no report came"}, Fail, "no report came"},
		"it has found nothing":          {&canary.Result{BeganAt: now.Add(-3 * time.Minute), EndedAt: now, Parts: []canary.Part{{Name: "step/welcome", Took: 70 * time.Millisecond}}}, Pass, "at 11:57 UTC: registered 0s, started 0s, steps at most 70ms late"},
	} {
		checks := Preflight(state, PreflightFacts{Now: now, Canary: &CanaryFacts{Latest: c.latest}})
		check := checks[len(checks)-1]
		require.Equal(t, CheckCanary, check.ID, name)
		require.Equal(t, c.want, check.Verdict, name)
		require.Contains(t, check.Reason, c.says, name)
	}
	long := State{StartedAt: now.Add(-3 * time.Hour), Times: state.Times}
	check := canaried(long, PreflightFacts{Now: now, Canary: &CanaryFacts{Latest: &canary.Result{EndedAt: now.Add(-time.Hour)}}})
	require.Equal(t, Insufficient, check.Verdict, "the last was well long ago")
	for _, check := range Preflight(state, PreflightFacts{Now: now}) {
		require.NotEqual(t, CheckCanary, check.ID, "where none are configured, none is asked for")
	}
}

func TestTheIDsOfTheChecksAreThoseOfThePreflight(t *testing.T) {
	t.Parallel()
	var ids []string
	for _, check := range Preflight(State{}, PreflightFacts{Canary: &CanaryFacts{}}) {
		ids = append(ids, check.ID)
	}
	require.Equal(t, CheckIDs(), ids)
}

func TestBackupEvery(t *testing.T) {
	t.Parallel()
	require.Equal(t, 4*time.Hour, BackupEvery(24*time.Hour))
	require.Equal(t, 2*time.Minute, BackupEvery(2*time.Second))
}

func TestTheConversionRateOfTheLastWeeks(t *testing.T) {
	t.Parallel()
	s := State{Plan: DefaultPlan()}
	for reason, c := range map[string]struct {
		facts ConversionFacts
		want  Verdict
	}{
		"not known, which holds nothing up: the flag monitoring.trialMetrics is off":                                    {ConversionFacts{Trials: 100}, Pass},
		"not known, which holds nothing up: 29 trials of the last weeks could have ended, and a rate takes at least 30": {ConversionFacts{Counted: true, Trials: 29}, Pass},
		"10 % of the 30 trials of the last weeks that could have ended converted":                                       {ConversionFacts{Counted: true, Converted: 3, Trials: 30}, Pass},
		"9.98 % of the 1002 trials of the last weeks that could have ended converted; below 10.00 % the rollout would switch the automation off: " +
			"find out why, start with a lower limit, or waive this check": {ConversionFacts{Counted: true, Converted: 100, Trials: 1002}, Fail},
	} {
		require.Equal(t, Check{ID: CheckConversion, Verdict: c.want, Reason: reason}, converting(s, c.facts))
	}
	facts := PreflightFacts{Conversion: ConversionFacts{Counted: true, Trials: 30}}
	require.Contains(t, Preflight(s, facts), converting(s, facts.Conversion))
}

func TestTheFlagsCheckNamesEveryFlagThatIsNotAsInTheInitialState(t *testing.T) {
	t.Parallel()
	set := func(change func(*flags.Flags)) flags.Flags {
		f := flags.Initial()
		change(&f)
		return f
	}
	unwatched := set(func(f *flags.Flags) {
		f.Monitoring.Enabled, f.Monitoring.Alerting, f.TrialAutomation.EmailReminders, f.TrialAutomation.AutoExpiration = false, false, false, false
	})
	const offs = "trialAutomation.emailReminders is false, must be true; trialAutomation.autoExpiration is false, must be true; " +
		"monitoring.enabled is false, must be true; monitoring.alerting is false, must be true"
	disabled := set(func(f *flags.Flags) { f.TrialAutomation.Enabled, f.TrialAutomation.RolloutPercentage = false, 10 })
	for name, c := range map[string]struct {
		stage      StageKind
		percentage float64
		flags      flags.Flags
		want       Verdict
		reason     string
	}{
		"initial":                    {InPhase, 0, flags.Initial(), Pass, "every flag is on, at 0 %"},
		"what monitors is off":       {InPhase, 0, unwatched, Fail, offs},
		"the same, in the notice":    {Notice, 0, unwatched, Fail, offs},
		"disabled":                   {InPhase, 0, disabled, Fail, "trialAutomation.enabled is false, must be true; trialAutomation.rolloutPercentage is 10, must be 0"},
		"as an earlier rollout left": {Notice, 0, disabled, Pass, "every flag that the rollout does not set itself is on"},
		"admin tools are off":        {InPhase, 0, set(func(f *flags.Flags) { f.AdminTools = flags.AdminTools{Enabled: true} }), Fail, "adminTools.trialExtension is false, must be true; adminTools.bulkOperations is false, must be true"},
		"held at a percentage":       {InPhase, 5, set(func(f *flags.Flags) { f.TrialAutomation.RolloutPercentage = 5 }), Pass, "every flag is on, at 5 %"},
		"not at the percentage held": {InPhase, 5, flags.Initial(), Fail, "trialAutomation.rolloutPercentage is 0, must be 5"},
	} {
		check := flagged(State{Stage: Stage{Kind: c.stage}, Percentage: c.percentage}, PreflightFacts{Flags: c.flags})
		require.Equal(t, Check{ID: CheckFlags, Verdict: c.want, Reason: c.reason}, check, name)
	}
}

func TestTheDashboardsCheck(t *testing.T) {
	t.Parallel()
	grafana, prometheus := DashboardAnswer{"grafana:3000/api/health", 200}, DashboardAnswer{"prometheus:9090/-/ready", 204}
	yes, no := &Tick{Met: true, By: "ada", Reason: "Looked at each"}, &Tick{By: "ada", Reason: "Two panels are empty"}
	for name, c := range map[string]struct {
		answers []DashboardAnswer
		tick    *Tick
		want    Verdict
		reason  string
	}{
		"none to ask":                {nil, nil, Insufficient, "DASHBOARD_URLS names no dashboard to ask: look at each of them, and tick criterion dashboards-operational"},
		"none to ask, ticked":        {nil, yes, Pass, "ada has judged them: Looked at each"},
		"none to ask, ticked not":    {nil, no, Fail, "ada has judged them: Two panels are empty"},
		"all work":                   {[]DashboardAnswer{grafana, prometheus}, nil, Pass, "these say that they work: grafana:3000/api/health, prometheus:9090/-/ready"},
		"all answer, a person knows": {[]DashboardAnswer{grafana, prometheus}, no, Fail, "ada has judged them: Two panels are empty"},
		"one is silent":              {[]DashboardAnswer{grafana, {"prometheus:9090", 0}}, yes, Insufficient, "prometheus:9090 does not answer"},
		"one fails, one is silent": {[]DashboardAnswer{{"prometheus:9090", 0}, grafana, {"api:8080", 503}}, yes, Fail,
			"api:8080 answers with status 503; prometheus:9090 does not answer"},
		"one asks to sign in": {[]DashboardAnswer{{"grafana:3000", 302}}, nil, Fail, "grafana:3000 answers with status 302"},
	} {
		s := State{Criteria: map[string]Tick{}}
		if c.tick != nil {
			s.Criteria["dashboards-operational"] = *c.tick
		}
		require.Equal(t, Check{ID: CheckDashboards, Verdict: c.want, Reason: c.reason}, shown(s, PreflightFacts{Dashboards: c.answers}), name)
	}
}

func TestHowACheckPassesIsNoNews(t *testing.T) {
	t.Parallel()
	before := []Check{{ID: CheckConversion, Verdict: Pass, Reason: "12 % of 40 trials"}, {ID: CheckBackup, Verdict: Insufficient, Reason: "none"}}
	after := func(change func([]Check)) bool {
		now := slices.Clone(before)
		change(now)
		return SameChecks(before, now)
	}
	require.True(t, after(func(c []Check) { c[0].Reason = "13 % of 41 trials" }))
	require.False(t, after(func(c []Check) { c[1].Reason = "too old" }))
	require.False(t, after(func(c []Check) { c[1].Verdict = Pass }))
	require.False(t, after(func(c []Check) { c[1].WaivedBy = "ada" }))
	require.False(t, SameChecks(before, before[:1]))
}
