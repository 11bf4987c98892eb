package rollout_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// Adopted vendors are evidence like all others, but for their conversions, and are counted by themselves beside.
func TestTheLedgerCountsAdoptedVendorsByThemselves(t *testing.T) {
	t.Parallel()
	plan, at := rollout.DefaultPlan(), time.Date(2026, 3, 12, 10, 0, 0, 0, time.UTC)
	since := at.Add(-time.Hour)
	l := rollout.NewLedger(plan)
	number := 0
	apply := func(adopted bool, outcomes ...rollout.Outcome) rollout.Judgement {
		number++
		for i := range outcomes {
			outcomes[i].At, outcomes[i].Adopted = at.Add(time.Duration(number)*time.Minute), adopted
		}
		s := rollout.Snapshot{
			Number: number, From: at, To: at.Add(time.Duration(number) * 10 * time.Minute), Outcomes: outcomes, Enabled: true, Percentage: 100,
			Position: rollout.Position{StageSeq: 1, Stage: rollout.Stage{Kind: rollout.InPhase, Phase: len(plan.Phases) - 1}, Since: since, Percentage: 100},
		}
		l.Apply(plan, s, trial.RealDay)
		return rollout.Judge(plan, evidence.Times{Day: trial.RealDay, TrialDays: 17}, l, s)
	}
	of := func(kind rollout.OutcomeKind, vendor, key string) rollout.Outcome {
		return rollout.Outcome{Kind: kind, VendorID: vendor, Key: key}
	}
	require.Nil(t, apply(false, of(rollout.Admitted, "a", "a"), of(rollout.StepDone, "a", "a/welcome/0")).Adopted, "nobody was adopted")
	apply(true, of(rollout.Adopted, "c", "c"), of(rollout.Adopted, "d", "d"), of(rollout.StepDone, "c", "c/expiry/0"), of(rollout.StepFailed, "d", "d/expiry/0"),
		of(rollout.MailSent, "c", "c/expiry/0"), of(rollout.MailDelivered, "c", "c/expiry/0"))
	apply(true, of(rollout.MailDelivered, "c", "c/expiry/0"), of(rollout.MailDelivered, "c", "c/reminder-1d/0"))
	apply(true, of(rollout.MailFailed, "c", "c/expiry/0"))
	j := apply(true, of(rollout.MailFailed, "c", "c/expiry/0"), of(rollout.MailFailed, "d", "d/reminder-1d/0"), of(rollout.Converted, "c", "c"), of(rollout.Expired, "d", "d"))
	require.Equal(t, &rollout.AdoptedTally{Vendors: 2, Converted: 1, Expired: 1, MailDelivered: 1, MailFailed: 2, StepsDone: 1, StepsFailed: 1}, j.Adopted)
	require.Equal(t, "2 vendors were adopted by the backfill. Since then: 1 e-mail delivered, 2 failed; 1 step done, 1 failed; 1 conversion, 1 trial expired.", j.Adopted.Sentence())
	require.Empty(t, rollout.AdoptedTally{}.Sentence())
	require.Equal(t, 3, l.Errors.Total().Seen, "one vendor's day each")
	require.Equal(t, 2, l.Email.Total().Seen)
	require.Len(t, l.DayOf, 1, "an adopted vendor's conversion is no evidence")
	require.Zero(t, l.Admissions[0].Converted)
}
