package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/platform/config"
)

// currentRollout names the latest rollout.
const currentRollout = "current"

func (a *app) rollout() *cobra.Command {
	group := &cobra.Command{
		Use: "rollout", Short: "Start, watch and steer the rollout of the automation",
		Example: examples(
			"starter rollout status",
			"starter rollout rollback --percentage 0 --reason \"Complaints\"    # stop it now",
		),
	}
	group.AddCommand(a.rolloutStart(), a.rolloutStatus(), a.rolloutDecisions(), a.rolloutPlan(), a.rolloutReplay(),
		a.rolloutReports(), a.rolloutReport(), a.rolloutFeedback())
	group.AddCommand(a.rolloutControls()...)
	return group
}

// onRollout accepts a rollout's id, or nothing for the latest.
func onRollout(_ *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usagef("takes one rollout's id at the most, got %d arguments", len(args))
	}
	if len(args) == 1 {
		return checkVendorID(args[0]) // ids of rollouts have the same characters
	}
	return nil
}

// rolloutOf is the rollout in the arguments.
func rolloutOf(args []string) string {
	if len(args) == 1 {
		return args[0]
	}
	return currentRollout
}

func (a *app) rolloutStart() *cobra.Command {
	var plan, restartOf, reason, key string
	var phase int
	command := &cobra.Command{
		Use: "start", Short: "Start a rollout", Args: cobra.NoArgs,
		Long: "Starts a rollout with the plan of a YAML file, or else with the configured one. A rollout that was\n" +
			"rolled back is started again with --restart-of, at the phase of --phase; it admits the same vendors\n" +
			"as before, and has the same plan unless --plan names another. While one runs, this is refused.",
		Example: examples(
			"starter rollout start",
			"starter rollout start --plan plan.yaml",
			"starter rollout start --restart-of rollout-20260310-120000 --phase 2",
		),
	}
	flags := command.Flags()
	flags.StringVar(&plan, "plan", "", "a YAML file with the plan (default the configured one)")
	flags.StringVar(&restartOf, "restart-of", "", "the rollout that was rolled back and is to go on")
	flags.IntVar(&phase, "phase", 0, "the phase to begin with, from 1; only with --restart-of (default 1)")
	flags.StringVar(&reason, "reason", "", "why, for the record (default none)")
	flags.StringVar(&key, "idempotency-key", "", "starts one rollout, however often it is sent (default a new one)")
	command.RunE = func(c *cobra.Command, _ []string) error {
		if err := completeKey(&key); err != nil {
			return err
		}
		var body client.RolloutStart
		if restartOf != "" {
			body.RestartOf = &restartOf
		}
		if reason != "" {
			body.Reason = &reason
		}
		if c.Flags().Changed("phase") {
			if restartOf == "" {
				return usagef("--phase: needs --restart-of")
			}
			body.Phase = &phase
		}
		var err error
		if body.Plan, err = planFile(plan); err != nil {
			return err
		}
		return a.startRollout(c.Context(), key, body)
	}
	return command
}

// planFile reads a plan, nil without a path.
func planFile(path string) (*rollout.Plan, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // documented: no file and nothing wrong
	}
	file, err := os.Open(path) //nolint:gosec // G304: the user names the file
	if err != nil {
		return nil, usagef("--plan: %s", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	plan, err := config.ReadPlan(file)
	if err != nil {
		return nil, usagef("--plan: %s: %s", path, oneLine(err))
	}
	return &plan, nil
}

func (a *app) startRollout(ctx context.Context, key string, body client.RolloutStart) error {
	answer, err := readAsAdmin[client.RolloutStarted](a, func(api client.ClientInterface) (*http.Response, error) {
		return api.StartRollout(ctx, &client.StartRolloutParams{IdempotencyKey: key}, body)
	})
	return printAnswer(a, answer, repeatable(err, "started", key), func(s client.RolloutStarted) error {
		a.printf("Rollout %s starts with plan %s.\n", printable(s.Id), printable(s.Plan))
		return nil
	})
}

func (a *app) rolloutPlan() *cobra.Command {
	var plan string
	var registrations float64
	command := &cobra.Command{
		Use: "plan", Short: "Say what a plan will be able to decide, and what it risks", Args: cobra.NoArgs,
		Long: "Says of each phase how many vendors it will see, from which day on it can be judged, and what would be lost were\n" +
			"something broken. Without --registrations at 10, 30 and 50 a day and at the rate of the last four weeks. Changes nothing.",
		Example: examples("starter rollout plan", "starter rollout plan --registrations 30 --plan plan.yaml"),
	}
	flags := command.Flags()
	flags.Float64Var(&registrations, "registrations", 0, "how many vendors register a day (default several rates)")
	flags.StringVar(&plan, "plan", "", "a YAML file with the plan (default the configured one)")
	command.RunE = func(c *cobra.Command, _ []string) error {
		if !(registrations >= 0 && registrations <= mostRegistrations) {
			return usagef("--registrations: must be 0 to %d, is %v", mostRegistrations, registrations)
		}
		var body client.ForecastRequest
		if flags.Changed("registrations") {
			body.RegistrationsPerDay = &registrations
		}
		var err error
		if body.Plan, err = planFile(plan); err != nil {
			return err
		}
		return ask(a, func(api client.ClientInterface) (*http.Response, error) {
			return api.ForecastRollout(c.Context(), body)
		}, a.printForecast)
	}
	return command
}

// mostRegistrations is the API's limit.
const mostRegistrations = 1_000_000

// forecastWidth is how wide its text is written.
const forecastWidth = 110

func (a *app) printForecast(f client.Forecast) error {
	t := table{header: []string{"PHASE", "A DAY", "VENDORS", "DECIDABLE", "HELD", "E-MAIL BROKEN", "STEPS BROKEN", "API BROKEN"}}
	for _, r := range f.Rows() {
		lost := r.LossTexts()
		t.row(fmt.Sprintf("%s, %v %%", r.Name, r.Percentage), r.Rate(), r.VendorsText(), r.DecidableText(), r.HeldText(), lost[0], lost[1], lost[2])
	}
	if err := t.write(a.out); err != nil {
		return err
	}
	paragraphs := []string{f.Explanation, f.Sentence(), fmt.Sprintf("At %v registrations a day: %s.", f.RegistrationsPerDay, f.Conversion)}
	if f.Recent {
		paragraphs = append(paragraphs, "* the rate of the last four weeks")
	}
	for _, phase := range f.Phases {
		if phase.Holds {
			paragraphs = append(paragraphs, fmt.Sprintf("At %v registrations a day, %s.", f.RegistrationsPerDay, phase.Text))
		}
	}
	for _, text := range paragraphs {
		if text != "" {
			a.printf("\n%s\n", notice.Wrapped(printable(text), forecastWidth))
		}
	}
	return nil
}
