package feedback_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/trial"
)

func TestAnAnswerIsStoredAsItIsChecked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                       "",
		"  Thanks\r\nfor the reminder\r\n":       "Thanks\nfor the reminder",
		"a\tb":                                   "a\tb",
		strings.Repeat("ß", feedback.MaxText):    strings.Repeat("ß", feedback.MaxText),
		" " + strings.Repeat("\r\n", 3000) + "a": "a",
		"Olá, José 👋":                            "Olá, José 👋",
	} {
		a, err := feedback.Answer{Kind: "reminder-7d", Helpful: true, Text: text}.Checked()
		require.NoError(t, err)
		require.Equal(t, feedback.Answer{Kind: "reminder-7d", Helpful: true, Text: want}, a)
	}
}

func TestABadAnswerIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind, text, field, message string
	}{
		"no kind":            {"", "", "kind", "1 to 64"},
		"long kind":          {strings.Repeat("k", 65), "", "kind", "1 to 64"},
		"kind with a path":   {"a/b", "", "kind", "letters"},
		"kind with a line":   {"a\n", "", "kind", "letters"},
		"long text":          {"welcome", strings.Repeat("ß", feedback.MaxText+1), "text", "at most 2000 characters, has 2001"},
		"zero byte":          {"welcome", "a\x00b", "text", "control"},
		"terminal's escapes": {"welcome", "a\x1b[2Jb", "text", "control"},
		"bare return":        {"welcome", "a\rb", "text", "control"},
		"C1 control":         {"welcome", "a\u009bb", "text", "control"},
		"not UTF-8":          {"welcome", "a\xffb", "text", "UTF-8"},
	} {
		_, err := feedback.Answer{Kind: c.kind, Text: c.text}.Checked()
		var refused *trial.Error
		require.ErrorAs(t, err, &refused, name)
		require.Equal(t, trial.CodeInvalid, refused.Code, name)
		require.Equal(t, c.field, refused.Field, name)
		require.Contains(t, refused.Message, c.message, name)
	}
}

func TestAVendorHasOneAnswerAKindAndNotTooMany(t *testing.T) {
	t.Parallel()
	var kept []feedback.Answer
	for range feedback.MaxPerVendor {
		a := feedback.Answer{Kind: strings.Repeat("k", len(kept)+1)}
		require.True(t, a.Fits(kept))
		kept = append(kept, a)
	}
	require.True(t, feedback.Answer{Kind: "k"}.Fits(kept), "it replaces one")
	require.False(t, feedback.Answer{Kind: "another"}.Fits(kept))
}

// The bounds are of Wilson's formula, computed apart: 15 of 20 gives .5313 to .8881, 14 of 20 .4810 to .8545, 5 of 20
// .1119 to .4687.
func TestOpinion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		helpful, answers int
		want             feedback.Opinion
	}{
		{0, 0, feedback.Open},
		{19, 19, feedback.Open},
		{0, 19, feedback.Open},
		{15, 20, feedback.Positive},
		{14, 20, feedback.Open},
		{6, 20, feedback.Open},
		{5, 20, feedback.Negative},
		{20, 20, feedback.Positive},
		{0, 20, feedback.Negative},
		{60, 100, feedback.Positive},
		{50, 100, feedback.Open},
	} {
		require.Equal(t, c.want, feedback.Tally{Answers: c.answers, Helpful: c.helpful}.Opinion(), "%d of %d", c.helpful, c.answers)
	}
}

// One more yes never makes the opinion worse, and yes and no are treated alike.
func TestOpinionFollowsTheAnswers(t *testing.T) {
	t.Parallel()
	rank := map[feedback.Opinion]int{feedback.Negative: -1, feedback.Open: 0, feedback.Positive: 1}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(feedback.MinAnswers, 500).Draw(t, "answers")
		yes := rapid.IntRange(0, n).Draw(t, "yes")
		of := func(yes int) int { return rank[feedback.Tally{Answers: n, Helpful: yes}.Opinion()] }
		require.Equal(t, of(yes), -of(n-yes))
		require.LessOrEqual(t, of(max(yes-1, 0)), of(yes))
	})
}

func TestATallyInWords(t *testing.T) {
	t.Parallel()
	for want, tally := range map[string]feedback.Tally{
		"no vendor has answered": {},
		"1 of 1 answer says that it helped (100 %, 95 % interval 21 % to 100 %)":   {Answers: 1, Helpful: 1},
		"15 of 20 answers say that it helped (75 %, 95 % interval 53 % to 89 %)":   {Answers: 20, Helpful: 15},
		"0 of 40 answers say that it helped (0 %, 95 % interval 0 % to 8.8 %)":     {Answers: 40},
		"1 of 40 answers says that it helped (2.5 %, 95 % interval 0.4 % to 13 %)": {Answers: 40, Helpful: 1},
	} {
		require.Equal(t, want, tally.String())
	}
}

func TestOnlyAutomatedVendorsCount(t *testing.T) {
	t.Parallel()
	here, there := feedback.Phase{RolloutID: "r", Phase: 2}, feedback.Phase{RolloutID: "r", Epoch: 1, Phase: 2}
	counts := feedback.Sorted(map[feedback.Group]feedback.Tally{
		{Phase: there, Cohort: trial.Automated}: {Answers: 1, Helpful: 1},
		{Phase: here, Cohort: trial.Adopted}:    {Answers: 2, Helpful: 1},
		{Phase: here, Cohort: trial.Control}:    {Answers: 100, Helpful: 100},
		{Phase: here, Cohort: trial.Automated}:  {Answers: 8, Helpful: 4},
	})
	order := []feedback.Group{{here, trial.Automated}, {here, trial.Control}, {here, trial.Adopted}, {there, trial.Automated}}
	for i, want := range order {
		require.Equal(t, want, counts[i].Group)
	}
	require.Equal(t, feedback.Tally{Answers: 10, Helpful: 5}, feedback.Automated(counts, &here))
	require.Equal(t, feedback.Tally{Answers: 11, Helpful: 6}, feedback.Automated(counts, nil))
}

func TestAFilterTakesWhatWasGivenThen(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	a := feedback.Answer{At: at, Phase: feedback.Phase{RolloutID: "r"}}
	for _, c := range []struct {
		filter feedback.Filter
		want   bool
	}{
		{feedback.Filter{}, true},
		{feedback.Filter{RolloutID: "r"}, true},
		{feedback.Filter{RolloutID: "s"}, false},
		{feedback.Filter{From: at, To: at.Add(1)}, true},
		{feedback.Filter{From: at.Add(1)}, false},
		{feedback.Filter{To: at}, false},
	} {
		require.Equal(t, c.want, c.filter.Takes(a), "%+v", c.filter)
	}
}
