package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/experiment"
)

func (a *app) experiments() *cobra.Command {
	group := &cobra.Command{
		Use: "experiment", Short: "Compare two policies on the vendors who register",
		Example: examples(
			"starter experiment start --name shorter-trial --a standard-14d --b week --difference 5 --dry-run    # how long it would take",
			"starter experiment status",
			"starter experiment end --pick b --reason \"The shorter one sells more\"",
		),
	}
	group.AddCommand(a.experimentStart(), a.experimentStatus(), a.experimentList(), a.experimentEnd())
	return group
}

// onExperiment accepts an experiment's id, or nothing for the latest.
func onExperiment(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("takes one experiment's id at the most, got %d arguments", len(args))
	}
	if len(args) == 1 {
		return checkVendorID(args[0]) // ids of experiments have the same characters
	}
	return nil
}

// experimentOptions are what an experiment is started with; shares are in percent.
type experimentOptions struct {
	name, a, b, key                string
	difference, perDay, conversion float64
	dryRun                         bool
}

func (a *app) experimentStart() *cobra.Command {
	var o experimentOptions
	command := &cobra.Command{
		Use: "start", Short: "Deal new vendors to two policies, or say how long that would take", Args: cobra.NoArgs,
		Long: "From now on each new vendor who would get the default policy gets that of one of two arms, by chance and for good. Only\n" +
			"at 100 %, one experiment at a time. What is not given with --per-day and --conversion is what was measured.\n" +
			"With --dry-run nothing is changed: it says how long the experiment would take, from simulations.",
		Example: examples(
			"starter experiment start --name shorter-trial --a standard-14d --b week --difference 5 --dry-run",
			"starter experiment start --name shorter-trial --a standard-14d --b week --difference 5",
		),
	}
	flags := command.Flags()
	flags.StringVar(&o.name, "name", "", "what people call it: small letters, digits and dashes")
	flags.StringVar(&o.a, "a", "", "the policy of arm A")
	flags.StringVar(&o.b, "b", "", "the policy of arm B")
	flags.Float64Var(&o.difference, "difference", 0, "the smallest difference of the conversion rates that matters, in points: 5 for 10 % against 15 %")
	flags.Float64Var(&o.perDay, "per-day", 0, "how many vendors are expected a day (default as in the last four weeks)")
	flags.Float64Var(&o.conversion, "conversion", 0, "the expected conversion, in percent (default as measured)")
	flags.BoolVar(&o.dryRun, "dry-run", false, "start nothing, say how long it would take")
	flags.StringVar(&o.key, "idempotency-key", "", "starts one experiment, however often it is sent (default a new one)")
	for _, name := range []string{"name", "a", "b", "difference"} {
		markRequired(command, name)
	}
	command.RunE = func(c *cobra.Command, _ []string) error {
		body := client.ExperimentStart{Name: o.name, ArmA: o.a, ArmB: o.b, Difference: o.difference / 100}
		expected := client.ExperimentExpected{}
		if flags.Changed("per-day") {
			expected.PerDay = &o.perDay
		}
		if flags.Changed("conversion") {
			expected.Conversion = new(o.conversion / 100)
		}
		if expected != (client.ExperimentExpected{}) {
			body.Expected = &expected
		}
		if o.dryRun {
			return a.forecastExperiment(c.Context(), body)
		}
		if err := completeKey(&o.key); err != nil {
			return err
		}
		answer, err := readAsAdmin[experiment.View](a, func(api client.ClientInterface) (*http.Response, error) {
			return api.StartExperiment(c.Context(), &client.StartExperimentParams{IdempotencyKey: o.key}, body)
		})
		return printAnswer(a, answer, repeatable(err, "started", o.key), a.printExperiment)
	}
	return command
}

func (a *app) forecastExperiment(ctx context.Context, start client.ExperimentStart) error {
	question := client.ExperimentQuestion{Name: &start.Name, ArmA: start.ArmA, ArmB: start.ArmB, Difference: start.Difference, Expected: start.Expected}
	return ask(a, func(api client.ClientInterface) (*http.Response, error) { return api.ForecastExperiment(ctx, question) }, a.printOutlook)
}

func (a *app) printOutlook(o experiment.Outlook) error {
	t := table{header: []string{"VENDORS A DAY", "CONVERSION", "UNTIL THE BETTER ONE IS NAMED", "UNTIL NO SUCH DIFFERENCE IS LEFT"}}
	for _, r := range o.Rows {
		rate := fmt.Sprint(r.PerDay)
		if r.Recent {
			rate += "*"
		}
		t.row(rate, evidence.Percent(r.Conversion), r.Difference.Text(), r.None.Text())
	}
	if err := t.write(a.out); err != nil {
		return err
	}
	a.printf("\nNamed if one arm is better by %.4g points; each vendor is compared after %s.\n", 100*o.Difference, evidence.Counted(o.HorizonDays, "day", "days"))
	for _, r := range o.Rows {
		if r.Recent {
			a.printf("* the rate of the last four weeks\n")
		}
	}
	if o.NoStart != "" {
		a.printf("It cannot start now: %s.\n", printable(o.NoStart))
	}
	return nil
}

func (a *app) experimentStatus() *cobra.Command {
	return &cobra.Command{
		Use: "status [ID]", Short: "Show how the arms of the latest experiment compare, or of that one", Args: onExperiment,
		Example: examples("starter experiment status", "starter experiment status --json"),
		RunE: asking(a, func(ctx context.Context, api client.ClientInterface, args []string) (*http.Response, error) {
			return api.GetExperiment(ctx, experimentOf(args))
		}, a.printExperiment),
	}
}

func experimentOf(args []string) string {
	if len(args) == 1 {
		return args[0]
	}
	return currentRollout // the same word
}

func (a *app) printExperiment(v experiment.View) error {
	t := table{}
	t.row("experiment", v.Name+", "+v.ID)
	t.row("status", string(v.Status))
	t.row("started", formatTime(v.StartedAt, a.now())+", by "+v.StartedBy)
	t.row("matters", fmt.Sprintf("a difference of %.4g points, each vendor compared after %d days", 100*v.Difference, v.HorizonDays))
	if d := v.DealingEnded; d != nil {
		why := d.Reason
		if d.Cause == experiment.ByPerson {
			why = "with the experiment"
		}
		t.row("dealt until", formatTime(d.At, a.now())+": "+why)
	}
	if e := v.Ended; e != nil {
		picked := "no arm"
		if e.Picked != "" {
			picked = fmt.Sprintf("%s (%s)", armName(e.Picked), map[experiment.Arm]string{experiment.ArmA: v.ArmA, experiment.ArmB: v.ArmB}[e.Picked])
		}
		t.row("ended", formatTime(e.At, a.now())+", by "+e.By)
		t.row("picked", picked+": "+e.Reason)
	}
	if err := t.write(a.out); err != nil {
		return err
	}
	if j := v.Judgement; j != nil {
		arms := table{header: []string{"ARM", "POLICY", "DEALT", "COMPARED", "CONVERTED", "SHARE", "95 % INTERVAL"}}
		for name, f := range [...]experiment.Figures{j.A, j.B} {
			arms.row(string(rune('A'+name)), f.Policy, fmt.Sprint(f.Dealt), fmt.Sprint(f.Ripe), fmt.Sprint(f.Converted), shareOf(f),
				evidence.Percent(f.Low)+" to "+evidence.Percent(f.High))
		}
		a.printf("\n")
		if err := arms.write(a.out); err != nil {
			return err
		}
		a.printf("\nA less B: %+.1f points (%+.1f to %+.1f, at all looks together)\n", 100*j.Difference.Estimate, 100*j.Difference.Low, 100*j.Difference.High)
	}
	a.printf("\n%s\n%s\n", printable(v.Sentence), printable(v.Next))
	return nil
}

func shareOf(f experiment.Figures) string {
	if f.Ripe == 0 {
		return "-"
	}
	return evidence.Percent(f.Share)
}

func armName(arm experiment.Arm) string {
	if arm == experiment.ArmB {
		return "B"
	}
	return "A"
}

func (a *app) experimentList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show the latest experiments", Args: cobra.NoArgs,
		Example: examples("starter experiment list"),
		RunE: asking(a, func(ctx context.Context, api client.ClientInterface, _ []string) (*http.Response, error) {
			return api.ListExperiments(ctx)
		}, func(all client.Experiments) error {
			if len(all.Experiments) == 0 {
				a.printf("There was no experiment yet.\n")
				return nil
			}
			t := table{header: []string{"EXPERIMENT", "NAME", "A", "B", "STATUS", "STARTED"}}
			for _, v := range all.Experiments {
				t.row(v.ID, v.Name, v.ArmA, v.ArmB, string(v.Status), v.StartedAt.UTC().Format(clock))
			}
			return t.write(a.out)
		}),
	}
}

func (a *app) experimentEnd() *cobra.Command {
	var c change
	var pick string
	command := &cobra.Command{
		Use: "end [ID]", Short: "End the latest experiment, or that one, and pick an arm or none", Args: onExperiment,
		Example: examples("starter experiment end --pick b --reason \"The shorter one sells more\"", "starter experiment end --pick none --reason \"Given up\""),
	}
	command.Flags().StringVar(&pick, "pick", "", "a, b or none; it changes nothing by itself")
	markRequired(command, "pick")
	return changing(a, command, &c, func() error {
		if pick != "a" && pick != "b" && pick != "none" {
			return usagef("--pick: must be a, b or none, is %.80q", pick)
		}
		return nil
	}, func(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
		id := currentRollout
		if c.subject != "" {
			id = c.subject
		}
		return api.EndExperiment(ctx, id, &client.EndExperimentParams{IdempotencyKey: c.key},
			client.ExperimentEnd{Picked: client.ExperimentEndPicked(pick), Reason: c.reason})
	}, a.printExperiment)
}
