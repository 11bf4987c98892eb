package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/platform/version"
)

// app is one run of the command line and its environment.
type app struct {
	out, err io.Writer
	getenv   func(string) string
	environ  func() []string
	now      func() time.Time
	// pause waits for a duration.
	pause func(context.Context, time.Duration) error
	// transport sends requests to the API; nil for the network.
	transport http.RoundTripper
	// terminal tells whether err is a terminal.
	terminal func() bool
	// in is what a person types. interactive tells whether a person can be asked.
	in          io.Reader
	interactive func() bool

	options globalOptions
	// admin is the client that acts as an admin, nil until a command asks for it.
	admin *client.ClientWithResponses
	// began is set once a command's own work begins. What fails before is wrong usage.
	began bool
}

// globalOptions are the flags of every command.
type globalOptions struct {
	api, adminToken, serviceToken, stackFile string
	json                                     bool
}

// Exit codes.
const (
	exitFailure = 1
	exitUsage   = 2
)

// run runs the command in the arguments, and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root() //nolint:contextcheck // ExecuteContextC passes it to the commands
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintf(a.err, "starter: %s\n", a.explain(err))
	if a.began && !isUsage(err) {
		return exitFailure
	}
	fmt.Fprintf(a.err, "Try: %s --help\n", command.CommandPath())
	return exitUsage
}

const about = `Registers vendors, steers their trials, the flags of the automation and its rollout, and imports
recorded vendors.

Addresses and tokens are taken from flags, then from the environment, or else, both, from the file
that "make dev" writes (.dev/stack.json):

  --api             API_URL         the API's address
  --token           ADMIN_TOKEN     opens all else, as far as its role goes (or ADMIN_TOKEN_FILE, a file that holds it)
  --service-token   SERVICE_TOKEN   opens vendors and conversions (or SERVICE_TOKEN_FILE)

A token given as a flag can be seen by other users of the machine; prefer the environment.
Exit codes: 0 done, 1 failed or refused, 2 wrong usage.`

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use: "starter", Short: "The command line of the vendor trials", Long: about,
		SilenceErrors: true, SilenceUsage: true, Version: version.Of(),
		Example: examples(
			"starter vendor register --id v-1001 --email ada@example.com --name \"Ada's Tools\"",
			"starter trial status v-1001",
			"starter flags set trialAutomation.emailReminders=false",
			"starter rollout status",
			"starter import --csv vendors.csv",
		),
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.options.api, "api", "", "the API's address, such as http://127.0.0.1:8080")
	flags.StringVar(&a.options.adminToken, "token", "", "the admin token, or one that was issued (see starter token)")
	flags.StringVar(&a.options.serviceToken, "service-token", "", "the service token")
	flags.StringVar(&a.options.stackFile, "stack", "", "the file with the addresses of a running stack (default "+defaultStackFile+")")
	flags.BoolVar(&a.options.json, "json", false, "print the API's JSON, for programs")
	root.SetVersionTemplate("starter {{.Version}}\n")
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.AddCommand(
		a.vendor(), a.trial(), a.suppressions(), a.bulk(), a.flags(), a.rollout(), a.alerts(), a.canary(), a.policies(), a.experiments(), a.mail(), a.tokens(), a.audit(), a.importing(), a.counters(),
		a.migrate(), a.backup(), a.restore(), a.catchUp(), a.setup(),
	)
	for _, group := range append(root.Commands(), root) {
		a.finish(group)
	}
	return root
}

// finish makes every command alike: a group without a command is wrong usage, and a command marks when its own work begins.
func (a *app) finish(command *cobra.Command) {
	if command.RunE == nil {
		command.RunE = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("%s has no command %.80q", c.CommandPath(), args[0])
			}
			return usagef("say which command of %q", c.CommandPath())
		}
		for _, child := range command.Commands() {
			a.finish(child)
		}
		return
	}
	work := command.RunE
	command.RunE = func(c *cobra.Command, args []string) error {
		a.began = true
		return work(c, args)
	}
}

func examples(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }

// onVendor accepts exactly one argument, a vendor's id.
func onVendor(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("needs one vendor's id, got %d arguments", len(args))
	}
	return checkVendorID(args[0])
}
