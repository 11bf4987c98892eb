package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/sample"
)

func TestPauseResumeAdvance(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	for _, control := range []string{rollout.SignalPause, rollout.SignalResume, rollout.SignalAdvance} {
		values := s.filled(control, "the test wants it")
		a := s.post("/admin/rollout/"+control, values)
		require.Equal(t, http.StatusSeeOther, a.status, a.text())
		require.Equal(t, "/admin/?asked="+control+"&request="+values.Get("request")+"&rollout="+values.Get("rollout"), a.header.Get("Location"))
		inOrder(t, s.get(a.header.Get("Location")).text(), "The rollout was asked to", ". It has done so.")
		later := s.get("/admin/?asked=" + control + "&request=another&rollout=" + values.Get("rollout")).text()
		inOrder(t, later, "The rollout was asked to", ". It has not done so yet: that takes a worker that runs.")
		require.Equal(t, control != rollout.SignalPause, strings.Contains(later, "ask anew"), "a pause is never refused")
		require.NotContains(t, s.get("/admin/?asked="+control+"&request=another&rollout=another").text(), "done so")
	}
	require.Equal(t, []string{rollout.SignalPause, rollout.SignalResume, rollout.SignalAdvance}, s.world.Controls)
	for _, r := range s.world.Steered {
		require.Equal(t, "the test wants it", r.Reason)
		require.NotEmpty(t, r.ID)
	}
	require.NotContains(t, s.get("/admin/?asked=%3Cscript%3E").body, "script%3E</p>")
}

func TestAPersonJudgesACriterionOnItsPage(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	feedback, _ := rollout.CriterionByPerson("feedback-positive")
	require.Contains(t, s.get("/admin/").body, `<a href="`+feedback.Page()+`">Judge …</a>`)
	inOrder(t, s.get(feedback.Page()).text(), "Judge: User feedback positive", "INSUFFICIENT a person must judge it.", "Is it met?", "Met.", "Not met.", "Reason")
	values := s.filledAt(feedback.Page(), "Two questions in a week")
	a := s.post(feedback.Page(), values)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "met must be chosen.")
	for _, answer := range []string{"no", "yes"} {
		values = s.filledAt(feedback.Page(), "Two questions in a week")
		values.Set("met", answer)
		a = s.post(feedback.Page(), values)
		require.Equal(t, http.StatusSeeOther, a.status, a.text())
		require.Contains(t, s.get(a.header.Get("Location")).text(), "The rollout was asked to note what you judged. It has done so.")
		tick := rollout.Fold(s.world.Rollout).Criteria[feedback.ID]
		require.Equal(t, answer == "yes", tick.Met)
		require.Equal(t, "Two questions in a week", tick.Reason)
	}
	require.Equal(t, http.StatusNotFound, s.get("/admin/rollout/tick/no-rollback").status, "figures judge that one")

	values = s.filled(rollout.SignalRollback, "bounces")
	values.Set("percentage", "0")
	require.Equal(t, http.StatusSeeOther, s.post("/admin/rollout/rollback", values).status)
	require.Contains(t, s.get(feedback.Page()).text(), "This does not apply now.")
	require.NotContains(t, s.get("/admin/").text(), "Judge …")
}

func TestSettingThePercentage(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	require.Contains(t, s.get("/admin/").text(), "Set the percentage …")
	const page = "/admin/rollout/set-percentage"
	a := s.get(page)
	inOrder(t, a.text(), "Set the rollout's percentage", "held there until somebody resumes it", "Percentage of new vendors", "Reason")
	require.Contains(t, a.body, `required value="25"`)
	values := s.filledAt(page, "half is enough")
	for _, wrong := range []string{"", "x", "101", "-1", "0.001"} {
		values.Set("percentage", wrong)
		a = s.post(page, values)
		require.Equal(t, http.StatusBadRequest, a.status, wrong)
		require.Contains(t, a.text(), "half is enough")
	}
	values.Set("percentage", "12.5")
	for range 2 {
		require.Equal(t, http.StatusSeeOther, s.post(page, values).status)
	}
	require.Len(t, s.world.Steered, 1)
	require.Equal(t, 12.5, rollout.Fold(s.world.Rollout).Percentage) //nolint:testifylint // as it was entered, not reckoned
}

func TestRollingBack(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	page := s.get("/admin/rollout/rollback").text()
	inOrder(t, page, "How far back", "Completely.", "To 10 %.", "Keep", "Release", "Reason")
	require.NotContains(t, page, "To 25 %.", "that is where it is")

	values := s.filled(rollout.SignalRollback, "bounces")
	values.Set("percentage", "10")
	values.Set("inFlight", "release")
	require.Equal(t, http.StatusSeeOther, s.post("/admin/rollout/rollback", values).status)
	require.Equal(t, 10.0, s.world.Steered[0].Percentage) //nolint:testifylint // as it was entered, not reckoned
	require.Equal(t, flags.Release, s.world.Steered[0].InFlight)

	values = s.filled(rollout.SignalRollback, "more bounces")
	values.Set("percentage", "0")
	values.Set("inFlight", "keep")
	require.Equal(t, http.StatusSeeOther, s.post("/admin/rollout/rollback", values).status)
	require.Equal(t, rollout.RolledBack, rollout.Fold(s.world.Rollout).Status)

	a := s.post("/admin/rollout/rollback", values)
	require.Equal(t, http.StatusSeeOther, a.status, "the same form again counts once")
	require.Len(t, s.world.Steered, 2)
	page = s.get("/admin/rollout/rollback").text()
	require.Contains(t, page, "This does not apply now.")
}

// What is wrong is said beside it, what was entered stays, and nothing is done.
func TestARefusedControlChangesNothing(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	values := s.filled(rollout.SignalPause, "  ")
	a := s.post("/admin/rollout/pause", values)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "The reason is missing.")
	require.Contains(t, a.body, `aria-invalid="true"`)

	values.Set("reason", strings.Repeat("x", 501))
	a = s.post("/admin/rollout/pause", values)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "must be at most 500 characters")
	require.Contains(t, a.body, strings.Repeat("x", 501))

	a = s.post("/admin/rollout/resume", s.filled(rollout.SignalResume, "go"))
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.text(), "Nothing was done: the rollout is not paused.")

	back := s.filled(rollout.SignalRollback, "back")
	for _, wrong := range []string{"", "x", "99", "NaN", "-1"} {
		back.Set("percentage", wrong)
		require.Equal(t, http.StatusBadRequest, s.post("/admin/rollout/rollback", back).status, wrong)
	}

	advance := s.filled(rollout.SignalAdvance, "on")
	require.Equal(t, http.StatusNotFound, s.post("/admin/rollout/complete", advance).status)
	require.Empty(t, s.world.Steered)

	require.Equal(t, http.StatusSeeOther, s.post("/admin/rollout/advance", s.filled(rollout.SignalAdvance, "somebody else")).status)
	a = s.post("/admin/rollout/advance", advance)
	require.Equal(t, http.StatusConflict, a.status, "it would skip a phase")
	require.Contains(t, a.text(), "has moved on since this page was opened")
	require.Contains(t, a.text(), "it is running now, at 50 %")
	advance.Set("rollout", "another")
	require.Equal(t, http.StatusConflict, s.post("/admin/rollout/advance", advance).status)

	s.world.Err = sample.ErrUnavailable
	a = s.post("/admin/rollout/pause", values)
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	require.Len(t, s.world.Steered, 1)
}

// failing are controls whose requests end so.
type failing struct {
	dashboard.PersonalData
	err error
}

func (f failing) SteerRolloutRecorded(context.Context, string, string, flags.Request) error {
	return f.err
}

func (f failing) StopAutomationRecorded(context.Context, flags.Request) error { return f.err }

func (f failing) ChangeTrialRecorded(context.Context, string, string, trial.Request) error {
	return f.err
}

func (f failing) EndSessionsRecorded(context.Context, app.SessionEnd) error { return f.err }

func (f failing) LiftSuppressionRecorded(context.Context, string, app.LiftOrder) error { return f.err }

func (f failing) ChangeAlertRecorded(context.Context, monitoring.RuleID, monitoring.AlertRequest) error {
	return f.err
}

// What is known of a form that could not be carried out is said, and what is not known is not called a fault of ours.
func TestAFormThatFailsSaysWhatIsKnown(t *testing.T) {
	t.Parallel()
	const unknown = "not known whether this was done"
	for name, c := range map[string]struct {
		err    error
		status int
		says   string
	}{
		"there was no turn":        {fmt.Errorf("steering: %w", app.Untouched("there was no turn")), http.StatusServiceUnavailable, "There was no turn, so nothing was done; try again."},
		"its time is over":         {fmt.Errorf("asking: %w", context.DeadlineExceeded), http.StatusServiceUnavailable, unknown},
		"a part does not answer":   {sample.ErrUnavailable, http.StatusServiceUnavailable, unknown},
		"something is wrong in it": {errors.New("broken"), http.StatusInternalServerError, "Something went wrong here"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := signedIn(t, sample.Busy(), func(o *dashboard.Options) { o.Controls = failing{err: c.err} })
			a := s.post("/admin/rollout/pause", s.filled(rollout.SignalPause, "as I see it"))
			require.Equal(t, c.status, a.status)
			require.Contains(t, a.text(), c.says)
			require.Contains(t, a.text(), "as I see it", "what was entered stays")
		})
	}
}

func TestAFormActsOnlyOnTheStateThatItShowed(t *testing.T) {
	t.Parallel()
	changes := map[string]flags.Request{
		rollout.SignalPause: {}, rollout.SignalAdvance: {}, rollout.SignalSetPercentage: {Percentage: 5}, rollout.SignalRollback: {Percentage: 10},
	}
	for change, request := range changes {
		for _, control := range []string{rollout.SignalPause, rollout.SignalAdvance, rollout.SignalRollback, rollout.SignalResume} {
			t.Run(control+" after "+change, func(t *testing.T) {
				t.Parallel()
				s := signedIn(t, sample.Busy())
				if control == rollout.SignalResume {
					require.NoError(t, s.world.SteerRolloutRecorded(t.Context(), s.world.Rollout[0].Start.ID, rollout.SignalPause, flags.Request{Reason: "lunch"}))
					if change == rollout.SignalPause {
						return
					}
				}
				values := s.filled(control, "as I see it")
				values.Set("percentage", "0")
				theirs := request // shared by the controls
				theirs.Reason = "somebody else"
				require.NoError(t, s.world.SteerRolloutRecorded(t.Context(), s.world.Rollout[0].Start.ID, change, theirs))
				decided := len(s.world.Rollout)
				a := s.post("/admin/rollout/"+control, values)
				require.Equal(t, http.StatusConflict, a.status, a.text())
				require.Contains(t, a.text(), "Nothing was done: the rollout has moved on since this page was opened: it is ")
				require.Contains(t, a.text(), "as I see it", "what was entered stays")
				require.Len(t, s.world.Rollout, decided)

				values.Del("seen")
				require.Equal(t, http.StatusConflict, s.post("/admin/rollout/"+control, values).status, "a form without a state is of none")
			})
		}
	}
}

func TestWhatDoesNotMoveTheRolloutLeavesItsForms(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	values := s.filled(rollout.SignalPause, "as I see it")
	require.NoError(t, s.world.SteerRolloutRecorded(t.Context(), s.world.Rollout[0].Start.ID, rollout.SignalTick,
		flags.Request{Reason: "they like it", Subject: "feedback-positive", Met: true}))
	require.Equal(t, http.StatusSeeOther, s.post("/admin/rollout/pause", values).status)
}
