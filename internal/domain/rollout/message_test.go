package rollout

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// noticed is a rollout that has come as far as the events say.
func noticed(events ...Event) (State, Event) {
	all := append([]Event{Begin(Start{ID: "r1", Plan: DefaultPlan(), By: "admin", Times: Times{Day: 24 * time.Hour, TrialDays: 17}}, noon)}, events...)
	for i := range all {
		all[i].Seq = i + 1
		if all[i].At.IsZero() {
			all[i].At = noon.Add(time.Duration(i) * 48 * time.Hour)
		}
		if all[i].By == "" {
			all[i].By = Automatic
		}
	}
	return Fold(all), all[len(all)-1]
}

func enter(kind StageKind, phase int) Event {
	stage := Stage{kind, phase}
	return Event{Type: EventEntered, Stage: &stage, Enabled: new(true), Percentage: new(DefaultPlan().percentage(stage)),
		Reason: "Entered " + DefaultPlan().name(stage) + "."}
}

// judged is a judgement in which one figure is broken and others are open.
func judged() *Judgement {
	decidable := noon.Add(20 * 24 * time.Hour)
	return &Judgement{
		Position: Position{StageSeq: 3, Stage: Stage{InPhase, 1}, Percentage: 10}, Enabled: true, Percentage: 10,
		Triggers: []TriggerResult{
			{Trigger: TriggerEmail, Remedy: Partial, Estimate: 0.88, Limit: 0.9, Seen: 30, Reason: "88 % of the e-mails were delivered, at least 90 % must be"},
			{Trigger: TriggerErrors, Remedy: Immediate, Firing: true, Estimate: 0.31, Limit: 0.2, Seen: 40, Reason: "31 % of the automated steps failed, at most 20 % may"},
			{Trigger: TriggerPerformance, Remedy: Partial, Evidence: 1, Needed: 20, Seen: 12, Limit: 0.05, Reason: "cannot be judged: there were 12 API calls before the rollout"},
			{Trigger: TriggerConversion, Remedy: Immediate, Limit: 0.1, Reason: "no data yet; no verdict is possible before 43 trials have ended", DecidableFrom: &decidable},
		},
		Gates: []GateResult{
			{Gate: GateEmail, Verdict: Insufficient, Estimate: 0.88, Limit: 0.95, Seen: 5, Enough: 20, Reason: "too little data: 5 of 20 vendors with e-mail"},
			{Gate: GateAutomation, Verdict: Fail, Estimate: 0.69, Limit: 0.95, Seen: 40, Reason: "69 % of the automated steps succeeded, at least 95 % must"},
			{Gate: GateAPI, Verdict: Pass, Estimate: 0.001, Limit: 0.05, Seen: 900, Reason: "0.1 % of the API calls took longer than 2 s"},
			{Gate: GateErrors, Verdict: Pass, Limit: 0.05, Seen: 900, Reason: "0 % of the API calls failed"},
			{Gate: GateConversion, Verdict: Insufficient, Limit: 0.2, Reason: "too little data: 0 of 30 trials that began long enough ago"},
		},
	}
}

// unseen is a judgement by which nothing is bad, and too little was seen.
func unseen() *Judgement {
	j := judged()
	for i := range j.Gates {
		j.Gates[i].Verdict = Insufficient
	}
	return j
}

func TestStakeholdersAreToldWhatHappened(t *testing.T) {
	t.Parallel()
	limited := []Event{enter(InPhase, 0), enter(InPhase, 1)}
	after := func(e Event) []Event { return append(slices.Clone(limited), e) }
	checks := []Check{{ID: CheckBackup, Verdict: Fail, Reason: "no backup of the last day"}, {ID: CheckHealth, Verdict: Pass}}
	restart := Begin(Start{ID: "r1", Plan: DefaultPlan(), Phase: 2, RestartOf: "r0", Times: Times{Day: 2 * time.Second}}, noon)
	for name, c := range map[string]struct {
		events  []Event
		kind    NoticeKind
		subject string
		lead    string
		says    []string
	}{
		"started": {nil, NoticeAnnouncement, "Trial rollout begins on 2 March 2026 12:00 UTC",
			"begins on 2 March 2026 12:00 UTC and reaches 100 % of new vendors on 11 March 2026 12:00 UTC",
			[]string{
				"Dates, each the earliest: 4 March 2026 12:00 UTC: phase 2 of 6, limited (10 %)",
				"12 March 2026 12:00 UTC: stability: everything must hold at 100 %", "19 March 2026 12:00 UTC: guard",
				"less than 90 % of the e-mails", "slower by more than 50 %", "more than 20 % of the automated steps fail", "less than 10 % of the ended trials",
				"at most 60 an hour", "Whom to call: Lead developer: anything technical, at any hour", "Whom to call: Management: escalation",
				"Once a day: lead developer, product owner, customer support",
			}},
		"entered 0 %": {limited[:1], NoticePhase, "Trial rollout: phase 1 of 6, 0 % of new vendors", "no vendor is automated yet",
			[]string{"Next: phase 2 of 6, limited (10 %), on 5 March 2026 12:00 UTC at the earliest, once all preflight checks pass or are waived."}},
		"entered 10 %": {limited, NoticePhase, "Trial rollout: phase 2 of 6, 10 % of new vendors",
			"Since 5 March 2026 12:00 UTC the trials of 10 % of new vendors are automated.",
			[]string{"Entered phase 2 of 6", "Next: phase 3 of 6, expansion-25 (25 %), on 7 March 2026 12:00 UTC at the earliest, once the figures are good enough."}},
		"entered stability": {after(enter(Stability, 5)), NoticePhase, "Trial rollout: all phases are complete, stability begins at 100 %",
			"everything must hold at 100 % of new vendors until 14 March 2026", []string{"Next: guard"}},
		"daily": {after(Event{Type: EventUpdate, Judgement: judged()}), NoticeDaily, "Trial rollout, daily update: 10 %, running",
			"The rollout is at 10 %, in phase 2 of 6, limited (10 %). Its time was over on 7 March 2026 12:00 UTC; it waits for the figures (",
			[]string{
				"Beyond their limits: 2 of 9 figures; 5 are still open.",
				"E-mails delivered, for advancing: too little data: 5 of 20 vendors with e-mail; the rollout waits for it until 9 March 2026 12:00 UTC, and pauses if it is still missing",
				"Ended trials that converted, for rolling back: no data yet; no verdict is possible before 43", "API calls slower than before, for rolling back: cannot be judged",
			}},
		"daily without figures": {after(Event{Type: EventUpdate}), NoticeDaily, "Trial rollout, daily update: 10 %, running", "at 10 %",
			[]string{"There are no figures yet.", "Not decidable yet: All figures: there is no judgement yet"}},
		"daily before the first vendor": {[]Event{enter(InPhase, 0), {Type: EventPreflight, Checks: checks}, {Type: EventUpdate}}, NoticeDaily,
			"Trial rollout, daily update: 0 %, running", "at 0 %", []string{"Open preflight checks: backup: no backup of the last day (FAIL)"}},
		"switched off by itself": {after(Event{Type: EventRolledBack, Remedy: Immediate, Trigger: TriggerErrors, InFlight: Keep, Enabled: new(false), Percentage: new(0.0),
			Judgement: judged(), Reason: "Rolled back completely: 31 % of the automated steps failed."}), NoticeCritical,
			"Trial rollout: automation is switched off for all vendors",
			"Trial automation is switched off for all vendors since 7 March 2026 12:00 UTC; it was rolled back automatically, because too many automated steps fail.",
			[]string{"Why: Rolled back completely", "What it means: No new vendor is automated, and automated trials are on hold", "What to do next: The lead developer", "Whom to call"}},
		"switched off by hand": {after(Event{Type: EventRolledBack, Remedy: Immediate, InFlight: Release, Enabled: new(false), Percentage: new(0.0), Reason: "Rolled back completely: complaints"}),
			NoticeCritical, "Trial rollout: automation is switched off for all vendors", "it was rolled back by hand.", []string{"complaints.", "continue without automation"}},
		"rolled back by hand, handing over": {after(Event{Type: EventRolledBack, Remedy: Partial, InFlight: Release, Stage: &Stage{InPhase, 1}, Enabled: new(true), Percentage: new(10.0),
			Reason: "Rolled back from 25 % to 10 %: complaints"}), NoticeCritical, "Trial rollout: rolled back to 10 % of new vendors", "it was rolled back by hand.",
			[]string{"10 % of new vendors are automated from now on. Trials that were already automated continue without automation"}},
		"rolled back while a person has it wait": {append(after(Event{Type: EventPaused, Cause: PausedByAdmin, By: "ada", Reason: "Paused: lunch"}), Event{Type: EventRolledBack, Remedy: Partial,
			InFlight: Keep, Stage: &Stage{InPhase, 0}, Enabled: new(true), Percentage: new(5.0), Reason: "Rolled back from 10 % to 5 %: complaints"}),
			NoticeCritical, "Trial rollout: rolled back to 5 % of new vendors", "it was rolled back by hand.",
			[]string{"What it means: 5 % of new vendors are automated from now on.", "stays paused by hand until somebody resumes it"}},
		"set lower than it was rolled back, handing over": {after(Event{Type: EventOverridden, InFlight: Release, Enabled: new(true), Percentage: new(5.0), Reason: "Holding"}),
			NoticeCritical, "Trial rollout: percentage set by hand to 5 %, rollout holds", "set by hand to 5 %", []string{"Trials that were already automated continue without automation"}},
		"rolled back a phase": {after(Event{Type: EventRolledBack, Remedy: Partial, Trigger: TriggerEmail, InFlight: Keep, Stage: &Stage{InPhase, 0}, Enabled: new(true), Percentage: new(0.0),
			Reason: "Rolled back from 10 % to 0 %: 61 % of the e-mails were delivered."}), NoticeCritical, "Trial rollout: rolled back to 0 % of new vendors",
			"was rolled back to 0 % of new vendors on 7 March 2026 12:00 UTC, automatically, because too few e-mails are delivered.",
			[]string{"No new vendor is automated from now on. Trials that were already automated stay automated.", "before 9 March 2026 12:00 UTC"}},
		"overridden": {after(Event{Type: EventOverridden, Enabled: new(true), Percentage: new(40.0), Reason: "Holding: set by hand"}), NoticeCritical,
			"Trial rollout: percentage set by hand to 40 %, rollout holds", "set by hand to 40 % on 7 March 2026", []string{"Alarms still roll it back", "resume"}},
		"paused at the gate": {after(Event{Type: EventPaused, Cause: PausedByGate, Judgement: judged(), Reason: "Paused at the gate: email."}), NoticeCritical,
			"Trial rollout: paused at 10 %, a figure is not good enough", "has paused at 10 % of new vendors since 7 March 2026 12:00 UTC", []string{"only the next step is on hold"}},
		"too little seen": {after(Event{Type: EventPaused, Cause: PausedByGate, Judgement: unseen(), Reason: "Paused: twice the phase's time has passed"}), NoticeCritical,
			"Trial rollout: paused at 10 %, too little data to continue", "because after twice the phase's time there is too little data", []string{"only the next step is on hold"}},
		"conversion in doubt": {append(after(enter(Guard, 5)), Event{Type: EventPaused, Cause: PausedByGate, Reason: "Paused: twice the guard's time has passed"}), NoticeCritical,
			"Trial rollout: paused at 100 %, not certain whether enough trials convert", "it is not certain whether enough trials convert", nil},
		"paused at preflight": {[]Event{enter(InPhase, 0), {Type: EventPaused, Cause: PausedByPreflight, Reason: "no backup"}}, NoticeCritical,
			"Trial rollout: paused before the first vendor, a preflight check does not pass", "before the first vendor since", []string{"nobody is automated yet", "waive"}},
		"paused by triggers": {after(Event{Type: EventPaused, Cause: PausedByTriggers, Reason: "again"}), NoticeCritical,
			"Trial rollout: paused at 10 %, another alarm", "another alarm was raised", []string{"Why: again."}},
		"paused by outage": {after(Event{Type: EventPaused, Cause: PausedByOutage, Reason: "mail"}), NoticeCritical,
			"Trial rollout: paused at 10 %, e-mail is down for all vendors", "no vendor's e-mail gets through", []string{"resumes by itself"}},
		"paused by hand": {after(Event{Type: EventPaused, Cause: PausedByAdmin, Reason: "Paused: holidays"}), NoticePhase,
			"Trial rollout: paused by hand at 10 %", "was paused by hand", []string{"holidays.", "waits for a person"}},
		"resumed": {after(Event{Type: EventResumed, Reason: "Resumed: mended"}), NoticePhase, "Trial rollout: resumed at 10 %", "continues since", []string{"Resumed: mended."}},
		"backfill done": {after(Event{Type: EventBackfill, Backfill: &Backfill{Taken: 12, Done: true}}), NoticePhase,
			"Trial rollout: trials that ran without automation are now automated", "12 that had run without automation", nil},
		"final report": {append(after(enter(Stability, 5)), enter(Guard, 5)), NoticeFinal, "Trial rollout: final report at 100 % of new vendors",
			"has held at 100 % of new vendors through its 7 days of stability",
			[]string{"Of 12 success criteria", "Success criteria: 100% rollout stable for 7 days: the stability period is over (PASS)", "guard still watches", "Rolled back by alarms: never", "Week 1: daily monitoring review"}},
		"completed": {append(after(enter(Guard, 5)), Event{Type: EventCompleted, Reason: "Completed: the guard is over."}), NoticeReport,
			"Trial rollout: complete at 100 % of new vendors", "is complete since", []string{"the guard is over."}},
		"a restart, in short days": {[]Event{restart}, NoticeAnnouncement, "Trial rollout continues from 1 March 2026 12:00:02 UTC", "continues from 1 March 2026 12:00:02 UTC", nil},
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

func TestOfTheseNobodyIsTold(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]Event{
		"preflight": {Type: EventPreflight, Checks: []Check{{ID: CheckHealth, Verdict: Pass}}},
		"ticked":    {Type: EventTicked, Subject: "feedback-positive", Tick: &Tick{Met: true}},
		"waived":    {Type: EventWaived, Subject: CheckHealth},
		"backfill":  {Type: EventBackfill, Backfill: &Backfill{Taken: 3}},
	} {
		s, last := noticed(enter(InPhase, 0), e)
		require.Nil(t, MessageFor(s, last), name)
	}
}

func TestSubjectsAreShortAtAnyPercentage(t *testing.T) {
	t.Parallel()
	for _, kind := range []EventType{EventEntered, EventUpdate, EventOverridden, EventRolledBack, EventPaused, EventResumed, EventCompleted} {
		for _, cause := range []PauseCause{PausedByAdmin, PausedByGate, PausedByPreflight, PausedByTriggers, PausedByOutage} {
			s, e := noticed(enter(InPhase, 1), Event{Type: kind, Cause: cause, Stage: &Stage{InPhase, 1}, Percentage: new(99.99), Remedy: Partial})
			m := MessageFor(s, e)
			require.Less(t, utf8.RuneCountInString(m.Subject), 80, m.Subject)
		}
	}
}

func TestFiguresSayHowTheyStand(t *testing.T) {
	t.Parallel()
	var verdicts []Verdict
	for _, f := range judged().figures() {
		require.NotEmpty(t, f.Name)
		verdicts = append(verdicts, f.Verdict)
	}
	require.Equal(t, []Verdict{
		Insufficient, Fail, Pass, Pass, Insufficient, // to go on
		Insufficient, Fail, Insufficient, Insufficient, // to go back: beyond but not certain, raised, no baseline, too few
	}, verdicts)
	f := judged().figures()[5]
	require.Contains(t, f.Reason, "this may still be chance")
	require.Nil(t, (*Judgement)(nil).figures())
}

// A share of fewer than are needed is not shown, unless the evidence has decided by them.
func TestFiguresOfTooFewTellNothing(t *testing.T) {
	t.Parallel()
	few := Judgement{
		Triggers: []TriggerResult{{Trigger: TriggerConversion, Estimate: 1, Limit: 0.1, Seen: 3}},
		Gates: []GateResult{
			{Gate: GateConversion, Verdict: Insufficient, Estimate: 1, Limit: 0.2, Seen: 29, Enough: 30},
			{Gate: GateEmail, Verdict: Insufficient, Estimate: 1, Limit: 0.95, Seen: 20, Enough: 20},
			{Gate: GateAutomation, Verdict: Fail, Estimate: 0, Limit: 0.95, Seen: 8, Enough: 10},
		},
	}
	var tell []bool
	for _, f := range few.figures() {
		tell = append(tell, f.Telling())
	}
	require.Equal(t, []bool{false, true, true, false}, tell)
	require.False(t, few.Gates[0].Telling())
	require.False(t, Figure{Estimate: 1}.Telling(), "nothing was seen")
	require.True(t, Figure{Estimate: 1, Seen: 1}.Telling(), "one of before says not how many are needed")
}

func TestTheTimelineShowsWhereItIs(t *testing.T) {
	t.Parallel()
	states := func(events ...Event) (text string) {
		s, _ := noticed(events...)
		for _, e := range s.Timeline() {
			text += e.State[:2]
			if e.From != nil {
				text += e.From.Format("2")
			}
			text += " "
		}
		return strings.TrimSpace(text)
	}
	gone := []Event{enter(InPhase, 0), enter(InPhase, 1)}
	require.Equal(t, "to2 to4 to6 to8 to10 to11 to12 to19", states())
	require.Equal(t, "pa pr5 to7 to9 to11 to12 to13 to20", states(gone...))
	require.Equal(t, "pa pr5 to to to to to to", states(append(gone, Event{Type: EventPaused, Cause: PausedByGate})...), "nobody knows for how long")
	require.Equal(t, "pa st no no no no no no", states(append(gone, Event{Type: EventRolledBack, Remedy: Immediate})...))
	require.Equal(t, "pa pa pa pa pa pa pr7 to14", states(append(gone, enter(Stability, 5))...))
	require.Equal(t, "pa pa pa pa pa pa pa pa", states(append(gone, enter(Guard, 5), Event{Type: EventCompleted})...))
}

func TestWhoIsTold(t *testing.T) {
	t.Parallel()
	require.Equal(t, Roles(), NoticeCritical.Roles())
	require.Equal(t, Roles(), NoticeAnnouncement.Roles())
	require.Equal(t, []Role{LeadDeveloper, ProductOwner, Support}, NoticeDaily.Roles())
	require.Empty(t, NoticeKind("other").Roles())
	for _, k := range []NoticeKind{NoticeAnnouncement, NoticePhase, NoticeDaily, NoticeCritical, NoticeFinal, NoticeReport,
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
