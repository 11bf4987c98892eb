package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/trial"
)

// change is an admin's request to a trial.
type change struct {
	days        int
	reason, key string
}

// changeCall sends a change of one kind to the API.
type changeCall func(ctx context.Context, api client.ClientInterface, id string, c change) (*http.Response, error)

func (a *app) trialChanges() []*cobra.Command {
	days := func(c change) client.DaysChange { return client.DaysChange{Days: c.days, Reason: c.reason} }
	return []*cobra.Command{
		a.trialChange("extend", "Let a running trial end later", "by how many days",
			func(ctx context.Context, api client.ClientInterface, id string, c change) (*http.Response, error) {
				return api.ExtendTrial(ctx, id, &client.ExtendTrialParams{IdempotencyKey: c.key}, days(c))
			}),
		a.trialChange("shorten", "Let an active trial end sooner", "by how many days",
			func(ctx context.Context, api client.ClientInterface, id string, c change) (*http.Response, error) {
				return api.ShortenTrial(ctx, id, &client.ShortenTrialParams{IdempotencyKey: c.key}, days(c))
			}),
		a.trialChange("cancel", "End a running trial without expiry or further e-mail", "",
			func(ctx context.Context, api client.ClientInterface, id string, c change) (*http.Response, error) {
				return api.CancelTrial(ctx, id, &client.CancelTrialParams{IdempotencyKey: c.key}, client.Cancellation{Reason: c.reason})
			}),
		a.trialChange("revive", "Give an expired or cancelled trial so many days from now", "how many days from now",
			func(ctx context.Context, api client.ClientInterface, id string, c change) (*http.Response, error) {
				return api.ReviveTrial(ctx, id, &client.ReviveTrialParams{IdempotencyKey: c.key}, days(c))
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
	command := &cobra.Command{
		Use: name + " ID", Short: short, Args: onVendor, Example: examples(example),
		Long: short + ". The reason is kept in histories: no names or addresses in it.\n" +
			"Each call is a new request. Where the answer to one was lost, repeat it with its --idempotency-key.",
	}
	flags := command.Flags()
	flags.StringVar(&c.reason, "reason", "", "why, for the record")
	keyFlag(command, &c.key)
	markRequired(command, "reason")
	if meaning != "" {
		flags.IntVar(&c.days, "days", 0, fmt.Sprintf("%s, 1 to %d", meaning, trial.MaxDays))
		markRequired(command, "days")
	}
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if meaning != "" {
			if err := checkRange("days", c.days, trial.MaxDays); err != nil {
				return err
			}
		}
		if err := completeKey(&c.key); err != nil {
			return err
		}
		answer, err := readAsAdmin[client.Trial](a, func(api client.ClientInterface) (*http.Response, error) { return send(cmd.Context(), api, args[0], c) })
		return printAnswer(a, answer, repeatable(err, "been carried out", c.key), func(changed client.Trial) error {
			t := table{}
			t.row("vendor", changed.VendorID)
			overviewRows(&t, changed, a.now())
			return t.write(a.out)
		})
	}
	return command
}
