package activities_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/memory"
)

// watched is what a watch reads and writes: a rollout in its phase of 25 %, which only a person or the vendors' answers let on.
type watched struct {
	*memory.Store
	ledger    rollout.Ledger
	snapshots map[int]rollout.Snapshot
	signaled  []rollout.Judgement
	// outcomes is how many became known in an interval; nil for none in any.
	outcomes func(interval int64) int
}

func newWatched(answers ...feedback.Answer) *watched {
	plan := rollout.DefaultPlan()
	plan.Phases[2].Criteria, plan.Phases[2].Gates = []string{"feedback-positive"}, nil
	began := now.Add(-3 * realDay)
	w := &watched{Store: memory.NewStore(), snapshots: map[int]rollout.Snapshot{}}
	w.Rollout = []rollout.Event{
		rollout.Begin(rollout.Start{ID: "r1", Plan: plan, Times: evidence.Times{Day: realDay, TrialDays: 17}, By: "owner"}, began),
		{Seq: 2, Type: rollout.EventEntered, At: began, Stage: &rollout.Stage{Kind: rollout.InPhase, Phase: 2}, Enabled: new(true), Percentage: new(25.0)},
		{Seq: 3, Type: rollout.EventUpdate, At: now.Add(-time.Hour)},
	}
	w.Document.FeatureFlags.TrialAutomation.Enabled, w.Document.FeatureFlags.TrialAutomation.RolloutPercentage = true, 25
	for i, a := range answers {
		w.Answers[fmt.Sprintf("v%d", i)] = map[string]feedback.Answer{a.Kind: a}
	}
	return w
}

func (w *watched) Ledger(context.Context, string) (rollout.Ledger, bool, error) {
	return w.ledger, w.Store.Judged != nil, nil
}

func (w *watched) PutLedger(_ context.Context, _ string, l rollout.Ledger, j rollout.Judgement) error {
	w.ledger, w.Store.Judged = l, &j
	return nil
}

func (w *watched) PutTimeSeries(context.Context, string, rollout.TimeSeries) error { return nil }

func (w *watched) AddSnapshot(_ context.Context, s rollout.Snapshot) (rollout.Snapshot, error) {
	w.snapshots[s.Number] = s
	return s, nil
}

func (w *watched) Snapshot(_ context.Context, _ string, number int) (rollout.Snapshot, bool, error) {
	s, found := w.snapshots[number]
	return s, found, nil
}

func (w *watched) Observations(_ context.Context, from, _ time.Time, day time.Duration) (seen []rollout.Outcome, c rollout.Calls, err error) {
	if w.outcomes == nil {
		return nil, c, nil
	}
	interval := rollout.Interval(from, day)
	for i := range w.outcomes(interval) {
		id := fmt.Sprintf("v%d-%d", interval, i)
		seen = append(seen, rollout.Outcome{Kind: rollout.MailSent, VendorID: id, Key: id + "/welcome/0", At: from})
	}
	return seen, c, nil
}

func (w *watched) SendingEnabled(context.Context) (bool, error) { return true, nil }

func (w *watched) AllRefused(time.Time) time.Time { return time.Time{} }

func (w *watched) Judged(_ context.Context, j rollout.Judgement) error {
	w.signaled = append(w.signaled, j)
	return nil
}

func (w *watched) watch(t *testing.T) activities.Watched {
	t.Helper()
	watch := &activities.Watch{
		Store: w, Account: w, RolloutSignaler: w, Day: realDay, Settled: time.Second, Now: func() time.Time { return now }, Log: zap.NewNop(),
	}
	done, err := watch.Watch(t.Context())
	require.NoError(t, err)
	return done
}

func given(n int, helpful bool, phase feedback.Phase, cohort trial.Cohort) (answers []feedback.Answer) {
	for range n {
		answers = append(answers, feedback.Answer{Kind: "welcome", Helpful: helpful, Text: "private", At: now, Phase: phase, Cohort: cohort})
	}
	return answers
}

// After an outage, or at many e-mails a second, a watch takes several snapshots, each as large as one may be, and judges the last.
func TestAWatchIsBoundedByItsOutcomes(t *testing.T) {
	t.Parallel()
	w := newWatched()
	w.outcomes = func(interval int64) int {
		switch interval - rollout.Interval(now.Add(-3*realDay), realDay) {
		case 2, 3, 4, 5, 6, 7:
			return 12_000
		case 9:
			return 40_000 // alone more than one may have
		}
		return 0
	}
	done := w.watch(t)
	var read []int
	seen := map[string]bool{}
	for number := 1; number <= len(w.snapshots); number++ {
		s := w.snapshots[number]
		read = append(read, len(s.Outcomes))
		for _, o := range s.Outcomes {
			require.False(t, seen[o.Key], "%s twice", o.Key)
			seen[o.Key] = true
		}
		if before, found := w.snapshots[number-1]; found {
			require.Equal(t, before.To, s.From)
		}
	}
	require.Equal(t, []int{24_000, 24_000, 24_000, 40_000}, read)
	require.Equal(t, len(read), done.Snapshot)
	require.Equal(t, len(read), w.Store.Judged.Snapshot)
	require.WithinRange(t, w.snapshots[len(read)].To, now.Add(-2*rollout.WatchEvery(realDay)), now)
}

// The workflow learns of the answers by the judgement alone: figures, and no text.
func TestAWatchReadsTheAnswersOfThePhase(t *testing.T) {
	t.Parallel()
	here := feedback.Phase{RolloutID: "r1", Phase: 2}
	others := append(given(30, false, feedback.Phase{RolloutID: "r1", Phase: 1}, trial.Automated), given(30, false, here, trial.Control)...)
	others = append(others, given(30, false, feedback.Phase{RolloutID: "r0", Phase: 2}, trial.Automated)...)
	for name, c := range map[string]struct {
		answers  []feedback.Answer
		want     feedback.Tally
		signaled bool
	}{
		"none in this phase": {others, feedback.Tally{}, false},
		"too few":            {append(given(19, true, here, trial.Automated), others...), feedback.Tally{Answers: 19, Helpful: 19}, false},
		"positive":           {append(append(given(14, true, here, trial.Automated), given(6, true, here, trial.Adopted)...), others...), feedback.Tally{Answers: 20, Helpful: 20}, true},
		"negative":           {append(given(20, false, here, trial.Automated), others...), feedback.Tally{Answers: 20}, true},
	} {
		w := newWatched(c.answers...)
		done := w.watch(t)
		require.Equal(t, activities.Watched{RolloutID: "r1", Snapshot: 1, Signaled: c.signaled}, done, name)
		require.Equal(t, &c.want, w.snapshots[1].Feedback, name)
		require.Equal(t, &c.want, w.Store.Judged.Feedback, name)
		require.Len(t, w.signaled, map[bool]int{true: 1}[c.signaled], name)
	}
}
