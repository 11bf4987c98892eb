package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/trial"
)

// pageSize is the API's limit of trials per request.
const pageSize = 500

// listing selects trials.
type listing struct {
	status, cohort          string
	policy, experiment, arm string
	held                    bool
	limit                   int
	all                     bool
}

func (a *app) trialList() *cobra.Command {
	var l listing
	command := &cobra.Command{
		Use: "list", Short: "List trials, in the order of the vendors' ids", Args: cobra.NoArgs,
		Example: examples(
			"starter trial list --status grace",
			"starter trial list --cohort automated --held",
			"starter trial list --all --json",
		),
	}
	flags := command.Flags()
	flags.StringVar(&l.status, "status", "", "only trials of one status: "+words(trial.Statuses()))
	flags.StringVar(&l.cohort, "cohort", "", "only trials of one cohort: "+words(trial.Cohorts()))
	flags.StringVar(&l.policy, "policy", "", "only trials under the policy of this name")
	flags.StringVar(&l.experiment, "experiment", "", "only trials of vendors that the experiment of this id dealt an arm")
	flags.StringVar(&l.arm, "arm", "", "only this arm of the experiment: a, b")
	flags.BoolVar(&l.held, "held", false, "only trials whose due step waits for a flag; --held=false: none of them")
	flags.IntVar(&l.limit, "limit", 50, "at most so many trials")
	flags.BoolVar(&l.all, "all", false, "every trial, page after page")
	command.MarkFlagsMutuallyExclusive("limit", "all")
	command.RunE = func(c *cobra.Command, _ []string) error {
		params, err := l.params(c.Flags().Changed("held"))
		if err != nil {
			return err
		}
		return a.list(c.Context(), params, l)
	}
	return command
}

func (l listing) params(heldGiven bool) (client.ListTrialsParams, error) {
	var p client.ListTrialsParams
	var err error
	if p.Status, err = oneOf("status", l.status, trial.Statuses()); err != nil {
		return p, err
	}
	if p.Cohort, err = oneOf("cohort", l.cohort, trial.Cohorts()); err != nil {
		return p, err
	}
	for _, f := range []struct {
		given string
		field **string
	}{{l.policy, &p.Policy}, {l.experiment, &p.Experiment}, {l.arm, &p.Arm}} {
		if f.given != "" {
			*f.field = &f.given
		}
	}
	if heldGiven {
		p.Held = &l.held
	}
	if l.limit < 1 {
		return p, usagef("--limit: must be at least 1, is %d", l.limit)
	}
	return p, nil
}

// pages are the trials of all pages read so far.
type pages struct {
	Trials     []raw[client.Trial] `json:"trials"`
	NextCursor string              `json:"nextCursor"`
	// only is the answer of a single page, nil for more pages.
	only []byte
}

func (a *app) list(ctx context.Context, params client.ListTrialsParams, l listing) error {
	api, err := a.asAdmin()
	if err != nil {
		return err
	}
	found := pages{Trials: []raw[client.Trial]{}}
	for {
		size := pageSize
		if !l.all {
			size = min(size, l.limit-len(found.Trials))
		}
		params.Limit = &size
		if err := found.fetch(ctx, api, &params); err != nil {
			return err
		}
		if found.NextCursor == "" || !l.all && len(found.Trials) >= l.limit {
			break
		}
		params.Cursor = new(found.NextCursor)
	}
	return a.printList(found)
}

// fetch reads the next page.
func (p *pages) fetch(ctx context.Context, api client.ClientInterface, params *client.ListTrialsParams) error {
	answer, err := client.Read[pages](api.ListTrials(ctx, params))
	if err != nil {
		return err
	}
	page := answer.Value
	if page.NextCursor != "" && page.NextCursor == p.NextCursor {
		return fmt.Errorf("the API answered with the same page twice, at cursor %s", printable(page.NextCursor))
	}
	p.only = nil
	if p.NextCursor == "" {
		p.only = answer.Body
	}
	p.Trials, p.NextCursor = append(p.Trials, page.Trials...), page.NextCursor
	return nil
}

func (a *app) printList(found pages) error {
	if a.options.json && found.only != nil {
		return a.printJSON(found.only)
	}
	if a.options.json {
		return a.printValue(found)
	}
	if len(found.Trials) == 0 {
		a.printf("There is no such trial.\n")
		return nil
	}
	now := a.now()
	t := table{header: []string{"VENDOR", "STATUS", "COHORT", "ENDS", "", "NEXT", ""}}
	for _, listed := range found.Trials {
		o, next, when := listed.value, "-", ""
		switch {
		case o.Held != nil:
			next, when = string(o.Held.Step.Kind), "held: "+string(o.Held.Reason)
		case o.Next != nil:
			next, when = string(o.Next.Kind), relative(o.Next.At, now)
		}
		t.row(o.VendorID, string(o.Status), string(o.Cohort), o.EndsAt.UTC().Format(clock), relative(o.EndsAt, now), next, when)
	}
	if err := t.write(a.out); err != nil {
		return err
	}
	if found.NextCursor != "" {
		a.printf("\nThere are more: see --limit and --all.\n")
	}
	return nil
}
