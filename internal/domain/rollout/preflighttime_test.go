package rollout_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

func TestNobodyIsAdmittedBeforeThePreflight(t *testing.T) {
	t.Parallel()
	fresh := func() *life {
		l := &life{t: t, now: noon.Add(-day), judge: healthy}
		l.apply(rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), Times: inDays, By: "owner"}, l.now))
		return l
	}
	l := fresh()
	l.until(noon.Add(10 * day))
	require.Equal(t, []string{"paused phase/0 0% day 5"}, l.of(rollout.EventPaused), "it was never made")

	l = fresh()
	l.apply(rollout.Event{Seq: 2, Type: rollout.EventPreflight, At: l.now, By: "rollout", Checks: []rollout.Check{
		{ID: rollout.CheckBackup, Verdict: rollout.Fail, Reason: "there is none"},
	}})
	l.until(noon.Add(10 * day))
	require.Equal(t, []string{"paused phase/0 0% day 3"}, l.of(rollout.EventPaused))
	var conflict *trial.Error
	_, err := l.state.Request(rollout.SignalAdvance, flags.Request{Reason: "now"}, nil, l.now)
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, "preflight check backup is FAIL: there is none; waive it first", err.Error())
	l.ask(rollout.SignalWaive, flags.Request{Subject: rollout.CheckBackup, Reason: "made by hand"})
	require.Equal(t, "made by hand", l.state.Checks[0].WaiverReason)
	l.apply(rollout.Event{Seq: l.state.Seq + 1, Type: rollout.EventPreflight, At: l.now, By: "rollout", Checks: []rollout.Check{
		{ID: rollout.CheckBackup, Verdict: rollout.Fail},
	}})
	require.Equal(t, "owner", l.state.Checks[0].WaivedBy, "a waiver outlasts another preflight")
	l.ask(rollout.SignalResume, flags.Request{})
	l.days(1)
	require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: 1}, l.state.Stage)
}

// A restart past the phase of 0 %, or a plan without one, admits from its first
// phase on: its preflight is made while stakeholders have their notice.
func TestARestartIsPreparedInItsNotice(t *testing.T) {
	t.Parallel()
	fresh := func() *life {
		l := &life{t: t, now: noon.Add(-day), judge: healthy}
		l.apply(rollout.Begin(rollout.Start{ID: "r2", RestartOf: "r1", Phase: 2, Plan: rollout.DefaultPlan(), Times: inDays, By: "owner"}, l.now))
		return l
	}
	checked := func(l *life, v rollout.Verdict) {
		l.apply(l.state.CheckedEvent([]rollout.Check{{ID: rollout.CheckBackup, Verdict: v, Reason: "so it is"}}, l.now))
	}
	l := fresh()
	require.True(t, l.state.PreflightDue(l.now))
	l.days(1.5)
	require.Equal(t, rollout.Stage{Kind: rollout.Notice, Phase: 2}, l.state.Stage, "its notice is over, and it waits for the preflight")
	_, err := l.state.Request(rollout.SignalAdvance, flags.Request{Reason: "now"}, nil, l.now)
	require.ErrorContains(t, err, "preflight check preflight is INSUFFICIENT: has not run yet; waive it first")
	checked(l, rollout.Pass)
	require.False(t, l.state.PreflightDue(l.now))
	l.days(0.1)
	require.Equal(t, []string{"entered phase/2 25% day 1.5"}, l.of(rollout.EventEntered))

	l = fresh()
	checked(l, rollout.Insufficient)
	l.days(5)
	require.Equal(t, []string{"paused notice/2 0% day 2"}, l.of(rollout.EventPaused, rollout.EventEntered), "after twice its time")
	l.ask(rollout.SignalWaive, flags.Request{Subject: rollout.CheckBackup})
	l.ask(rollout.SignalResume, flags.Request{})
	l.days(0.1)
	require.Equal(t, rollout.Stage{Kind: rollout.InPhase, Phase: 2}, l.state.Stage)

	p := rollout.DefaultPlan()
	p.NoticeDays, p.Phases = 0, p.Phases[1:]
	l = &life{t: t, now: noon, judge: healthy}
	l.apply(rollout.Begin(rollout.Start{ID: "r3", Plan: p, Times: inDays, By: "owner"}, l.now))
	l.days(0.9)
	require.Equal(t, rollout.Running, l.state.Status, "without a notice the preflight still has a day")
	require.Equal(t, rollout.Stage{Kind: rollout.Notice}, l.state.Stage)
	l.days(0.2)
	require.Equal(t, rollout.PausedByPreflight, l.state.Pause.Cause)

	const short = 2 * time.Second
	l = &life{t: t, now: noon, judge: healthy}
	l.apply(rollout.Begin(rollout.Start{ID: "r4", Plan: p, Times: evidence.Times{Day: short, TrialDays: 17}, By: "owner"}, l.now))
	checked(l, rollout.Insufficient)
	e, _ := l.state.Next(nil, l.now.Add(22*time.Second))
	require.Nil(t, e, "however short a day is, the watch is waited for, also where it died with a worker")
	e, _ = l.state.Next(nil, l.now.Add(23*time.Second))
	require.Equal(t, rollout.PausedByPreflight, e.Cause)

	l = initial(t, rollout.DefaultPlan())
	require.False(t, rollout.Fold(l.events[:1]).PreflightDue(l.now), "a phase of 0 % comes first, and makes it then")
}

// What has passed at the start may be broken as the first vendor is about to be admitted.
func TestThePreflightRunsAgainBeforeTheFirstVendor(t *testing.T) {
	t.Parallel()
	for verdict, want := range map[rollout.Verdict]rollout.Status{rollout.Pass: rollout.Running, rollout.Fail: rollout.Paused} {
		l := initial(t, rollout.DefaultPlan())
		l.days(1.5)
		require.Equal(t, rollout.Stage{Kind: rollout.InPhase}, l.state.Stage)
		require.False(t, l.state.PreflightDue(l.now), "it has passed")
		ends := l.state.StageEnds()
		require.False(t, l.state.PreflightDue(ends.Add(-time.Second)))
		require.True(t, l.state.PreflightDue(ends))
		l.now = ends
		l.apply(l.state.CheckedEvent([]rollout.Check{{ID: rollout.CheckCanary, Verdict: verdict, Reason: "no e-mail leaves"}}, ends))
		l.last = healthy(l.state, ends)
		l.settle(nil)
		require.Equal(t, want, l.state.Status, verdict)
		require.False(t, l.state.PreflightDue(ends.Add(30*day)), "a person decides, or vendors are admitted")
	}
}

func TestThePreflightOfANoticeDoesNotAskForTheFlags(t *testing.T) {
	t.Parallel()
	facts := rollout.PreflightFacts{Now: noon, Judged: &rollout.Judgement{At: noon}, MailAnswers: true, MayMail: true}
	ids := func(s rollout.State) (all []string) {
		for _, c := range rollout.Preflight(s, facts) {
			all = append(all, fmt.Sprintf("%s %s", c.ID, c.Verdict))
		}
		return all
	}
	start := rollout.Start{ID: "r2", RestartOf: "r1", Phase: 2, Plan: rollout.DefaultPlan(), Times: inDays, By: "owner"}
	restarted := rollout.Fold([]rollout.Event{rollout.Begin(start, noon)})
	require.Equal(t, []string{"migration PASS", "health PASS", "monitoring PASS", "dashboards INSUFFICIENT", "flags FAIL", "backup INSUFFICIENT", "conversion PASS"}, ids(restarted))
	restarted.Stage.Kind = rollout.InPhase
	require.Equal(t, []string{"migration PASS", "health PASS", "monitoring PASS", "dashboards INSUFFICIENT", "flags FAIL", "backup INSUFFICIENT", "conversion PASS"}, ids(restarted))
}

func TestATickOfTheDashboardsEndsThePreflightsWait(t *testing.T) {
	t.Parallel()
	l := &life{t: t, now: noon.Add(-day), judge: healthy}
	l.apply(rollout.Begin(rollout.Start{ID: "r1", Plan: rollout.DefaultPlan(), Times: inDays, By: "owner"}, l.now))
	l.days(1.5)
	dashboards := func() rollout.CriterionResult { return rollout.JudgeCriteria(l.state, nil, l.now)[0] }
	check := func(answers ...rollout.DashboardAnswer) {
		facts := rollout.PreflightFacts{
			Now: l.now, Flags: flags.Initial(), Judged: &rollout.Judgement{At: l.now}, MailAnswers: true, MayMail: true,
			Backup: rollout.BackupFacts{Kept: true, Answers: true, Full: l.now}, Dashboards: answers,
		}
		l.apply(l.state.CheckedEvent(rollout.Preflight(l.state, facts), l.now))
	}
	require.Equal(t, "a person must judge it", dashboards().Reason)
	check()
	require.Contains(t, dashboards().Reason, "look at each of them")
	require.False(t, l.state.PreflightDue(l.now.Add(time.Minute)))
	l.ask(rollout.SignalTick, flags.Request{Subject: "dashboards-operational", Met: true, Reason: "Looked at each"})
	require.True(t, l.state.PreflightDue(l.now.Add(time.Minute)), "it has an answer to give")
	check()
	require.Equal(t, "Preflight passed.", l.events[len(l.events)-1].Reason)
	require.False(t, l.state.PreflightDue(l.now.Add(day)))
	l.ask(rollout.SignalTick, flags.Request{Subject: "dashboards-operational", Reason: "One is empty"})
	require.True(t, l.state.PreflightDue(l.now.Add(time.Minute)), "who says that they do not work has the last word, also later")
	check()
	require.Contains(t, l.events[len(l.events)-1].Reason, "check dashboards is FAIL: owner has judged them: One is empty")
	l.ask(rollout.SignalTick, flags.Request{Subject: "dashboards-operational", Met: true, Reason: "It is full"})
	check()
	require.Equal(t, rollout.Pass, dashboards().Verdict)

	l.state.Criteria = nil
	check(rollout.DashboardAnswer{Name: "grafana:3000", Status: 200})
	require.Equal(t, rollout.Pass, dashboards().Verdict, "it says itself that it works")
	require.Equal(t, "these say that they work: grafana:3000", dashboards().Reason)
}
