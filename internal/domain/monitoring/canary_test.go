package monitoring

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/canary"
)

// The API process evaluates too, without a worker and without Temporal: it names which of them is away.
func TestTheCanarysAlertNamesWhatIsBroken(t *testing.T) {
	t.Parallel()
	well := &canary.Result{EndedAt: minutesOn(-45)}
	broken := &canary.Result{EndedAt: minutesOn(-5), Fault: canary.MailRefused, Reason: "the mail service does not accept the e-mail welcome: X"}
	began := minutesOn(-60)
	for name, c := range map[string]struct {
		part    *CanaryPart
		workers *int
		fires   bool
		says    string
	}{
		"none are configured":     {nil, new(1), false, "not measured"},
		"no rollout runs":         {&CanaryPart{Latest: broken}, new(1), false, "no rollout runs"},
		"the first has time":      {&CanaryPart{Since: minutesOn(-10)}, new(1), false, "no canary has ended"},
		"well":                    {&CanaryPart{Latest: &canary.Result{EndedAt: minutesOn(-20)}, Since: began}, new(1), false, "found nothing broken"},
		"it has found a break":    {&CanaryPart{Latest: broken, Since: began}, new(1), true, "does not accept"},
		"the worker is stopped":   {&CanaryPart{Latest: well, Since: began}, new(0), true, "no worker polls"},
		"Temporal is away":        {&CanaryPart{Latest: well, Since: began}, nil, true, "Temporal does not answer"},
		"the schedule was paused": {&CanaryPart{Latest: well, Since: began}, new(2), true, "schedule canary"},
	} {
		o := Observe(CanaryFailed, Situation{ReportFacts: ReportFacts{Now: midday, Day: 24 * time.Hour}, Parts: Parts{Canary: c.part, Workers: c.workers}}, midday)
		require.Equal(t, c.fires, o.Value != nil && *o.Value >= 1, name)
		require.Contains(t, o.Text, c.says, name)
	}
}
