package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

func (a *app) rolloutControls() []*cobra.Command {
	return []*cobra.Command{
		a.rolloutRollback(),
		a.rolloutReasoned("pause", "Hold the rollout where it is; alarms still roll it back", requestPause),
		a.rolloutReasoned("resume", "Let a paused rollout go on", requestResume),
		a.rolloutReasoned("advance", "Go on to the next phase at once, past soak and gates", requestAdvance),
		a.rolloutSetPercentage(),
		a.rolloutTick(),
		a.rolloutWaive(),
	}
}

// rolloutControl is the command of one control. check completes the flags' values; nil for none to complete.
func (a *app) rolloutControl(c *change, command *cobra.Command, request changeCall, check func() error) *cobra.Command {
	if command.Args == nil {
		command.Args = cobra.NoArgs
	}
	return changing(a, command, c, check, request, func(t client.RolloutTaken) error {
		a.printf("Rollout %s received %s. To see the result: starter rollout status\n", printable(t.RolloutId), printable(t.Taken))
		return nil
	})
}

func (a *app) rolloutReasoned(name, short string, request changeCall) *cobra.Command {
	command := &cobra.Command{Use: name, Short: short, Example: examples(fmt.Sprintf("starter rollout %s --reason \"Asked by the owner\"", name))}
	return a.rolloutControl(&change{}, command, request, nil)
}

func (a *app) rolloutRollback() *cobra.Command {
	var c change
	command := &cobra.Command{
		Use: "rollback", Short: "Roll back: to a lower percentage, or with 0 completely",
		Example: examples(
			"starter rollout rollback --percentage 0 --reason \"Complaints\"    # stop it now",
			"starter rollout rollback --percentage 10 --reason \"Too many at once\"",
			"starter rollout rollback --percentage 0 --release --reason \"Given up\"",
		),
	}
	current := command.Flags()
	current.Float64Var(&c.percentage, "percentage", 0, "what to go back to; 0 disables the automation and ends the rollout")
	current.BoolVar(&c.release, "release", false, "let trials that run automated go on unautomated (default: they stay automated, and are held where automation is disabled)")
	markRequired(command, "percentage")
	return a.rolloutControl(&c, command, requestRollback, func() error { return checkPercentage(c.percentage) })
}

func (a *app) rolloutSetPercentage() *cobra.Command {
	var c change
	command := &cobra.Command{
		Use: "set-percentage", Short: "Set the percentage by hand, and hold there until resumed",
		Example: examples("starter rollout set-percentage --percentage 15 --reason \"The owner wants to see more\""),
	}
	command.Flags().Float64Var(&c.percentage, "percentage", 0, "0 to 100")
	markRequired(command, "percentage")
	return a.rolloutControl(&c, command, requestSetPercentage, func() error { return checkPercentage(c.percentage) })
}

func checkPercentage(percentage float64) error {
	if flags.ValidPercentage(percentage) != nil {
		return usagef("--percentage: must be 0 to 100 in steps of 0.01, is %v", percentage)
	}
	return nil
}

func (a *app) rolloutTick() *cobra.Command {
	var c change
	var notMet bool
	command := &cobra.Command{
		Use: "tick CRITERION", Short: "Say whether a success criterion is met, or a task after the deployment is done", Args: onSubject("criterion"),
		ValidArgs: ticked(),
		Example: examples(
			"starter rollout tick dashboards-operational --met --reason \"Looked at all of them\"",
			"starter rollout tick feedback-positive --not-met --reason \"Three complaints\"",
			"starter rollout tick daily-monitoring-review --met --reason \"Read all seven\"",
		),
	}
	current := command.Flags()
	current.BoolVar(&c.isMet, "met", false, "it is met")
	current.BoolVar(&notMet, "not-met", false, "it is not met")
	command.MarkFlagsMutuallyExclusive("met", "not-met")
	command.MarkFlagsOneRequired("met", "not-met")
	return a.rolloutControl(&c, command, requestTick, func() error {
		if c.isMet == notMet { // --met=false decides nothing
			return usagef("say --met or --not-met")
		}
		return nil
	})
}

// ticked are the ids of the criteria and tasks that a person ticks.
func ticked() []string {
	var ids []string
	for _, c := range rollout.Criteria() {
		if c.ByPerson {
			ids = append(ids, c.ID)
		}
	}
	for _, t := range rollout.Tasks() {
		ids = append(ids, t.ID)
	}
	return ids
}

func (a *app) rolloutWaive() *cobra.Command {
	command := &cobra.Command{
		Use: "waive CHECK", Short: "Let a preflight check pass that does not", Args: onSubject("preflight check"),
		ValidArgs: rollout.CheckIDs(),
		Example:   examples("starter rollout waive backup --reason \"Snapshot of last night, in the vault\""),
	}
	return a.rolloutControl(&change{}, command, requestWaive, nil)
}

// onSubject accepts exactly one argument, such as a criterion.
func onSubject(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usagef("needs one %s, got %d arguments; starter rollout status shows them", what, len(args))
		}
		if !keyPattern.MatchString(args[0]) {
			return usagef("%.80q is no %s; starter rollout status shows them", args[0], what)
		}
		return nil
	}
}

func requestPause(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
	return api.PauseRollout(ctx, currentRollout, &client.PauseRolloutParams{IdempotencyKey: c.key}, client.RolloutReason{Reason: c.reason})
}

func requestResume(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
	return api.ResumeRollout(ctx, currentRollout, &client.ResumeRolloutParams{IdempotencyKey: c.key}, client.RolloutReason{Reason: c.reason})
}

func requestAdvance(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
	return api.AdvanceRollout(ctx, currentRollout, &client.AdvanceRolloutParams{IdempotencyKey: c.key}, client.RolloutReason{Reason: c.reason})
}

func requestRollback(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
	body := client.RolloutRollback{Percentage: c.percentage, Reason: c.reason}
	if c.release {
		body.InFlight = new(client.RolloutRollbackInFlight(flags.Release))
	}
	return api.RollBackRollout(ctx, currentRollout, &client.RollBackRolloutParams{IdempotencyKey: c.key}, body)
}

func requestSetPercentage(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
	body := client.RolloutPercentage{Percentage: c.percentage, Reason: c.reason}
	return api.SetRolloutPercentage(ctx, currentRollout, &client.SetRolloutPercentageParams{IdempotencyKey: c.key}, body)
}

func requestTick(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
	body := client.RolloutTick{Met: c.isMet, Reason: c.reason}
	return api.TickRolloutCriterion(ctx, currentRollout, c.subject, &client.TickRolloutCriterionParams{IdempotencyKey: c.key}, body)
}

func requestWaive(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
	body := client.RolloutReason{Reason: c.reason}
	return api.WaiveRolloutCheck(ctx, currentRollout, c.subject, &client.WaiveRolloutCheckParams{IdempotencyKey: c.key}, body)
}
