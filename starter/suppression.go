package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/trial"
)

func (a *app) suppressions() *cobra.Command {
	group := &cobra.Command{
		Use: "suppression", Short: "List the vendors to whom no e-mail goes, and let e-mails go out again",
		Example: examples("starter suppression list --cause bounce"),
	}
	group.AddCommand(a.suppressionList(), a.suppressionLift())
	return group
}

func (a *app) suppressionList() *cobra.Command {
	var cause, cursor string
	var limit int
	command := &cobra.Command{
		Use: "list", Short: "List the vendors to whose present address no e-mail goes, the latest first", Args: cobra.NoArgs,
		Example: examples("starter suppression list", "starter suppression list --cause bounce --limit 500 --json"),
	}
	command.Flags().StringVar(&cause, "cause", "", "only vendors that are stopped by one cause: "+words(trial.Causes()))
	command.Flags().IntVar(&limit, "limit", 50, "at most so many vendors, 1 to 500")
	command.Flags().StringVar(&cursor, "cursor", "", "go on after a page: the cursor that it ended with")
	command.RunE = func(c *cobra.Command, _ []string) error {
		params := client.ListSuppressionsParams{Limit: &limit}
		var err error
		if params.Cause, err = oneOf("cause", cause, trial.Causes()); err != nil {
			return err
		}
		if cursor != "" {
			params.Cursor = &cursor
		}
		return ask(a, func(api client.ClientInterface) (*http.Response, error) {
			return api.ListSuppressions(c.Context(), &params)
		}, a.printSuppressions)
	}
	return command
}

func (a *app) printSuppressions(page client.SuppressionPage) error {
	if len(page.Suppressions) == 0 && page.NextCursor == "" {
		a.printf("No vendor is like that.\n")
		return nil
	}
	t := table{header: []string{"VENDOR", "STOPPED BY", "SINCE", "CAN BE LIFTED"}}
	for _, v := range page.Suppressions {
		var causes []string
		for _, s := range v.Stops {
			causes = append(causes, s.Cause.Words())
		}
		can := "yes"
		if v.Refusal != "" {
			can = "no"
		}
		t.row(v.VendorID, strings.Join(causes, ", "), formatTime(v.At, a.now()), can)
	}
	if err := t.write(a.out); err != nil {
		return err
	}
	if page.NextCursor != "" {
		a.printf("\nThere may be more: --cursor %s\n", printable(page.NextCursor))
	}
	return nil
}

func (a *app) suppressionLift() *cobra.Command {
	var c change
	command := &cobra.Command{
		Use: "lift ID", Short: "Let e-mails go to a vendor's address again that has bounced", Args: onVendor,
		Example: examples("starter suppression lift v-1001 --reason \"The mailbox was full, ticket 812\""),
	}
	return changing(a, command, &c, nil, func(ctx context.Context, api client.ClientInterface, c change) (*http.Response, error) {
		return api.LiftSuppression(ctx, c.subject, &client.LiftSuppressionParams{IdempotencyKey: c.key}, client.SuppressionLift{Reason: c.reason})
	}, func(lift trial.Lift) error {
		a.printf("Nothing stops e-mail to %s: lifted %s.\n%s\n", lift.VendorID, formatTime(lift.LiftedAt, a.now()), printable(lift.Note))
		return nil
	})
}
