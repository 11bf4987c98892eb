package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/evidence"
)

// bulkPoll is the interval at which a followed operation is read.
const bulkPoll = 500 * time.Millisecond

// waitOptions say what to wait for.
type waitOptions struct {
	// before is the number of the last change before the request, whose status does not end the wait.
	before int
	// wanted is the requested status, if it is to be paused or stopped.
	wanted bulk.Status
	// detach skips the wait.
	detach bool
}

// follow shows an operation until it has ended or paused, and then its result.
func (a *app) follow(ctx context.Context, v client.BulkView, w waitOptions) error {
	if w.detach {
		return a.printBulk(v)
	}
	fmt.Fprintf(a.err, "Operation %s. Interrupted, it goes on: starter bulk watch %s shows it again.\n", v.Operation.ID, v.Operation.ID)
	bar := &progress{out: a.err, terminal: a.terminal(), now: a.now}
	defer bar.end()
	for {
		if s := v.State; s.Status == w.wanted || s.Seq > w.before && (s.Status.Final() || s.Status == bulk.Paused) {
			bar.end()
			return a.finished(v, w.wanted)
		}
		bar.draw(barOf(v.State), v.Summary)
		if err := pause(ctx, bulkPoll); err != nil {
			return err
		}
		next, err := a.fetchBulk(ctx, v.Operation.ID)
		if err != nil {
			return err
		}
		v = next
	}
}

func barOf(s bulk.State) string { return bar(s.Turned(), s.Total) }

func (a *app) fetchBulk(ctx context.Context, id string) (client.BulkView, error) {
	answer, err := readAsAdmin[client.BulkView](a, func(api client.ClientInterface) (*http.Response, error) { return api.GetBulkOperation(ctx, id) })
	return answer.Value, err
}

// finished prints an operation's result, and fails where that is not the requested one.
func (a *app) finished(v client.BulkView, wanted bulk.Status) error {
	if err := a.printBulk(v); err != nil || v.State.Status == wanted {
		return err
	}
	switch failed := v.State.Counts.Of(bulk.Failed); {
	case v.State.Status == bulk.Paused, v.State.Status == bulk.Stopped:
		return fmt.Errorf("the operation is %s", v.Summary)
	case v.State.Status == bulk.Done && failed > 0:
		return fmt.Errorf("nobody knows whether %s changed; starter bulk resume %s tries again", evidence.Counted(failed, "trial was", "trials were"), v.Operation.ID)
	}
	return nil
}

func (a *app) printBulk(v client.BulkView) error {
	if a.options.json {
		return a.printValue(v)
	}
	o, s, now := v.Operation, v.State, a.now()
	t := table{}
	t.row("operation", o.ID)
	t.row("what", o.Title())
	t.row("reason", o.Reason)
	t.row("asked for", formatTime(o.AskedAt, now)+", by "+o.By)
	t.row("stands", v.Summary)
	t.row("rate", fmt.Sprintf("%d a minute at most", o.PerMinute))
	for _, c := range s.Plan {
		t.row("would be "+string(c.Outcome), fmt.Sprintf("%d  %s", c.Items, c.Reason))
	}
	for _, e := range s.Examples {
		t.row("  "+e.VendorID, exampleText(e))
	}
	for _, c := range s.Counts {
		t.row(string(c.Outcome), fmt.Sprintf("%d  %s", c.Items, c.Reason))
	}
	for _, c := range s.Controls {
		t.row(c.Name, formatTime(c.At, now)+", by "+c.By+": "+c.Reason)
	}
	if err := t.write(a.out); err != nil {
		return err
	}
	if s.Status == bulk.Planned {
		a.printf("\nNothing was changed. To carry it out: starter bulk start %s --reason \"Looked at\"\n", o.ID)
	}
	return nil
}

func exampleText(e bulk.Example) string {
	text := string(e.Outcome) + ": " + string(e.Reason)
	if e.Detail != "" {
		text += " (" + e.Detail + ")"
	}
	if e.Was != nil && e.Is != nil && !e.Was.Equal(*e.Is) {
		text += fmt.Sprintf(", ends %s instead of %s", e.Is.UTC().Format(clock), e.Was.UTC().Format(clock))
	}
	return text
}

// bulkShown is a command that shows an operation. detach has it end at once.
func (a *app) bulkShown(name, short string, detach bool) *cobra.Command {
	return &cobra.Command{
		Use: name + " OPERATION", Short: short, Args: onBulk, Example: examples("starter bulk " + name + " bulk-20260310-120000-1a2b3c4d"),
		RunE: func(c *cobra.Command, args []string) error {
			v, err := a.fetchBulk(c.Context(), args[0])
			if err != nil {
				return err
			}
			return a.follow(c.Context(), v, waitOptions{detach: detach})
		},
	}
}

func (a *app) bulkList() *cobra.Command {
	var limit int
	command := &cobra.Command{
		Use: "list", Short: "List the operations, the latest first", Args: cobra.NoArgs,
		Example: examples("starter bulk list", "starter bulk list --limit 100 --json"),
	}
	command.Flags().IntVar(&limit, "limit", 20, "at most so many operations, 1 to 100")
	command.RunE = func(c *cobra.Command, _ []string) error {
		if err := checkRange("limit", limit, 100); err != nil {
			return err
		}
		return ask(a, func(api client.ClientInterface) (*http.Response, error) {
			return api.ListBulkOperations(c.Context(), &client.ListBulkOperationsParams{Limit: &limit})
		}, func(page client.BulkPage) error {
			t := table{header: []string{"OPERATION", "WHAT", "STANDS", "REASON"}}
			for _, v := range page.Operations {
				t.row(v.Operation.ID, v.Operation.Title(), v.Summary, v.Operation.Reason)
			}
			return t.write(a.out)
		})
	}
	return command
}

func (a *app) bulkItems() *cobra.Command {
	var outcome string
	command := &cobra.Command{
		Use: "items OPERATION", Short: "List every trial of an operation and what became of it", Args: onBulk,
		Example: examples("starter bulk items bulk-20260310-120000-1a2b3c4d --outcome refused"),
	}
	command.Flags().StringVar(&outcome, "outcome", "", "only items of one outcome: done, skipped, refused, failed, or open for those without any")
	command.RunE = func(c *cobra.Command, args []string) error {
		var params client.ListBulkItemsParams
		if outcome != "" {
			params.Outcome = new(client.ListBulkItemsParamsOutcome(outcome))
		}
		return a.listBulkItems(c.Context(), args[0], params)
	}
	return command
}

// listBulkItems reads all pages.
func (a *app) listBulkItems(ctx context.Context, id string, params client.ListBulkItemsParams) error {
	api, err := a.asAdmin()
	if err != nil {
		return err
	}
	all := client.BulkItems{Items: []bulk.Item{}}
	params.Limit = new(pageSize)
	for {
		answer, err := client.Read[client.BulkItems](api.ListBulkItems(ctx, id, &params))
		if err != nil {
			return err
		}
		all.Items = append(all.Items, answer.Value.Items...)
		if params.Cursor = answer.Value.NextCursor; params.Cursor == nil {
			return a.printBulkItems(all)
		}
	}
}

func (a *app) printBulkItems(all client.BulkItems) error {
	if a.options.json {
		return a.printValue(all)
	}
	t := table{header: []string{"ITEM", "VENDOR", "OUTCOME", "REASON", ""}}
	for _, i := range all.Items {
		row := []string{strconv.Itoa(i.Number), i.VendorID, "-", "", ""}
		if r := i.Result; r != nil {
			row[2], row[3], row[4] = string(r.Outcome), string(r.Reason), r.Detail
			if c := r.Change; c != nil && !c.Was.Equal(c.Is) {
				row[4] = fmt.Sprintf("ends %s instead of %s", c.Is.UTC().Format(clock), c.Was.UTC().Format(clock))
			}
		}
		t.row(row...)
	}
	return t.write(a.out)
}
