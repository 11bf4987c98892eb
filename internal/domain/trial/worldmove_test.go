package trial_test

import (
	"reflect"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// moved checks a move to another policy: the days of the trial are the new policy's, and those that a hand gave or took.
func (w *world) moved(before trial.State, e trial.Event) {
	days := e.Request.Policy.LengthDays - before.Policy.LengthDays
	slack := before.Day / 12 // clocks that go back or forward, at the old end and at the new one
	if before.Zone == "Pacific/Apia" {
		slack += before.Day // it skipped one in 2011
	}
	if before.Day != trial.RealDay {
		slack = 0
	}
	require.WithinDuration(w.t, before.EndsAt.Add(time.Duration(days)*before.Day), *e.EndsAt, slack)
	late := w.late
	planned, movedAt := w.planned, w.movedAt
	w.policies, w.planned, w.movedAt, w.kept, w.late = append(w.policies, *e.Request.Policy), w.state.Revision, e.At, map[trial.Kind]int{}, map[trial.Kind]bool{}
	for _, step := range before.Pending() {
		had, _ := before.Policy.Mailing(step.Kind)
		has, _ := e.Request.Policy.Mailing(step.Kind)
		if had.After == trial.AfterStart && has.After == trial.AfterStart {
			w.kept[step.Kind] = step.Revision
			w.late[step.Kind] = !step.At.After(e.At) && (planned == 0 || step.At.After(movedAt) || late[step.Kind])
		}
	}
	for _, m := range before.Policy.Mailings {
		if m.After == trial.AfterStart && w.mailings[m.ID] > 0 {
			w.sinceNewEnd[m.ID] = true // also where the new policy counts it from the end
		}
	}
	w.losesNothingDue(before, e)
}

// losesNothingDue checks that a move which changes neither the end nor the mailings leaves those after the start as due as they were.
func (w *world) losesNothingDue(before trial.State, e trial.Event) {
	same := slices.EqualFunc(before.Policy.Mailings, e.Request.Policy.Mailings, func(a, b trial.Mailing) bool { return reflect.DeepEqual(a, b) })
	if !same || !e.EndsAt.Equal(before.EndsAt) || before.Policy.LengthDays != e.Request.Policy.LengthDays {
		return
	}
	facts := w.facts
	facts.Now, facts.Converted = w.now, false
	after := w.state.Pending()
	for _, step := range before.Pending() {
		if w.anchor(step.Kind) == trial.AfterStart && slices.ContainsFunc(after, func(o trial.Step) bool { return o == step }) {
			if d := trial.Decide(before, step, facts); d.Mail && !step.At.After(w.now) {
				require.Equal(w.t, d, trial.Decide(w.state, step, facts), "a move loses %s", step.Kind)
			}
		}
	}
}
