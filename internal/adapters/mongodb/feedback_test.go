package mongodb

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/trial"
)

func answer(kind string, helpful bool, text string, hours int) feedback.Answer {
	return feedback.Answer{
		Kind: kind, Helpful: helpful, Text: text, At: at.Add(time.Duration(hours) * time.Hour), Cohort: trial.Automated,
		Phase: feedback.Phase{RolloutID: "r1", Epoch: 1, Phase: 2},
	}
}

func giveFeedback(t *testing.T, s *Store, vendorID string, answers ...feedback.Answer) {
	t.Helper()
	for _, a := range answers {
		require.NoError(t, s.PutFeedback(t.Context(), vendorID, a))
	}
}

func answersOf(t *testing.T, s *Store, vendorID string) []feedback.Answer {
	t.Helper()
	answers, err := s.Feedback(t.Context(), vendorID)
	require.NoError(t, err)
	return answers
}

func TestALaterAnswerReplacesAnEarlierOne(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for _, id := range []string{"v1", "v1-2", "v10"} {
		register(t, s, id, trial.Automated)
	}
	require.Empty(t, answersOf(t, s, "v1"))
	first, later, other := answer("welcome", true, "Thanks", 0), answer("welcome", false, "Not any more", 1), answer("expiry", true, "", 2)
	giveFeedback(t, s, "v1", first, first)
	require.Equal(t, []feedback.Answer{first}, answersOf(t, s, "v1"))
	giveFeedback(t, s, "v1", later, other)
	giveFeedback(t, s, "v1-2", first)
	giveFeedback(t, s, "v10", first)
	require.Equal(t, []feedback.Answer{other, later}, answersOf(t, s, "v1"), "one a kind, and no other vendor's")
}

func TestErasingAVendorRemovesItsTexts(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	for _, id := range []string{"v1", "v10", "gone"} {
		register(t, s, id, trial.Automated)
		giveFeedback(t, s, id, answer("welcome", false, "Private", 0), answer("expiry", true, "", 1))
	}
	_, err := s.users.DeleteOne(t.Context(), byID("gone"))
	require.NoError(t, err)
	left := []feedback.Answer{answer("expiry", true, "", 1), answer("welcome", false, "", 0)}
	for _, id := range []string{"v1", "gone"} {
		_, err = s.EraseVendor(t.Context(), id, erasure(time.Hour))
		require.NoError(t, err)
		require.Equal(t, left, answersOf(t, s, id), "the answers stay")
		require.NotContains(t, document(t, s.answers, id+"/welcome"), "text")
		giveFeedback(t, s, id, answer("welcome", false, "Private", 0))
		require.Equal(t, left, answersOf(t, s, id), "nor is a text kept that comes afterwards")
	}
	require.Equal(t, "Private", answersOf(t, s, "v10")[1].Text, "another vendor's stays")

	// A backup brings it back, from before an erasure that is on record.
	giveFeedback(t, s, "v10", answer("welcome", false, "Private", 0))
	_, err = s.RecordErasure(t.Context(), "v10", erasure(time.Hour))
	require.NoError(t, err)
	require.Equal(t, left, answersOf(t, s, "v10"))
	for _, id := range []string{"v1", "gone", "v10"} {
		require.NoError(t, put(t.Context(), "restoring", s.answers, id+"/welcome", feedbackDocument{Key: id + "/welcome", VendorID: id, Answer: answer("welcome", false, "Private", 0)}))
		_, err = s.EraseOnRecord(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, left, answersOf(t, s, id), id)
	}
}

func TestCountFeedback(t *testing.T) {
	t.Parallel()
	s := newTestStore(t)
	none, err := s.CountFeedback(t.Context(), feedback.Filter{RolloutID: "r1"})
	require.NoError(t, err)
	require.Empty(t, none)
	of := func(rollout string, phase int, cohort trial.Cohort, helpful bool, hours int) feedback.Answer {
		a := answer("welcome", helpful, "", hours)
		a.Phase, a.Cohort = feedback.Phase{RolloutID: rollout, Epoch: 1, Phase: phase}, cohort
		return a
	}
	all := []feedback.Answer{
		of("r1", 1, trial.Automated, true, 0), of("r1", 2, trial.Automated, true, 1), of("r1", 2, trial.Automated, false, 2),
		of("r1", 2, trial.Automated, true, 3), of("r1", 2, trial.Control, false, 4), of("r2", 2, trial.Automated, true, 5), of("", 0, trial.Adopted, false, 6),
	}
	for i, a := range all {
		giveFeedback(t, s, fmt.Sprintf("v%d", i), a)
	}
	giveFeedback(t, s, trial.CanaryID("AAAAAAAAAAAAAAAAAAAAAAAAAA"), of("r1", 2, trial.Automated, true, 1))
	group := func(rollout string, phase int, cohort trial.Cohort) feedback.Group {
		return feedback.Group{Phase: feedback.Phase{RolloutID: rollout, Epoch: 1, Phase: phase}, Cohort: cohort}
	}
	for _, c := range []struct {
		filter feedback.Filter
		want   map[feedback.Group]feedback.Tally
	}{
		{feedback.Filter{RolloutID: "r1"}, map[feedback.Group]feedback.Tally{
			group("r1", 1, trial.Automated): {Answers: 1, Helpful: 1}, group("r1", 2, trial.Automated): {Answers: 3, Helpful: 2}, group("r1", 2, trial.Control): {Answers: 1},
		}},
		{feedback.Filter{From: at.Add(3 * time.Hour), To: at.Add(6 * time.Hour)}, map[feedback.Group]feedback.Tally{
			group("r1", 2, trial.Automated): {Answers: 1, Helpful: 1}, group("r1", 2, trial.Control): {Answers: 1}, group("r2", 2, trial.Automated): {Answers: 1, Helpful: 1},
		}},
		{feedback.Filter{RolloutID: "r1", From: at.Add(4 * time.Hour)}, map[feedback.Group]feedback.Tally{group("r1", 2, trial.Control): {Answers: 1}}},
		{feedback.Filter{RolloutID: "none"}, nil},
	} {
		got, err := s.CountFeedback(t.Context(), c.filter)
		require.NoError(t, err)
		require.Equal(t, feedback.Sorted(c.want), got, "%+v", c.filter)
	}
}
