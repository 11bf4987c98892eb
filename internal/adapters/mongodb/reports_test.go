package mongodb

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

func aReport() report.Report {
	at := time.Date(2026, 3, 10, 13, 0, 0, 0, time.UTC)
	return report.Report{
		RolloutID: "r1", ID: "daily-1", Kind: rollout.ReportDaily, Number: 1, From: at.Add(-25 * time.Hour), To: at.Add(-time.Hour), At: at,
		Percentage: 100, Summary: "Day 1", Findings: []string{"About as before."}, Tasks: []string{"daily-monitoring-review"},
		Total: report.Tally{CohortTally: report.CohortTally{Admitted: 3}, P95MS: 120}, Before: report.Tally{CohortTally: report.CohortTally{Admitted: 2}},
		Days: []report.Tally{{CohortTally: report.CohortTally{Admitted: 3}, P95MS: 120}},
		Use:  []report.Use{{What: "trial extended", Times: 2}},
	}
}

func TestAReportIsWrittenOnce(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	ctx := t.Context()
	_, notified, found, err := s.Report(ctx, "r1", "daily-1")
	require.NoError(t, err)
	require.False(t, notified)
	require.False(t, found)
	require.Error(t, s.SetReportNotified(ctx, "r1", "daily-1"), "there is none to tell of")

	stands, err := s.AddReport(ctx, aReport())
	require.NoError(t, err)
	require.Equal(t, aReport(), stands)
	other := aReport()
	other.Summary = "somebody was later"
	stands, err = s.AddReport(ctx, other)
	require.NoError(t, err)
	require.Equal(t, aReport(), stands)

	require.NoError(t, s.SetReportNotified(ctx, "r1", "daily-1"))
	got, notified, found, err := s.Report(ctx, "r1", "daily-1")
	require.NoError(t, err)
	require.True(t, notified)
	require.True(t, found)
	require.Equal(t, aReport(), got)
	_, _, found, err = s.Report(ctx, "r2", "daily-1")
	require.NoError(t, err)
	require.False(t, found)
}

// Whoever writes the record of a rollout that has ended goes on behind the
// others; the state that is stored in the end knows of all of them.
func TestWritersOfARecordGoOnBehindEachOther(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	ctx := t.Context()
	initial := aRollout("r1")
	first := rollout.State{}.Apply(initial)
	_, err := s.AppendDecision(ctx, initial, first)
	require.NoError(t, err)
	const writers = 8
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for state := first; ; {
				e := rollout.Event{Seq: state.Seq + 1, Type: rollout.EventTicked, At: initial.At, By: "admin", Subject: fmt.Sprintf("task-%d", i), Tick: &rollout.Tick{Met: true}}
				existing, err := s.AppendDecision(context.WithoutCancel(ctx), e, state.Apply(e))
				if err != nil || existing == nil {
					if err != nil {
						t.Error(err)
					}
					return
				}
				state = state.Apply(*existing)
			}
		})
	}
	all.Wait()
	state, err := s.Rollout(ctx, "r1")
	require.NoError(t, err)
	require.Len(t, state.Criteria, writers)
	require.Equal(t, writers+1, state.Seq)

	require.NoError(t, s.putRollout(ctx, first), "of a writer who was slow")
	late, err := s.Rollout(ctx, "r1")
	require.NoError(t, err)
	require.Equal(t, state, late)
}

func TestWhatAdminsDoAndWhatEndsIsObserved(t *testing.T) {
	t.Parallel()
	const day = 2 * time.Second
	s := newTestStore(t)
	WithObservations(day)(s)
	began := time.Now()
	state := trial.State{VendorID: "v1", Cohort: trial.Control, Status: trial.Active}
	s.observeEvent(trial.Event{Seq: 7, Type: trial.EventExtended}, state)
	s.observeEvent(trial.Event{Seq: 8, Type: trial.EventRevived}, state)
	state = trial.State{VendorID: "v2", Cohort: trial.Automated, Automated: true, Status: trial.Expired}
	s.observeEvent(trial.Event{Seq: 9, Type: trial.EventStep, Step: &trial.Step{Kind: trial.GraceEnd}, Decision: &trial.Decision{}}, state)
	s.observeEvent(trial.Event{Seq: 10, Type: trial.EventStep, Step: &trial.Step{Kind: trial.Welcome}, Decision: &trial.Decision{Action: trial.Skip, Reason: trial.ReasonOvertaken}}, state)
	var outcomes []rollout.Outcome
	require.Eventually(t, func() bool {
		var err error
		outcomes, _, err = s.Observations(context.WithoutCancel(t.Context()), began.Add(-day), time.Now().Add(2*day), day)
		return err == nil && len(outcomes) == 4
	}, patience, 50*time.Millisecond)
	got := map[rollout.OutcomeKind]string{}
	for _, o := range outcomes {
		got[o.Kind] = o.VendorID + " " + o.Key
	}
	require.Equal(t, map[rollout.OutcomeKind]string{
		rollout.Extended: "v1 v1/7", rollout.Revived: "v1 v1/8", rollout.Expired: "v2 v2", rollout.StepDone: "v2 v2/grace-end/0",
	}, got)
}

// An adopted vendor's outcomes say so, from the adoption on; what it did before says nothing.
func TestAdoptedVendorsAreObservedAsSuch(t *testing.T) {
	t.Parallel()
	const day = 2 * time.Second
	s := newTestStore(t)
	WithObservations(day)(s)
	began := time.Now()
	state := trial.State{VendorID: "v1", Cohort: trial.Control, Status: trial.Expired}
	s.observeEvent(trial.Event{Seq: 1, Type: trial.EventStarted}, state)
	s.observeEvent(trial.Event{Seq: 2, Type: trial.EventConverted}, state)
	state.Automated, state.AdoptedAt = true, &began
	done := trial.Event{Seq: 4, Type: trial.EventStep, Step: &trial.Step{Kind: trial.GraceEnd, At: began.Add(time.Hour)}, Decision: &trial.Decision{}}
	s.observeEvent(trial.Event{Seq: 3, Type: trial.EventAdopted}, state)
	s.observeEvent(done, state)
	s.observeEvent(trial.Event{Seq: 5, Type: trial.EventConverted}, state)
	again := trial.State{VendorID: "v2", Cohort: trial.Automated, Automated: true, AdoptedAt: &began}
	s.observeEvent(trial.Event{Seq: 3, Type: trial.EventAdopted}, again)
	s.observeEvent(trial.Event{Seq: 4, Type: trial.EventConverted}, again)
	claimed, _, err := s.ClaimSend(t.Context(), trial.Send{Key: "v1/grace-end/0", VendorID: "v1", Kind: trial.GraceEnd, Cohort: trial.Adopted, ClaimedAt: began})
	require.NoError(t, err)
	require.True(t, claimed)
	settled, err := s.SettleSend(t.Context(), "v1/grace-end/0", 1, trial.SendResult{Status: trial.SendSent, MessageID: "m"}, began)
	require.NoError(t, err)
	require.Equal(t, trial.Adopted, settled.Cohort)
	_, err = s.SendEvent(t.Context(), "v1/grace-end/0", 1, "m", trial.DeliveryDone, began)
	require.NoError(t, err)
	var got []string
	require.Eventually(t, func() bool {
		outcomes, _, err := s.Observations(context.WithoutCancel(t.Context()), began.Add(-day), time.Now().Add(2*day), day)
		got = nil
		for _, o := range outcomes {
			got = append(got, fmt.Sprintf("%s %s %s %t", o.Kind, o.VendorID, o.Key, o.Adopted))
		}
		return err == nil && len(outcomes) == 7
	}, patience, 50*time.Millisecond)
	require.ElementsMatch(t, []string{
		"adopted v1 v1 true", "step-done v1 v1/grace-end/0 true", "expired v1 v1 true", "converted v1 v1 true",
		"mail-sent v1 v1/grace-end/0 true", "mail-delivered v1 v1/grace-end/0 true", "converted v2 v2 false",
	}, got)
}
