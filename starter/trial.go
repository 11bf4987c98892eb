package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/trial"
)

func (a *app) trial() *cobra.Command {
	group := &cobra.Command{
		Use: "trial", Short: "Look at trials and steer them",
		Example: examples("starter trial status v-1001", "starter trial extend v-1001 --days 7 --reason \"Asked by support\""),
	}
	group.AddCommand(a.trialStatus(), a.trialSchedule(), a.trialList(), a.trialFind(), a.trialResend())
	group.AddCommand(a.trialChanges()...)
	return group
}

func (a *app) trialStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status ID", Short: "Show a trial: where it stands, what was done and why", Args: onVendor,
		Example: examples("starter trial status v-1001", "starter trial status v-1001 --json"),
		RunE: asking(a, func(ctx context.Context, api client.ClientInterface, args []string) (*http.Response, error) {
			return api.GetTrial(ctx, args[0])
		}, a.printStatus),
	}
}

func (a *app) trialSchedule() *cobra.Command {
	return &cobra.Command{
		Use: "schedule ID", Short: "Show what happens next and when", Args: onVendor,
		Long:    "Shows the steps to come, in UTC and on the vendor's clock. With --json, the timetable of the API's answer.",
		Example: examples("starter trial schedule v-1001"),
		RunE: func(c *cobra.Command, args []string) error {
			answer, err := readAsAdmin[timetable](a, func(api client.ClientInterface) (*http.Response, error) { return api.GetTrial(c.Context(), args[0]) })
			if err != nil {
				return err
			}
			if a.options.json {
				return a.printJSON(answer.Value.Timetable.document)
			}
			return a.printTimetable(answer.Value.Timetable.value)
		},
	}
}

// timetable is the part of the API's answer that a schedule shows.
type timetable struct {
	Timetable raw[client.Timetable] `json:"timetable"`
}

// overviewRows describe a trial's state.
func overviewRows(t *table, o client.Trial, now time.Time) {
	t.row("trial", fmt.Sprintf("%s, %s, policy %s, revision %d", o.Status, cohort(o), o.Policy, o.Revision))
	if e := o.Experiment; e != nil {
		t.row("experiment", fmt.Sprintf("arm %s of %s", armName(experiment.Arm(e.Arm)), e.Experiment))
	}
	if why := whyNoMail(o); why != "" {
		t.row("e-mails", why)
	}
	t.row("started", formatTime(o.StartedAt, now))
	if o.Status.Final() {
		t.row("planned end", formatTime(o.EndsAt, now))
		t.row("outcome", o.Summary)
		return
	}
	t.row("ends", formatTime(o.EndsAt, now))
	if !o.GraceEndsAt.Equal(o.EndsAt) {
		t.row("grace ends", formatTime(o.GraceEndsAt, now))
	}
	if o.Held != nil {
		t.row("held", fmt.Sprintf("at %s by %s, since %s", o.Held.Step.Kind, o.Held.Reason, formatTime(o.Held.Since, now)))
	} else if o.Next != nil {
		t.row("next", fmt.Sprintf("%s, %s", o.Next.Kind, formatTime(o.Next.At, now)))
	}
}

// whyNoMail says why a running trial sends nothing, empty where it sends.
func whyNoMail(o client.Trial) string {
	if o.Automated || o.Status.Final() {
		return ""
	}
	if o.Cohort == trial.Control {
		return "none: the control cohort gets none. It is drawn at registration; \"starter flags get\" shows which share of new vendors is automated"
	}
	return "none any more: a rollback released it"
}

// cohort is a trial's cohort, with a note where the trial is treated differently.
func cohort(o client.Trial) string {
	if o.Cohort != trial.Control && !o.Automated {
		return string(o.Cohort) + " cohort but no longer automated"
	}
	return string(o.Cohort) + " cohort"
}

func (a *app) printStatus(d client.TrialDetails) error {
	now := a.now()
	t := table{}
	t.row("vendor", d.Trial.VendorID)
	overviewRows(&t, d.Trial, now)
	if err := t.write(a.out); err != nil {
		return err
	}
	if len(d.Trial.Steps) > 0 {
		a.printf("\n")
		if err := stepTable(d.Trial.Steps, now).write(a.out); err != nil {
			return err
		}
	}
	if changes := changeTable(d.Events); len(changes.rows) > 0 {
		a.printf("\n")
		return changes.write(a.out)
	}
	return nil
}

func stepTable(steps []client.StepRecord, now time.Time) *table {
	t := &table{header: []string{"STEP", "OUTCOME", "REASON", "E-MAIL", "WHEN"}}
	for _, s := range steps {
		kind := string(s.Step.Kind)
		if s.Step.Revision > 0 {
			kind = fmt.Sprintf("%s (revision %d)", kind, s.Step.Revision)
		}
		t.row(kind, string(s.Outcome), string(s.Reason), formatBool(s.Mailed), formatTime(s.At, now))
	}
	return t
}

// changeTable lists what people requested.
func changeTable(events []client.Event) *table {
	t := &table{header: []string{"CHANGE", "BY", "DAYS", "REASON", "WHEN"}}
	for _, e := range events {
		if e.Request == nil {
			continue
		}
		days := "-"
		if e.Request.Days != 0 {
			days = fmt.Sprint(e.Request.Days)
		}
		t.row(string(e.Type), e.Request.By, days, orDash(e.Request.Reason), e.At.UTC().Format(clock))
	}
	return t
}

func orDash(text string) string {
	if strings.TrimSpace(text) == "" {
		return "-"
	}
	return text
}

func (a *app) printTimetable(t client.Timetable) error {
	if len(t.Steps) == 0 {
		a.printf("Nothing is to come for %s.\n", t.VendorID)
		return nil
	}
	now := a.now()
	steps := table{header: []string{"STEP", "WHEN (UTC)", "", "VENDOR'S CLOCK"}}
	for _, s := range t.Steps {
		steps.row(string(s.Kind), s.At.UTC().Format(clock), relative(s.At, now), orDash(s.Local))
	}
	return steps.write(a.out)
}
