package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/trial"
)

// change is what an admin asks of a trial.
type change struct {
	days        int
	reason, key string
}

// request asks the API for a change of one kind.
type request func(ctx context.Context, api *client.ClientWithResponses, id string, c change) (answer, error)

// answer is what the answers to all changes have in common.
type answer struct {
	response *http.Response
	body     []byte
	trial    *client.Trial
}

func (a *app) trialChanges() []*cobra.Command {
	return []*cobra.Command{
		a.trialChange("extend", "Let a running trial end later", "by how many days", requestExtend),
		a.trialChange("shorten", "Let an active trial end sooner", "by how many days", requestShorten),
		a.trialChange("cancel", "End a running trial without expiry or further e-mail", "", requestCancel),
		a.trialChange("revive", "Give an expired or cancelled trial so many days from now", "how many days from now", requestRevive),
	}
}

// trialChange is the command of one kind of change; meaning is what its days are, empty where it has none.
func (a *app) trialChange(name, short, meaning string, ask request) *cobra.Command {
	var c change
	example := fmt.Sprintf("starter trial %s v-1001 --reason \"Asked by support\"", name)
	if meaning != "" {
		example = fmt.Sprintf("starter trial %s v-1001 --days 7 --reason \"Asked by support\"", name)
	}
	command := &cobra.Command{
		Use: name + " ID", Short: short, Args: onVendor, Example: examples(example),
		Long: short + ". The reason is kept in histories: no names or addresses in it.\n" +
			"Each call is a new wish; --idempotency-key repeats one that may or may not have been heard.",
	}
	flags := command.Flags()
	flags.StringVar(&c.reason, "reason", "", "why, for the record")
	flags.StringVar(&c.key, "idempotency-key", "", "makes the request once, however often it is sent (default a new one)")
	mustHave(command, "reason")
	if meaning != "" {
		flags.IntVar(&c.days, "days", 0, fmt.Sprintf("%s, 1 to %d", meaning, trial.MaxDays))
		mustHave(command, "days")
	}
	command.RunE = func(cmd *cobra.Command, args []string) error {
		if meaning != "" && (c.days < 1 || c.days > trial.MaxDays) {
			return usagef("--days: must be 1 to %d, is %d", trial.MaxDays, c.days)
		}
		if c.key == "" {
			c.key = uuid.NewString()
		}
		if !keyPattern.MatchString(c.key) {
			return usagef("--idempotency-key: must be 1 to 128 visible ASCII characters")
		}
		return a.changeTrial(cmd.Context(), args[0], c, ask)
	}
	return command
}

var keyPattern = regexp.MustCompile(`^[\x21-\x7e]{1,128}$`)

func (a *app) changeTrial(ctx context.Context, id string, c change, ask request) error {
	api, err := a.asAdmin()
	if err != nil {
		return err
	}
	answer, err := ask(ctx, api, id, c)
	if err == nil {
		err = checkAnswer(answer.response, answer.body, answer.trial != nil)
	}
	if err != nil && uncertain(err) {
		return fmt.Errorf("%w\nIt may have been carried out all the same. To be sure, repeat it with --idempotency-key %s", err, c.key)
	}
	if err != nil {
		return err
	}
	if a.options.json {
		return a.printJSON(answer.body)
	}
	t := table{}
	t.row("vendor", answer.trial.VendorID)
	overviewRows(&t, *answer.trial, a.now())
	return t.write(a.out)
}

func requestExtend(ctx context.Context, api *client.ClientWithResponses, id string, c change) (answer, error) {
	response, err := api.ExtendTrialWithResponse(ctx, id, &client.ExtendTrialParams{IdempotencyKey: c.key}, client.DaysChange{Days: c.days, Reason: c.reason})
	if err != nil {
		return answer{}, err
	}
	return answer{response.HTTPResponse, response.Body, response.JSON200}, nil
}

func requestShorten(ctx context.Context, api *client.ClientWithResponses, id string, c change) (answer, error) {
	response, err := api.ShortenTrialWithResponse(ctx, id, &client.ShortenTrialParams{IdempotencyKey: c.key}, client.DaysChange{Days: c.days, Reason: c.reason})
	if err != nil {
		return answer{}, err
	}
	return answer{response.HTTPResponse, response.Body, response.JSON200}, nil
}

func requestCancel(ctx context.Context, api *client.ClientWithResponses, id string, c change) (answer, error) {
	response, err := api.CancelTrialWithResponse(ctx, id, &client.CancelTrialParams{IdempotencyKey: c.key}, client.Cancellation{Reason: c.reason})
	if err != nil {
		return answer{}, err
	}
	return answer{response.HTTPResponse, response.Body, response.JSON200}, nil
}

func requestRevive(ctx context.Context, api *client.ClientWithResponses, id string, c change) (answer, error) {
	response, err := api.ReviveTrialWithResponse(ctx, id, &client.ReviveTrialParams{IdempotencyKey: c.key}, client.DaysChange{Days: c.days, Reason: c.reason})
	if err != nil {
		return answer{}, err
	}
	return answer{response.HTTPResponse, response.Body, response.JSON200}, nil
}
