package rollout_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
)

// book builds a ledger from regular snapshots.
type book struct {
	ledger   rollout.Ledger
	plan     rollout.Plan
	position rollout.Position
	now      time.Time
	number   int
	outage   *rollout.Outage
	taken    []rollout.Snapshot
}

func newBook() *book {
	p := rollout.DefaultPlan()
	return &book{ledger: rollout.NewLedger(p), plan: p, now: noon, position: inPhase(1, 1, 0)}
}

// inPhase is a position in a phase of the default plan.
func inPhase(phase, entry, epoch int) rollout.Position {
	return rollout.Position{
		Epoch: epoch, StageSeq: entry, Stage: rollout.Stage{Kind: rollout.InPhase, Phase: phase},
		Percentage: rollout.DefaultPlan().Phases[phase].Percentage,
	}
}

// take takes a snapshot of what happened in so long.
func (b *book) take(lasts time.Duration, calls rollout.Calls, outcomes ...rollout.Outcome) rollout.Snapshot {
	b.number++
	s := rollout.Snapshot{
		Number: b.number, From: b.now, To: b.now.Add(lasts), At: b.now.Add(lasts), Position: b.position,
		Outcomes: outcomes, Calls: calls, Outage: b.outage, Enabled: true, Percentage: b.position.Percentage,
	}
	b.now = s.To
	b.ledger.Apply(b.plan, s, day)
	b.taken = append(b.taken, s)
	return s
}

func outcome(kind rollout.OutcomeKind, vendor, step string, after time.Duration) rollout.Outcome {
	key := vendor
	if step != "" {
		key += "/" + step + "/1"
	}
	return rollout.Outcome{Kind: kind, VendorID: vendor, Key: key, At: noon.Add(after)}
}

// mailed is an e-mail with its report a minute later.
func mailed(vendor, step string, after time.Duration, reported rollout.OutcomeKind) []rollout.Outcome {
	return []rollout.Outcome{outcome(rollout.MailSent, vendor, step, after), outcome(reported, vendor, step, after+time.Minute)}
}

func TestAVendorsDayCountsOnceAsItsFinalShare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := newBook()
		want := newEvidence(evidence.Null{Limit: 0.90, Side: evidence.TooLow})
		wantErrors := newEvidence(evidence.Null{Limit: 0.20, Side: evidence.TooHigh})
		var outcomes []rollout.Outcome
		for v := range rapid.IntRange(1, 5).Draw(t, "vendors") {
			fates := rapid.SliceOfN(rapid.Bool(), 1, 5).Draw(t, "fates")
			good := 0
			for i, fine := range fates {
				after := time.Duration(rapid.IntRange(0, 600).Draw(t, "minute")) * time.Minute
				reported, step := rollout.MailFailed, rollout.StepFailed
				if fine {
					good, reported, step = good+1, rollout.MailDelivered, rollout.StepDone
				}
				vendor := fmt.Sprintf("v%d", v)
				outcomes = append(outcomes, mailed(vendor, fmt.Sprintf("m%d", i), after, reported)...)
				outcomes = append(outcomes, outcome(step, vendor, fmt.Sprintf("m%d", i), after))
			}
			want.ObserveMany(float64(good)/float64(len(fates)), 1)
			wantErrors.ObserveMany(1-float64(good)/float64(len(fates)), 1)
		}
		for hour := range 12 {
			var seen []rollout.Outcome
			for _, o := range outcomes {
				if int(o.At.Sub(noon)/time.Hour) == hour {
					seen = append(seen, o)
				}
			}
			b.take(time.Hour, rollout.Calls{}, seen...)
		}
		require.Equal(t, want.Total().Seen, b.ledger.Email.Total().Seen)
		require.InDelta(t, want.Total().Sum, b.ledger.Email.Total().Sum, near)
		require.InDelta(t, want.Log(5), b.ledger.Email.Log(5), near)
		require.InDelta(t, wantErrors.Log(5), b.ledger.Errors.Log(5), near)
		// However a batch was in order, it comes to the same.
		shuffled := newBook()
		for _, s := range b.taken {
			s.Outcomes = rapid.Permutation(s.Outcomes).Draw(t, "order")
			shuffled.ledger.Apply(shuffled.plan, s, day)
		}
		require.Equal(t, jsonOf(t, b.ledger), jsonOf(t, shuffled.ledger))
	})
}

type fataler interface {
	require.TestingT
	Helper()
}

func jsonOf(t fataler, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func TestReplayIsByteEqual(t *testing.T) {
	t.Parallel()
	b := busy()
	again := rollout.NewLedger(b.plan)
	// As they are stored and read again.
	var stored []rollout.Snapshot
	require.NoError(t, json.Unmarshal([]byte(jsonOf(t, b.taken)), &stored))
	for _, s := range stored {
		again.Apply(b.plan, s, day)
	}
	require.Equal(t, jsonOf(t, b.ledger), jsonOf(t, again))
	last := stored[len(stored)-1]
	times := evidence.Times{Day: day, TrialDays: 17}
	require.Equal(t, jsonOf(t, rollout.Judge(b.plan, times, b.ledger, last)), jsonOf(t, rollout.Judge(b.plan, times, again, last)))
}

func TestASnapshotTakenTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	b := busy()
	before := jsonOf(t, b.ledger)
	for _, s := range slices.Backward(b.taken) {
		b.ledger.Apply(b.plan, s, day)
	}
	require.Equal(t, before, jsonOf(t, b.ledger))
}

// busy is a book in which all kinds of things have happened.
func busy() *book {
	b := newBook()
	b.position = inPhase(0, 1, 0)
	b.take(time.Hour, calls(slices.Repeat([]time.Duration{100 * time.Millisecond}, 200)...))
	b.position = inPhase(1, 2, 0)
	for h := 1; h < 60; h++ {
		after := time.Duration(h) * time.Hour
		if h == 30 {
			b.position = inPhase(2, 3, 0)
		}
		vendor, reported, step := fmt.Sprintf("v%d", h/2), rollout.MailDelivered, rollout.StepDone
		if h%7 == 0 {
			reported, step = rollout.MailFailed, rollout.StepFailed
		}
		outcomes := append(mailed(vendor, fmt.Sprintf("m%d", h), after, reported), outcome(step, vendor, fmt.Sprintf("m%d", h), after),
			outcome(rollout.Admitted, vendor, "", after), outcome(rollout.MailSent, vendor, fmt.Sprintf("silent%d", h), after))
		if h%9 == 0 {
			outcomes = append(outcomes, outcome(rollout.Converted, vendor, "", after+time.Second))
		}
		b.take(time.Hour, rollout.Calls{Failed: h % 2, Took: map[int]int{40: 5, 60: h % 3}}, outcomes...)
	}
	return b
}

func TestSilenceOfOneEMailIsAFailureAndOfTheServiceNone(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.take(time.Hour, rollout.Calls{}, outcome(rollout.MailSent, "v1", "welcome", 0))
	b.take(30*time.Hour, rollout.Calls{})
	require.Zero(t, b.ledger.Email.Total().Seen, "nothing was heard of any e-mail since: that says nothing of this one")
	require.Len(t, b.ledger.Awaited, 1)
	b.take(time.Hour, rollout.Calls{}, mailed("v2", "welcome", 31*time.Hour, rollout.MailDelivered)...)
	require.Equal(t, 2, b.ledger.Email.Total().Seen)
	require.InDelta(t, 1, b.ledger.Email.Total().Sum, 1e-12, "v1's counts as failed")
	require.Empty(t, b.ledger.Awaited)
	require.True(t, b.ledger.EmailVendors["v1"])
	b.take(time.Hour, rollout.Calls{}, outcome(rollout.MailSent, "v3", "welcome", 32*time.Hour))
	b.take(22*time.Hour, rollout.Calls{}, mailed("v4", "welcome", 40*time.Hour, rollout.MailDelivered)...)
	require.Equal(t, 3, b.ledger.Email.Total().Seen, "v3's has not had its day yet")
}

// Of what is reported of an e-mail, in whatever order and however often, the weightiest stands: a failure over a
// delivery, and that over what came back without saying what failed, which alone is a failure, as silence is.
func TestTheWeightiestReportOfAnEMailCounts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		reports := []rollout.OutcomeKind{rollout.MailDelivered, rollout.MailFailed, rollout.MailGeneralBounce}
		want := newEvidence(evidence.Null{Limit: 0.90, Side: evidence.TooLow})
		var all report.Facts
		tally := report.Tally{}
		for v := range rapid.IntRange(1, 4).Draw(t, "vendors") {
			mails, delivered := rapid.IntRange(1, 3).Draw(t, "mails"), 0
			for m := range mails {
				reported := rapid.SliceOfN(rapid.SampledFrom(reports), 0, 4).Draw(t, "reports")
				vendor, step := fmt.Sprintf("v%d", v), fmt.Sprintf("m%d", m)
				all.Outcomes = append(all.Outcomes, outcome(rollout.MailSent, vendor, step, 0))
				for _, kind := range reported {
					all.Outcomes = append(all.Outcomes, outcome(kind, vendor, step, time.Duration(rapid.IntRange(1, 600).Draw(t, "minute"))*time.Minute))
				}
				switch {
				case slices.Contains(reported, rollout.MailFailed):
					tally.MailFailed++
				case slices.Contains(reported, rollout.MailDelivered):
					delivered++
				case len(reported) > 0:
					tally.MailFailed++
				}
				tally.MailSent++
			}
			tally.MailDelivered += delivered
			want.ObserveMany(float64(delivered)/float64(mails), 1)
		}
		want.ObserveMany(1, 1)
		b := newBook()
		for hour := range 30 {
			outcomes := slices.DeleteFunc(slices.Clone(all.Outcomes), func(o rollout.Outcome) bool { return int(o.At.Sub(noon)/time.Hour) != hour })
			if hour == 11 { // the mail service reports
				outcomes = append(outcomes, mailed("other", "welcome", 11*time.Hour, rollout.MailDelivered)...)
			}
			b.take(time.Hour, rollout.Calls{}, outcomes...)
		}
		require.Equal(t, want.Total().Seen, b.ledger.Email.Total().Seen)
		require.InDelta(t, want.Total().Sum, b.ledger.Email.Total().Sum, near)
		require.InDelta(t, want.Log(5), b.ledger.Email.Log(5), near)
		require.InDelta(t, want.Total().Sum, b.ledger.Gates[rollout.GateEmail].Total().Sum, near)
		require.Equal(t, tally, report.TallyOf(all), "a report's figures count silence as nothing")
	})
}

// The report alone proves that it was sent.
func TestAnEMailWhoseSendingIsUnknownCounts(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.take(time.Hour, rollout.Calls{}, append(mailed("v2", "welcome", 2*time.Minute, rollout.MailDelivered), outcome(rollout.MailGeneralBounce, "v1", "welcome", time.Minute))...)
	b.take(25*time.Hour, rollout.Calls{})
	require.Equal(t, 2, b.ledger.Email.Total().Seen)
	require.InDelta(t, 1, b.ledger.Email.Total().Sum, near)
}

// An e-mail that bounces after its vendor's day is closed counts neither again nor twice.
func TestAnEMailMayComeBackAsLongAsItsDayIsOpen(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.take(time.Hour, rollout.Calls{}, outcome(rollout.MailSent, "v1", "welcome", 0), outcome(rollout.MailSent, "v1", "second", 0),
		outcome(rollout.MailDelivered, "v1", "welcome", time.Minute))
	b.take(20*time.Hour, rollout.Calls{}, outcome(rollout.MailDelivered, "v1", "second", 20*time.Hour))
	b.take(26*time.Hour, rollout.Calls{})
	require.InDelta(t, 1, b.ledger.Email.Total().Sum, near)
	b.take(2*time.Hour, rollout.Calls{}, outcome(rollout.MailFailed, "v1", "welcome", 47*time.Hour))
	require.InDelta(t, 0.5, b.ledger.Email.Total().Sum, near)
	b.take(time.Hour, rollout.Calls{}, outcome(rollout.MailFailed, "v1", "second", 49*time.Hour))
	require.Equal(t, 1, b.ledger.Email.Total().Seen)
	require.InDelta(t, 0.5, b.ledger.Email.Total().Sum, near)
}

func TestWhatFellDueAtTheLastMomentIsNotCorrectedInALaterRun(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.take(12*time.Hour, rollout.Calls{}, slices.Concat(
		[]rollout.Outcome{outcome(rollout.MailSent, "v1", "welcome", 0), outcome(rollout.MailSent, "v1", "second", 2*time.Hour)},
		mailed("v2", "welcome", time.Hour, rollout.MailDelivered))...)
	b.take(12*time.Hour, rollout.Calls{}) // v1's welcome falls due as it ends
	require.Equal(t, 2, b.ledger.Email.Total().Seen)
	b.position = inPhase(2, 2, 0)
	b.take(time.Hour, rollout.Calls{}, outcome(rollout.MailDelivered, "v1", "second", 24*time.Hour+time.Minute))
	require.Len(t, b.ledger.Email.Runs, 2)
	require.InDelta(t, 1.5, b.ledger.Email.Runs[0].Sum, 1e-12)
	require.Equal(t, evidence.Run{Since: noon.Add(day)}, b.ledger.Email.Runs[1], "it began after that day was known")
}

func TestAnOutageSaysNothingOfTheRollout(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.take(time.Hour, rollout.Calls{}, append(mailed("v2", "welcome", time.Minute, rollout.MailDelivered), outcome(rollout.MailSent, "v1", "welcome", 0))...)
	b.outage = &rollout.Outage{Cause: rollout.OutageSESRefusesAll, Since: b.now}
	b.take(30*time.Hour, rollout.Calls{},
		outcome(rollout.StepFailed, "v1", "welcome", 2*time.Hour), outcome(rollout.StepDone, "v2", "welcome", 2*time.Hour))
	require.Equal(t, 1, b.ledger.Errors.Total().Seen)
	require.InDelta(t, 0, b.ledger.Errors.Total().Sum, 1e-12)
	require.Len(t, b.ledger.Awaited, 1, "nothing falls due while nothing can be sent")
	b.outage = nil
	b.take(time.Hour, rollout.Calls{}, outcome(rollout.StepFailed, "v3", "welcome", 32*time.Hour))
	require.Equal(t, 2, b.ledger.Errors.Total().Seen)
	require.InDelta(t, 1, b.ledger.Errors.Total().Sum, 1e-12)
}

func TestAnEpochBeginsAnewAndAStageItsGates(t *testing.T) {
	t.Parallel()
	b := newBook()
	failing := func(after time.Duration) []rollout.Outcome {
		return append(mailed("v1", "m"+after.String(), after, rollout.MailFailed), outcome(rollout.StepFailed, "v1", "m"+after.String(), after))
	}
	b.take(time.Hour, rollout.Calls{}, failing(0)...)
	b.position = inPhase(2, 2, 0)
	b.take(25*time.Hour, rollout.Calls{}, failing(25*time.Hour)...)
	require.Len(t, b.ledger.Email.Runs, 2)
	require.Equal(t, 2, b.ledger.Email.Total().Seen)
	require.Equal(t, 1, b.ledger.Gates[rollout.GateEmail].Runs[0].Seen, "a gate judges its own phase")
	require.Len(t, b.ledger.Gates[rollout.GateEmail].Runs, 1)
	b.position = inPhase(1, 3, 1)
	b.take(time.Hour, rollout.Calls{})
	for _, e := range []evidence.Evidence{b.ledger.Email, b.ledger.Errors, b.ledger.Slow} {
		require.Equal(t, []evidence.Run{{Since: noon.Add(26 * time.Hour)}}, e.Runs)
		require.Zero(t, e.Log(5))
	}
	require.Empty(t, b.ledger.EmailVendors)
	b.position = rollout.Position{Epoch: 1, StageSeq: 4, Stage: rollout.Stage{Kind: rollout.Stability, Phase: 5}, Percentage: 100}
	b.take(time.Hour, rollout.Calls{})
	require.Len(t, b.ledger.Email.Runs, 1, "stability is no start of its own")
}

func TestTheBaselineIsFrozenOnceAnybodyIsAdmitted(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.position = inPhase(0, 1, 0)
	b.take(time.Hour, calls(slices.Repeat([]time.Duration{100 * time.Millisecond}, 100)...))
	require.Equal(t, 100, b.ledger.Baseline.Count())
	require.Empty(t, b.ledger.Slow.Runs)
	b.position = inPhase(1, 2, 0)
	b.take(time.Hour, calls(100*time.Millisecond, 160*time.Millisecond, 300*time.Millisecond), outcome(rollout.Admitted, "v1", "", 2*time.Hour))
	require.Equal(t, 100, b.ledger.Baseline.Count())
	require.Equal(t, 3, b.ledger.Slow.Total().Seen)
	require.InDelta(t, 1, b.ledger.Slow.Total().Sum, 1e-12, "160 ms are within half as long again, up to the width of a bucket")
	b.position = inPhase(0, 3, 1)
	b.take(time.Hour, calls(time.Second))
	require.Equal(t, 100, b.ledger.Baseline.Count(), "0 % after a rollback is not how it was before")
}

// A watch comes after a phase was entered, and reads of the time before it.
func TestCallsBeforeThePhaseThatAdmitsAreOfTheBaseline(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.position = inPhase(1, 2, 0)
	b.position.Since = noon.Add(2 * time.Hour)
	b.take(time.Hour, calls(slices.Repeat([]time.Duration{100 * time.Millisecond}, 100)...))
	require.Equal(t, 100, b.ledger.Baseline.Count())
	require.Zero(t, b.ledger.Slow.Total().Seen)
	b.position = inPhase(2, 3, 0)
	b.position.Since = noon.Add(3 * time.Hour)
	b.take(time.Hour, calls(time.Second))
	require.Equal(t, 100, b.ledger.Baseline.Count(), "a phase that admits has begun before")
	require.Equal(t, 1, b.ledger.Slow.Total().Seen)
}

// A watch that stood still reads of both sides at once.
func TestCallsOfThePhaseThatAdmitsAreNotOfTheBaseline(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.position = inPhase(1, 2, 0)
	b.position.Since = noon.Add(time.Minute)
	b.take(time.Hour, calls(slices.Repeat([]time.Duration{100 * time.Millisecond}, 100)...))
	require.Zero(t, b.ledger.Baseline.Count())
}

// An outcome may be written down, and so be read, after the stage has begun that came after it.
func TestWhatIsHeardOfLateBelongsToTheStageBefore(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.take(time.Hour, rollout.Calls{})
	b.position = inPhase(2, 2, 0)
	b.position.Since = noon.Add(time.Hour)
	b.take(time.Hour, rollout.Calls{})
	late := append(mailed("v1", "welcome", 30*time.Minute, rollout.MailFailed), outcome(rollout.StepFailed, "v1", "welcome", 30*time.Minute))
	b.take(time.Hour, rollout.Calls{}, late...)
	for name, e := range map[string]evidence.Evidence{"email": b.ledger.Email, "errors": b.ledger.Errors} {
		require.Len(t, e.Runs, 2, name)
		require.Equal(t, 1, e.Runs[0].Seen, name)
		require.Zero(t, e.Runs[1].Seen, name)
	}
	require.Zero(t, b.ledger.Gates[rollout.GateEmail].Runs[0].Seen)
}

func TestConversionsCountOnceOnTheDayOfAdmission(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.take(3*day, rollout.Calls{},
		outcome(rollout.Admitted, "v1", "", time.Hour), outcome(rollout.Admitted, "v1", "", 2*time.Hour),
		outcome(rollout.Admitted, "v2", "", 2*day+2*time.Hour), outcome(rollout.Converted, "v2", "", 2*day+3*time.Hour),
		outcome(rollout.Converted, "v2", "", 2*day+4*time.Hour), outcome(rollout.Converted, "stranger", "", time.Hour))
	require.Equal(t, []evidence.AdmissionDay{{Day: 0, Admitted: 1}, {Day: 1}, {Day: 2, Admitted: 1, Converted: 1}}, b.ledger.Admissions)
	require.Equal(t, noon.Add(time.Hour), b.ledger.Since)
	require.Equal(t, map[string]int{"v1": 0}, b.ledger.DayOf)
}

// As in the figure and the alert: trials that were cancelled, and conversions that are not tracked, are left out.
func TestConversionLeavesOutWhatTheFigureLeavesOut(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.take(time.Hour, rollout.Calls{},
		outcome(rollout.Admitted, "v1", "", 0), outcome(rollout.Admitted, "v2", "", 0), outcome(rollout.Admitted, "v3", "", 0), outcome(rollout.Admitted, "v4", "", 0))
	for i, tt := range []struct {
		kind      rollout.OutcomeKind
		vendor    string
		admitted  int
		converted int
	}{
		{rollout.Cancelled, "v1", 3, 0},
		{rollout.Cancelled, "v1", 3, 0},
		{rollout.Admitted, "v1", 3, 0},
		{rollout.Cancelled, "stranger", 3, 0},
		{rollout.Revived, "v1", 4, 0},
		{rollout.Revived, "v2", 4, 0},
		{rollout.Untracked, "v2", 3, 0},
		{rollout.Revived, "v2", 3, 0},
		{rollout.Cancelled, "v3", 2, 0},
		{rollout.Converted, "v3", 3, 1},
		{rollout.Cancelled, "v3", 3, 1},
	} {
		b.take(time.Hour, rollout.Calls{}, outcome(tt.kind, tt.vendor, "", time.Duration(i+1)*time.Hour))
		require.Equal(t, []evidence.AdmissionDay{{Admitted: tt.admitted, Converted: tt.converted}}, b.ledger.Admissions, "%d: %s %s", i, tt.kind, tt.vendor)
	}
	require.Empty(t, b.ledger.LeftOut)
}

func TestALedgerForgetsDaysThatCannotChange(t *testing.T) {
	t.Parallel()
	b := newBook()
	b.take(time.Hour, rollout.Calls{}, append(mailed("v1", "welcome", 0, rollout.MailDelivered), outcome(rollout.StepDone, "v1", "welcome", 0))...)
	require.Len(t, b.ledger.EmailDays, 1)
	require.Len(t, b.ledger.StepDays, 1)
	b.take(3*day, rollout.Calls{})
	require.Empty(t, b.ledger.EmailDays)
	require.Empty(t, b.ledger.StepDays)
	require.Equal(t, 1, b.ledger.Email.Total().Seen, "what they came to stays")
}

// A rollback falls into the middle of a snapshot: what became known before it
// does not speak against what comes after.
func TestWhatWasKnownBeforeAStageBelongsToTheOneBefore(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	plan, at := rollout.DefaultPlan(), time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	failures := func(who string, from time.Time) (outcomes []rollout.Outcome) {
		for i := range 30 {
			vendor := fmt.Sprintf("%s%02d", who, i)
			key := vendor + "/welcome/0"
			outcomes = append(outcomes,
				rollout.Outcome{Kind: rollout.MailSent, VendorID: vendor, Key: key, At: from},
				rollout.Outcome{Kind: rollout.MailFailed, VendorID: vendor, Key: key, At: from.Add(time.Second)})
		}
		return outcomes
	}
	l := rollout.NewLedger(plan)
	in := func(entry, epoch int, since time.Time) rollout.Position {
		return rollout.Position{StageSeq: entry, Epoch: epoch, Since: since, Stage: rollout.Stage{Kind: rollout.InPhase, Phase: 2}, Percentage: 25}
	}
	l.Apply(plan, rollout.Snapshot{Number: 1, From: at, To: at.Add(time.Hour), Position: in(1, 0, at)}, day)
	back := at.Add(90 * time.Minute)
	l.Apply(plan, rollout.Snapshot{Number: 2, From: at.Add(time.Hour), To: at.Add(2 * time.Hour), Position: in(2, 1, back), Outcomes: failures("a", at.Add(61*time.Minute))}, day)
	require.Zero(t, l.Email.Total().Seen)
	require.Equal(t, back, l.Email.Total().Since)
	l.Apply(plan, rollout.Snapshot{Number: 3, From: at.Add(2 * time.Hour), To: at.Add(3 * time.Hour), Position: in(2, 1, back), Outcomes: failures("b", at.Add(121*time.Minute))}, day)
	require.Equal(t, 30, l.Email.Total().Seen)
}

// noon is the time that tests count from.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// near is the tolerance for two ways of adding up the same logarithms.
const near = 1e-6

func newEvidence(n evidence.Null) evidence.Evidence {
	e := evidence.Evidence{Null: n}
	e.Begin(noon)
	return e
}
