package main

import (
	"context"

	"github.com/spf13/cobra"

	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/monitoring"
)

func (a *app) counters() *cobra.Command {
	group := &cobra.Command{
		Use: "counters", Short: "Compare the counters behind the figures with the trials and e-mails themselves",
		Example: examples("starter counters check", "starter counters rebuild"),
	}
	group.AddCommand(
		a.recount("check", "Say how many counters are wrong, and change nothing", true),
		a.recount("rebuild", "Set right the counters that are wrong", false),
	)
	return group
}

func (a *app) recount(name, short string, checkOnly bool) *cobra.Command {
	var o setupOptions
	command := &cobra.Command{
		Use: name, Short: short, Args: cobra.NoArgs,
		Long: short + ".\n\nReads every trial from the database, in MONGODB_URI as for \"starter setup\"; the system may run\n" +
			"meanwhile. It leaves out periods that change meanwhile, and lists them.",
		Example: examples("starter counters " + name),
	}
	command.Flags().StringVar(&o.mongodb, "mongodb", "", "the connection string of MongoDB (default MONGODB_URI)")
	command.RunE = func(c *cobra.Command, _ []string) error { return a.runRecount(c.Context(), o, checkOnly) }
	return command
}

func (a *app) runRecount(ctx context.Context, o setupOptions, checkOnly bool) error {
	settings, err := a.setupConfig(o)
	if err != nil {
		return err
	}
	var result monitoring.Recount
	err = withStore(ctx, settings, func(store *mongodb.Store) (err error) {
		result, err = store.Recount(ctx, checkOnly, func(int) {})
		return err
	})
	if err != nil {
		return err
	}
	if a.options.json {
		return a.printValue(result)
	}
	did := "set right"
	if checkOnly {
		did = "wrong"
	}
	a.printf("%s and %s read, %s compared, %d %s.\n", evidence.Counted(result.Trials, "trial", "trials"), evidence.Counted(result.Sends, "e-mail", "e-mails"),
		evidence.Counted(result.Counters, "counter", "counters"), result.Wrong, did)
	for _, d := range result.Differences {
		a.printf("  %s %s: counted %d, true %d\n", d.Period, d.Counter, d.Counted, d.True)
	}
	if len(result.Moving) > 0 {
		a.printf("Left out, since they changed meanwhile: periods %v\n", result.Moving)
	}
	return nil
}
