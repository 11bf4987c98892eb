package rollout_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

func TestTheOutlook(t *testing.T) {
	t.Parallel()
	open, bad := result(rollout.GateEmail, rollout.Insufficient), result(rollout.GateEmail, rollout.Fail)
	outage := func(s rollout.State, now time.Time) *rollout.Judgement {
		j := healthy(s, now)
		j.Outage = &rollout.Outage{Cause: rollout.OutageSESPaused, Since: now}
		return j
	}
	in := func(phase int, judge func(rollout.State, time.Time) *rollout.Judgement, days float64) *life {
		l := initial(t, rollout.DefaultPlan())
		l.toPhase(phase)
		l.judge = judge
		l.days(days)
		return l
	}
	judged := func(days float64) *life {
		plan := rollout.DefaultPlan()
		plan.Phases[1].Criteria = []string{"feedback-positive"}
		l := initial(t, plan)
		l.toPhase(1)
		l.days(days)
		return l
	}
	for name, c := range map[string]struct {
		life              *life
		why, until, needs string
		person            bool
	}{
		"announced": {initial(t, rollout.DefaultPlan()), "Stakeholders were notified of the rollout, and have 1 day to object.", "2 March 2026 12:00 UTC at the earliest", "", false},
		"in a phase": {
			in(1, open, 0.5), "The phase lasts 2 days at least, so that something is seen of 10 % before more vendors are automated.",
			"6 March 2026 12:00 UTC at the earliest", "the time until then must pass; E-mails delivered: so it is", false,
		},
		"waiting for what may come": {
			in(1, waiting(rollout.GateEmail, 3, 4), 3), "Its time was over on 6 March 2026 12:00 UTC, and the figures do not show yet that the next step is safe.",
			"no date is set: it goes on by itself as soon as what is missing is there", "E-mails delivered: so it is", false,
		},
		"waiting without data": {
			in(1, open, 3), "Its time was over on 6 March 2026 12:00 UTC, and the figures do not show yet that the next step is safe.",
			"no date is set: it goes on by itself as soon as what is missing is there; if it is still missing on 10 March 2026 12:00 UTC, the rollout pauses for a decision", "E-mails delivered: so it is", false,
		},
		"waiting for a person": {
			judged(3), "Its time was over on 6 March 2026 12:00 UTC, and nobody has ticked yet what the plan wants a person to judge.", "until a person ticks it; there is no date",
			"User feedback positive: a person must judge it (/admin/rollout/tick/feedback-positive)", true,
		},
		"paused at a gate": {
			in(1, bad, 3), "Paused at the gate. E-mails delivered: so it is.", "until a person decides; there is no date",
			"find the cause of what is said under “Why”, and mend it; then resume it, which begins the phase anew; or advance it, whatever the figures say", true,
		},
		"in an outage": {
			in(1, outage, 0.5), "Paused: the mail service has paused our account, which affects all vendors alike; a rollback would not help.",
			"until e-mail works again; there is no date", "the mail service must accept e-mail again; the rollout then resumes by itself", false,
		},
		"after a rollback": {
			in(5, raising(rollout.TriggerEmail, rollout.Partial), 0.1), "After the rollback it does not advance for a while, so that the effect of the rollback is seen.",
			"at the earliest", "", false,
		},
		"in stability": {in(5, healthy, 2), "Everything must hold at 100 % for 7 days before the final report.", "at the earliest", "", false},
		"in guard":     {in(5, healthy, 9), "The last vendors' trials are not over: only then is it known how many convert.", "at the earliest", "", false},
		"over":         {in(1, raising(rollout.TriggerErrors, rollout.Immediate), 0.5), "", "", "", false},
	} {
		o := c.life.state.OutlookAt(c.life.last, c.life.now)
		require.Equal(t, c.why, o.Why, name)
		require.Contains(t, o.Until, c.until, name)
		require.Equal(t, c.needs, inWords(o.Needs), name)
		require.Equal(t, c.person, o.Person, name)
		require.Equal(t, c.life.state.Status.Final(), o.Next == "", name)
	}
}

func TestTheOutlookBeforeAnybodyIsAdmitted(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(0)
	l.apply(rollout.Event{Seq: l.state.Seq + 1, Type: rollout.EventPreflight, At: l.now, By: "rollout", Checks: []rollout.Check{
		{ID: rollout.CheckHealth, Verdict: rollout.Pass}, {ID: rollout.CheckBackup, Verdict: rollout.Fail, Reason: "no backup"},
	}})
	require.Equal(t, "the time until then must pass; backup: must pass or be waived: no backup", inWords(l.state.OutlookAt(l.last, l.now).Needs))
	l.days(3)
	o := l.state.OutlookAt(l.last, l.now)
	require.True(t, o.Person)
	require.Equal(t, "backup: must pass or be waived: no backup; then resume it", inWords(o.Needs))

	l = initial(t, rollout.DefaultPlan())
	l.toPhase(0)
	l.apply(l.state.CheckedEvent([]rollout.Check{{ID: rollout.CheckBackup, Verdict: rollout.Insufficient, Reason: "no backup"}}, l.now))
	l.days(2)
	o = l.state.OutlookAt(l.last, l.now)
	require.Contains(t, o.Why, "a preflight check is open")
	require.False(t, o.Person, "it runs again by itself")
	require.Contains(t, l.state.SentenceAt(l.last, l.now), "(INSUFFICIENT: no backup), and pauses on 6 March 2026 12:00 UTC if that is still open.")
}

func TestTheOutlookOfWhatAPersonPaused(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(1)
	l.ask(rollout.SignalPause, flags.Request{Reason: "lunch"})
	o := l.state.OutlookAt(l.last, l.now)
	require.True(t, o.Person)
	require.Contains(t, o.Why, "lunch")
	require.Equal(t, "resume it: of the time of phase 2 of 6, limited (10 %) 1.8 days are left then", inWords(o.Needs))
	require.Equal(t, "25 % (phase 3 of 6)", o.Next)
	l.judge = result(rollout.GateEmail, rollout.Insufficient)
	l.days(0.1)
	require.Equal(t, "resume it: of the time of phase 2 of 6, limited (10 %) 1.8 days are left then; E-mails delivered: so it is", inWords(l.state.OutlookAt(l.last, l.now).Needs))

	l = initial(t, rollout.DefaultPlan())
	l.toPhase(1)
	l.judge = result(rollout.GateEmail, rollout.Fail)
	l.days(3)
	l.ask(rollout.SignalPause, flags.Request{Reason: "I look at it"})
	require.Equal(t, "resume it, which begins the phase anew; E-mails delivered: so it is", inWords(l.state.OutlookAt(l.last, l.now).Needs))
}

// What holds all gates is said once.
func TestTheOutlookWhileACanaryHolds(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(1)
	l.judge = func(s rollout.State, now time.Time) *rollout.Judgement {
		j := healthy(s, now)
		for i := range j.Gates[:4] {
			j.Gates[i].Verdict, j.Gates[i].Reason = rollout.Insufficient, "a canary must be well again: no mail"
		}
		return j
	}
	l.days(3)
	o := l.state.OutlookAt(l.last, l.now)
	require.Equal(t, "Its time was over on 6 March 2026 12:00 UTC, and a canary has found something broken.", o.Why)
	require.Equal(t, []rollout.Need{{Text: "a canary must be well again: no mail"}}, o.Needs)
	require.Contains(t, l.state.SentenceAt(l.last, l.now), "it waits for the figures (a canary must be well again: no mail), and")
}

// A gate that fails already is no reason to promise that the phase ends on its date.
func TestTheOutlookOfAGateThatFailsBeforeItsTime(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(1)
	l.judge = result(rollout.GateEmail, rollout.Fail)
	l.days(1)
	o := l.state.OutlookAt(l.last, l.now)
	require.Equal(t, "6 March 2026 12:00 UTC; if what fails now still fails then, it pauses for a decision", o.Until)
	require.Equal(t, noon.Add(4*day), o.At)
	for _, e := range l.state.Timeline(l.now.Add(2 * day)) {
		require.True(t, e.From == nil || e.State == rollout.TimePresent, "nobody knows when a phase begins that should have begun")
	}
}

// Judged long ago, the figures say nothing: it is the watch that is missing.
func TestTheOutlookWithoutAWatch(t *testing.T) {
	t.Parallel()
	l := initial(t, rollout.DefaultPlan())
	l.toPhase(1)
	later := l.now.Add(day)
	require.Contains(t, inWords(l.state.OutlookAt(l.last, later).Needs), "the rollout must be watched again")
	require.NotContains(t, inWords(l.state.OutlookAt(l.last, l.now).Needs), "the rollout must be watched again")
}

func inWords(needs []rollout.Need) string {
	var all []string
	for _, n := range needs {
		if n.Name != "" {
			n.Text = n.Name + ": " + n.Text
		}
		if n.Page != "" {
			n.Text += " (" + n.Page + ")"
		}
		all = append(all, n.Text)
	}
	return strings.Join(all, "; ")
}
