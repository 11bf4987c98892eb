package notice

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// noticed is a rollout that has come as far as the events say.
func noticed(events ...rollout.Event) (rollout.State, rollout.Event) {
	all := append([]rollout.Event{rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), By: "admin", Times: evidence.Times{Day: 24 * time.Hour, TrialDays: 17}}, noon)}, events...)
	for i := range all {
		all[i].Seq = i + 1
		if all[i].At.IsZero() {
			all[i].At = noon.Add(time.Duration(i) * 48 * time.Hour)
		}
		if all[i].By == "" {
			all[i].By = flags.Automatic
		}
	}
	return rollout.Fold(all), all[len(all)-1]
}

func enter(kind rollout.StageKind, phase int) rollout.Event {
	stage := rollout.Stage{Kind: kind, Phase: phase}
	return rollout.Event{Type: rollout.EventEntered, Stage: &stage, Enabled: new(true), Percentage: new(rollout.DefaultPlan().PercentageIn(stage)),
		Reason: "Entered " + rollout.DefaultPlan().StageName(stage) + "."}
}

// judged is a judgement in which one figure is broken and others are open.
func judged() *rollout.Judgement {
	decidable := noon.Add(20 * 24 * time.Hour)
	return &rollout.Judgement{
		Position: rollout.Position{StageSeq: 3, Stage: rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Percentage: 10}, Enabled: true, Percentage: 10,
		Triggers: []rollout.TriggerResult{
			{Trigger: rollout.TriggerEmail, Remedy: rollout.Partial, Estimate: 0.88, Limit: 0.9, Seen: 30, Reason: "88 % of the e-mails were delivered, at least 90 % must be"},
			{Trigger: rollout.TriggerErrors, Remedy: rollout.Immediate, Firing: true, Estimate: 0.31, Limit: 0.2, Seen: 40, Reason: "31 % of the automated steps failed, at most 20 % may"},
			{Trigger: rollout.TriggerPerformance, Remedy: rollout.Partial, Evidence: 1, Needed: 20, Seen: 12, Limit: 0.05, Reason: "cannot be judged: there were 12 API calls before the rollout"},
			{Trigger: rollout.TriggerConversion, Remedy: rollout.Immediate, Limit: 0.1, Reason: "no data yet; no verdict is possible before 43 trials have ended", DecidableFrom: &decidable},
		},
		Gates: []rollout.GateResult{
			{Gate: rollout.GateEmail, Verdict: rollout.Insufficient, Estimate: 0.88, Limit: 0.95, Seen: 5, Enough: 20, Reason: "too little data: 5 of 20 vendors with e-mail"},
			{Gate: rollout.GateAutomation, Verdict: rollout.Fail, Estimate: 0.69, Limit: 0.95, Seen: 40, Reason: "69 % of the automated steps succeeded, at least 95 % must"},
			{Gate: rollout.GateAPI, Verdict: rollout.Pass, Estimate: 0.001, Limit: 0.05, Seen: 900, Reason: "0.1 % of the API calls took longer than 2 s"},
			{Gate: rollout.GateErrors, Verdict: rollout.Pass, Limit: 0.05, Seen: 900, Reason: "0 % of the API calls failed"},
			{Gate: rollout.GateConversion, Verdict: rollout.Insufficient, Limit: 0.2, Reason: "too little data: 0 of 30 trials that began long enough ago"},
		},
	}
}

// waiting is a judgement where nothing is bad and only the e-mail gate is open, having seen so many vendors.
func waiting(seen int) *rollout.Judgement {
	j := judged()
	j.Gates[0].Seen, j.Gates[1].Verdict = seen, rollout.Pass
	return j
}

// unseen is a judgement by which nothing is bad, and too little was seen.
func unseen() *rollout.Judgement {
	j := judged()
	for i := range j.Gates {
		j.Gates[i].Verdict = rollout.Insufficient
	}
	return j
}

func TestStakeholdersAreToldWhatHappened(t *testing.T) {
	t.Parallel()
	limited := []rollout.Event{enter(rollout.InPhase, 0), enter(rollout.InPhase, 1)}
	after := func(e rollout.Event) []rollout.Event { return append(slices.Clone(limited), e) }
	checks := []rollout.Check{{ID: rollout.CheckBackup, Verdict: rollout.Fail, Reason: "no backup of the last day"}, {ID: rollout.CheckHealth, Verdict: rollout.Pass}}
	restart := rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), Phase: 2, RestartOf: "r0", Times: evidence.Times{Day: 2 * time.Second}}, noon)
	for name, c := range map[string]struct {
		events  []rollout.Event
		kind    Kind
		subject string
		lead    string
		says    []string
	}{
		"started": {nil, NoticeAnnouncement, "Trial rollout begins on 2 March 2026 12:00 UTC",
			"begins on 2 March 2026 12:00 UTC and reaches 100 % of new vendors on 11 March 2026 12:00 UTC",
			[]string{
				"Dates, each the earliest: 4 March 2026 12:00 UTC: phase 2 of 6, limited (10 %)",
				"12 March 2026 12:00 UTC: stability: everything must hold at 100 %", "19 March 2026 12:00 UTC: guard",
				"less than 90 % of the e-mails", "slower by more than 50 %", "more than 20 % of the automated steps or of the API calls fail", "less than 10 % of the ended trials",
				"at most 60 an hour", "Whom to call: Lead developer: anything technical, at any hour", "Whom to call: Management: escalation",
				"Once a day: lead developer, product owner, customer support",
			}},
		"entered 0 %": {limited[:1], NoticePhase, "Trial rollout: phase 1 of 6, 0 % of new vendors", "no vendor is automated yet",
			[]string{"Next: phase 2 of 6, limited (10 %), on 5 March 2026 12:00 UTC at the earliest, once all preflight checks pass or are waived."}},
		"entered 10 %": {limited, NoticePhase, "Trial rollout: phase 2 of 6, 10 % of new vendors",
			"Since 5 March 2026 12:00 UTC the trials of 10 % of new vendors are automated.",
			[]string{"Entered phase 2 of 6", "Next: phase 3 of 6, expansion-25 (25 %), on 7 March 2026 12:00 UTC at the earliest, once the figures are good enough."}},
		"a reminder to judge": {append(after(enter(rollout.InPhase, 2)), rollout.Event{Type: rollout.EventUpdate}), NoticeDaily, "Trial rollout, daily update: 25 %, running", "at 25 %",
			[]string{"For a person to judge: User feedback positive: A reminder: nothing waits for it. Tick it here: /admin/rollout/tick/feedback-positive"}},
		"entered stability": {after(enter(rollout.Stability, 5)), NoticePhase, "Trial rollout: all phases are complete, stability begins at 100 %",
			"everything must hold at 100 % of new vendors until 14 March 2026", []string{"Next: guard"}},
		"daily": {after(rollout.Event{Type: rollout.EventUpdate, Judgement: judged()}), NoticeDaily, "Trial rollout, daily update: 10 %, running",
			"The rollout is at 10 %, in phase 2 of 6, limited (10 %). Its time was over on 7 March 2026 12:00 UTC; it waits for the figures (",
			[]string{
				"Beyond their limits: 2 of 9 figures; 5 are still open.",
				"E-mails delivered, for advancing: too little data: 5 of 20 vendors with e-mail; the rollout waits for it until 7 March 2026 12:00 UTC, and pauses if it is still missing",
				"Ended trials that converted, for rolling back: no data yet; no verdict is possible before 43", "API calls slower than before, for rolling back: cannot be judged",
			}},
		"daily without figures": {after(rollout.Event{Type: rollout.EventUpdate}), NoticeDaily, "Trial rollout, daily update: 10 %, running", "at 10 %",
			[]string{"There are no figures yet.", "Not decidable yet: All figures: there is no judgement yet"}},
		"daily before the first vendor": {[]rollout.Event{enter(rollout.InPhase, 0), {Type: rollout.EventPreflight, Checks: checks}, {Type: rollout.EventUpdate}}, NoticeDaily,
			"Trial rollout, daily update: 0 %, running", "at 0 %", []string{"Open preflight checks: backup: no backup of the last day (FAIL)"}},
		"switched off by itself": {after(rollout.Event{Type: rollout.EventRolledBack, Remedy: rollout.Immediate, Trigger: rollout.TriggerErrors, InFlight: flags.Keep, Enabled: new(false), Percentage: new(0.0),
			Judgement: judged(), Reason: "Rolled back completely: 31 % of the automated steps failed."}), NoticeCritical,
			"Trial rollout: automation was switched off for all vendors",
			"Trial automation was switched off for all vendors on 7 March 2026 12:00 UTC; it was rolled back automatically, because too many automated steps fail.",
			[]string{"Why: Rolled back completely", "What it means: No new vendor is automated, and automated trials are on hold", "What to do next: The lead developer", "Whom to call"}},
		"switched off by hand": {after(rollout.Event{Type: rollout.EventRolledBack, Remedy: rollout.Immediate, InFlight: flags.Release, Enabled: new(false), Percentage: new(0.0), Reason: "Rolled back completely: complaints"}),
			NoticeCritical, "Trial rollout: automation was switched off for all vendors", "it was rolled back by hand.", []string{"complaints.", "continue without automation"}},
		"rolled back by hand, handing over": {after(rollout.Event{Type: rollout.EventRolledBack, Remedy: rollout.Partial, InFlight: flags.Release, Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Enabled: new(true), Percentage: new(10.0),
			Reason: "Rolled back from 25 % to 10 %: complaints"}), NoticeCritical, "Trial rollout: rolled back to 10 % of new vendors", "was rolled back to 10 % of new vendors on 7 March 2026 12:00 UTC, by hand.",
			[]string{"10 % of new vendors are automated from now on. Trials that were already automated continue without automation"}},
		"rolled back while a person has it wait": {append(after(rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByAdmin, By: "ada", Reason: "Paused: lunch"}), rollout.Event{Type: rollout.EventRolledBack, Remedy: rollout.Partial,
			InFlight: flags.Keep, Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 0}, Enabled: new(true), Percentage: new(5.0), Reason: "Rolled back from 10 % to 5 %: complaints"}),
			NoticeCritical, "Trial rollout: rolled back to 5 % of new vendors", "12:00 UTC, by hand.",
			[]string{"What it means: 5 % of new vendors are automated from now on.", "stays paused by hand until somebody resumes it"}},
		"set lower than it was rolled back, handing over": {after(rollout.Event{Type: rollout.EventOverridden, InFlight: flags.Release, Enabled: new(true), Percentage: new(5.0), Reason: "Holding"}),
			NoticeCritical, "Trial rollout: percentage set by hand to 5 %, rollout holds", "set by hand to 5 %", []string{"Trials that were already automated continue without automation"}},
		"rolled back a phase": {after(rollout.Event{Type: rollout.EventRolledBack, Remedy: rollout.Partial, Trigger: rollout.TriggerEmail, InFlight: flags.Keep, Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 0}, Enabled: new(true), Percentage: new(0.0),
			Reason: "Rolled back from 10 % to 0 %: 61 % of the e-mails were delivered."}), NoticeCritical, "Trial rollout: rolled back to 0 % of new vendors",
			"was rolled back to 0 % of new vendors on 7 March 2026 12:00 UTC, automatically, because too few e-mails are delivered.",
			[]string{"No new vendor is automated from now on. Trials that were already automated stay automated.", "before 9 March 2026 12:00 UTC"}},
		"overridden": {after(rollout.Event{Type: rollout.EventOverridden, Enabled: new(true), Percentage: new(40.0), Reason: "Holding: set by hand"}), NoticeCritical,
			"Trial rollout: percentage set by hand to 40 %, rollout holds", "set by hand to 40 % on 7 March 2026", []string{"Alarms still roll it back", "resume"}},
		"delayed": {after(rollout.Event{Type: rollout.EventDelayed, Judgement: waiting(5)}), NoticePhase, "Trial rollout: still at 10 %, waiting for the figures",
			"is still at 10 % of new vendors, in phase 2 of 6, limited (10 %), after twice the time planned for it",
			[]string{
				"What it means: nothing is stopped or rolled back.", "What to do: nothing, as long as", "advance it by hand",
				"E-mails delivered, for advancing: too little data: 5 of 20 vendors with e-mail; the rollout advances by itself once that is there",
			}},
		"delayed without data": {after(rollout.Event{Type: rollout.EventDelayed, Judgement: waiting(0)}), NoticePhase, "Trial rollout: still at 10 %, waiting for the figures", "is still at 10 %",
			[]string{"of some of what is missing below there is no data at all. The DevOps engineer finds out why before 11 March 2026 12:00 UTC, when the rollout pauses.", "until 11 March 2026 12:00 UTC, and pauses"}},
		"paused at the gate": {after(rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByGate, Judgement: judged(), Reason: "Paused at the gate: email."}), NoticeCritical,
			"Trial rollout: paused at 10 %, a figure is not good enough", "has paused at 10 % of new vendors since 7 March 2026 12:00 UTC", []string{"only the next step is on hold"}},
		"too little seen": {after(rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByGate, Judgement: unseen(), Reason: "Paused: twice the phase's time has passed"}), NoticeCritical,
			"Trial rollout: paused at 10 %, too little data to continue", "because after at least twice the phase's time there is too little data", []string{"only the next step is on hold"}},
		"conversion in doubt": {append(after(enter(rollout.Guard, 5)), rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByGate, Reason: "Paused: twice the guard's time has passed"}), NoticeCritical,
			"Trial rollout: paused at 100 %, not certain whether enough trials convert", "it is not certain whether enough trials convert", nil},
		"paused at preflight": {[]rollout.Event{enter(rollout.InPhase, 0), {Type: rollout.EventPaused, Cause: rollout.PausedByPreflight, Reason: "no backup"}}, NoticeCritical,
			"Trial rollout: paused before the first vendor, a preflight check does not pass", "before the first vendor since", []string{"nobody is automated yet", "waive"}},
		"paused by triggers": {after(rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByTriggers, Reason: "again"}), NoticeCritical,
			"Trial rollout: paused at 10 %, another alarm", "another alarm was raised", []string{"Why: again."}},
		"paused by shared fate": {after(rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedBySharedFate, Reason: "Paused: calls fail"}), NoticeCritical,
			"Trial rollout: paused at 10 %, too many API calls fail", "not those about automated vendors alone", []string{"Nothing is rolled back", "the evidence then begins anew"}},
		"paused by outage": {after(rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByOutage, Reason: "mail"}), NoticeCritical,
			"Trial rollout: paused at 10 %, e-mail is down for all vendors", "no vendor's e-mail gets through", []string{"resumes by itself"}},
		"paused by hand": {after(rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByAdmin, Reason: "Paused: holidays"}), NoticePhase,
			"Trial rollout: paused by hand at 10 %", "was paused by hand", []string{"holidays.", "waits for a person"}},
		"resumed": {after(rollout.Event{Type: rollout.EventResumed, Reason: "Resumed: mended"}), NoticePhase, "Trial rollout: resumed at 10 %", "continues since", []string{"Resumed: mended."}},
		"backfill done": {after(rollout.Event{Type: rollout.EventBackfill, Backfill: &rollout.Backfill{Taken: 12, Done: true}}), NoticePhase,
			"Trial rollout: trials that ran without automation are now automated", "12 that had run without automation", nil},
		"final report": {append(after(enter(rollout.Stability, 5)), enter(rollout.Guard, 5)), NoticeFinal, "Trial rollout: final report at 100 % of new vendors",
			"has held at 100 % of new vendors through its 7 days of stability",
			[]string{"Of 12 success criteria", "Success criteria: 100% rollout stable for 7 days: at 100 % since 7 March 2026 12:00 UTC, for 2.0 days (needs 7); a pause or a rollback begins them anew (INSUFFICIENT)", "guard still watches", "Rolled back by alarms: never", "Week 1: daily monitoring review"}},
		"completed": {append(after(enter(rollout.Guard, 5)), rollout.Event{Type: rollout.EventCompleted, Reason: "Completed: the guard is over."}), NoticeReport,
			"Trial rollout: complete at 100 % of new vendors", "is complete since", []string{"the guard is over."}},
		"a restart, in short days": {[]rollout.Event{restart}, NoticeAnnouncement, "Trial rollout continues from 1 March 2026 12:00:02 UTC", "continues from 1 March 2026 12:00:02 UTC", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, e := noticed(c.events...)
			m := MessageFor(s, e)
			require.NotNil(t, m)
			require.Equal(t, c.kind, m.Kind)
			require.Equal(t, c.subject, m.Subject)
			require.Contains(t, m.Lead, c.lead)
			require.Equal(t, fmt.Sprintf("r1/%d", e.Seq), m.Key)
			require.Equal(t, e.At, m.At)
			require.Less(t, utf8.RuneCountInString(m.Subject), 80)
			all := strings.Join(m.Flat(), "\n")
			for _, says := range c.says {
				require.Contains(t, all, says)
			}
			for _, line := range append(m.Flat(), m.Lead) {
				require.NotEmpty(t, line)
				require.NotContains(t, line, "..")
			}
			if e.Judgement != nil {
				require.Len(t, m.Figures, 9)
			}
			require.Len(t, m.Timeline, 8)
		})
	}
}

func TestTheFinalReportHasAdoptedVendorsByThemselves(t *testing.T) {
	t.Parallel()
	s, last := noticed(enter(rollout.Stability, 5), enter(rollout.Guard, 5))
	require.NotContains(t, strings.Join(MessageFor(s, last).Flat(), "\n"), "Adopted vendors")
	last.Judgement = &rollout.Judgement{Adopted: &rollout.AdoptedTally{Vendors: 6, MailDelivered: 36, StepsDone: 35, StepsFailed: 1}}
	require.Contains(t, strings.Join(MessageFor(s, last).Flat(), "\n"), "Adopted vendors: 6 vendors were adopted by the backfill. Since then: 36 e-mails delivered, 0 failed; 35 steps done, 1 failed")
}

func TestOfTheseNobodyIsTold(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]rollout.Event{
		"preflight": {Type: rollout.EventPreflight, Checks: []rollout.Check{{ID: rollout.CheckHealth, Verdict: rollout.Pass}}},
		"ticked":    {Type: rollout.EventTicked, Subject: "feedback-positive", Tick: &rollout.Tick{Met: true}},
		"waived":    {Type: rollout.EventWaived, Subject: rollout.CheckHealth},
		"backfill":  {Type: rollout.EventBackfill, Backfill: &rollout.Backfill{Taken: 3}},
	} {
		s, last := noticed(enter(rollout.InPhase, 0), e)
		require.Nil(t, MessageFor(s, last), name)
	}
}

func TestSubjectsAreShortAtAnyPercentage(t *testing.T) {
	t.Parallel()
	for _, kind := range []rollout.EventType{rollout.EventEntered, rollout.EventUpdate, rollout.EventOverridden, rollout.EventRolledBack, rollout.EventPaused, rollout.EventResumed, rollout.EventCompleted} {
		for _, cause := range []rollout.PauseCause{rollout.PausedByAdmin, rollout.PausedByGate, rollout.PausedByPreflight, rollout.PausedByTriggers, rollout.PausedBySharedFate, rollout.PausedByOutage} {
			s, e := noticed(enter(rollout.InPhase, 1), rollout.Event{Type: kind, Cause: cause, Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 1}, Percentage: new(99.99), Remedy: rollout.Partial})
			m := MessageFor(s, e)
			require.Less(t, utf8.RuneCountInString(m.Subject), 80, m.Subject)
		}
	}
}

func TestFiguresSayHowTheyStand(t *testing.T) {
	t.Parallel()
	var verdicts []rollout.Verdict
	for _, f := range figures(judged()) {
		require.NotEmpty(t, f.Name)
		verdicts = append(verdicts, f.Verdict)
	}
	require.Equal(t, []rollout.Verdict{
		rollout.Insufficient, rollout.Fail, rollout.Pass, rollout.Pass, rollout.Insufficient, // to go on
		rollout.Insufficient, rollout.Fail, rollout.Insufficient, rollout.Insufficient, // to go back: beyond but not certain, raised, no baseline, too few
	}, verdicts)
	f := figures(judged())[5]
	require.Contains(t, f.Reason, "this may still be chance")
	require.Nil(t, figures((*rollout.Judgement)(nil)))
}

// A share of fewer than the plain rule takes is not shown, unless the evidence has decided by them: beside its limit it would be compared.
func TestFiguresOfTooFewTellNothing(t *testing.T) {
	t.Parallel()
	few := rollout.Judgement{
		Triggers: []rollout.TriggerResult{
			{Trigger: rollout.TriggerConversion, Estimate: 1, Limit: 0.1, Seen: 3}, {Trigger: rollout.TriggerErrors, Estimate: 0.5, Limit: 0.2, Seen: 9},
		},
		Gates: []rollout.GateResult{
			{Gate: rollout.GateConversion, Verdict: rollout.Insufficient, Estimate: 1, Limit: 0.2, Seen: 29, Enough: 30},
			{Gate: rollout.GateEmail, Verdict: rollout.Insufficient, Estimate: 1, Limit: 0.95, Seen: 20, Enough: 20},
			{Gate: rollout.GateAutomation, Verdict: rollout.Fail, Estimate: 0, Limit: 0.95, Seen: 8, Enough: 10},
			{Gate: rollout.GateEmail, Verdict: rollout.Pass, Estimate: 0.8, Limit: 0.95, Seen: 19, Enough: 1},
		},
	}
	var telling []bool
	for _, f := range figures(&few) {
		telling = append(telling, f.Telling())
	}
	require.Equal(t, []bool{false, true, true, false, false, false}, telling)
	require.False(t, few.Gates[0].Telling())
	require.False(t, Figure{Estimate: 1}.Telling(), "nothing was seen")
	require.True(t, Figure{Estimate: 1, Seen: 1}.Telling(), "one of before says not how many are needed")
}

func TestTheTimelineShowsWhereItIs(t *testing.T) {
	t.Parallel()
	states := func(events ...rollout.Event) (text string) {
		s, _ := noticed(events...)
		for _, e := range s.Timeline(s.EnteredAt) {
			text += e.State[:2]
			if e.From != nil {
				text += e.From.Format("2")
			}
			text += " "
		}
		return strings.TrimSpace(text)
	}
	gone := []rollout.Event{enter(rollout.InPhase, 0), enter(rollout.InPhase, 1)}
	require.Equal(t, "to2 to4 to6 to8 to10 to11 to12 to19", states())
	require.Equal(t, "pa pr5 to7 to9 to11 to12 to13 to20", states(gone...))
	require.Equal(t, "pa pr5 to to to to to to", states(append(gone, rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByGate})...), "nobody knows for how long")
	require.Equal(t, "pa st no no no no no no", states(append(gone, rollout.Event{Type: rollout.EventRolledBack, Remedy: rollout.Immediate})...))
	require.Equal(t, "pa pa pa pa pa pa pr7 to14", states(append(gone, enter(rollout.Stability, 5))...))
	require.Equal(t, "pa pa pa pa pa pa pa pa", states(append(gone, enter(rollout.Guard, 5), rollout.Event{Type: rollout.EventCompleted})...))
}

func TestWhoIsTold(t *testing.T) {
	t.Parallel()
	require.Equal(t, Roles(), NoticeCritical.Roles())
	require.Equal(t, Roles(), NoticeAnnouncement.Roles())
	require.Equal(t, []Role{LeadDeveloper, ProductOwner, Support}, NoticeDaily.Roles())
	require.Empty(t, Kind("other").Roles())
	for _, k := range []Kind{NoticeAnnouncement, NoticePhase, NoticeDaily, NoticeCritical, NoticeFinal, NoticeReport,
		NoticeDailyReport, NoticeWeeklyReport, NoticeMonthlyReport} {
		require.NotEmpty(t, k.Roles())
		require.NotEmpty(t, k.Why())
	}
	all := []Stakeholder{
		{Role: ProductOwner, Email: "Ana@example.com"},
		{Role: LeadDeveloper, Email: "ana@example.com", Webhook: "https://chat.example.com/a"},
		{Role: Management, Email: "boss@example.com"},
		{Role: Support, Webhook: "https://chat.example.com/A"},
	}
	daily := Recipients(all, NoticeDaily.Roles())
	require.Len(t, daily, 3, "one address is told once; case counts in a webhook")
	require.Equal(t, "Ana@example.com", daily[0].Address)
	require.True(t, daily[1].Webhook)
	for _, r := range daily {
		require.Regexp(t, `^[a-z-]+-[0-9a-f]{12}$`, r.ID)
	}
	require.NotEqual(t, daily[1].ID, daily[2].ID)
	require.Len(t, Recipients(all, NoticeCritical.Roles()), 4)
}

// holding is a rollout in its phase of 10 %, which waits for a person.
func holding(events ...rollout.Event) (rollout.State, rollout.Event) {
	begin := rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), By: "admin", Times: evidence.Times{Day: 24 * time.Hour, TrialDays: 17}}, noon)
	begin.Start.Plan.Phases[1].Criteria = []string{"feedback-positive"}
	s := rollout.Fold([]rollout.Event{begin})
	for i, e := range append([]rollout.Event{enter(rollout.InPhase, 0), enter(rollout.InPhase, 1)}, events...) {
		e.Seq, e.At, e.By = i+2, noon.Add(time.Duration(i+1)*48*time.Hour), flags.Automatic
		s, begin = s.Apply(e), e
	}
	return s, begin
}

func TestANoticeAsksForWhatAPersonMustTick(t *testing.T) {
	t.Parallel()
	well := func() *rollout.Judgement {
		j := judged()
		for i := range j.Gates {
			j.Gates[i].Verdict = rollout.Pass
		}
		return j
	}
	asks := "For a person to judge: User feedback positive: This phase does not end before it is met. Tick it here: https://trials.example/admin/rollout/tick/feedback-positive"
	for name, c := range map[string]struct {
		event   []rollout.Event
		subject string
		says    []string
	}{
		"entered": {nil, "Trial rollout: phase 2 of 6, 10 % of new vendors",
			[]string{asks, "at the earliest, once the figures are good enough and a person has ticked what is named below."}},
		"daily, its time over": {[]rollout.Event{{Type: rollout.EventUpdate, Judgement: well()}}, "Trial rollout, daily update: 10 %, running",
			[]string{asks, "it waits for a person (User feedback positive: ", "Not decidable yet: User feedback positive, for advancing: a person must judge it"}},
		"delayed": {[]rollout.Event{{Type: rollout.EventDelayed, Judgement: well()}}, "Trial rollout: still at 10 %, waiting for a person",
			[]string{asks, "What to do: judge what is named below, and tick it on the dashboard's page: the rollout advances by itself then."}},
		"delayed by figures too": {[]rollout.Event{{Type: rollout.EventDelayed, Judgement: waiting(5)}}, "Trial rollout: still at 10 %, waiting for the figures", []string{asks}},
		"not met": {[]rollout.Event{
			{Type: rollout.EventTicked, Subject: "feedback-positive", Tick: &rollout.Tick{Reason: "Three complaints"}},
			{Type: rollout.EventPaused, Cause: rollout.PausedByGate, Judgement: well(), Reason: "Paused at the gate: feedback-positive: Three complaints."},
		}, "Trial rollout: paused at 10 %, a criterion is not met", []string{"Three complaints"}},
	} {
		m := MessageFor(holding(c.event...)).linkedTo("https://trials.example")
		require.Equal(t, c.subject, m.Subject, name)
		for _, says := range c.says {
			require.Contains(t, strings.Join(append(m.Flat(), m.Lead), "\n"), says, name)
		}
	}
	require.Equal(t, "/admin/rollout/tick/feedback-positive", MessageFor(holding(rollout.Event{Type: rollout.EventDelayed, Judgement: well()})).Page)
	m := MessageFor(holding(rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByGate, Judgement: well()})).linkedTo("https://trials.example")
	require.Contains(t, m.Lead, "nobody has ticked what the plan wants a person to judge")
	require.Contains(t, m.Flat(), asks)
}

// Whoever is asked for finds in the notice where to decide, and whom to call.
func TestWhatAsksForAPersonSaysWhereAndWhom(t *testing.T) {
	t.Parallel()
	people := []Stakeholder{
		{Role: LeadDeveloper, Name: "Ana Lead", Email: "ana@example.com"},
		{Role: DevOps, Name: "Bo Ops", Email: "bo@example.com", Phone: "+1 555 0100"},
		{Role: LeadDeveloper, Webhook: "https://chat.example.com/room"},
	}
	ask := Message{Page: PageEvidence, Sections: append(make([]Section, 0, 2), Section{Title: "Whom to call"})}
	m := ask.Addressed("https://trials.example.com", people)
	require.Equal(t, "https://trials.example.com/admin/evidence", m.Page)
	require.Equal(t, []Section{{Title: "On call", Items: []Item{{Label: "Ana Lead", Text: "Lead developer, ana@example.com"}}}, {Title: "Whom to call"}}, m.Sections)
	require.Equal(t, []Section{{Title: "Whom to call"}}, ask.Sections, "the message that a history holds stays without names")

	people[1].OnCall = true
	m = ask.Addressed("https://trials.example.com/", append(people, people[1]))
	require.Equal(t, []Item{{Label: "Bo Ops", Text: "DevOps engineer, +1 555 0100, bo@example.com"}}, m.Sections[0].Items)
	require.Equal(t, "https://trials.example.com/admin/evidence", m.Page)
	require.Equal(t, "/admin/evidence", ask.Addressed("", nil).Page)
	require.Equal(t, Message{Subject: "daily"}, Message{Subject: "daily"}.Addressed("https://trials.example.com", people))
}

func TestWhichNoticesAskForAPerson(t *testing.T) {
	t.Parallel()
	phase := enter(rollout.InPhase, 1)
	for _, c := range []struct {
		e    rollout.Event
		page string
	}{
		{rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByGate}, PageEvidence},
		{rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByTriggers}, PageEvidence},
		{rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByPreflight}, PageOverview},
		{rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByOutage}, PageOverview},
		{rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByAdmin}, ""},
		{rollout.Event{Type: rollout.EventDelayed}, PageEvidence},
		{rollout.Event{Type: rollout.EventRolledBack, Remedy: rollout.Immediate}, PageOverview},
		{rollout.Event{Type: rollout.EventUpdate}, ""},
	} {
		s, e := noticed(phase, c.e)
		require.Equal(t, c.page, MessageFor(s, e).Page, "%s %s", c.e.Type, c.e.Cause)
	}
}
