package experiment_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

func TestAViewKeepsTheSaltToItself(t *testing.T) {
	t.Parallel()
	e := experiment.Experiment{ID: "x", Name: "shorter", ArmA: "month", ArmB: "week", Difference: 0.05, Expected: experiment.Expected{PerDay: 20, Conversion: 0.1},
		HorizonDays: 14, Day: day, Salt: "hidden", StartedAt: began, TermsA: trial.Policy{Name: "month"}, TermsB: trial.Policy{Name: "week"}}
	offered := policy.Set{Default: "month", Policies: []trial.Policy{e.TermsA, e.TermsB}}
	var rows []experiment.Row
	for d := range 30 {
		rows = append(rows, experiment.Row{Day: d, A: experiment.Count{Dealt: 10, Converted: 1}, B: experiment.Count{Dealt: 10, Converted: 1}})
	}
	now := began.Add(20 * day)
	view := e.View(rows, offered, now)
	require.Equal(t, experiment.Judge(e, rows, now), *view.Judgement)
	require.Equal(t, view.Judgement.Sentence(e), view.Sentence)
	require.Equal(t, "New vendors are dealt to both arms until a person ends it, or the percentage falls below 100.", view.Next)
	document, err := json.Marshal(view)
	require.NoError(t, err)
	require.NotContains(t, string(document), "hidden")

	waiting, err := e.EndDealing(experiment.ByRollback, "automatic", "the percentage was set to 50 by a rollback", now)
	require.NoError(t, err)
	require.NotEqual(t, view.Mark(), waiting.View(rows, offered, now).Mark(), "a form shows another state")
	require.Contains(t, waiting.View(rows, offered, now).Next, "No new vendor is dealt any more: the percentage was set to 50 by a rollback. They get month;")

	for picked, next := range map[experiment.Arm]string{
		"":              "No arm was picked. New vendors get month.",
		experiment.ArmA: "month is the default, so there is nothing to change.",
		experiment.ArmB: `Nothing changes by itself: new vendors get month. For week, write "default: week" in the file that POLICIES names, and restart API and worker.`,
	} {
		over, err := e.End(picked, "ada", "enough", now)
		require.NoError(t, err)
		shown := over.View(rows, offered, now.Add(1000*day))
		require.Equal(t, next, shown.Next)
		require.Equal(t, now, shown.Judgement.At, "as of its end")
		require.Equal(t, "It was ended without a verdict.", shown.Sentence)
	}
}

func TestADurationInWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, "40 days (9 of 10 by day 60)", experiment.Duration{Median: new(40), Ninety: new(60), Found: 0.97}.Text())
	require.Equal(t, "40 days (but only 62 % at all)", experiment.Duration{Median: new(40), Found: 0.62}.Text())
	require.Equal(t, "not to be expected (12 % at all)", experiment.Duration{Found: 0.12}.Text())
}
