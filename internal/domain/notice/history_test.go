package notice

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
)

func TestTheHistoryOfThePhase(t *testing.T) {
	t.Parallel()
	require.Nil(t, HistoryOf(rollout.TimeSeries{}))
	at := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	var series rollout.TimeSeries
	for n := 1; n <= 50; n++ {
		j := rollout.Judgement{
			Snapshot: n, At: at.Add(time.Duration(n) * time.Hour), Position: rollout.Position{StageSeq: 2},
			Gates: []rollout.GateResult{
				{Gate: rollout.GateEmail, Verdict: rollout.Pass, Estimate: 0.97 - float64(n)/1000, Seen: n},
				{Gate: rollout.GateAutomation, Verdict: rollout.Insufficient},
			},
			Triggers: []rollout.TriggerResult{
				{Trigger: rollout.TriggerEmail, Estimate: 0.97, Limit: 0.9, Seen: n, Firing: n == 50},
				{Trigger: rollout.TriggerErrors, Seen: n}, {Trigger: rollout.TriggerPerformance},
			},
		}
		switch {
		case n < 10:
			j.Position.StageSeq = 1
		case n < 20:
			j.Gates[0].Verdict = rollout.Insufficient
		case n > 45:
			j.Gates[0].Verdict = rollout.Fail
		}
		series.Add(j)
	}
	h := HistoryOf(series)
	require.Equal(t, at.Add(10*time.Hour), h.From, "of this phase alone")
	require.Equal(t, at.Add(50*time.Hour), h.To)
	require.Len(t, h.Rows, 3, "both gates, and the trigger that fires")
	require.Equal(t, "E-mails delivered", h.Rows[0].Name)
	require.Len(t, h.Rows[0].Verdicts, 21)
	require.Equal(t, "open from 5 March 22:00, good from 6 March 08:00, bad from 7 March 10:00; 96 % at first, 92 % now", h.Rows[0].Text)
	require.Equal(t, HistoryRow{Name: "Automated steps that succeeded", Verdicts: h.Rows[1].Verdicts, Text: "open from 5 March 22:00; nothing seen"}, h.Rows[1])
	require.Equal(t, "E-mails delivered, for rolling back", h.Rows[2].Name)
	require.Equal(t, rollout.Fail, h.Rows[2].Verdicts[20])
	require.Equal(t, "good from 5 March 22:00, bad from 7 March 14:00; 97 %", h.Rows[2].Text)
}

// A long phase is thinned out, and its last moment stays. What was judged late was open before.
func TestTheHistoryOfALongPhase(t *testing.T) {
	t.Parallel()
	var series rollout.TimeSeries
	at := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	for n := 1; n <= 50; n++ {
		j := rollout.Judgement{Snapshot: n, At: at.Add(time.Duration(n) * 10 * time.Second), Gates: []rollout.GateResult{{Gate: rollout.GateEmail, Verdict: rollout.Pass}}}
		if n == 50 {
			j.Triggers = []rollout.TriggerResult{{Trigger: rollout.TriggerEmail, Firing: true}}
		}
		series.Add(j)
	}
	h := HistoryOf(series)
	require.Equal(t, at.Add(500*time.Second), h.To)
	require.Len(t, h.Rows[0].Verdicts, 17, "each third")
	require.Equal(t, "open from 12:00:20, bad from 12:08:20; nothing seen", h.Rows[1].Text)
}

func TestAHistoryOfManyChangesNamesTheLast(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 5, 12, 0, 0, 0, time.UTC)
	text := func(changes int) string {
		var series rollout.TimeSeries
		for n := range changes {
			verdict := []rollout.Verdict{rollout.Insufficient, rollout.Pass}[n%2]
			series.Add(rollout.Judgement{Snapshot: n + 1, At: at.Add(time.Duration(n) * time.Hour), Gates: []rollout.GateResult{{Gate: rollout.GateEmail, Verdict: verdict}}})
		}
		return HistoryOf(series).Rows[0].Text
	}
	require.Equal(t, "open from 5 March 12:00, good from 5 March 13:00, open from 5 March 14:00, good from 5 March 15:00; nothing seen", text(4))
	require.Contains(t, text(5), "1 change before, good from 5 March 13:00, ")
	require.Contains(t, text(6), "2 changes before, open from 5 March 14:00, ")
}
