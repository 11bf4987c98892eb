package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/trial"
)

// The flags that a rollout request sets together.
const (
	flagEnabled    = flags.NameEnabled
	flagPercentage = flags.NamePercentage
)

func (a *app) flags() *cobra.Command {
	group := &cobra.Command{
		Use: "flags", Short: "Show and change the feature flags",
		Example: examples("starter flags get", "starter flags set trialAutomation.enabled=false"),
	}
	group.AddCommand(a.flagsGet(), a.flagsSet())
	return group
}

func (a *app) flagsGet() *cobra.Command {
	return &cobra.Command{
		Use: "get", Short: "Show the feature flags", Args: cobra.NoArgs,
		Example: examples("starter flags get", "starter flags get --json"),
		RunE: asking(a, func(ctx context.Context, api client.ClientInterface, _ []string) (*http.Response, error) {
			return api.GetFeatureFlags(ctx)
		}, a.printFlags),
	}
}

func (a *app) flagsSet() *cobra.Command {
	return &cobra.Command{
		Use: "set FLAG=VALUE...", Short: "Change some of the feature flags, all in one request",
		Long: "Changes the flags that are named and leaves the others as they are.\n" +
			"trialAutomation.enabled and trialAutomation.rolloutPercentage together, and nothing else, are sent as a\n" +
			"rollout request, which takes the role operator; everything else takes admin.\n\n" +
			"Flags:\n  " + strings.Join(flagNames(), "\n  "),
		Example: examples(
			"starter flags set trialAutomation.emailReminders=false",
			"starter flags set trialAutomation.enabled=true trialAutomation.rolloutPercentage=25",
			"starter flags set trialAutomation.enabled=false trialAutomation.rolloutPercentage=0    # stop it now",
		),
		Args: func(_ *cobra.Command, args []string) error {
			_, err := parseFlags(args)
			return err
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var candidates []string
			for _, name := range flagNames() {
				candidates = append(candidates, name+"=")
			}
			return candidates, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		},
		RunE: func(c *cobra.Command, args []string) error {
			values, err := parseFlags(args)
			if err != nil {
				return err
			}
			return a.setFlags(c.Context(), values)
		},
	}
}

// flagValues are the values to set, by the flags' names. Each is a bool or a float64.
type flagValues map[string]any

// parseFlags reads one or more FLAG=VALUE.
func parseFlags(args []string) (flagValues, error) {
	if len(args) == 0 {
		return nil, usagef("say which flag to set, such as trialAutomation.emailReminders=false")
	}
	values, known := make(flagValues), knownFlags()
	for _, arg := range args {
		name, text, ok := strings.Cut(arg, "=")
		if !ok {
			return nil, usagef("%.80q is not FLAG=VALUE", arg)
		}
		example, ok := known[name]
		if !ok {
			return nil, usagef("there is no flag %.80q; the flags are %s", name, strings.Join(flagNames(), ", "))
		}
		if _, twice := values[name]; twice {
			return nil, usagef("%s is set twice", name)
		}
		value, err := parseFlag(text, example)
		if err != nil {
			return nil, usagef("%s: %s", name, err)
		}
		values[name] = value
	}
	return values, nil
}

// parseFlag reads a value of the same type as example.
func parseFlag(text string, example any) (any, error) {
	var value any
	err := json.Unmarshal([]byte(text), &value)
	switch example.(type) {
	case bool:
		if b, ok := value.(bool); ok && err == nil {
			return b, nil
		}
		return nil, fmt.Errorf("must be true or false, is %.80q", text)
	default:
		number, ok := value.(float64)
		if !ok || err != nil {
			return nil, fmt.Errorf("must be a number from 0 to 100, is %.80q", text)
		}
		if wrong, ok := errors.AsType[*trial.Error](flags.ValidPercentage(number)); ok {
			return nil, errors.New(wrong.Message)
		}
		return number, nil
	}
}

// knownFlags are all flags, as "group.flag", each with a value of its type.
func knownFlags() map[string]any {
	known := make(map[string]any)
	for _, flag := range flags.Initial().Named() {
		known[flag.Name] = flag.Value
	}
	return known
}

func flagNames() []string { return slices.Sorted(maps.Keys(knownFlags())) }

func (a *app) setFlags(ctx context.Context, values flagValues) error {
	if enabled, percentage, ok := values.rollout(); ok {
		return ask(a, func(api client.ClientInterface) (*http.Response, error) {
			return api.SetRollout(ctx, client.Rollout{Enabled: enabled, RolloutPercentage: percentage})
		}, a.printFlags)
	}
	document, err := json.Marshal(values.patch())
	if err != nil {
		return fmt.Errorf("writing the flags: %w", err)
	}
	return ask(a, func(api client.ClientInterface) (*http.Response, error) {
		return api.PatchFeatureFlagsWithBody(ctx, "application/json", bytes.NewReader(document))
	}, a.printFlags)
}

// rollout tells whether the values are exactly those of a rollout request. One of the two alone is sent as a patch: filling in
// the other's old value could undo what somebody has changed since, such as a flag disabled in an emergency.
func (v flagValues) rollout() (enabled bool, percentage float64, ok bool) {
	enabled, hasEnabled := v[flagEnabled].(bool)
	percentage, hasPercentage := v[flagPercentage].(float64)
	return enabled, percentage, hasEnabled && hasPercentage && len(v) == 2
}

// patch is the body of a patch, grouped as the flags are.
func (v flagValues) patch() map[string]map[string]map[string]any {
	groups := make(map[string]map[string]any)
	for name, value := range v {
		group, flag, _ := strings.Cut(name, ".")
		if groups[group] == nil {
			groups[group] = make(map[string]any)
		}
		groups[group][flag] = value
	}
	return map[string]map[string]map[string]any{"featureFlags": groups}
}

func (a *app) printFlags(document client.FeatureFlagDocument) error {
	t := table{header: []string{"FLAG", "VALUE"}}
	for _, flag := range document.FeatureFlags.Named() {
		value := fmt.Sprint(flag.Value)
		if flag.Name == flagPercentage {
			value += " %"
		}
		t.row(flag.Name, value)
	}
	if err := t.write(a.out); err != nil {
		return err
	}
	a.printf("\nVersion %d, %s\n", document.Version, a.lastChange(document))
	return nil
}

// lastChange says who changed the flags last, and when.
func (a *app) lastChange(document client.FeatureFlagDocument) string {
	if document.UpdatedAt.IsZero() {
		return "never changed."
	}
	by := ""
	if document.UpdatedBy != "" {
		by = " by " + printable(document.UpdatedBy)
	}
	return "changed" + by + " " + formatTime(document.UpdatedAt, a.now()) + "."
}
