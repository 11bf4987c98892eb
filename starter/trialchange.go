package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/trial"
)

// change is an admin's request to a trial or to the running rollout.
type change struct {
	reason, key string
	// subject is the command's argument: the vendor's id, the criterion or the preflight check; policy is the one after it.
	subject, policy string
	days            int
	percentage      float64
	release, isMet  bool
}

// changeCall sends a change of one kind to the API.
type changeCall func(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error)

// changing completes the command of a change. check completes the flags' values, nil for none to complete; done prints the answer.
func changing[T any](a *app, command *cobra.Command, c *change, check func() error, send changeCall, done func(T) error) *cobra.Command {
	command.Long = command.Short + ". The reason is kept in histories: no names or addresses in it.\n" +
		"Each call is a new request. Where the answer to one was lost, repeat it with its --idempotency-key."
	command.Flags().StringVar(&c.reason, "reason", "", "why, for the record")
	keyFlag(command, &c.key)
	markRequired(command, "reason")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			c.subject = args[0]
		}
		if len(args) > 1 {
			c.policy = args[1]
		}
		if check != nil {
			if err := check(); err != nil {
				return err
			}
		}
		if err := completeKey(&c.key); err != nil {
			return err
		}
		answer, err := readAsAdmin[T](a, func(api client.ClientInterface) (*http.Response, error) { return send(cmd.Context(), api, *c) })
		return printAnswer(a, answer, repeatable(err, "been carried out", c.key), done)
	}
	return command
}

func (a *app) trialChanges() []*cobra.Command {
	days := func(c change) client.DaysChange { return client.DaysChange{Days: c.days, Reason: c.reason} }
	return []*cobra.Command{
		a.trialMove(),
		a.trialChange("extend", "Let a running trial end later", "by how many days",
			func(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
				return api.ExtendTrial(ctx, c.subject, &client.ExtendTrialParams{IdempotencyKey: c.key}, days(c))
			}),
		a.trialChange("shorten", "Let an active trial end sooner", "by how many days",
			func(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
				return api.ShortenTrial(ctx, c.subject, &client.ShortenTrialParams{IdempotencyKey: c.key}, days(c))
			}),
		a.trialChange("cancel", "End a running trial without expiry or further e-mail", "",
			func(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
				return api.CancelTrial(ctx, c.subject, &client.CancelTrialParams{IdempotencyKey: c.key}, client.Cancellation{Reason: c.reason})
			}),
		a.trialChange("revive", "Give an expired or cancelled trial so many days from now", "how many days from now",
			func(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
				return api.ReviveTrial(ctx, c.subject, &client.ReviveTrialParams{IdempotencyKey: c.key}, days(c))
			}),
	}
}

// trialChange is the command of one kind of change. meaning explains its days, empty where it has none.
func (a *app) trialChange(name, short, meaning string, send changeCall) *cobra.Command {
	var c change
	example := fmt.Sprintf("starter trial %s v-1001 --reason \"Asked by support\"", name)
	if meaning != "" {
		example = fmt.Sprintf("starter trial %s v-1001 --days 7 --reason \"Asked by support\"", name)
	}
	command := &cobra.Command{Use: name + " ID", Short: short, Args: onVendor, Example: examples(example)}
	var check func() error
	if meaning != "" {
		command.Flags().IntVar(&c.days, "days", 0, fmt.Sprintf("%s, 1 to %d", meaning, trial.MaxDays))
		markRequired(command, "days")
		check = func() error { return checkRange("days", c.days, trial.MaxDays) }
	}
	return changing(a, command, &c, check, send, a.printChanged)
}

// trialMove is the command that moves a trial to another policy.
func (a *app) trialMove() *cobra.Command {
	var c change
	command := &cobra.Command{
		Use: "policy ID POLICY", Short: "Move a running trial to another policy, from its start on", Args: onVendorAndPolicy,
		Example: examples("starter trial policy v-1001 month --reason \"Asked by sales\""),
	}
	return changing(a, command, &c, nil, func(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
		return api.MoveTrial(ctx, c.subject, &client.MoveTrialParams{IdempotencyKey: c.key}, client.PolicyChange{Policy: c.policy, Reason: c.reason})
	}, a.printChanged)
}

// onVendorAndPolicy accepts exactly two arguments, a vendor's id and a policy's name.
func onVendorAndPolicy(command *cobra.Command, args []string) error {
	if len(args) != 2 {
		return usagef("needs a vendor's id and a policy, got %d arguments; starter policy list shows the policies", len(args))
	}
	return onVendor(command, args[:1])
}

// printChanged prints a trial after a change.
func (a *app) printChanged(changed client.Trial) error {
	t := table{}
	t.row("vendor", changed.VendorID)
	overviewRows(&t, changed, a.now())
	return t.write(a.out)
}
