package dashboard

import (
	"net/http"
	"slices"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// ticking are the words of the control that ticks a task after the deployment.
var ticking = controlWords{rollout.SignalTick, "Tick", "A person has done this task after the deployment, or reports that it is not done. That is kept; " +
	"nothing waits for it.", false}

// taskOf is the task after the deployment that a control is about; nil where it is about none.
func taskOf(v *rollout.View, control, id string) *rollout.TaskView {
	i := slices.IndexFunc(v.Tasks, func(t rollout.TaskView) bool { return t.ID == id })
	if control != rollout.SignalTick || i < 0 {
		return nil
	}
	return &v.Tasks[i]
}

// taskRefusal says why no task is ticked, empty where one may be: they begin with the last percentage, and go on after the rollout.
func taskRefusal(s rollout.State) string {
	switch {
	case s.Status.Final() && s.Status != rollout.Completed:
		return "the rollout was not completed: there are no tasks after it"
	case s.DeployedAt == nil:
		return "the tasks come after the last phase: there is nothing to tick yet"
	}
	return ""
}

// ticks refuses a form about a task that was ticked since it was shown, unless by this same form.
func (v controlView) ticks(r *http.Request) error {
	if v.knows(r.PostFormValue("request")) {
		return nil
	}
	if v.refusal != "" {
		return &trial.Error{Code: trial.CodeConflict, Message: v.refusal}
	}
	if r.PostFormValue("found") != v.Found() {
		return trial.Conflict("somebody has ticked the task since this page was opened: look again")
	}
	return nil
}
