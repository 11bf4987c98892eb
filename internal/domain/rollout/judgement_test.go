package rollout_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
)

var inDays = evidence.Times{Day: day, TrialDays: 17}

// seen is a book that has seen so many vendors, some of whose only e-mail and
// only step failed, and as many calls.
func seen(vendors, bad int) *book {
	b := newBook()
	b.position = inPhase(0, 1, 0)
	b.take(0, calls(slices.Repeat([]time.Duration{100 * time.Millisecond}, 100)...))
	b.position = inPhase(1, 2, 0)
	var outcomes []rollout.Outcome
	c := rollout.Calls{Failed: bad, Took: map[int]int{0: vendors - bad, rollout.TookBucket(3 * time.Second): bad}}
	for v := range vendors {
		reported, step := rollout.MailDelivered, rollout.StepDone
		if v < bad {
			reported, step = rollout.MailFailed, rollout.StepFailed
		}
		id := fmt.Sprintf("v%d", v)
		outcomes = append(outcomes, outcome(step, id, "welcome", time.Minute))
		outcomes = append(outcomes, mailed(id, "welcome", time.Minute, reported)...)
	}
	b.take(time.Hour, c, outcomes...)
	return b
}

func (b *book) judge() rollout.Judgement {
	return rollout.Judge(b.plan, inDays, b.ledger, b.taken[len(b.taken)-1])
}

func alarmOf(t *testing.T, j rollout.Judgement, name rollout.Trigger) rollout.TriggerResult {
	t.Helper()
	i := slices.IndexFunc(j.Triggers, func(a rollout.TriggerResult) bool { return a.Trigger == name })
	require.GreaterOrEqual(t, i, 0)
	return j.Triggers[i]
}

func TestNothingSeenRaisesNothing(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.take(time.Hour, rollout.Calls{})
	j := b.judge()
	require.Equal(t, evidence.FormulaVersion, j.Formula)
	require.Nil(t, j.Firing())
	require.Len(t, j.Triggers, 5)
	for _, a := range j.Triggers {
		require.InDelta(t, 1, a.Evidence, 1e-12, a.Trigger)
		require.False(t, a.Firing)
		require.NotEmpty(t, a.Reason)
		partial := a.Trigger == rollout.TriggerEmail || a.Trigger == rollout.TriggerPerformance
		require.Equal(t, partial, a.Remedy == rollout.Partial, a.Trigger)
	}
	require.Len(t, j.Gates, 5)
	for _, r := range j.Gates {
		require.Equal(t, rollout.Insufficient, r.Verdict, r.Gate)
		require.Equal(t, r, j.GateResult(r.Gate))
	}
	require.Equal(t, rollout.Insufficient, rollout.Judgement{}.GateResult(rollout.GateEmail).Verdict)
}

func TestAlarmsAreRaisedAtTheirEvidence(t *testing.T) {
	t.Parallel()
	needed := map[rollout.Trigger]float64{
		rollout.TriggerEmail: 20, rollout.TriggerErrors: 100,
	}
	for _, name := range []rollout.Trigger{rollout.TriggerEmail, rollout.TriggerErrors} {
		raised := 0
		for bad := range 30 {
			a := alarmOf(t, seen(30, bad).judge(), name)
			require.InDelta(t, needed[name], a.Needed, 1e-9)
			require.Equal(t, a.Evidence >= a.Needed, a.Firing, "%s with %d bad", name, bad)
			require.Equal(t, 30, a.Seen)
			if a.Firing {
				raised++
				require.Contains(t, a.Reason, "chance alone would show this less than once in")
			}
		}
		require.Positive(t, raised, name)
		require.Less(t, raised, 30, name)
	}
	require.InDelta(t, 20, alarmOf(t, seen(1, 0).judge(), rollout.TriggerConversion).Needed, 1e-9)
}

func TestANewEpochNeedsTwiceTheEvidence(t *testing.T) {
	t.Parallel()
	b := seen(30, 0)
	for epoch, needed := range []float64{20, 40, 80} {
		b.position = inPhase(1, 3+epoch, epoch)
		b.take(time.Hour, rollout.Calls{})
		require.InDelta(t, needed, alarmOf(t, b.judge(), rollout.TriggerEmail).Needed, 1e-9)
		require.InDelta(t, 5*needed, alarmOf(t, b.judge(), rollout.TriggerErrors).Needed, 1e-9)
		require.InDelta(t, 20, alarmOf(t, b.judge(), rollout.TriggerConversion).Needed, 1e-9, "its rollback ends the rollout")
	}
}

func TestConversionSaysWhenAVerdictIsPossible(t *testing.T) {
	t.Parallel()
	b := newBook()
	var outcomes []rollout.Outcome
	for v := range 43 {
		outcomes = append(outcomes, outcome(rollout.Admitted, fmt.Sprintf("v%d", v), "", time.Duration(v/30)*day+time.Minute))
	}
	b.take(2*day, rollout.Calls{}, outcomes[:42]...)
	a := alarmOf(t, b.judge(), rollout.TriggerConversion)
	require.Nil(t, a.DecidableFrom, "too few are admitted for anybody to know")
	require.Contains(t, a.Reason, "no verdict is possible before 43 trials have ended")
	b.take(time.Hour, rollout.Calls{}, outcome(rollout.Admitted, "v42", "", 2*day+30*time.Second))
	a = alarmOf(t, b.judge(), rollout.TriggerConversion)
	require.NotNil(t, a.DecidableFrom)
	require.Equal(t, noon.Add(19*day+time.Minute), *a.DecidableFrom, "17 days after the end of the second day")
	require.Contains(t, a.Reason, "on 21 March 2026 12:01 UTC at the earliest")
	b.take(a.DecidableFrom.Sub(b.now)-time.Second, rollout.Calls{})
	require.False(t, alarmOf(t, b.judge(), rollout.TriggerConversion).Firing)
	b.take(2*time.Second, rollout.Calls{})
	a = alarmOf(t, b.judge(), rollout.TriggerConversion)
	require.True(t, a.Firing, a.Reason)
	require.Equal(t, rollout.Immediate, a.Remedy)
	require.Equal(t, 43, a.Seen)
	require.Nil(t, a.DecidableFrom)
}

// At a high limit few trials are enough for an alarm, though not for a rate on its own.
func TestAnAlarmOfFewTrialsGivesTheirRate(t *testing.T) {
	t.Parallel()
	for limit, want := range map[float64]string{
		0.1: "25 trials began long enough ago to have ended; a rate takes at least 30",
		0.3: "0 % of the trials that could have ended converted, at least 30 % must (of 25 trials that began long enough ago)",
	} {
		b := newBook()
		b.plan.Triggers.Conversion = limit
		var outcomes []rollout.Outcome
		for v := range 25 {
			outcomes = append(outcomes, outcome(rollout.Admitted, fmt.Sprintf("v%d", v), "", 0))
		}
		b.take(18*day, rollout.Calls{}, outcomes...)
		a := alarmOf(t, b.judge(), rollout.TriggerConversion)
		require.Equal(t, limit > 0.1, a.Firing)
		require.Contains(t, a.Reason, want)
	}
}

func TestThePlainComparison(t *testing.T) {
	t.Parallel()
	tests := []struct {
		trigger      rollout.Trigger
		limit        float64
		vendors, bad int
		raised       bool
	}{
		{rollout.TriggerEmail, 0.9, 19, 19, false}, {rollout.TriggerEmail, 0.9, 20, 2, false}, {rollout.TriggerEmail, 0.9, 20, 3, true},
		{rollout.TriggerErrors, 0.2, 9, 9, false}, {rollout.TriggerErrors, 0.2, 10, 2, false}, {rollout.TriggerErrors, 0.2, 10, 3, true},
	}
	for _, tt := range tests {
		b := seen(tt.vendors, tt.bad)
		b.plan.Rule = rollout.RuleThreshold
		a := alarmOf(t, b.judge(), tt.trigger)
		require.Equal(t, tt.raised, a.Firing, "%+v", tt)
		require.InDelta(t, tt.limit, a.Needed, 1e-12)
		require.NotContains(t, a.Reason, "chance")
	}
}

func TestTheAlarmThatDecides(t *testing.T) {
	t.Parallel()
	alarm := func(name rollout.Trigger, remedy rollout.Remedy, raised bool) rollout.TriggerResult {
		return rollout.TriggerResult{Trigger: name, Remedy: remedy, Firing: raised}
	}
	j := rollout.Judgement{Triggers: []rollout.TriggerResult{
		alarm(rollout.TriggerEmail, rollout.Partial, true), alarm(rollout.TriggerErrors, rollout.Immediate, false),
		alarm(rollout.TriggerPerformance, rollout.Partial, true), alarm(rollout.TriggerConversion, rollout.Immediate, false),
	}}
	require.Equal(t, rollout.TriggerEmail, j.Firing().Trigger)
	j.Triggers[1].Firing = true
	require.Equal(t, rollout.TriggerErrors, j.Firing().Trigger, "an immediate one comes first")
	j.Outage = &rollout.Outage{Cause: rollout.OutageSESPaused}
	require.Nil(t, j.Firing(), "going back would help nobody")
	j.Triggers[3].Firing = true
	require.Equal(t, rollout.TriggerConversion, j.Firing().Trigger)
}

// After a rollback to 0 % the trials that go on automated are weighed from then on.
func TestAtNothingAfterARollbackFailuresAreSeen(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.position = inPhase(1, 2, 0)
	b.take(time.Hour, rollout.Calls{}, outcome(rollout.StepDone, "old", "welcome", time.Minute))
	b.position = inPhase(0, 3, 1)
	var outcomes []rollout.Outcome
	for v := range 40 {
		outcomes = append(outcomes, outcome(rollout.StepFailed, fmt.Sprintf("v%d", v), "reminder-7d", 2*time.Hour))
	}
	b.take(time.Hour, rollout.Calls{}, outcomes...)
	a := alarmOf(t, b.judge(), rollout.TriggerErrors)
	require.True(t, a.Firing, a.Reason)
	require.Equal(t, 40, a.Seen)
	require.InDelta(t, 200, a.Needed, 1e-9)
	errors := evidence.Evidence{Null: evidence.Null{Limit: 0.2, Side: evidence.TooHigh}}
	errors.Begin(noon)
	errors.ObserveMany(1, 40)
	require.InDelta(t, errors.Log(6), math.Log(a.Evidence), 1e-9, "five phases are to come, each a start")
}
