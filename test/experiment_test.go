package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// nudgePolicies are one without reminders, the default, and one with a reminder.
const nudgePolicies = `policies:
  - name: quiet
    lengthDays: 5
    graceDays: 0
    sendHour: 9
    quietDays: []
    steps: [{id: welcome}, {id: expiry}]
  - name: nudge
    lengthDays: 5
    graceDays: 0
    sendHour: 9
    quietDays: []
    steps: [{id: welcome}, {id: reminder-2d, after: beforeEnd, days: 2}, {id: expiry}]
default: quiet
`

// An experiment at 100 %: vendors are dealt to both arms and get the arms' e-mails, a lower percentage ends the dealing, and a
// person ends the experiment and picks.
func TestAnExperimentDealsVendorsToTwoPolicies(t *testing.T) {
	policies := filepath.Join(t.TempDir(), "policies.yaml")
	require.NoError(t, os.WriteFile(policies, []byte(nudgePolicies), 0o600))
	s := begin(t, system.Options{Day: 2 * day, Env: []string{"POLICIES=" + policies}})
	start := []string{"experiment", "start", "--name", "nudge", "--a", "quiet", "--b", "nudge", "--difference", "10", "--per-day", "30", "--conversion", "10"}
	require.Contains(t, s.starter(append(start, "--dry-run")...), "each vendor is compared after 5 days")
	require.Contains(t, s.starter(start...), "New vendors are dealt to both arms")

	arms := map[string][]string{}
	for i := 0; len(arms["a"]) < 2 || len(arms["b"]) < 2; i++ {
		require.Less(t, i, 40, "chance deals one arm only")
		id := s.vendor(fmt.Sprint("dealt", i))
		s.register(id)
		arm := s.known(id).Trial.Experiment
		require.NotNil(t, arm, id)
		arms[arm.Arm] = append(arms[arm.Arm], id)
	}
	dealt := arms["a"][0]
	s.convert(arms["b"][0])
	s.awaitStatus(wholeLife, arms["b"][0], trial.Converted)

	var view experiment.View
	eventually(t, soon, func() error {
		view = s.experiment()
		if seen := [...]int{view.Judgement.A.Dealt, view.Judgement.B.Dealt}; seen != [...]int{len(arms["a"]), len(arms["b"])} {
			return fmt.Errorf("%v vendors are in the arms", seen)
		}
		return nil
	})
	require.Equal(t, experiment.Dealing, view.Status)

	s.rollout(true, 50)
	view = s.experiment()
	require.Equal(t, experiment.Waiting, view.Status)
	require.Equal(t, "the percentage was set to 50", view.DealingEnded.Reason)
	s.rollout(true, 100)
	late := s.vendor("late")
	s.register(late)
	require.Nil(t, s.known(late).Trial.Experiment)
	require.Equal(t, "quiet", s.known(late).Trial.Policy)

	for arm, mails := range map[string][]string{"a": {"welcome/0", "expiry/0"}, "b": {"welcome/0", "reminder-2d/0", "expiry/0"}} {
		for _, id := range arms[arm][1:] {
			s.awaitStatus(wholeLife, id, trial.Expired)
			require.Equal(t, mails, s.mails(id), "arm %s", arm)
		}
	}
	require.Equal(t, "a", s.known(dealt).Trial.Experiment.Arm, "it stays in its arm")

	require.Contains(t, s.starter("experiment", "end", "--pick", "b", "--reason", "Reminders sell"), `For nudge, write "default: nudge"`)
	view = s.experiment()
	require.Equal(t, experiment.ArmB, view.Ended.Picked)
	require.Equal(t, "the percentage was set to 50", view.DealingEnded.Reason)
}

// experiment is the latest experiment, as the command line shows it to programs.
func (s *scenario) experiment() (view experiment.View) {
	s.t.Helper()
	require.NoError(s.t, json.Unmarshal([]byte(s.starter("experiment", "status", "--json")), &view))
	return view
}
