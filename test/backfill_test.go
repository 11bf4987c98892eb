package test

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// adopted is how many trials the scenario of the backfill has, as many as are adopted in a minute or two.
var adopted = flag.Int("adopted", 100, "how many trials the backfill adopts; `make backfill` takes a thousand")

// Many trials in the middle of their lives are adopted at once, and a worker that sends two e-mails a second falls behind.
// That is no reason to roll back, and nobody is written to about what was before.
func TestABackfillOfTrialsInTheMiddleOfTheirLives(t *testing.T) {
	// So many trials have lasted 6 to 8 of their 90 days when the marketplace hands them over, and have a reminder every five. However
	// late a busy machine adopts one, that is in its middle, with reminders before it and after. Days are the longer the more there are.
	const youngest, widely, perSecond = 6, 2, 25
	many, policies := *adopted, filepath.Join(t.TempDir(), "policies.yaml")
	require.NoError(t, os.WriteFile(policies, longPolicy(), 0o600))
	s := begin(t, system.Options{
		Day: max(time.Duration(many)*time.Second/perSecond, leastBackfillDay), Env: []string{"POLICIES=" + policies},
		WorkerEnv: []string{"MAIL_SENDERS=500"},
	})
	s.rollout(true, 0)
	began := time.Now().UTC().Truncate(time.Millisecond)
	vendors := make([]any, many)
	for i := range vendors {
		id, days := s.vendor(fmt.Sprintf("b%04d", i)), youngest+widely*float64(i)/float64(many)
		at := began.Add(-time.Duration(days * float64(s.Day)))
		vendors[i] = bson.M{"_id": id, "isVendor": true, "email": email(id), "name": "Vendor", "createdAt": at, "trialStartDate": at}
	}
	_, err := s.database.Collection("users").InsertMany(s.ctx, vendors)
	require.NoError(t, err)
	eventually(t, aSweep, func() error {
		n, err := s.database.Collection("trials").CountDocuments(s.ctx, bson.M{})
		if err == nil && n != int64(many) {
			err = fmt.Errorf("%d of %d trials have begun", n, many)
		}
		return err
	})
	t.Logf("%d trials run after %.1f days", many, s.daysSince(began))

	plan := shortPlan()
	plan.NoticeDays, plan.StabilityDays, plan.GuardDays = 0.5, 1, 0.2
	plan.Phases = []rollout.Phase{{Name: "all", Percentage: 100, SoakDays: 0.2, Gates: []rollout.Gate{}}}
	s.startRollout(plan)
	s.pass()
	v := s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Backfill == nil || !v.Rollout.Backfill.Done {
			return fmt.Errorf("not all adopted yet")
		}
		return nil
	})
	t.Logf("all are adopted after %.1f days", s.daysSince(began))
	require.Equal(t, many, v.Rollout.Backfill.Taken)
	v = s.awaitRollout(wholeLife, func(v rollout.View) error {
		if !v.Rollout.Status.Final() {
			return fmt.Errorf("not over")
		}
		return nil
	})
	t.Logf("the rollout is over after %.1f days", s.daysSince(began))
	require.Equal(t, rollout.Completed, v.Rollout.Status)
	require.Zero(t, v.Rollout.Epoch, "rolled back in part")
	for _, e := range s.decisions() {
		require.NotEqual(t, rollout.EventRolledBack, e.Type, e.Reason)
	}
	eventually(t, wholeLife, func() error { // the next reminder of some of them may be days away
		n, err := s.database.Collection("trials").CountDocuments(s.ctx, bson.M{"steps.mailed": true})
		if err == nil && n == 0 {
			err = errors.New("no e-mail has been sent yet")
		}
		return err
	})
	s.writesOfNothingPast(many)
	s.countsAsAdopted(many)
}

// leastBackfillDay makes a trial of 90 days last nine minutes, in whose middle a busy machine can adopt a hundred of them.
const leastBackfillDay = 6 * time.Second

// longTrialDays is the length of the trials that are adopted.
const longTrialDays = 90

// longPolicy is the file of a policy whose trials are in their middle for long.
func longPolicy() []byte {
	const every = 5
	var reminders strings.Builder
	for days := longTrialDays - 2*every; days > 0; days -= every {
		fmt.Fprintf(&reminders, "      - {id: reminder-%dd, after: beforeEnd, days: %d}\n", days, days)
	}
	return fmt.Appendf(nil, `policies:
  - name: quarter
    lengthDays: %d
    graceDays: 3
    sendHour: 9
    quietDays: []
    steps:
      - {id: welcome}
%s      - {id: expiry}
      - {id: grace-end}
rules: []
default: quarter
`, longTrialDays, &reminders)
}

func (s *scenario) daysSince(at time.Time) float64 {
	return time.Since(at).Seconds() / s.Day.Seconds()
}

// writesOfNothingPast checks each e-mail, in the record and in the mailbox, against its trial's adoption.
func (s *scenario) writesOfNothingPast(trials int) {
	s.t.Helper()
	cursor, err := s.database.Collection("trials").Find(s.ctx, bson.M{})
	require.NoError(s.t, err)
	var all []struct {
		ID        string    `bson:"_id"`
		Cohort    string    `bson:"cohort"`
		AdoptedAt time.Time `bson:"adoptedAt"`
		StartedAt time.Time `bson:"startedAt"`
		Steps     []struct {
			Step   trial.Step
			Mailed bool
		}
	}
	require.NoError(s.t, cursor.All(s.ctx, &all))
	require.Len(s.t, all, trials)
	inTime, mailed, unsent := 0, 0, map[string]bool{}
	for _, one := range all {
		require.Equal(s.t, "control", one.Cohort, "what was dealt never changes")
		if !one.AdoptedAt.IsZero() && one.AdoptedAt.Sub(one.StartedAt) < longTrialDays*s.Day {
			inTime++
		}
		for _, r := range one.Steps {
			if !r.Mailed {
				unsent[r.Step.Key(one.ID)] = true
				continue
			}
			mailed++
			require.True(s.t, r.Step.At.After(one.AdoptedAt), "%s was adopted at %s and got an e-mail that was due at %s", one.ID, one.AdoptedAt, r.Step.At)
		}
	}
	s.t.Logf("%d of %d were adopted in the middle of their lives, %d e-mails so far", inTime, trials, mailed)
	require.Positive(s.t, inTime)
	require.Positive(s.t, mailed)
	require.GreaterOrEqual(s.t, len(unsent), trials, "the welcome of each was skipped")
	for _, m := range s.messages("-" + s.mark + "/") {
		require.False(s.t, unsent[m.Step()], "%s came, and was never sent", m.Step())
	}
}

// countsAsAdopted checks that the figures show the trials in their own cohort, and in no other.
func (s *scenario) countsAsAdopted(trials int) {
	s.t.Helper()
	sum := func(counts map[trial.Status]int) (n int) {
		for _, c := range counts {
			n += c
		}
		return n
	}
	eventually(s.t, soon, func() error { // counters are written once a second
		a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/monitoring/trials/metrics", nil)
		if err != nil {
			return err
		}
		var m struct {
			Report monitoring.Report `json:"report"`
		}
		if err := a.Into(&m); err != nil {
			return err
		}
		if adopted, control := sum(m.Report.Trials[trial.Adopted]), sum(m.Report.Trials[trial.Control]); adopted != trials || control != 0 {
			return fmt.Errorf("%d trials count as adopted, %d as control", adopted, control)
		}
		return nil
	})
	a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/trials?cohort=adopted&limit=1", nil)
	s.answered(http.StatusOK, a, err)
	require.Contains(s.t, string(a.Body), `"cohort":"adopted"`)
	a, err = s.Admin(s.ctx, http.MethodGet, "/api/admin/trials?cohort=control&limit=1", nil)
	s.answered(http.StatusOK, a, err)
	require.Contains(s.t, string(a.Body), `"trials":[]`)
}
