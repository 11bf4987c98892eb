package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/temporal"
)

const (
	// setupPause is the pause between tries at a part that is not up yet.
	setupPause = 500 * time.Millisecond
	// setupNotice is the interval between messages about what setup waits for.
	setupNotice = 5 * time.Second
	// setupTry bounds one try.
	setupTry = time.Minute

	variableMongoDB  = "MONGODB_URI"
	variableTemporal = "TEMPORAL_ADDRESS"
)

// setupOptions are the flags of `starter setup`.
type setupOptions struct {
	mongodb, temporal string
	replicaSet        string
	wait              time.Duration
}

func (a *app) setup() *cobra.Command {
	var o setupOptions
	command := &cobra.Command{
		Use: "setup", Short: "Prepare MongoDB and Temporal: indexes, flags, search attributes, schedules", Args: cobra.NoArgs,
		Long: "Makes what the product needs in MongoDB (indexes, the first flags) and in Temporal (search\n" +
			"attributes, schedules), and waits for both to come up. It may be repeated and changes nothing\n" +
			"that is there but indexes of an earlier version.\n\n" +
			"Reads the environment of the product: MONGODB_URI (or MONGODB_URI_FILE), MONGODB_DATABASE,\n" +
			"TEMPORAL_ADDRESS and the other TEMPORAL_ variables. --replica-set makes MongoDB a replica set\n" +
			"of that name and those members first.",
		Example: examples(
			"starter setup",
			"starter setup --replica-set rs0/mongodb:27017 --wait 2m",
		),
	}
	flags := command.Flags()
	flags.StringVar(&o.mongodb, "mongodb", "", "the connection string of MongoDB (default MONGODB_URI)")
	flags.StringVar(&o.temporal, "temporal", "", "Temporal's host:port (default TEMPORAL_ADDRESS)")
	flags.StringVar(&o.replicaSet, "replica-set", "", "make MongoDB a replica set first: NAME/HOST[,HOST...]")
	flags.DurationVar(&o.wait, "wait", time.Minute, "how long to wait for the parts to come up")
	command.RunE = func(c *cobra.Command, _ []string) error { return a.runSetup(c.Context(), o) }
	return command
}

// part is one part to set up.
type part struct {
	name string
	act  func(context.Context) error
}

func (a *app) runSetup(ctx context.Context, o setupOptions) error {
	settings, err := a.setupConfig(o)
	if err != nil {
		return err
	}
	return withStore(ctx, settings, func(store *mongodb.Store) error {
		workflows, err := temporal.Dial(settings.TaskQueue, zap.NewNop())
		if err != nil {
			return err
		}
		defer workflows.Close()
		parts := []part{
			{"MongoDB's indexes and flags", store.Setup},
			{"Temporal's search attributes", workflows.SetupAttributes},
			{"Temporal's schedules", func(ctx context.Context) error { return workflows.SetupSchedules(ctx, settings.TrialDay) }},
		}
		if o.replicaSet != "" {
			set, err := newReplicaSet(o.replicaSet, settings.MongoDBURI)
			if err != nil {
				return err
			}
			parts = append([]part{{"MongoDB's replica set", set.initiate}}, parts...)
		}
		return a.setUp(ctx, parts, o.wait)
	})
}

// withStore calls fn with the database of the settings.
func withStore(ctx context.Context, s config.Config, fn func(*mongodb.Store) error) error {
	store, err := mongodb.Connect(ctx, s.MongoDBURI, s.MongoDBDatabase)
	if err != nil {
		return err
	}
	defer store.Close(context.WithoutCancel(ctx)) //nolint:errcheck // fn has done its work, or its error says more
	return fn(store)
}

// mongoDBFrom completes the environment with MongoDB's address: the flag's, otherwise the stack file's if the environment has
// none.
func mongoDBFrom(variables map[string]string, given string, stack stackFile) {
	if variables[variableMongoDB] == "" && variables[variableMongoDB+"_FILE"] == "" {
		given = cmp.Or(given, stack.MongoDB)
	}
	if given != "" {
		delete(variables, variableMongoDB+"_FILE")
		variables[variableMongoDB] = given
	}
}

// storeConfig is the configuration of a command that needs MongoDB only.
func (a *app) storeConfig(given string) (config.Config, error) {
	stack, err := a.stack()
	if err != nil {
		return config.Config{}, err
	}
	variables := a.environment()
	mongoDBFrom(variables, given, stack)
	return parseSetup(variables)
}

func parseSetup(variables map[string]string) (config.Config, error) {
	settings, err := config.Parse(variables, config.Setup)
	if err != nil {
		return config.Config{}, usagef("%s", oneLine(err))
	}
	return settings, nil
}

// setupConfig is the configuration from the environment, flags and the stack file.
func (a *app) setupConfig(o setupOptions) (config.Config, error) {
	stack, err := a.stack()
	if err != nil {
		return config.Config{}, err
	}
	variables := a.environment()
	ownMongoDB := cmp.Or(o.mongodb, variables[variableMongoDB], variables[variableMongoDB+"_FILE"]) != ""
	mongoDBFrom(variables, o.mongodb, stack)
	// Temporal's client reads the process's environment only.
	given := cmp.Or(o.temporal, variables[variableTemporal])
	if err := a.oneStack(stack, variables[variableMongoDB], ownMongoDB, given); err != nil {
		return config.Config{}, err
	}
	address := hostOf(cmp.Or(given, stack.Temporal))
	if address != variables[variableTemporal] {
		if err := os.Setenv(variableTemporal, address); err != nil {
			return config.Config{}, fmt.Errorf("setting %s: %w", variableTemporal, err)
		}
	}
	return parseSetup(variables)
}

// oneStack refuses to take one address from the stack file and the other one from elsewhere: they would belong to two
// installations. mongoDB is the address found, and own says that it was given. given is Temporal's, empty for the stack file's.
func (a *app) oneStack(stack stackFile, mongoDB string, own bool, given string) error {
	mixed := "%s's address comes from %s or %s, and %s's from %s: give both in one place, with %s or %s"
	switch {
	case given == "" && stack.Temporal != "" && mongoDB != stack.MongoDB:
		return usagef(mixed, "MongoDB", variableMongoDB, "--mongodb", "Temporal", a.stackPath(), variableTemporal, "--temporal")
	case given != "" && stack.Temporal != "" && stack.MongoDB != "" && !own && hostOf(given) != hostOf(stack.Temporal):
		return usagef(mixed, "Temporal", variableTemporal, "--temporal", "MongoDB", a.stackPath(), variableMongoDB, "--mongodb")
	}
	return nil
}

// hostOf is an address without its scheme: the stack file may have a URL.
func hostOf(address string) string {
	if _, host, ok := strings.Cut(address, "://"); ok {
		return host
	}
	return address
}

// setUp sets up the parts in order. It retries each until it succeeds or the wait is over.
func (a *app) setUp(ctx context.Context, parts []part, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	var ready []string
	for _, p := range parts {
		if err := a.await(ctx, p, deadline); err != nil {
			return err
		}
		ready = append(ready, p.name)
		if !a.options.json {
			a.printf("%s: ready\n", p.name)
		}
	}
	if !a.options.json {
		return nil
	}
	return a.printValue(map[string][]string{"ready": ready})
}

func (a *app) await(ctx context.Context, p part, deadline time.Time) error {
	printedAt := time.Time{}
	for {
		err := try(ctx, p)
		if err == nil || ctx.Err() != nil {
			return cmp.Or(ctx.Err(), err)
		}
		if time.Now().Add(setupPause).After(deadline) {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if time.Since(printedAt) >= setupNotice {
			fmt.Fprintf(a.err, "Waiting for %s: %s\n", p.name, oneLine(err))
			printedAt = time.Now()
		}
		_ = pause(ctx, setupPause) // the next try says why the context has ended
	}
}

func try(ctx context.Context, p part) error {
	ctx, cancel := context.WithTimeout(ctx, setupTry)
	defer cancel()
	return p.act(ctx)
}
