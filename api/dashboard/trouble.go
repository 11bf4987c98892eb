package dashboard

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// trouble is something that is wrong, and what to do about it.
type trouble struct {
	// Grave says that somebody must act now.
	Grave  bool
	Title  string
	Text   string
	Action string
	// Since is nil where nobody knows.
	Since *time.Time
	// Alert is the alert that it is, if it is one.
	Alert monitoring.RuleID
	// About is the condition that it tells of, empty for one that nothing follows from. Follows are the
	// troubles that follow from it.
	About   about
	Follows []trouble
}

// troubleOf is an error in words; what says what could not be read. Its own words
// are for the log.
func (d *dashboard) troubleOf(what string, err error) trouble {
	d.Log.Warn("a page lacks something", zap.String("what", what), zap.Error(err))
	if trial.CodeOf(err) == trial.CodeUnavailable {
		return databaseUnavailable()
	}
	if e, ok := errors.AsType[*trial.Error](err); ok {
		return trouble{Title: "Not shown: " + what, Text: e.Error() + "."}
	}
	return trouble{Grave: true, Title: "Not all of this page could be read", Text: "What is missing: " + what + ".",
		Action: "The API's log says why, under “a page lacks something”."}
}

func databaseUnavailable() trouble {
	return trouble{Grave: true, About: aboutDatabase, Title: "The database does not answer",
		Text:   "Figures, rollout and trials cannot be shown. " + monitoring.Intake(true) + " Trials wait and lose nothing.",
		Action: "See that MongoDB runs, that this API reaches it at MONGODB_URI, and that its replica set has a primary. This page comes back by itself."}
}

// troubles are all that is wrong, each under its cause, the gravest first.
func (d *dashboard) troubles(f facts, now time.Time) []trouble {
	return byCause(slices.Concat(d.unread(f), partTroubles(f), alertTroubles(f.alerts, now), rolloutTroubles(f), figureTroubles(f.report)))
}

func rank(t trouble) int {
	if t.Grave {
		return 0
	}
	return 1
}

// unread says what could not be read, once for all that has the same cause.
func (d *dashboard) unread(f facts) []trouble {
	var all []trouble
	var late []string
	shown := false
	for _, e := range f.errors {
		switch {
		case e.late:
			late = append(late, e.what)
		case trial.CodeOf(e.err) != trial.CodeUnavailable || !shown:
			shown = shown || trial.CodeOf(e.err) == trial.CodeUnavailable
			all = append(all, d.troubleOf(e.what, e.err))
		}
	}
	if len(late) > 0 {
		slices.Sort(late)
		d.Log.Warn("a page was not read in time", zap.Strings("what", late))
		all = append(all, trouble{Grave: true, Title: "The database takes too long", Text: "Not read in time: " + strings.Join(late, ", ") + ".",
			Action: "See that MongoDB can be reached, and whether it or its machine is overloaded. This page tries again by itself."})
	}
	return all
}

func alertTroubles(view *monitoring.AlertsView, now time.Time) []trouble {
	if view == nil {
		return nil
	}
	all := evaluationTroubles(*view)
	for _, a := range view.Alerts {
		if a.Status != monitoring.AlertFiring {
			continue
		}
		t := trouble{Grave: grave(a), Title: fmt.Sprintf("Alert %s: %s", a.Rule.ID, a.Rule.Title), Text: capital(sentence(a.Text)), Action: a.Rule.Todo, Since: a.Since, Alert: a.Rule.ID, About: aboutAlert(a.Rule.ID)}
		if did := handled(a, now); did != "" {
			t.Text, t.Action = t.Text+" "+did, "" // somebody knows what to do
		}
		all = append(all, t)
	}
	return all
}

// grave tells whether an alert wants somebody now, and nobody has seen to it.
func grave(a monitoring.AlertView) bool {
	bad := a.Rule.Severity == monitoring.High || a.Rule.Severity == monitoring.Critical
	return bad && a.Acknowledgement == nil && a.Silence == nil
}

// evaluationTroubles are what keeps the alerts from being the whole truth.
func evaluationTroubles(v monitoring.AlertsView) []trouble {
	if !v.Enabled {
		return []trouble{{Title: "Nobody looks at the alerts", Text: "The flag monitoring.enabled is off: what is shown of them is what was seen last.", Since: v.EvaluatedAt}}
	}
	var all []trouble
	if v.Late {
		all = append(all, trouble{Grave: true, About: aboutEvaluations, Title: "Nobody has looked at the alerts lately",
			Text:   "What is shown of them is old, and nobody is told of what has happened since.",
			Action: "See that a worker runs and that Temporal's schedule watch-alerts is not paused.", Since: v.EvaluatedAt})
	}
	if !v.TrialMetrics {
		all = append(all, trouble{Title: "Alerts about trials and e-mails are not judged", Text: "The flag monitoring.trialMetrics is off."})
	}
	if !v.Alerting {
		all = append(all, trouble{Title: "Nobody is notified of alerts", Text: "The flag monitoring.alerting is off. They are evaluated all the same."})
	}
	return all
}

// partTroubles are the parts that are not well, and the advice. A part of which
// nothing is known since another is away is left to that one, and the database
// where the page itself has found it away.
func partTroubles(f facts) []trouble {
	if f.health == nil {
		return nil
	}
	explained := slices.ContainsFunc(f.errors, func(e gap) bool { return !e.late && trial.CodeOf(e.err) == trial.CodeUnavailable })
	var all []trouble
	for _, p := range f.health.Parts {
		culprit := f.health.Part(p.Through).State == monitoring.Unhealthy
		if p.State == monitoring.Healthy || culprit || explained && p.Name == monitoring.PartMongoDB {
			continue
		}
		if explained && p.Name == monitoring.PartTemporal { // as the page knows better than health did a moment ago
			p.Action = monitoring.TemporalUnavailable(true)
		}
		all = append(all, trouble{
			Grave: p.State == monitoring.Unhealthy, About: about(p.Name), Title: fmt.Sprintf("%s: %s", p.Name, p.State),
			Text: capital(sentence(p.Message)), Action: p.Action, Since: &p.Since,
		})
	}
	for _, a := range f.health.Advice {
		all = append(all, trouble{Title: fmt.Sprintf("Advice for %s %s", a.Role, a.Instance), Text: sentence(a.Message), Action: a.Action})
	}
	return all
}

func rolloutTroubles(f facts) []trouble {
	if f.view == nil {
		return nil
	}
	state := f.view.Rollout
	var all []trouble
	if f.view.WatchMissed {
		inDoubt := "pause the rollout or roll it back."
		if state.Pause != nil {
			inDoubt = "roll the rollout back."
		}
		all = append(all, trouble{Grave: true, About: aboutUnwatched, Title: "Nobody watches the rollout",
			Text:   "It has not been judged for longer than it should be, and so would not roll itself back. No phase is entered meanwhile.",
			Action: "See that a worker runs and that Temporal's schedule watch-rollout is not paused. If in doubt, " + inDoubt})
	}
	switch {
	case state.Status == rollout.RolledBack:
		all = append(all, backTrouble(*f.view, f.back))
	case state.Pause != nil:
		all = append(all, pauseTrouble(state, f.view.WatchMissed))
	case state.Delayed():
		all = append(all, trouble{Title: "The rollout takes longer than planned", Text: f.view.Summary, Since: &state.EnteredAt,
			Action: "If what it waits for cannot come, find out why: do vendors register, and do the mail service's events arrive? An operator can advance it all the same."})
	}
	return all
}

// backTrouble is a complete rollback: what somebody decided wants nobody any more.
func backTrouble(v rollout.View, back *rollout.Event) trouble {
	t := trouble{Title: "The rollout was rolled back", Text: v.Summary, Since: v.Rollout.EndedAt,
		Action: "When its cause is mended, go on from this rollout with starter rollout start --restart-of."}
	if back != nil {
		t.Grave, t.Text = back.Trigger != "", back.Reason
	}
	return t
}

func pauseTrouble(s rollout.State, unwatched bool) trouble {
	t := trouble{Title: "The rollout is paused", Text: s.Pause.Reason, Since: &s.Pause.Since,
		Action: "Resume it when its reason is gone, advance it all the same, or roll it back."}
	switch s.Pause.Cause {
	case rollout.PausedByOutage:
		t.Action = "It resumes by itself when the outage is over."
		if unwatched {
			t.Action = "It resumes by itself when the outage is over and the rollout is watched again."
		}
	case rollout.PausedByPreflight:
		t.Grave, t.Action = true, "Mend what its preflight checks found, or waive them."
	case rollout.PausedBySharedFate:
		t.Grave, t.Action = true, "Find out from the API's health and log why calls fail, and resume it once they succeed."
	case rollout.PausedByGate, rollout.PausedByTriggers:
		t.Grave = true
	case rollout.PausedByAdmin, rollout.PausedByOverride:
	}
	return t
}

func figureTroubles(report *monitoring.Report) []trouble {
	if report == nil {
		return nil
	}
	var all []trouble
	for _, v := range figureViews(report.Figures) {
		switch v.Level {
		case monitoring.PastFloor:
			all = append(all, trouble{Grave: true, Title: v.Title + " is past its floor", Text: v.Sentence(), Action: "The monitoring guide says what each figure counts, and what to look at first."})
		case monitoring.BelowTarget:
			all = append(all, trouble{Title: v.Title + " misses its target", Text: v.Sentence()})
		case monitoring.OnTarget, monitoring.TooFew:
		}
	}
	return all
}
