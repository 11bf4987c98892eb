package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/fakeapi"
)

// climbing is a rollout that began four days ago and has been at 10 % since
// this morning: its backup was waived and a dashboard looked at.
func climbing() ([]rollout.Event, *rollout.Judgement) {
	began := present.Add(-3*trial.RealDay - 2*time.Hour)
	start := rollout.Start{ID: "rollout-20260307-100000", Plan: rollout.DefaultPlan(), By: "admin", Times: evidence.Times{Day: trial.RealDay, TrialDays: 17}}
	events := []rollout.Event{rollout.Begin(start, began)}
	state := rollout.Fold(events)
	apply := func(e *rollout.Event) {
		events = append(events, *e)
		state = state.Apply(*e)
	}
	ask := func(name string, r flags.Request, at time.Time) {
		r.By, r.ID = "admin", fmt.Sprintf("k-%d", len(events))
		e, err := state.Request(name, r, nil, at)
		if err != nil {
			panic(err)
		}
		apply(e)
	}
	next := func(at time.Time) {
		e, _ := state.Next(nil, at)
		apply(e)
	}
	next(began.Add(trial.RealDay))
	apply(new(state.CheckedEvent([]rollout.Check{
		{ID: rollout.CheckMigration, Verdict: rollout.Pass, Reason: "every vendor has a trialStartDate"},
		{ID: rollout.CheckBackup, Verdict: rollout.Insufficient, Reason: "no backup is on record"},
	}, began.Add(trial.RealDay))))
	ask(rollout.SignalWaive, flags.Request{Subject: rollout.CheckBackup, Reason: "in the vault"}, began.Add(26*time.Hour))
	ask(rollout.SignalTick, flags.Request{Subject: "dashboards-operational", Met: true, Reason: "looked at them"}, began.Add(27*time.Hour))
	ask(rollout.SignalTick, flags.Request{Subject: "feedback-positive", Reason: "one complaint"}, began.Add(28*time.Hour))
	for state.Stage != (rollout.Stage{Kind: rollout.InPhase, Phase: 1}) {
		next(began.Add(3 * trial.RealDay))
	}
	ledger := rollout.NewLedger(start.Plan)
	snapshot := rollout.Snapshot{
		RolloutID: start.ID, Number: 1, From: state.EnteredAt, To: present.Add(-time.Minute), At: present.Add(-time.Minute),
		Position: state.Position(), Enabled: true, Percentage: 10, Calls: rollout.Calls{Failed: 2, Took: map[int]int{40: 90, 60: 20}},
	}
	for i := range 12 {
		id, at := fmt.Sprintf("v-%d", i), state.EnteredAt.Add(time.Minute)
		reported := rollout.MailDelivered
		if i == 3 {
			reported = rollout.MailFailed
		}
		for _, kind := range []rollout.OutcomeKind{rollout.Admitted, rollout.MailSent, rollout.StepDone, reported} {
			snapshot.Outcomes = append(snapshot.Outcomes, rollout.Outcome{Kind: kind, VendorID: id, Key: id + "/welcome/0", At: at})
		}
	}
	ledger.Apply(start.Plan, snapshot, trial.RealDay)
	return events, new(rollout.Judge(start.Plan, start.Times, ledger, snapshot))
}

func TestRolloutCommandsForPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Rollout, w.Judged = climbing()
	for name, args := range map[string][]string{
		"rollout-status":    {"rollout", "status"},
		"rollout-decisions": {"rollout", "decisions", "rollout-20260307-100000"},
		"rollout-plan":      {"rollout", "plan"},
		"rollout-plan-30":   {"rollout", "plan", "--registrations", "30"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := w.run(t, args...)
			require.Zero(t, r.code, r.err)
			require.Empty(t, r.err)
			golden(t, name, r.out)
		})
	}
}

func TestReportsForPeopleAndPrograms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Rollout, w.Judged = climbing()
	require.Equal(t, result{0, "No reports: they begin once all phases are through.\n", ""}, w.run(t, "rollout", "reports"))

	stability := rollout.Stage{Kind: rollout.Stability, Phase: 5}
	w.Rollout = append(w.Rollout, rollout.Event{Seq: len(w.Rollout) + 1, Type: rollout.EventEntered, By: "admin", Reason: "Entered stability.",
		At: present.Add(-8 * trial.RealDay), Stage: &stability, Enabled: new(true), Percentage: new(100.0)})
	state := rollout.Fold(w.Rollout)
	day := report.Facts{Calls: rollout.Calls{Took: map[int]int{40: 90, 60: 20}}}
	for i := range 12 {
		id := fmt.Sprintf("v-%d", i)
		for _, kind := range []rollout.OutcomeKind{rollout.Admitted, rollout.MailSent, rollout.MailDelivered, rollout.StepDone} {
			day.Outcomes = append(day.Outcomes, rollout.Outcome{Kind: kind, VendorID: id, Key: id})
		}
	}
	made := report.Make(state, state.Periods()[0], []report.Facts{day}, report.Facts{Outcomes: day.Outcomes[:8]}, w.Rollout, present)
	w.Reports = map[string]report.Report{made.ID: made}
	for name, args := range map[string][]string{
		"rollout-reports":      {"rollout", "reports"},
		"rollout-report":       {"rollout", "report", "daily-1"},
		"rollout-status-tasks": {"rollout", "status"},
	} {
		r := w.run(t, args...)
		require.Zero(t, r.code, r.err)
		golden(t, name, r.out)
	}
	for path, args := range map[string][]string{
		"/api/admin/rollouts/current/reports":         {"rollout", "reports", "--json"},
		"/api/admin/rollouts/current/reports/daily-1": {"rollout", "report", "daily-1", "--json"},
	} {
		require.Equal(t, result{0, w.ask(t, path) + "\n", ""}, w.run(t, args...))
	}
	require.Equal(t, 1, w.run(t, "rollout", "report", "daily-2").code)
}

func TestRolloutStatusOfOneThatWaitsAndOfOneThatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Rollout, _ = climbing()
	require.Zero(t, w.run(t, "rollout", "pause", "--reason", "holiday").code)
	golden(t, "rollout-status-paused", w.run(t, "rollout", "status").out)
	require.Zero(t, w.run(t, "rollout", "rollback", "--percentage", "0", "--reason", "given up").code)
	golden(t, "rollout-status-over", w.run(t, "rollout", "status").out)
}

func TestRolloutJSONIsExactlyTheAPIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Rollout, w.Judged = climbing()
	for path, args := range map[string][]string{
		"/api/admin/rollouts/current":                             {"rollout", "status", "--json"},
		"/api/admin/rollouts/current/decisions?after=0&limit=200": {"rollout", "decisions", "--json"},
	} {
		require.Equal(t, result{0, w.ask(t, path) + "\n", ""}, w.run(t, args...))
	}
}

func TestRolloutStart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "plan.yaml")
	require.NoError(t, os.WriteFile(file, []byte("name: mine\nguardDays: 31\nphases:\n  - {name: all, percentage: 100, soakDays: 2, gates: [email]}\n"), 0o600))
	w := newWorld(t)
	first := w.run(t, "rollout", "start", "--plan", file, "--reason", "the board agreed")
	require.Regexp(t, `^Rollout rollout-20260310-120000-\w{6} starts with plan mine\.\n$`, first.out, first.err)
	id := rollout.Fold(w.Rollout).ID
	var sent client.RolloutStart
	require.NoError(t, json.Unmarshal([]byte(w.Calls()[0].Body), &sent))
	require.Equal(t, "mine", sent.Plan.Name)
	require.Equal(t, "the board agreed", *sent.Reason)
	require.InDelta(t, 31, sent.Plan.GuardDays, 0)
	require.InDelta(t, 7, sent.Plan.StabilityDays, 0, "as in the built-in plan")
	require.Equal(t, result{1, "", "starter: a rollout is running already (request r-1)\n"}, w.run(t, "rollout", "start"))

	require.Zero(t, w.run(t, "rollout", "rollback", "--percentage", "0", "--reason", "why").code)
	again := w.run(t, "rollout", "start", "--restart-of", id, "--phase", "1", "--json")
	require.Equal(t, result{0, `{"id":"` + rollout.Fold(w.Rollout).ID + `","plan":"mine"}` + "\n", ""}, again)
	calls := w.Calls()
	require.NotEmpty(t, calls[0].Key)
	require.NotEqual(t, calls[0].Key, calls[len(calls)-1].Key, "each call is a new request")
	require.JSONEq(t, `{"restartOf":"`+id+`","phase":1}`, calls[len(calls)-1].Body)
}

func TestRolloutControls(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args       []string
		path, body string
		taken      string
	}{
		"pause":          {[]string{"pause"}, "pause", `{"reason":"why"}`, "pause"},
		"advance":        {[]string{"advance"}, "advance", `{"reason":"why"}`, "advance"},
		"rollback":       {[]string{"rollback", "--percentage", "0"}, "rollback", `{"reason":"why","percentage":0}`, "rollback"},
		"release":        {[]string{"rollback", "--percentage", "5", "--release"}, "rollback", `{"reason":"why","percentage":5,"inFlight":"release"}`, "rollback"},
		"set-percentage": {[]string{"set-percentage", "--percentage", "12.5"}, "set-percentage", `{"reason":"why","percentage":12.5}`, "set-percentage"},
		"met":            {[]string{"tick", "feedback-positive", "--met"}, "criteria/feedback-positive", `{"reason":"why","met":true}`, "tick"},
		"not-met":        {[]string{"tick", "feedback-positive", "--not-met"}, "criteria/feedback-positive", `{"reason":"why","met":false}`, "tick"},
		"waive":          {[]string{"waive", "backup"}, "preflight/backup/waiver", `{"reason":"why"}`, "waive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Rollout, _ = climbing()
			args := append(append([]string{"rollout"}, c.args...), "--reason", "why")
			want := "Rollout rollout-20260307-100000 received " + c.taken + ". To see the result: starter rollout status\n"
			require.Equal(t, result{0, want, ""}, w.run(t, args...))
			w.run(t, args...)
			calls := w.Calls()
			require.Len(t, calls, 2)
			require.Equal(t, "/api/admin/rollouts/current/"+c.path, calls[0].Path)
			require.JSONEq(t, c.body, calls[0].Body)
			require.NotEmpty(t, calls[0].Key)
			require.NotEqual(t, calls[0].Key, calls[1].Key, "each call is a new request")
		})
	}
}

func TestRolloutResumeWithAKeyOfOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Rollout, _ = climbing()
	require.Zero(t, w.run(t, "rollout", "pause", "--reason", "why").code)
	before := len(w.Rollout)
	for range 2 {
		r := w.run(t, "rollout", "resume", "--reason", "why", "--idempotency-key", "mine", "--json")
		require.Equal(t, result{0, `{"rolloutId":"rollout-20260307-100000","taken":"resume"}` + "\n", ""}, r)
	}
	require.Len(t, w.Rollout, before+1, "carried out once")
	r := w.run(t, "rollout", "resume", "--reason", "why")
	require.Equal(t, result{1, "", "starter: the rollout is not paused (request r-1)\n"}, r)
}

func TestAnUncertainControlCanBeRepeated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fail(func(rw http.ResponseWriter, _ *http.Request) bool {
		fakeapi.Refuse(rw, http.StatusServiceUnavailable, "", "the workflow service does not answer; try again")
		return true
	})
	r := w.run(t, "rollout", "pause", "--reason", "why", "--idempotency-key", "mine")
	require.Equal(t, result{1, "", "starter: the workflow service does not answer; try again (request r-1)\n" +
		"It may have been carried out all the same. To be sure, repeat it with --idempotency-key mine\n"}, r)
	r = w.run(t, "rollout", "start", "--idempotency-key", "mine")
	require.Equal(t, result{1, "", "starter: the workflow service does not answer; try again (request r-1)\n" +
		"It may have started all the same. To be sure, repeat it with --idempotency-key mine\n"}, r)
}

func TestRolloutDecisionsTurnPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Rollout, _ = climbing()
	for len(w.Rollout) < 450 {
		w.Rollout = append(w.Rollout, rollout.Event{Seq: len(w.Rollout) + 1, Type: rollout.EventUpdate, At: present, By: "rollout", Reason: "a day more"})
	}
	r := w.run(t, "rollout", "decisions")
	require.Zero(t, r.code, r.err)
	require.Equal(t, 451, strings.Count(r.out, "\n"), "a header and every decision")
	require.Len(t, w.Calls(), 3)
	var all client.RolloutDecisions
	require.NoError(t, json.Unmarshal([]byte(w.run(t, "rollout", "decisions", "--json").out), &all))
	require.Len(t, all.Decisions, 450)

	w.Fail(func(rw http.ResponseWriter, _ *http.Request) bool {
		rw.Header().Set("Content-Type", "application/json")
		page, err := json.Marshal(client.RolloutDecisions{Decisions: w.Rollout[:200]})
		_, _ = rw.Write(page)
		return err == nil
	})
	r = w.run(t, "rollout", "decisions")
	require.Equal(t, result{1, "", "starter: the API answered with the same page twice, after decision 200\n"}, r)
}

func TestReplaySaysWhatDiffers(t *testing.T) {
	t.Parallel()
	events, _ := climbing()
	none := func(int) (rollout.Snapshot, bool, error) { return rollout.Snapshot{}, false, nil }
	var out bytes.Buffer
	a := app{out: &out, now: func() time.Time { return present }}
	require.NoError(t, a.compare(events, none))
	require.Equal(t, "Rollout rollout-20260307-100000: 8 decisions, 0 snapshots.\n"+
		"Replayed and compared: 5 decisions, 0 judgements. The other decisions were people's.\nAll came to the same.\n", out.String())

	out.Reset()
	events[7].Reason = "\x1b[31mbecause"
	require.EqualError(t, a.compare(events, none), "the replay differs from what is stored in 1 places")
	golden(t, "rollout-replay-differs", out.String())
	out.Reset()
	a.options.json = true
	require.Error(t, a.compare(events, none))
	require.Contains(t, out.String(), `"differences":[{"seq":8,"type":"entered","what":"the decision"`)
}

func TestRolloutUsage(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "plan.yaml")
	require.NoError(t, os.WriteFile(broken, []byte("name: x\nphases:\n  - {name: all, percentage: 101, soakDays: 1, gates: []}\n"), 0o600))
	for want, args := range map[string][]string{
		`say which command of "starter rollout"`:              {},
		"--phase: needs --restart-of":                         {"start", "--phase", "2"},
		"--plan: open /nowhere: no such file or directory":    {"start", "--plan", "/nowhere"},
		"--plan: " + broken + ": line 3":                      {"start", "--plan", broken},
		"--registrations: must be 0 to 1000000, is -1":        {"plan", "--registrations", "-1"},
		"takes one rollout's id at the most, got 2 arguments": {"status", "a", "b"},
		"MONGODB_URI": {"replay"},
		"--plan: open /nowhere/too: no such file or directory":                {"replay", "--plan", "/nowhere/too"},
		`required flag(s) "reason" not set`:                                   {"pause"},
		`required flag(s) "percentage" not set`:                               {"rollback", "--reason", "why"},
		"--percentage: must be 0 to 100 in steps of 0.01, is 10.001":          {"set-percentage", "--percentage", "10.001", "--reason", "why"},
		"needs one criterion, got 0 arguments; starter rollout status shows":  {"tick", "--met", "--reason", "why"},
		"at least one of the flags in the group [met not-met] is required":    {"tick", "feedback-positive", "--reason", "why"},
		"say --met or --not-met":                                              {"tick", "feedback-positive", "--met=false", "--reason", "why"},
		"needs one preflight check, got 2 arguments; starter rollout status ": {"waive", "a", "b", "--reason", "why"},
		"--idempotency-key: must be 1 to 128 visible ASCII characters":        {"pause", "--reason", "why", "--idempotency-key", "a b"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.run(t, append([]string{"rollout"}, args...)...)
			require.Equal(t, exitUsage, r.code, r.err)
			require.Contains(t, r.err, "starter: "+want)
			require.Empty(t, w.Calls())
		})
	}
}
