package main

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
)

// fromInput is the value of a flag that stands for the first line of the input.
const fromInput = "-"

func (a *app) trialFind() *cobra.Command {
	var email, name string
	command := &cobra.Command{
		Use: "find", Short: "Find trials by the vendor's e-mail address or name", Args: cobra.NoArgs,
		Long: "Finds trials by a whole address, or by what a name begins with; case does not count. It prints ids, at most 20. That you searched is on\n" +
			"the audit record, not what for. A shell keeps what is typed: --email - reads it from the input.",
		Example: examples("starter trial find --email -", "starter trial find --name \"Ada's\""),
	}
	command.Flags().StringVar(&email, "email", "", "the whole address; - reads it from the input")
	command.Flags().StringVar(&name, "name", "", "what the name begins with; - reads it from the input")
	command.MarkFlagsOneRequired("email", "name")
	command.MarkFlagsMutuallyExclusive("email", "name")
	command.RunE = func(c *cobra.Command, _ []string) error {
		var body client.VendorSearch
		for _, f := range []struct {
			given string
			field **string
		}{{email, &body.Email}, {name, &body.Name}} {
			if f.given == "" {
				continue
			}
			text, err := a.typed(f.given)
			if err != nil {
				return err
			}
			*f.field = &text
		}
		return ask(a, func(api client.ClientInterface) (*http.Response, error) { return api.SearchVendors(c.Context(), body) }, a.printFound)
	}
	return command
}

// typed is the value of a flag, or the first line of the input where the flag asks for that.
func (a *app) typed(value string) (string, error) {
	if value != fromInput {
		return value, nil
	}
	lines := bufio.NewScanner(a.in)
	lines.Scan()
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("reading the input: %w", err)
	}
	text := strings.TrimSpace(lines.Text())
	if text == "" {
		return "", usagef("the input is empty")
	}
	return text, nil
}

func (a *app) printFound(f client.FoundVendors) error {
	if len(f.Vendors) == 0 {
		a.printf("There is no such vendor.\n")
		return nil
	}
	now := a.now()
	t := table{header: []string{"VENDOR", "STATUS", "STARTED", "ENDS"}}
	for _, v := range f.Vendors {
		t.row(v.ID, orDash(string(v.Status)), optionalTime(v.StartedAt, now), optionalTime(v.EndsAt, now))
	}
	if err := t.write(a.out); err != nil {
		return err
	}
	if f.More {
		a.printf("\nThere are more: give more of the name.\n")
	}
	return nil
}
