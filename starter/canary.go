package main

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/canary"
)

func (a *app) canary() *cobra.Command {
	group := &cobra.Command{
		Use: "canary", Short: "See what a synthetic vendor's trial has shown, and start one",
		Example: examples("starter canary show", "starter canary start"),
	}
	group.AddCommand(
		&cobra.Command{
			Use: "show", Short: "Show what the latest canary has shown, and how long each part took", Args: cobra.NoArgs,
			Example: examples("starter canary show", "starter canary show --json"),
			RunE: asking(a, func(ctx context.Context, api client.ClientInterface, _ []string) (*http.Response, error) {
				return api.GetCanary(ctx)
			}, a.printCanary),
		},
		&cobra.Command{
			Use: "start", Short: "Start a canary now, unless one is under way", Args: cobra.NoArgs,
			Long:    "Start a canary now, unless one is under way. It takes some minutes; starter canary show says then what it has shown.",
			Example: examples("starter canary start"),
			RunE: asking(a, func(ctx context.Context, api client.ClientInterface, _ []string) (*http.Response, error) {
				return api.StartCanary(ctx)
			}, func(canary.View) error {
				a.printf("A canary is under way. Ask in some minutes: starter canary show\n")
				return nil
			}),
		},
	)
	return group
}

func (a *app) printCanary(v canary.View) error {
	switch {
	case !v.Configured:
		a.printf("No canary comes: CANARY_ADDRESS is off.\n")
	case v.Fault != "":
		a.printf("BROKEN (%s): %s.\n", v.Fault, v.Reason)
	}
	if len(v.Results) == 0 {
		a.printf("No canary has ended yet. Start one: starter canary start\n")
		return nil
	}
	latest := v.Results[0]
	found := "found nothing broken"
	if !latest.Well() {
		found = "found: " + latest.Reason
	}
	a.printf("The canary that began at %s took %s and %s.\n", latest.BeganAt.UTC().Format(clock), latest.Took().Round(time.Second), found)
	for _, p := range latest.Parts {
		a.printf("  %-22s %-8s %10s  %s\n", p.Name, p.State, canary.Round(p.Took), p.Text)
	}
	return nil
}
