package trial_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestDecideSend(t *testing.T) {
	t.Parallel()
	const wait = 10 * time.Minute
	send := func(status trial.SendStatus) *trial.Send {
		return &trial.Send{Status: status, Attempt: 1, ClaimedAt: at("2026-03-02 10:00")}
	}
	tests := []struct {
		name    string
		current *trial.Send
		now     string
		want    trial.SendAction
		until   string // empty: none
	}{
		{"nothing known", nil, "2026-03-02 10:00", trial.SendNow, ""},
		{"released", send(trial.SendReleased), "2026-03-02 10:00", trial.SendNow, ""},
		{"released long ago", send(trial.SendReleased), "2026-03-03 10:00", trial.SendNow, ""},
		{"sent", send(trial.SendSent), "2026-03-02 10:00", trial.SendDone, ""},
		{"sent long ago", send(trial.SendSent), "2026-03-03 10:00", trial.SendDone, ""},
		{"refused", send(trial.SendRefused), "2026-03-02 10:00", trial.SendGiveUp, ""},
		{"refused long ago", send(trial.SendRefused), "2026-03-03 10:00", trial.SendGiveUp, ""},
		{"claimed just now", send(trial.SendClaimed), "2026-03-02 10:00", trial.SendWait, "2026-03-02 10:10"},
		{"claimed, the last moment of waiting", send(trial.SendClaimed), "2026-03-02 10:09:59.999", trial.SendWait, "2026-03-02 10:10"},
		{"claimed, waited", send(trial.SendClaimed), "2026-03-02 10:10", trial.SendResend, ""},
		{"claimed by a clock that is ahead", send(trial.SendClaimed), "2026-03-02 09:59", trial.SendWait, "2026-03-02 10:10"},
		{"unknown", send(trial.SendUnknown), "2026-03-02 10:00", trial.SendWait, "2026-03-02 10:10"},
		{"unknown, the last moment of waiting", send(trial.SendUnknown), "2026-03-02 10:09:59.999", trial.SendWait, "2026-03-02 10:10"},
		{"unknown, waited", send(trial.SendUnknown), "2026-03-02 10:10", trial.SendResend, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			action, until := trial.DecideSend(tt.current, at(tt.now), wait)
			require.Equal(t, tt.want, action)
			if tt.until == "" {
				require.Zero(t, until)
				return
			}
			require.Equal(t, at(tt.until), until)
		})
	}
}
