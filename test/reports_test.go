package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/system"
)

// Once all phases are through, reports come by themselves, also after the
// rollout's workflow has ended, and their tasks are ticked off.
func TestReportsComeAfterTheLastPhase(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * time.Second, Env: []string{"STAKEHOLDERS=" + stakeholder(t)}})
	plan := shortPlan()
	plan.Phases = []rollout.Phase{
		{Name: "nobody", Percentage: 0, SoakDays: 8, Gates: []rollout.Gate{}}, {Name: "all", Percentage: 100, SoakDays: 1, Gates: []rollout.Gate{}},
	}
	plan.Backfill, plan.BackfillPerHour = false, 0
	s.startRollout(plan)
	stop := s.arrivals("a", s.Day/2, 0)
	s.pass()
	v := s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Status != rollout.Completed {
			return fmt.Errorf("not completed")
		}
		return nil
	})
	made, mail := s.reported("daily-1")
	second, _ := s.reported("daily-2")
	stop()
	require.Equal(t, "Trial rollout: daily report, day 1", mail.Subject)
	require.Contains(t, strings.Join(strings.Fields(mail.Text), " "), strings.Join(strings.Fields(made.Summary), " "))
	require.Contains(t, mail.HTML, "Figures of this period")
	require.Equal(t, *v.Rollout.DeployedAt, made.From)
	require.Equal(t, made.From.Add(s.Day), made.To)
	require.Equal(t, made.To, second.From)
	require.Positive(t, made.Total.Calls)
	require.Positive(t, made.Total.Admitted+second.Total.Admitted)
	require.Contains(t, s.starter("rollout", "reports"), made.Summary)
	require.Contains(t, s.starter("rollout", "report", "daily-1"), made.Summary)

	s.starter("rollout", "tick", "daily-monitoring-review", "--met", "--reason", "Read them")
	v = s.awaitRollout(soon, func(rollout.View) error { return nil })
	require.Equal(t, rollout.Completed, v.Rollout.Status)
	require.Equal(t, rollout.TaskDone, v.Tasks[0].Status)
	require.Contains(t, s.starter("rollout", "replay"), "All came to the same.")
	require.Len(t, s.noticesAbout(made), 1, "each is notified once")
}

// reported waits for a report, over the API and in the stakeholder's mailbox.
func (s *scenario) reported(id string) (given report.Report, mail system.Message) {
	s.t.Helper()
	eventually(s.t, aSweep, func() error {
		given = report.Report{}
		a, err := s.Admin(s.ctx, http.MethodGet, rollouts+"/current/reports/"+id, nil)
		if err != nil || a.Status != http.StatusOK {
			return fmt.Errorf("%d %s: %w", a.Status, a.Body, err)
		}
		if err := a.Into(&given); err != nil {
			return err
		}
		found := s.noticesAbout(given)
		if len(found) == 0 {
			return fmt.Errorf("report %s is not in the mailbox", id)
		}
		mail = found[0]
		return nil
	})
	return given, mail
}

// noticesAbout are the stakeholder's e-mails with a report.
func (s *scenario) noticesAbout(r report.Report) []system.Message {
	s.t.Helper()
	messages, err := s.Messages(s.ctx, "owner@example.com")
	require.NoError(s.t, err)
	var found []system.Message
	for _, m := range messages {
		if strings.HasPrefix(m.Tags["notice"], r.RolloutID+"_report_"+r.ID+"_") { // tags have no slashes
			found = append(found, m)
		}
	}
	return found
}
