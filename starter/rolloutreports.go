package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/report"
)

func (a *app) rolloutReports() *cobra.Command {
	return &cobra.Command{
		Use: "reports [ID]", Short: "List the reports on the time after the last phase, and the tasks they are for", Args: onRollout,
		Long: "Lists the reports of the latest rollout, or of the one of that id: daily for a week from when\n" +
			"stability begins, weekly in weeks 2 to 4, monthly for three months. Then the tasks of that time,\n" +
			"which a person ticks off: starter rollout tick.",
		Example: examples("starter rollout reports", "starter rollout reports rollout-20260310-120000 --json"),
		RunE: asking(a, func(ctx context.Context, api client.ClientInterface, args []string) (*http.Response, error) {
			return api.ListRolloutReports(ctx, rolloutOf(args))
		}, func(r client.RolloutReports) error { return a.printReports(r.Reports) }),
	}
}

func (a *app) printReports(reports []report.Entry) error {
	if len(reports) == 0 {
		a.printf("No reports: they begin once all phases are through.\n")
		return nil
	}
	t := &table{header: []string{"REPORT", "FROM", "TO", "SUMMARY"}}
	for _, r := range reports {
		summary := r.Summary
		if r.At == nil {
			summary = "to come"
		}
		t.row(r.ID, r.From.UTC().Format(clock), r.To.UTC().Format(clock), summary)
	}
	return t.write(a.out)
}

func (a *app) rolloutReport() *cobra.Command {
	var id string
	command := &cobra.Command{
		Use: "report REPORT", Short: "Show a report, such as daily-3", Args: onSubject("report"),
		Example: examples("starter rollout report daily-3", "starter rollout report monthly-1 --rollout rollout-20260310-120000 --json"),
	}
	command.Flags().StringVar(&id, "rollout", currentRollout, "the rollout that it is of, by default the latest")
	command.RunE = func(c *cobra.Command, args []string) error {
		if err := checkVendorID(id); err != nil { // ids of rollouts have the same characters
			return err
		}
		return ask(a, func(api client.ClientInterface) (*http.Response, error) {
			return api.GetRolloutReport(c.Context(), id, args[0])
		}, a.printReport)
	}
	return command
}

func (a *app) printReport(r report.Report) error {
	a.printf("%s\n\nReport %s of %s, from %s to %s, compared with the equally long time before:\n\n", printable(r.Summary), printable(r.ID), printable(r.RolloutID),
		r.From.UTC().Format(clock), r.To.UTC().Format(clock))
	for _, finding := range r.Findings {
		a.printf("  %s\n", printable(finding))
	}
	a.printf("\n")
	t := &table{header: []string{"DAY", "ADMITTED", "CONVERTED", "EXPIRED", "E-MAILS SENT", "DELIVERED", "FAILED", "STEPS DONE", "FAILED", "API CALLS", "95 % UP TO"}}
	cohort := func(name string, c report.CohortTally, calls, took string) {
		t.row(name, fmt.Sprint(c.Admitted), fmt.Sprint(c.Converted), fmt.Sprint(c.Expired), fmt.Sprint(c.MailSent), fmt.Sprint(c.MailDelivered),
			fmt.Sprint(c.MailFailed), fmt.Sprint(c.StepsDone), fmt.Sprint(c.StepsFailed), calls, took)
	}
	row := func(name string, d report.Tally) {
		cohort(name, d.CohortTally, fmt.Sprint(d.Calls), fmt.Sprintf("%d ms", d.P95MS))
		if d.Adopted != (report.CohortTally{}) {
			cohort(name+", adopted", d.Adopted, "", "")
		}
	}
	for i, d := range r.Days {
		row(fmt.Sprint(i+1), d)
	}
	row("all", r.Total)
	row("before", r.Before)
	if err := t.write(a.out); err != nil {
		return err
	}
	for i, u := range r.Use {
		if i == 0 {
			a.printf("\nWhat people did:\n")
		}
		a.printf("  %s: %d\n", printable(u.What), u.Times)
	}
	return nil
}
