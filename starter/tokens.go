package main

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/access"
)

func (a *app) tokens() *cobra.Command {
	group := &cobra.Command{
		Use: "token", Short: "Issue, list and revoke the tokens that people and programs call the API with",
		Long: "Each token has a role: a viewer reads everything; an operator also steers trials, the rollout and\n" +
			"the alerts; an admin changes everything else too. Whoever has one gives it in ADMIN_TOKEN, or with\n" +
			"--token, and signs in to the dashboard with it.",
		Example: examples(
			"starter token create --name support-1 --role operator --days 90",
			"starter token list",
			"starter token revoke 5f2ab90c11de47a3",
		),
	}
	group.AddCommand(a.tokenCreate(), a.tokenList(), a.tokenRevoke())
	return group
}

func (a *app) tokenCreate() *cobra.Command {
	var name, role string
	var days int
	command := &cobra.Command{
		Use: "create", Short: "Issue a token, and show it this once", Args: cobra.NoArgs,
		Long: "Issues a token and shows it: it is not kept, and cannot be shown again. Its name is what its\n" +
			"holder's changes are put down to, in histories and to stakeholders.",
		Example: examples(
			"starter token create --name support-1 --role operator",
			"starter token create --name grafana --role viewer --days 366 --json",
		),
	}
	flags := command.Flags()
	flags.StringVar(&name, "name", "", "whose it is: small letters, digits, dots, dashes and underscores")
	flags.StringVar(&role, "role", "", "viewer, operator or admin")
	flags.IntVar(&days, "days", 90, "how many days it is good, 1 to 366")
	markRequired(command, "name", "role")
	command.RunE = func(c *cobra.Command, _ []string) error {
		if err := checkRange("days", days, int(access.LongestLife.Hours())/24); err != nil {
			return err
		}
		if !access.Admin.Covers(access.Role(role)) {
			return usagef("--role: %.80q is not one of viewer, operator, admin", role)
		}
		// A minute less, in case the API's clock is behind.
		ends := a.now().UTC().Add(time.Duration(days)*24*time.Hour - time.Minute).Truncate(time.Second)
		return a.createToken(c.Context(), client.TokenRequest{Name: name, Role: access.Role(role), ExpiresAt: ends})
	}
	return command
}

func (a *app) createToken(ctx context.Context, body client.TokenRequest) error {
	return ask(a, func(api client.ClientInterface) (*http.Response, error) { return api.CreateToken(ctx, body) }, func(issued client.TokenIssued) error {
		t := issued.Token
		a.printf("Token %s of %s, %s, is good until %s.\n", printable(t.Id), printable(t.Name), printable(string(t.Role)), formatTime(t.ExpiresAt, a.now()))
		a.printf("It is shown this once:\n\n  %s\n", printable(issued.Secret))
		return nil
	})
}

func (a *app) tokenList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show the tokens and how they stand", Args: cobra.NoArgs,
		Example: examples("starter token list", "starter token list --json"),
		RunE: asking(a, func(ctx context.Context, api client.ClientInterface, _ []string) (*http.Response, error) {
			return api.ListTokens(ctx)
		},
			func(list client.TokenList) error { return a.printTokens(list.Tokens) }),
	}
}

func (a *app) printTokens(tokens []client.Token) error {
	if len(tokens) == 0 {
		a.printf("No token was issued: ADMIN_TOKEN opens everything.\n")
		return nil
	}
	now := a.now()
	t := table{header: []string{"ID", "NAME", "ROLE", "STATUS", "ENDS", "MADE"}}
	for _, token := range tokens {
		status := string(token.Standing)
		if token.RevokedAt != nil && token.RevokedBy != nil {
			status += " " + relative(*token.RevokedAt, now) + " by " + *token.RevokedBy
		}
		t.row(token.Id, token.Name, string(token.Role), status, relative(token.ExpiresAt, now), relative(token.CreatedAt, now)+" by "+token.CreatedBy)
	}
	return t.write(a.out)
}

var tokenID = regexp.MustCompile(`^[0-9a-f]{16}$`)

// onToken accepts exactly one argument, a token's id. The error must not repeat it: it may be a token.
func onToken(_ *cobra.Command, args []string) error {
	if len(args) != 1 || !tokenID.MatchString(args[0]) {
		return usagef("needs one token's id, 16 digits of 0 to 9 and a to f; starter token list shows them")
	}
	return nil
}

func (a *app) tokenRevoke() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "Revoke a token, from the next request on", Args: onToken,
		Long:    "Revokes a token: the API refuses it from the next request on, and whoever signed in with it is signed out.\nSafe to repeat.",
		Example: examples("starter token revoke 5f2ab90c11de47a3"),
		RunE: asking(a, func(ctx context.Context, api client.ClientInterface, args []string) (*http.Response, error) {
			return api.RevokeToken(ctx, args[0])
		}, func(t client.Token) error {
			a.printf("Token %s of %s was revoked %s.\n", printable(t.Id), printable(t.Name), optionalTime(t.RevokedAt, a.now()))
			return nil
		}),
	}
}
