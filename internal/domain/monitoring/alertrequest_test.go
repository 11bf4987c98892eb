package monitoring

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

func TestARequestAboutAnAlertNeedsAReason(t *testing.T) {
	t.Parallel()
	for reason, message := range map[string]string{
		"asked SES":                      "",
		strings.Repeat("ä", maxReason):   "",
		"":                               "is missing",
		" \t ":                           "is missing",
		strings.Repeat("ä", 1+maxReason): "must be at most 500 characters",
		"one\ntwo":                       "must be one line of text",
	} {
		err := AlertRequest{Control: ControlUnsilence, Reason: reason}.Validate()
		if message == "" {
			require.NoError(t, err, reason)
			continue
		}
		require.Equal(t, trial.Invalid("reason", "%s", message), err, reason)
	}
}

// A control that is offered applies, and one that is not changes nothing.
func TestTheControlsThatApply(t *testing.T) {
	t.Parallel()
	rule := Rule{ID: SESPaused, Unit: Count, Threshold: 1}
	note := Note{At: midday, By: "admin", Reason: "r"}
	quiet := NewAlert(rule.ID)
	firing, _ := Decide(rule, quiet, observed(1, 1, "paused"), Evaluation{At: midday, Day: trial.RealDay, Alerting: true})
	acknowledged, _, err := firing.Acknowledge(note)
	require.NoError(t, err)
	silenced, _, err := quiet.SilenceUntil(midday.Add(time.Hour), note)
	require.NoError(t, err)
	both, _, err := firing.SilenceUntil(midday.Add(time.Hour), note)
	require.NoError(t, err)

	for name, c := range map[string]struct {
		alert Alert
		want  []AlertControl
	}{
		"quiet":        {quiet, []AlertControl{ControlSilence}},
		"firing":       {firing, []AlertControl{ControlAcknowledge, ControlSilence}},
		"acknowledged": {acknowledged, []AlertControl{ControlSilence}},
		"silenced":     {silenced, []AlertControl{ControlSilence, ControlUnsilence}},
		"both":         {both, []AlertControl{ControlAcknowledge, ControlSilence, ControlUnsilence}},
	} {
		offered := ViewOfAlert(rule, c.alert, midday).Controls()
		require.Equal(t, c.want, offered, name)
		for _, control := range []AlertControl{ControlAcknowledge, ControlSilence, ControlUnsilence, "other"} {
			r := AlertRequest{Control: control, Reason: "r", Until: midday.Add(2 * time.Hour)}
			after, e, err := r.Change(c.alert, note)
			if slices.Contains(offered, control) {
				require.NoError(t, err, "%s: %s", name, control)
				require.Equal(t, c.alert.Apply(*e), after, "%s: %s", name, control)
				continue
			}
			require.Nil(t, e, "%s: %s", name, control)
			require.Equal(t, c.alert, after, "%s: %s", name, control)
		}
	}
}
