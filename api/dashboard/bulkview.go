package dashboard

import (
	"fmt"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/bulk"
)

// standsStill is after how long without a step an operation does not move: one
// takes about five seconds.
const standsStill = 2 * time.Minute

// bulkView is a bulk operation in the words of the pages.
type bulkView struct{ bulk.View }

// Title is the operation in a few words.
func (v bulkView) Title() string { return capital(v.Operation.Title()) }

// Moves tells whether there is a way that it has gone a part of.
func (v bulkView) Moves() bool {
	return v.State.Total > 0 && v.State.Status != bulk.Choosing && v.State.Status != bulk.Planned
}

// Share is how much of it has had its turn, from 0 to 100.
func (v bulkView) Share() float64 {
	return 100 * float64(v.State.Turned()) / float64(max(1, v.State.Total))
}

// Progress is how much of it has had its turn, in numbers.
func (v bulkView) Progress() string {
	total := grouped(v.State.Total)
	switch v.State.Status { //nolint:exhaustive // all others go through their trials one by one
	case bulk.Choosing:
		return total + " chosen so far"
	case bulk.Planned:
		return "looked at " + total
	}
	return fmt.Sprintf("%s of %s", grouped(v.State.Turned()), total)
}

// Rest is how long it has to go where nothing slows it down; empty where it does
// not change trials now.
func (v bulkView) Rest() string {
	if v.State.Status != bulk.Running || v.Operation.PerMinute < 1 {
		return ""
	}
	left := v.State.Total - v.State.Turned()
	if minutes := (left + v.Operation.PerMinute/2) / v.Operation.PerMinute; minutes > 1 {
		return fmt.Sprintf("About %s minutes more at its full rate.", grouped(minutes))
	}
	return "About a minute more, or less, at its full rate."
}

// CameTo is how many trials came to what so far; of a dry run, what they would.
func (v bulkView) CameTo() string {
	counts, lead := v.State.Counts, ""
	if len(counts) == 0 && len(v.State.Plan) > 0 {
		counts, lead = v.State.Plan, "would be: "
	}
	var parts []string
	for _, o := range bulk.Outcomes() {
		if n := counts.Of(o); n > 0 {
			parts = append(parts, grouped(n)+"\u00a0"+string(o))
		}
	}
	if len(parts) == 0 {
		return "nothing yet"
	}
	return lead + strings.Join(parts, ", ")
}

// Chosen says which trials it is for.
func (v bulkView) Chosen(now time.Time) string {
	f := v.Operation.Filter
	if f == nil {
		return "a list of " + grouped(v.Operation.Listed)
	}
	var parts []string
	if f.Status != "" {
		parts = append(parts, "status "+string(f.Status))
	}
	if f.Cohort != "" {
		parts = append(parts, "cohort "+string(f.Cohort))
	}
	if f.EndsFrom != nil {
		parts = append(parts, "ends from "+stamp(*f.EndsFrom, now))
	}
	if f.EndsBefore != nil {
		parts = append(parts, "ends before "+stamp(*f.EndsBefore, now))
	}
	return strings.Join(parts, ", ")
}

// itemKind is a part of an operation's trials, and where they are listed.
type itemKind struct{ Words, Page string }

// Kinds are the lists of its trials, those first that want a look; none where it
// has no trials yet.
func (v bulkView) Kinds() []itemKind {
	if v.State.Total == 0 {
		return nil
	}
	var all []itemKind
	for _, o := range []bulk.ItemOutcome{bulk.Failed, bulk.Refused, bulk.Skipped, bulk.Succeeded} {
		if n := v.State.Counts.Of(o); n > 0 {
			all = append(all, itemKind{grouped(n) + " " + string(o), v.itemsPage(o, 0)})
		}
	}
	return append(all, itemKind{"all " + grouped(v.State.Total), v.itemsPage("", 0)})
}

// bulkTroubles are what keeps an operation from its end, or wants somebody after it.
func bulkTroubles(v bulk.View, now time.Time) []trouble {
	s, id := v.State, v.Operation.ID
	failed := s.Counts.Of(bulk.Failed)
	switch {
	case s.Status == bulk.Paused:
		return []trouble{pausedBulk(v)}
	case s.Status == bulk.Stopped && s.Cause == bulk.CauseTooMany:
		return []trouble{{Title: "It takes too many trials", Text: fmt.Sprintf("Its filter takes more than %s. Nothing was changed.", grouped(bulk.MaxItems)), Action: "Narrow the filter, and ask for it anew."}}
	case s.Status == bulk.Planned:
		return []trouble{{Title: "It waits to be started", Text: "The dry run is over, and has changed nothing.", Action: fmt.Sprintf("Start it with starter bulk start %s --reason \"…\", or stop it.", id)}}
	case s.Status == bulk.Done && failed > 0:
		return []trouble{{
			Grave: true, Title: "Some trials failed", Text: fmt.Sprintf("Of %s nobody knows whether they were changed.", grouped(failed)),
			Action: fmt.Sprintf("Try them again with starter bulk resume %s --reason \"…\": nothing is done twice.", id),
		}}
	case !s.Status.Final() && now.Sub(s.UpdatedAt) > standsStill:
		return []trouble{{
			Grave: true, Title: "It stands still", Text: "It has not gone on for longer than a step takes.", Since: &s.UpdatedAt,
			Action: "See that a worker runs and that Temporal and the database answer. It then goes on by itself.",
		}}
	}
	return nil
}

func pausedBulk(v bulk.View) trouble {
	t := trouble{Title: "It is paused", Since: &v.State.UpdatedAt}
	resume := fmt.Sprintf("resume it with starter bulk resume %s --reason \"…\", or stop it.", v.Operation.ID)
	switch v.State.Cause {
	case bulk.CauseAdmin:
		t.Text, t.Action = "Somebody has paused it: who and why is below.", "When the reason is gone, "+resume
	case bulk.CauseNoAnswer:
		t.Grave, t.Text = true, "Several trials in a row gave no answer, so a part of the system is away."
		t.Action = "See that a worker runs and the database answers; then " + resume
	default:
		t.Text, t.Action = "The flag "+v.State.Cause+" is off.", "Switch it on; then "+resume
	}
	return t
}
