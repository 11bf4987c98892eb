package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
)

func (a *app) rolloutStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status [ID]", Short: "Show a rollout: where it stands, what comes next, and how it is judged", Args: onRollout,
		Long:    "Shows the latest rollout, or the one of that id.",
		Example: examples("starter rollout status", "starter rollout status rollout-20260310-120000 --json"),
		RunE: asking(a, func(ctx context.Context, api client.ClientInterface, args []string) (*http.Response, error) {
			return api.GetRollout(ctx, rolloutOf(args))
		}, a.printRollout),
	}
}

func (a *app) printRollout(v rollout.View) error {
	now := a.now()
	a.printf("%s\n\n", printable(v.Summary))
	t := statusTable(v, now)
	if err := t.write(a.out); err != nil {
		return err
	}
	for _, t := range []*table{gateTable(v.Gates), undecidableTable(v.Undecidable, now), checkTable(v.Rollout.Checks), criterionTable(v.Criteria), taskTable(v)} {
		if len(t.rows) == 0 {
			continue
		}
		a.printf("\n")
		if err := t.write(a.out); err != nil {
			return err
		}
	}
	return nil
}

// statusTable describes a rollout's state.
func statusTable(v rollout.View, now time.Time) *table {
	s, t := v.Rollout, &table{}
	t.row("rollout", fmt.Sprintf("%s, %s, plan %s", s.ID, s.Status, s.Plan.Name))
	if s.RestartOf != "" {
		t.row("goes on from", s.RestartOf)
	}
	t.row("started", formatTime(s.StartedAt, now)+", by "+orDash(s.StartedBy))
	if s.Status.Final() {
		t.row("last stage", v.StageName)
		t.row("ended", optionalTime(s.EndedAt, now))
		return t
	}
	t.row("stage", fmt.Sprintf("%s, since %s", v.StageName, formatTime(s.EnteredAt, now)))
	t.row("admits", fmt.Sprintf("%v %% of new vendors", s.Percentage))
	if v.NextMoment != nil {
		t.row("next moment", formatTime(*v.NextMoment, now))
	} else {
		t.row("next moment", "none: it waits for new evidence or a person")
	}
	if p := s.Pause; p != nil {
		t.row("paused", fmt.Sprintf("%s, by %s (%s)", formatTime(p.Since, now), orDash(p.By), p.Cause))
		t.row("why", p.Reason)
	}
	if s.PartialRollbacks > 0 {
		t.row("rolled back", fmt.Sprintf("%s, by alarms; goes on no sooner than %s", rollout.TimesInWords(s.PartialRollbacks), formatTime(s.CooldownUntil, now)))
	}
	if b := s.Backfill; b != nil {
		t.row("adopted", fmt.Sprintf("%s that ran unautomated; complete: %s", evidence.Counted(b.Taken, "trial", "trials"), formatBool(b.Done)))
	}
	if j := v.Judgement; j != nil && j.Adopted != nil {
		t.row("their trials", j.Adopted.Sentence())
	}
	t.row("watch", watched(v, now))
	t.row("conversion", v.Conversion)
	if v.Judgement != nil && v.Judgement.Outage != nil {
		t.row("outage", fmt.Sprintf("%s, since %s", v.Judgement.Outage.Cause, formatTime(v.Judgement.Outage.Since, now)))
	}
	return t
}

func watched(v rollout.View, now time.Time) string {
	text := "has not run yet"
	if v.Judgement != nil {
		text = fmt.Sprintf("last ran %s (snapshot %d)", formatTime(v.Judgement.At, now), v.Judgement.Snapshot)
	}
	if v.WatchMissed {
		text += "; IT IS OVERDUE: nobody judges the rollout"
	}
	return text
}

func gateTable(gates []rollout.GateResult) *table {
	t := &table{header: []string{"GATE", "VERDICT", "ESTIMATE", "LIMIT", "SEEN", "REASON"}}
	for _, r := range gates {
		estimate, limit, seen := "-", "-", "-"
		if r.Enough > 0 { // it was judged
			limit, seen = "at least "+share(r.Limit), fmt.Sprintf("%d (needs %d)", r.Seen, r.Enough)
			if r.HighIsBad() {
				limit = "at most " + share(r.Limit)
			}
		}
		if r.Telling() {
			estimate = share(r.Estimate)
		}
		t.row(string(r.Gate), string(r.Verdict), estimate, limit, seen, r.Reason)
	}
	return t
}

func share(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

func undecidableTable(triggers []rollout.TriggerResult, now time.Time) *table {
	t := &table{header: []string{"NO VERDICT YET", "FROM", "REASON"}}
	for _, trigger := range triggers {
		t.row(string(trigger.Trigger), optionalTime(trigger.DecidableFrom, now), trigger.Reason)
	}
	return t
}

func checkTable(checks []rollout.Check) *table {
	t := &table{header: []string{"PREFLIGHT CHECK", "VERDICT", "REASON", "WAIVED"}}
	for _, c := range checks {
		waived := "-"
		if c.WaivedBy != "" {
			waived = fmt.Sprintf("by %s: %s", c.WaivedBy, c.WaiverReason)
		}
		t.row(c.ID, string(c.Verdict), c.Reason, waived)
	}
	return t
}

func criterionTable(criteria []rollout.CriterionResult) *table {
	t := &table{header: []string{"CRITERION", "VERDICT", "WHAT", "REASON"}}
	for _, c := range criteria {
		t.row(c.ID, string(c.Verdict), c.Text, c.Reason)
	}
	return t
}

// taskTable lists the tasks after the deployment. It is empty before that.
func taskTable(v rollout.View) *table {
	t := &table{header: []string{"TASK", "STANDING", "WHAT", "REPORTS", "REASON"}}
	if v.Rollout.DeployedAt == nil {
		return t
	}
	for _, task := range v.Tasks {
		t.row(task.ID, string(task.Status), task.Text, orDash(strings.Join(task.Reports, " ")), orDash(task.Reason))
	}
	return t
}

func (a *app) rolloutDecisions() *cobra.Command {
	return &cobra.Command{
		Use: "decisions [ID]", Short: "Show what was decided about a rollout: when, what, by whom, and why", Args: onRollout,
		Long: "Shows every decision of the latest rollout, or of the one of that id, oldest first. With --json each\n" +
			"has the figures that it was made on.",
		Example: examples("starter rollout decisions", "starter rollout decisions rollout-20260310-120000 --json"),
		RunE:    func(c *cobra.Command, args []string) error { return a.decisions(c.Context(), rolloutOf(args)) },
	}
}

// decisionPage is the API's limit of decisions per request.
const decisionPage = 200

// decided are the decisions of all pages read so far.
type decided struct {
	Decisions []raw[rollout.Event] `json:"decisions"`
	// only is the answer of a single page, nil for more pages.
	only []byte
}

func (a *app) decisions(ctx context.Context, id string) error {
	api, err := a.asAdmin()
	if err != nil {
		return err
	}
	all := decided{Decisions: []raw[rollout.Event]{}}
	for more := true; more; {
		if more, err = all.fetch(ctx, api, id); err != nil {
			return err
		}
	}
	if a.options.json && all.only != nil {
		return a.printJSON(all.only)
	}
	if a.options.json {
		return a.printValue(all)
	}
	var events []rollout.Event
	for _, d := range all.Decisions {
		events = append(events, d.value)
	}
	return decisionTable(events).write(a.out)
}

// fetch reads the next page, and tells whether there may be more.
func (d *decided) fetch(ctx context.Context, api client.ClientInterface, id string) (more bool, err error) {
	after, limit := 0, decisionPage
	if n := len(d.Decisions); n > 0 {
		after = d.Decisions[n-1].value.Seq
	}
	answer, err := client.Read[decided](api.ListRolloutDecisions(ctx, id, &client.ListRolloutDecisionsParams{After: &after, Limit: &limit}))
	if err != nil {
		return false, err
	}
	page := answer.Value.Decisions
	if len(page) > 0 && page[0].value.Seq <= after {
		return false, fmt.Errorf("the API answered with the same page twice, after decision %d", after)
	}
	d.only = nil
	if after == 0 {
		d.only = answer.Body
	}
	d.Decisions = append(d.Decisions, page...)
	return len(page) == limit, nil
}

func decisionTable(events []rollout.Event) *table {
	t := &table{header: []string{"NO", "WHEN", "WHAT", "BY", "WHY"}}
	for _, e := range events {
		t.row(fmt.Sprint(e.Seq), e.At.UTC().Format(clock), describeDecision(e), orDash(e.By), e.Reason)
	}
	return t
}

// describeDecision describes a decision.
func describeDecision(e rollout.Event) string {
	what := string(e.Type)
	switch {
	case e.Subject != "":
		what += " " + e.Subject
	case e.Cause != "":
		what += fmt.Sprintf(" (%s)", e.Cause)
	case e.Percentage != nil && e.Trigger != "":
		what += fmt.Sprintf(" to %v %% (%s)", *e.Percentage, e.Trigger)
	case e.Percentage != nil:
		what += fmt.Sprintf(" at %v %%", *e.Percentage)
	}
	if e.Tick != nil && !e.Tick.Met {
		what += ", not met"
	}
	return what
}
