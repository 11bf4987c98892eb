package dashboard

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/trial"
)

// policiesView is what the page of the policies shows.
type policiesView struct {
	frame
	policy.Set
	Policies []policyView
	// Former are the figures of the policies that new vendors do not get any more, nil where no trial has one.
	Former *monitoring.PolicyFigures
	// Unmeasured is why there are no figures; empty where there are.
	Unmeasured string
}

// policyView is one policy, with its timetable.
type policyView struct {
	trial.Policy
	Steps []policyStep
	// Figures are nil where there are none.
	Figures *monitoring.PolicyFigures
}

// policyStep is a step of a policy, as if nothing moved it.
type policyStep struct {
	Kind trial.Kind
	// Day is that of the trial, counted from its start.
	Day, When string
	// Template is the wording, and Unless what drops the step, of an e-mail of the policy's own; empty for others.
	Template, Unless string
}

func (d *dashboard) policies(w http.ResponseWriter, r *http.Request) {
	view := policiesView{frame: d.live(r, "Policies", "policies"), Set: d.Policies, Unmeasured: "figures are not measured here"}
	var figures []monitoring.PolicyFigures
	if d.Figures != nil {
		report, err := d.Figures.Report(r.Context())
		switch {
		case err == nil:
			figures, view.Unmeasured = report.Policies, ""
		case trial.CodeOf(err) == trial.CodeConflict:
			view.Unmeasured = err.Error()
		default:
			view.Unmeasured = "the figures cannot be read now"
		}
	}
	of := func(name string) *monitoring.PolicyFigures {
		i := slices.IndexFunc(figures, func(f monitoring.PolicyFigures) bool { return f.Policy == name })
		if i < 0 {
			return nil
		}
		return &figures[i]
	}
	for _, p := range d.Policies.Policies {
		view.Policies = append(view.Policies, policyView{Policy: p, Steps: stepsOf(p), Figures: of(p.Name)})
	}
	view.Former = of("")
	d.show(w, r, http.StatusOK, "policies", view)
}

// stepsOf lists a policy's steps in their order. Its days are shorter than real ones, so that no clock and no quiet day moves a step.
func stepsOf(p trial.Policy) []policyStep {
	const day = time.Hour
	start := time.Unix(0, 0).UTC()
	s := trial.NewState(trial.Registration{VendorID: "any", Cohort: trial.Automated, Policy: p, Day: day, At: start})
	var steps []policyStep
	for _, step := range s.Schedule() {
		one := policyStep{Kind: step.Kind, Day: strconv.FormatFloat(float64(int(10*step.At.Sub(start)/day))/10, 'f', -1, 64), When: whenOf(p, step)}
		if m, own := p.Mailing(step.Kind); own {
			one.Template = m.Template
			unless := make([]string, 0, len(m.Unless))
			for _, c := range m.Unless {
				unless = append(unless, string(c))
			}
			one.Unless = strings.Join(unless, ", ")
		}
		steps = append(steps, one)
	}
	return steps
}

// whenOf says when a step of a policy comes.
func whenOf(p trial.Policy, step trial.Step) string {
	switch step.Kind {
	case trial.Welcome:
		return "at the registration"
	case trial.Expiry:
		return "at the end"
	case trial.GraceEnd:
		return evidence.Counted(p.GraceDays, "day", "days") + " after the end"
	}
	m, own := p.Mailing(step.Kind)
	if !own {
		m = trial.Mailing{After: trial.BeforeEnd, Days: step.Days()}
	}
	from := map[trial.Anchor]string{trial.AfterStart: "after the start", trial.BeforeEnd: "before the end", trial.AfterExpiry: "after the expiry"}[m.After]
	if m.Hours > 0 {
		return evidence.Counted(m.Hours, "hour", "hours") + " " + from
	}
	return fmt.Sprintf("%s %s, at %02d:00", evidence.Counted(m.Days, "day", "days"), from, p.SendHour)
}

// ruleWords are the attributes of a rule, by name.
func ruleWords(when map[string]string) string {
	words := make([]string, 0, len(when))
	for key, value := range when {
		words = append(words, key+" = "+value)
	}
	slices.Sort(words)
	return strings.Join(words, " and ")
}
