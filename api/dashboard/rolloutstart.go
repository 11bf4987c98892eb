package dashboard

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// startsRollouts is the role that starts rollouts, and waives the one that waives preflight checks, as in the API.
const (
	startsRollouts = access.Admin
	waives         = access.Admin
)

// maxPlan bounds a plan as it is written, in bytes.
const maxPlan = 16 << 10

// rolloutStartView is the page on which a rollout is planned, looked at, and then started.
type rolloutStartView struct {
	frame
	form
	Problems problems
	// Text is the plan as it was entered; empty for the configured one, or that of the rollout to restart.
	Text string
	// Back is the latest rollout where that was rolled back. RestartOf is the id of the one that is to go on, empty for a new one,
	// and Phase from which phase, counted from 1.
	Back      *rollout.State
	RestartOf string
	Phase     string
	// Planned is what would be started; nil where that does not apply, or is not right.
	Planned *plannedRollout
	// Seen is the id of the latest rollout, or app.NoRollout; RequestID lets a form that is sent twice count once.
	Seen, RequestID string
}

// plannedRollout is what a rollout would begin with, and what comes of it.
type plannedRollout struct {
	rollout.Start
	Stages   []rollout.StageTime
	Forecast rollout.Forecast
	// Text is the plan that is sent to be started: what was shown is what starts.
	Text string
}

// Ends is when its guard would be over at the earliest.
func (p plannedRollout) Ends() rollout.StageTime { return p.Stages[len(p.Stages)-1] }

// rolloutFields are where the page says what is wrong with a field of the request.
var rolloutFields = map[string]string{"plan": "plan", fileField: fileField, "phase": "phase", "restartOf": "phase"}

func (d *dashboard) rolloutStartView(ctx context.Context, typed url.Values) (rolloutStartView, error) {
	view := rolloutStartView{
		frame: d.frame(ctx, "Start a rollout", "overview"), form: form{Reason: typed.Get("reason")}, Problems: problems{}, Text: typed.Get("plan"),
		RestartOf: typed.Get("restart"), Phase: typed.Get("phase"), Seen: app.NoRollout, RequestID: rand.Text(),
	}
	if file := typed.Get(fileField); strings.TrimSpace(file) != "" {
		view.Text = file
	}
	latest, found, err := d.Store.CurrentRollout(ctx)
	if found {
		view.Seen = latest.ID
	}
	if found && latest.Status == rollout.RolledBack {
		view.Back = &latest
	}
	return view, err
}

// askRollout shows the form, and what the configured plan would begin.
func (d *dashboard) askRollout(w http.ResponseWriter, r *http.Request) {
	view, err := d.rolloutStartView(r.Context(), url.Values{})
	if err != nil {
		d.fail(w, r, "overview", err)
		return
	}
	status := http.StatusOK
	if err := d.planRollout(r.Context(), &view); err != nil {
		status = d.explainBeside(&view.form, view.Problems, rolloutFields, err)
		if status == http.StatusConflict {
			status = http.StatusOK // nobody has asked for anything yet
		}
	}
	d.show(w, r, status, "rolloutstart", view)
}

// startRollout shows what a plan would begin, and starts it once that was confirmed, through the API's own code.
func (d *dashboard) startRollout(w http.ResponseWriter, r *http.Request) {
	typed, err := readForm(r)
	view, failure := d.rolloutStartView(r.Context(), typed)
	if failure != nil {
		d.fail(w, r, "overview", failure)
		return
	}
	confirmed := err == nil && typed.Get("confirmed") == "yes"
	if confirmed {
		if err = d.beginRollout(r.Context(), typed, view); err == nil {
			http.Redirect(w, r, root+"?asked=start", http.StatusSeeOther)
			return
		}
		if key := typed.Get("request"); key != "" && app.ErrorOf(err).Code != app.CodeReused {
			view.RequestID = key
		}
	}
	planned := err
	if err == nil || confirmed {
		planned = d.planRollout(r.Context(), &view)
	}
	if err == nil {
		err = planned
	}
	status := http.StatusOK
	if err != nil {
		status = d.explainBeside(&view.form, view.Problems, rolloutFields, err)
	}
	d.show(w, r, status, "rolloutstart", view)
}

// asked is what the form asks for.
func (v rolloutStartView) asked(d *dashboard) (asked app.NewRollout, err error) {
	if len(v.Text) > maxPlan {
		return asked, trial.Invalid("plan", "must have at most %s bytes", grouped(maxPlan))
	}
	if strings.TrimSpace(v.Text) != "" {
		plan, err := d.ReadPlan(strings.NewReader(v.Text))
		if err != nil {
			return asked, trial.Invalid("plan", "is not right: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		asked.Plan = &plan
	}
	if v.RestartOf == "" {
		return asked, nil
	}
	phase, err := strconv.Atoi(v.Phase)
	if err != nil {
		return asked, trial.Invalid("phase", "must be a whole number")
	}
	asked.RestartOf, asked.Phase = &v.RestartOf, &phase
	return asked, nil
}

// planRollout finds out what the form would begin.
func (d *dashboard) planRollout(ctx context.Context, v *rolloutStartView) error {
	asked, err := v.asked(d)
	if err != nil {
		return err
	}
	start, err := d.Rollouts.PlanRollout(ctx, asked)
	if err != nil {
		return fmt.Errorf("looking at a plan: %w", err)
	}
	f, err := d.Forecasts.Forecast(ctx, &start.Plan, nil)
	if err != nil {
		return fmt.Errorf("looking at what a plan risks: %w", err)
	}
	text := v.Text
	if strings.TrimSpace(text) == "" {
		whole, err := json.Marshal(start.Plan)
		if err != nil {
			return fmt.Errorf("writing the plan: %w", err)
		}
		text = string(whole)
	}
	v.Planned = &plannedRollout{Start: start, Stages: start.Plan.Planned(start.Phase, v.Now, start.Times.Day), Forecast: f, Text: text}
	return nil
}

func (d *dashboard) beginRollout(ctx context.Context, typed url.Values, v rolloutStartView) error {
	if strings.TrimSpace(v.Text) == "" || typed.Get("request") == "" {
		return trial.Conflict("this form is not whole: open this page again")
	}
	asked, err := v.asked(d)
	if err != nil {
		return err
	}
	id, err := d.Rollouts.StartRolloutRecorded(ctx, app.RolloutBegin{NewRollout: asked, Seen: typed.Get("seen"), Reason: v.Reason, Key: typed.Get("request")})
	if err != nil {
		return fmt.Errorf("starting a rollout: %w", err)
	}
	d.Log.Info("rollout started from the dashboard", zap.String("rollout", id))
	return nil
}
