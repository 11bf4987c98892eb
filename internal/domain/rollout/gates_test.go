package rollout_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
)

// gateCase is what a gate says of so many vendors, or calls, of which some are bad.
type gateCase struct {
	gate         rollout.Gate
	vendors, bad int
	want         rollout.Verdict
	reason       string
}

func (c gateCase) check(t *testing.T, rule rollout.Rule) rollout.GateResult {
	t.Helper()
	b := seen(c.vendors, c.bad)
	b.plan.Rule = rule
	r := b.judge().GateResult(c.gate)
	require.Equal(t, c.want, r.Verdict, "%s, %d of %d bad: %s", c.gate, c.bad, c.vendors, r.Reason)
	require.Contains(t, r.Reason, c.reason)
	require.Equal(t, r.Verdict == rollout.Fail, r.Evidence >= 20)
	if c.gate == rollout.GateEmail {
		e := newEvidence(evidence.Null{Limit: 0.95, Side: evidence.TooLow})
		e.ObserveMany(1, c.vendors-c.bad)
		e.ObserveMany(0, c.bad)
		require.InDelta(t, e.Log(1), math.Log(r.Evidence), near, "a gate weighs its phase alone")
	}
	return r
}

func TestPlainGatesAtTheirEdges(t *testing.T) {
	t.Parallel()
	tests := []gateCase{
		{rollout.GateEmail, 0, 0, rollout.Insufficient, "too little data: 0 of 20 vendors with e-mail"},
		{rollout.GateEmail, 19, 0, rollout.Insufficient, "too little data: 19 of 20 vendors with e-mail"},
		{rollout.GateEmail, 20, 0, rollout.Pass, "100 % of the e-mails were delivered, at least 95 % must; sample: 20 vendors with e-mail"},
		{rollout.GateEmail, 20, 1, rollout.Pass, "95 % of"},
		{rollout.GateEmail, 20, 2, rollout.Insufficient, "this may still be chance"},
		{rollout.GateEmail, 20, 10, rollout.Fail, "50 % of"},
		{rollout.GateEmail, 5, 5, rollout.Fail, "0 % of"},
		{rollout.GateAutomation, 9, 0, rollout.Insufficient, "too little data: 9 of 10 vendors with steps"},
		{rollout.GateAutomation, 10, 0, rollout.Pass, "100 % of the automated steps succeeded"},
		{rollout.GateAutomation, 10, 1, rollout.Insufficient, "may still be chance"},
		{rollout.GateAutomation, 10, 8, rollout.Fail, "20 % of"},
		{rollout.GateAPI, 99, 0, rollout.Insufficient, "too little data: 99 of 100 calls"},
		{rollout.GateAPI, 100, 5, rollout.Pass, "5.0 % of the API calls took longer than 2 s, at most 5.0 % may"},
		{rollout.GateAPI, 100, 6, rollout.Insufficient, "may still be chance"},
		{rollout.GateAPI, 100, 50, rollout.Fail, "50 % of"},
		{rollout.GateErrors, 100, 5, rollout.Pass, "of the API calls failed"},
		{rollout.GateErrors, 100, 6, rollout.Insufficient, "may still be chance"},
		{rollout.GateErrors, 100, 50, rollout.Fail, "50 % of"},
	}
	for _, tt := range tests {
		tt.check(t, rollout.RuleThreshold)
	}
}

func TestProportionalGatesAtTheirEdges(t *testing.T) {
	t.Parallel()
	tests := []gateCase{
		{rollout.GateEmail, 0, 0, rollout.Insufficient, "no data in this phase; one delivered e-mail is needed"},
		{rollout.GateEmail, 1, 0, rollout.Pass, "100 % of the e-mails were delivered, of 1 vendor day with e-mail since the rollout began, which fits a healthy system better than a broken one"},
		{rollout.GateEmail, 1, 1, rollout.Insufficient, "0 % of the e-mails were delivered, of 1 vendor day with e-mail since the rollout began; in this phase one delivered e-mail is needed"},
		{rollout.GateEmail, 6, 1, rollout.Insufficient, "it needs 1 more vendor day with e-mail without a failure, which takes about 0.1 days at the rate of this phase"},
		{rollout.GateEmail, 7, 1, rollout.Pass, "86 % of"},
		{rollout.GateEmail, 20, 10, rollout.Fail, "50 % of the e-mails were delivered, at least 95 % must; sample: 20 vendors"},
		{rollout.GateEmail, 5, 5, rollout.Fail, "0 % of"},
		{rollout.GateAutomation, 0, 0, rollout.Insufficient, "no data in this phase; one automated step that succeeds is needed"},
		{rollout.GateAutomation, 1, 0, rollout.Pass, "100 % of the automated steps succeeded, of 1 vendor day with steps"},
		{rollout.GateAutomation, 5, 1, rollout.Insufficient, "it needs 1 more"},
		{rollout.GateAutomation, 6, 1, rollout.Pass, "83 % of"},
		{rollout.GateAutomation, 10, 8, rollout.Fail, "20 % of"},
		{rollout.GateAPI, 0, 0, rollout.Insufficient, "no data in this phase; one API call is needed"},
		{rollout.GateAPI, 1, 0, rollout.Pass, "0 % of the API calls took longer than 2 s, of 1 call since the rollout began"},
		{rollout.GateAPI, 100, 4, rollout.Pass, "4.0 % of"},
		{rollout.GateAPI, 100, 5, rollout.Insufficient, "it needs 30 more"},
		{rollout.GateAPI, 100, 50, rollout.Fail, "50 % of"},
		{rollout.GateErrors, 100, 4, rollout.Pass, "of the API calls failed"},
		{rollout.GateErrors, 100, 5, rollout.Insufficient, "it needs 30 more"},
		{rollout.GateErrors, 100, 50, rollout.Fail, "50 % of"},
	}
	for _, tt := range tests {
		r := tt.check(t, rollout.RuleEvidence)
		require.Equal(t, 1, r.Enough)
		require.Equal(t, tt.vendors, r.Seen)
		require.Equal(t, tt.want == rollout.Pass, r.Odds > 0 && r.Odds < 1, "%+v: %v", tt, r.Odds)
		require.Equal(t, tt.want == rollout.Pass && !r.Within(), strings.HasSuffix(r.Reason, " % is not ruled out"), r.Reason)
	}
}

// A canary is no vendor: it holds a gate that would pass, and neither fails one nor raises a trigger.
func TestAFailingCanaryHoldsTheGates(t *testing.T) {
	t.Parallel()
	b := seen(20, 0)
	well := b.judge()
	b.taken[len(b.taken)-1].Canary = "the mail service does not accept the e-mail welcome"
	held := b.judge()
	for _, gate := range []rollout.Gate{rollout.GateEmail, rollout.GateAutomation, rollout.GateAPI, rollout.GateErrors} {
		require.Equal(t, rollout.Pass, well.GateResult(gate).Verdict, gate)
		r := held.GateResult(gate)
		require.Equal(t, rollout.Insufficient, r.Verdict, gate)
		require.Contains(t, r.Reason, "a canary must be well again: the mail service does not accept", gate)
		require.InDelta(t, well.GateResult(gate).Evidence, r.Evidence, 0)
	}
	require.Equal(t, well.GateResult(rollout.GateConversion), held.GateResult(rollout.GateConversion))
	require.Equal(t, well.Triggers, held.Triggers)
	b.plan.Rule = rollout.RuleThreshold
	require.Equal(t, rollout.Pass, b.judge().GateResult(rollout.GateEmail).Verdict, "that rule knows no canary")
	for _, bad := range []int{1, 10} {
		b = seen(5, min(bad, 5))
		of := b.judge().Gates
		b.taken[len(b.taken)-1].Canary = "the mail service does not accept the e-mail welcome"
		require.Equal(t, of, b.judge().Gates, "nothing of it passes")
	}
}

// Data of an earlier phase counts in the next one, once that has brought some itself, until the evidence begins anew.
func TestAProportionalGateCountsSinceTheRolloutBegan(t *testing.T) {
	t.Parallel()
	b := seen(7, 1)
	each := func(check func(rollout.GateResult)) {
		for _, gate := range []rollout.Gate{rollout.GateEmail, rollout.GateAutomation, rollout.GateAPI, rollout.GateErrors} {
			check(b.judge().GateResult(gate))
		}
	}
	nothing := func(since string) func(rollout.GateResult) {
		return func(r rollout.GateResult) {
			require.Equal(t, rollout.Insufficient, r.Verdict, "%s: whatever brought data may be broken", r.Gate)
			require.Contains(t, r.Reason, "no data "+since+"; one ")
			require.Zero(t, r.Seen)
		}
	}
	one := func(id string) {
		outcomes := append(mailed(id, "welcome", b.now.Sub(noon), rollout.MailDelivered), outcome(rollout.StepDone, id, "welcome", b.now.Sub(noon)))
		b.take(time.Hour, calls(time.Millisecond), outcomes...)
	}
	b.position = inPhase(2, 3, 0)
	b.take(time.Hour, rollout.Calls{})
	each(nothing("in this phase"))
	b.take(time.Hour, rollout.Calls{}, mailed("lost", "welcome", b.now.Sub(noon), rollout.MailFailed)...)
	r := b.judge().GateResult(rollout.GateEmail)
	require.Contains(t, r.Reason, "of 8 vendor days with e-mail since the rollout began; in this phase one delivered e-mail is needed")
	require.Equal(t, rollout.Insufficient, r.Verdict)
	one("next")
	each(func(r rollout.GateResult) {
		require.GreaterOrEqual(t, r.Seen, 8, r.Gate)
		require.Less(t, r.Evidence, 20.0, "%s fails by the phase alone", r.Gate)
	})
	b.position = inPhase(1, 4, 1)
	b.take(time.Hour, rollout.Calls{})
	each(nothing("since the evidence began anew"))
}

// Until when a gate waits that needs more is told by the rate of its phase.
func TestAnOpenGateSaysHowLongItTakes(t *testing.T) {
	t.Parallel()
	b := seen(6, 1)
	b.take(3*day, rollout.Calls{})
	require.Contains(t, b.judge().GateResult(rollout.GateEmail).Reason, "it needs 1 more vendor day with e-mail without a failure, which takes about 0.5 days at the rate of this phase")
	b.position = inPhase(2, 3, 0)
	b.take(day, rollout.Calls{})
	require.NotContains(t, b.judge().GateResult(rollout.GateEmail).Reason, "at the rate")
}

// The API is compared with itself from before: what is as slow, or fails as often, is no reason to wait.
func TestTheAPIIsComparedWithItsBaseline(t *testing.T) {
	t.Parallel()
	after := func(before, since rollout.Calls) *book {
		b := newBook()
		b.position = inPhase(0, 1, 0)
		b.take(0, before)
		b.position = inPhase(1, 2, 0)
		b.take(time.Hour, since)
		return b
	}
	slow := func(all, bad int) rollout.Calls {
		return rollout.Calls{Failed: bad, Took: map[int]int{0: all - bad, rollout.TookBucket(3 * time.Second): bad}}
	}
	for _, tt := range []struct {
		before, since rollout.Calls
		want          rollout.Verdict
		reason        string
	}{
		{slow(100, 0), slow(100, 6), rollout.Insufficient, "fits a broken system no worse"},
		{slow(100, 6), slow(100, 6), rollout.Pass, "fits a healthy system better"},
		{slow(100, 50), slow(200, 10), rollout.Pass, "fits a healthy system better"},
		{slow(99, 0), slow(100, 6), rollout.Pass, "not judged: before the rollout 99 API calls were seen, 100 are needed to know what is normal"},
		{slow(99, 0), slow(0, 0), rollout.Insufficient, "no data in this phase; one API call is needed"},
		{slow(0, 0), slow(100, 50), rollout.Fail, "50 % of"},
	} {
		for _, gate := range []rollout.Gate{rollout.GateAPI, rollout.GateErrors} {
			r := after(tt.before, tt.since).judge().GateResult(gate)
			require.Equal(t, tt.want, r.Verdict, r.Reason)
			require.Contains(t, r.Reason, tt.reason)
		}
	}
}

func TestTheGatesOfTheAPIHaveFiguresOfTheirOwn(t *testing.T) {
	t.Parallel()
	bad := func(slow, failed int) rollout.Calls {
		return rollout.Calls{Failed: failed, Took: map[int]int{0: 100 - slow, rollout.TookBucket(3 * time.Second): slow}}
	}
	for _, c := range []struct {
		before, since rollout.Calls
		api, errors   rollout.Verdict
	}{
		{bad(0, 6), bad(0, 6), rollout.Pass, rollout.Pass},
		{bad(0, 6), bad(6, 0), rollout.Insufficient, rollout.Pass},
		{bad(6, 0), bad(0, 6), rollout.Pass, rollout.Insufficient},
		{bad(6, 0), bad(6, 0), rollout.Pass, rollout.Pass},
	} {
		b := compared(c.before)
		b.take(time.Hour, c.since)
		require.Equal(t, c.api, b.judge().GateResult(rollout.GateAPI).Verdict, "%+v", c)
		require.Equal(t, c.errors, b.judge().GateResult(rollout.GateErrors).Verdict, "%+v", c)
	}
}

// What is healthy lies on the good side of the plan's own limit, however strict that is.
func TestAStrictPlanHasAStricterGate(t *testing.T) {
	t.Parallel()
	for limit, want := range map[float64]rollout.Verdict{0.90: rollout.Pass, 0.99: rollout.Insufficient} {
		b := seen(100, 4)
		b.plan.Triggers.EmailDelivery = limit
		r := b.judge().GateResult(rollout.GateEmail)
		require.Equal(t, want, r.Verdict, r.Reason)
	}
}

func TestAPlainGateCountsVendorsNotTheirDays(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.plan.Rule = rollout.RuleThreshold
	for range 25 {
		after := b.now.Sub(noon)
		b.take(day, rollout.Calls{}, append(mailed("v", "welcome"+after.String(), after, rollout.MailDelivered), outcome(rollout.StepDone, "v", "welcome"+after.String(), after))...)
	}
	require.Equal(t, "too little data: 1 of 20 vendors with e-mail", b.judge().GateResult(rollout.GateEmail).Reason)
	require.Equal(t, "too little data: 1 of 10 vendors with steps", b.judge().GateResult(rollout.GateAutomation).Reason)
}

// Calls at 0 % make the baseline; a gate there has nothing to compare them with, and keeps the plain rule.
func TestTheAPIsGatesAtNobody(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]rollout.Verdict{99: rollout.Insufficient, 100: rollout.Pass} {
		b := newBook()
		b.position = inPhase(0, 1, 0)
		b.take(time.Hour, calls(slices.Repeat([]time.Duration{time.Millisecond}, n)...), mailed("of before", "welcome", 0, rollout.MailDelivered)...)
		for _, gate := range []rollout.Gate{rollout.GateAPI, rollout.GateErrors} {
			require.Equal(t, want, b.judge().GateResult(gate).Verdict, "%d calls", n)
		}
		r := b.judge().GateResult(rollout.GateEmail)
		require.Equal(t, "no data in this phase; one delivered e-mail is needed", r.Reason, "who was automated before says nothing of nobody")
		require.Zero(t, r.Seen)
		require.Zero(t, r.Estimate)
	}
}

func TestFewVendorsMeetNoCriterion(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]rollout.Verdict{1: rollout.Insufficient, 19: rollout.Insufficient, 20: rollout.Pass} {
		j := seen(n, 0).judge()
		require.Equal(t, rollout.Pass, j.GateResult(rollout.GateEmail).Verdict)
		for _, c := range rollout.JudgeCriteria(rollout.State{Plan: rollout.DefaultPlan()}, &j, noon) {
			if c.ID == "email-delivery" {
				require.Equal(t, want, c.Verdict, c.Reason)
			}
		}
	}
}

func TestAGateThatPassesBelowItsLimitMeetsNoCriterion(t *testing.T) {
	t.Parallel()
	j := seen(20, 2).judge()
	require.Equal(t, rollout.Pass, j.GateResult(rollout.GateEmail).Verdict)
	for _, c := range rollout.JudgeCriteria(rollout.State{Plan: rollout.DefaultPlan()}, &j, noon) {
		if c.ID == "email-delivery" {
			require.Equal(t, rollout.Insufficient, c.Verdict)
			require.Contains(t, c.Reason, "90 % of the e-mails were delivered")
			require.Contains(t, c.Reason, "the criterion asks for at least 95 %")
		}
	}
}

func TestTheConversionGateAtItsEdges(t *testing.T) {
	t.Parallel()
	tests := []struct {
		admitted, converted int
		want                rollout.Verdict
	}{
		{29, 29, rollout.Insufficient},
		{30, 6, rollout.Pass},
		{30, 5, rollout.Insufficient},
		{30, 0, rollout.Fail},
	}
	for _, tt := range tests {
		b := newBook()
		var outcomes []rollout.Outcome
		for v := range tt.admitted {
			id := fmt.Sprintf("v%d", v)
			outcomes = append(outcomes, outcome(rollout.Admitted, id, "", 0))
			if v < tt.converted {
				outcomes = append(outcomes, outcome(rollout.Converted, id, "", time.Hour))
			}
		}
		b.take(18*day-time.Second, rollout.Calls{}, outcomes...)
		require.Equal(t, rollout.Insufficient, b.judge().GateResult(rollout.GateConversion).Verdict, "no trial is over")
		b.take(time.Second, rollout.Calls{})
		r := b.judge().GateResult(rollout.GateConversion)
		require.Equal(t, tt.want, r.Verdict, "%+v: %s", tt, r.Reason)
		b.taken[len(b.taken)-1].Canary = "a canary says nothing of conversion"
		require.Equal(t, r, b.judge().GateResult(rollout.GateConversion))
	}
}
