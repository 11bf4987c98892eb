package monitoring

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
)

func TestAlertsThatBelongTogetherAreOneMessage(t *testing.T) {
	t.Parallel()
	at := func(id RuleID, seq int, what AlertEventType, minute float64, text string) AlertNotice {
		return AlertNotice{Rule: builtIn(id), Event: AlertEvent{
			Rule: id, Seq: seq, Type: what, At: minutesOn(minute), Notified: true, Observation: Observation{Text: text},
		}}
	}
	one := at(WorkerAway, 1, AlertFired, 0, "0 of 1 workers poll for work")
	require.Equal(t, *AlertMessage(one.Rule, one.Event), AlertsMessage([]AlertNotice{one}))

	over := AlertsMessage([]AlertNotice{one, at(WorkerAway, 2, AlertCleared, 40, "1 of 1 workers poll for work")})
	require.Equal(t, "Trial alert over: a worker is missing", over.Subject)
	require.Equal(t, "A worker is missing, from 10 March 2026 12:00:00 UTC to 10 March 2026 12:40:00 UTC. It is over.", over.Lead)
	require.NotEqual(t, "alert/workerAway/2", over.Key, "it says more than that event")

	m := AlertsMessage([]AlertNotice{
		one, at(EmailDeliveryRateLow, 4, AlertFired, 1, "88.0 %"), at(WatchMissed, 1, AlertFired, 30, "3 watches"), at(WatchMissed, 2, AlertCleared, 41, "0 watches"),
	})
	require.Equal(t, "Trial alerts, high: 2 firing, 1 over", m.Subject)
	require.Equal(t, notice.NoticeAlert, m.Kind)
	require.Equal(t, minutesOn(41), m.At)
	require.Len(t, m.Sections, 2)
	require.Equal(t, "A worker is missing", m.Sections[0].Items[0].Label)
	require.Contains(t, m.Sections[0].Items[0].Text, "Measured: 0 of 1 workers poll for work. Threshold: fires at 1 or more.")
	require.Contains(t, m.Sections[0].Items[1].Text, "What to do: ")
	require.Equal(t, "The rollout is not watched, from 10 March 2026 12:30:00 UTC to 10 March 2026 12:41:00 UTC. It is over.", m.Sections[1].Items[0].Text)
}

func TestTheGroupWaitIsShorterThanALook(t *testing.T) {
	t.Parallel()
	for _, day := range []time.Duration{2 * time.Second, time.Hour, trial.RealDay} {
		require.Less(t, GroupWait(day), EvaluateEvery(day))
		require.Positive(t, GroupWait(day))
	}
}
