package test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.temporal.io/sdk/client"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// What the guide says about monitoring is broken on purpose, found by the guide's
// checks, and cured by its cures.
func TestTheTroubleshootingGuideDoesWhatItSays(t *testing.T) {
	s := begin(t, system.Options{Day: 24 * time.Hour})
	id := s.vendor("ada")
	s.register(id)
	s.awaitMail(soon, id, "welcome/0")
	s.startRollout(shortPlan())
	g := s.guide("troubleshooting-guide.md", "Monitoring")

	require.Regexp(t, `"name":"worker","since":"[^"]+","state":"healthy"`, g.run(g.line("curl", "trials/health")))
	require.Regexp(t, `watchMissed +ok`, g.run("starter alerts list"))

	g.pauses("watch-rollout")
	require.Contains(t, g.run("starter rollout status"), "watch")
	g.cures("watch-rollout")
	g.run(g.line("starter rollout pause"))
	g.is(rollout.Paused, 0)
	g.goesOn()

	require.Contains(t, g.run("temporal task-queue describe --task-queue trials"), "workflow")
	require.Contains(t, g.run("starter alerts history sesPaused"), "Nothing has happened to it yet.")
	require.Contains(t, g.run("starter alerts history reconcilerFinds"), "Nothing has happened to it yet.")
	require.Equal(t, "400\n", g.run(g.line("curl", "webhooks/ses")))
	require.Regexp(t, `^0\.\d+\n$`, g.run(g.line("curl", "readyz")))

	g.countsWrong()
	g.emptiesTheDashboard()
	g.tellsNobody()
	require.Empty(t, g.open, "commands of the guide that this scenario does not run")
}

// pauses has a schedule come no more, which its check shows.
func (g *guide) pauses(schedule string) {
	g.t.Helper()
	handle := g.temporal.ScheduleClient().GetHandle(g.ctx, schedule)
	require.NoError(g.t, handle.Pause(g.ctx, client.SchedulePauseOptions{Note: "the scenario wants it"}))
	require.Regexp(g.t, `Paused +true`, g.run("temporal schedule describe --schedule-id "+schedule))
}

// goesOn looks at the rollout's workflow, as the guide does and as the alerts do.
func (g *guide) goesOn() {
	g.t.Helper()
	require.Contains(g.t, g.run("temporal workflow describe --workflow-id rollout-trial-automation"), rollout.WorkflowType)
	require.NoError(g.t, g.temporal.ScheduleClient().GetHandle(g.ctx, "watch-alerts").Trigger(g.ctx, client.ScheduleTriggerOptions{}))
	eventually(g.t, wholeLife, func() error {
		if out := g.run("starter alerts list"); !strings.Contains(out, "the rollout's workflow runs") {
			return errors.New(out)
		}
		return nil
	})
}

func (g *guide) cures(schedule string) {
	g.t.Helper()
	g.run(g.line("temporal schedule toggle", schedule+" "))
	require.Regexp(g.t, `Paused +false`, g.run("temporal schedule describe --schedule-id "+schedule))
}

// countsWrong changes a counter behind everybody's back.
func (g *guide) countsWrong() {
	g.t.Helper()
	const check = "starter counters check"
	counted := func(says string) {
		g.t.Helper()
		eventually(g.t, soon, func() error { // what has just happened is counted within a second or two
			if out := g.run(check); !strings.Contains(out, says) {
				return errors.New(out)
			}
			return nil
		})
	}
	counted(" 0 wrong")
	change := bson.D{{Key: "$inc", Value: bson.D{{Key: "counts." + string(trial.Automated) + "." + string(monitoring.Running(trial.Active)), Value: 7}}}}
	require.NoError(g.t, g.database.Collection("counters").FindOneAndUpdate(g.ctx, bson.D{{Key: "_id", Value: monitoring.Current}}, change).Err())
	counted("counted 8, true 1")
	require.Contains(g.t, g.run("starter counters rebuild"), "1 set right")
	counted(" 0 wrong")
}

func (g *guide) emptiesTheDashboard() {
	g.t.Helper()
	const off = "trial metrics are off"
	g.patch("monitoring", "trialMetrics", false)
	ask := g.line("curl", "monitoring/dashboard")
	require.Contains(g.t, g.run(ask), off)
	require.Regexp(g.t, `trialMetrics\W+false`, g.run("starter flags get"))
	g.run(g.line("starter flags set monitoring.enabled"))
	require.NotContains(g.t, g.run(ask), off)
}

func (g *guide) tellsNobody() {
	g.t.Helper()
	g.patch("monitoring", "alerting", false)
	a, err := g.Admin(g.ctx, http.MethodPost, alerts+"/unknownSends/silence", map[string]any{"minutes": 10080, "reason": "for long"})
	g.answered(http.StatusOK, a, err)
	list := g.run("starter alerts list")
	require.Contains(g.t, list, "Nobody is notified of alerts")
	require.Contains(g.t, list, "for long")
	g.run(g.line("starter flags set monitoring.alerting"))
	g.run(g.line("starter alerts unsilence"))
	list = g.run("starter alerts list")
	require.NotContains(g.t, list, "Nobody is notified of alerts")
	require.NotContains(g.t, list, "for long")
	require.Regexp(g.t, `unsilenced +- +by admin: The topic has moved`, g.run("starter alerts history unknownSends"))
	g.pauses("watch-alerts")
	g.cures("watch-alerts")
}
