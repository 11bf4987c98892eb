package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
)

func (a *app) vendorFeedback() *cobra.Command {
	return &cobra.Command{
		Use: "feedback ID", Short: "Show whether a vendor found its e-mails helpful, and what it wrote", Args: onVendor,
		Example: examples("starter vendor feedback v-1001"),
		RunE: asking(a, func(ctx context.Context, api client.ClientInterface, args []string) (*http.Response, error) {
			return api.GetVendorFeedback(ctx, args[0])
		}, a.printFeedback),
	}
}

func (a *app) printFeedback(f client.VendorFeedback) error {
	if len(f.Answers) == 0 {
		a.printf("This vendor has not answered.\n")
	}
	for _, answer := range f.Answers {
		helped := "did not help"
		if answer.Helpful {
			helped = "helped"
		}
		a.printf("%s %s: %s\n", printable(answer.Kind), helped, formatTime(answer.At, a.now()))
		if answer.Text == "" {
			continue
		}
		for line := range strings.SplitSeq(answer.Text, "\n") {
			a.printf("  %s\n", printable(strings.ReplaceAll(line, "\t", " ")))
		}
	}
	return nil
}

func (a *app) rolloutFeedback() *cobra.Command {
	return &cobra.Command{
		Use: "feedback [ID]", Short: "Show how many vendors found an e-mail helpful, by phase and cohort", Args: onRollout,
		Long: "Shows the answers that were given while the latest rollout ran, or the one of that id. A later answer of a\n" +
			"vendor about the same kind of e-mail replaces an earlier one. Stability and guard belong to the last phase.",
		Example: examples("starter rollout feedback", "starter rollout feedback rollout-20260310-120000 --json"),
		RunE: asking(a, func(ctx context.Context, api client.ClientInterface, args []string) (*http.Response, error) {
			return api.GetRolloutFeedback(ctx, rolloutOf(args))
		}, a.printPhaseFeedback),
	}
}

func (a *app) printPhaseFeedback(f client.RolloutFeedback) error {
	if len(f.Figures) == 0 {
		a.printf("No vendor has answered while this rollout ran.\n")
		return nil
	}
	t := &table{header: []string{"PHASE", "COHORT", "ANSWERS", "HELPFUL", "SHARE", "95 % INTERVAL"}}
	for _, p := range f.Figures {
		phase := fmt.Sprintf("%d, %s", p.Phase, p.Name)
		if p.Epoch > 0 {
			phase += ", evidence begun anew " + rollout.TimesInWords(p.Epoch)
		}
		t.row(phase, string(p.Cohort), fmt.Sprint(p.Answers), fmt.Sprint(p.Helpful), evidence.Percent(p.Share),
			evidence.Percent(p.Low)+" to "+evidence.Percent(p.High))
	}
	return t.write(a.out)
}
