package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
)

// bulkOptions are the flags of `starter bulk ACTION`.
type bulkOptions struct {
	ids                      []string
	csv                      string
	status, cohort           string
	endsFrom, endsBefore, at string
	days, perMinute          int
	reason, key, policy      string
	carryOut, detach         bool
}

const bulkAbout = `Changes many trials at once: those of a list (--ids or --csv), or those that a filter takes
(--status, --cohort, --ends-from, --ends-before).

A dry run comes first: it says what would become of each trial, with examples, and changes nothing.
"starter bulk start" then carries it out; --go does without a dry run. Each trial comes to an outcome of its
own, which "starter bulk items" lists. The operation goes on when this command is interrupted:
"starter bulk watch" shows it again.`

func (a *app) bulk() *cobra.Command {
	group := &cobra.Command{
		Use: "bulk", Short: "Change many trials at once", Long: bulkAbout,
		Example: examples(
			"starter bulk extend --status active --cohort automated --days 7 --reason \"The shop was away\"",
			"starter bulk start bulk-20260310-120000-1a2b3c4d --reason \"Looked at\"",
			"starter bulk cancel --csv leavers.csv --reason \"They asked for it\" --go",
			"starter bulk undo bulk-20260310-120000-1a2b3c4d --reason \"The wrong list\"",
		),
	}
	for _, action := range bulk.Actions() {
		group.AddCommand(a.bulkAction(action))
	}
	group.AddCommand(a.bulkControls()...)
	group.AddCommand(
		a.bulkList(), a.bulkItems(), a.bulkUndo(),
		a.bulkShown("status", "Show an operation: what was asked for, how far it is, what it came to", true),
		a.bulkShown("watch", "Show how far an operation is until it is over or paused", false),
	)
	return group
}

var bulkShorts = map[bulk.Action]string{
	bulk.Extend: "Let running trials end later", bulk.Shorten: "Let active trials end sooner",
	bulk.Cancel: "End running trials without expiry or further e-mail", bulk.Revive: "Give expired or cancelled trials so many days from now",
	bulk.Move:    "Move running trials to another policy",
	bulk.Convert: "Record that vendors have converted", bulk.Resend: "Send each vendor's last due e-mail once more, as long as it is true",
}

func (a *app) bulkAction(action bulk.Action) *cobra.Command {
	var o bulkOptions
	days := ""
	if action == bulk.Extend || action == bulk.Shorten || action == bulk.Revive {
		days = " --days 7"
	}
	with := days
	if action == bulk.Move {
		with = " --policy month"
	}
	command := &cobra.Command{
		Use: string(action), Short: bulkShorts[action], Args: cobra.NoArgs,
		Long: bulkShorts[action] + ". " + bulkAbout + "\n\nThe reason is kept in histories: no names or addresses in it.",
		Example: examples(
			fmt.Sprintf("starter bulk %s --ids v-1001,v-1002%s --reason \"Asked by support\"", action, with),
			fmt.Sprintf("starter bulk %s --csv vendors.csv%s --reason \"Asked by support\" --go", action, with),
		),
	}
	flags := command.Flags()
	flags.StringSliceVar(&o.ids, "ids", nil, "the vendors' ids, with commas between them")
	flags.StringVar(&o.csv, "csv", "", "a file with a header that names vendor_id and, for trials with days of their own, days")
	flags.StringVar(&o.status, "status", "", "only trials of one status: "+words(trial.Statuses()))
	flags.StringVar(&o.cohort, "cohort", "", "only trials of one cohort: "+words(trial.Cohorts()))
	flags.StringVar(&o.endsFrom, "ends-from", "", "only trials that end at this moment or later, such as 2026-03-10T00:00:00Z")
	flags.StringVar(&o.endsBefore, "ends-before", "", "only trials that end before this moment")
	if days != "" {
		flags.IntVar(&o.days, "days", 0, fmt.Sprintf("how many days, 1 to %d", trial.MaxDays))
	}
	if action == bulk.Move {
		flags.StringVar(&o.policy, "policy", "", "the policy to move to; starter policy list shows them")
		markRequired(command, "policy")
	}
	if action == bulk.Convert {
		flags.StringVar(&o.at, "at", "", "when they converted (default now)")
	}
	flags.IntVar(&o.perMinute, "per-minute", bulk.DefaultPerMinute, fmt.Sprintf("how many trials to change in a minute at most, %d to %d", bulk.MinPerMinute, bulk.MaxPerMinute))
	flags.StringVar(&o.reason, "reason", "", "why, for the record")
	keyFlag(command, &o.key)
	flags.BoolVar(&o.carryOut, "go", false, "carry it out at once, without a dry run")
	flags.BoolVar(&o.detach, "detach", false, "do not wait for the end")
	markRequired(command, "reason")
	command.MarkFlagsOneRequired("ids", "csv", "status", "cohort", "ends-from", "ends-before")
	for _, filter := range []string{"status", "cohort", "ends-from", "ends-before"} {
		command.MarkFlagsMutuallyExclusive("ids", "csv", filter)
	}
	command.RunE = func(c *cobra.Command, _ []string) error { return a.startBulk(c.Context(), action, o) }
	return command
}

func (a *app) startBulk(ctx context.Context, action bulk.Action, o bulkOptions) error {
	body, err := o.request(action)
	if err == nil {
		err = completeKey(&o.key)
	}
	if err != nil {
		return err
	}
	return a.beginBulk(ctx, o.key, o.detach, func(api client.ClientInterface) (*http.Response, error) {
		return api.StartBulkOperation(ctx, &client.StartBulkOperationParams{IdempotencyKey: o.key}, body)
	})
}

// beginBulk sends a request that begins an operation, and follows the operation.
func (a *app) beginBulk(ctx context.Context, key string, detach bool, send call) error {
	answer, err := readAsAdmin[client.BulkView](a, send)
	if err != nil {
		return repeatable(err, "begun", key)
	}
	return a.follow(ctx, answer.Value, waitOptions{detach: detach})
}

// request is the body for the API.
func (o bulkOptions) request(action bulk.Action) (client.BulkRequest, error) {
	body := client.BulkRequest{Action: client.BulkRequestAction(action), Reason: o.reason, PerMinute: &o.perMinute, DryRun: new(!o.carryOut)}
	if o.days != 0 {
		body.Days = &o.days
	}
	if o.policy != "" {
		body.Policy = &o.policy
	}
	var err error
	if body.At, err = parseTime("at", o.at); err != nil {
		return body, err
	}
	switch {
	case len(o.ids) > 0:
		body.Ids = &o.ids
		return body, nil
	case o.csv != "":
		content, err := os.ReadFile(o.csv)
		if err != nil {
			return body, fmt.Errorf("reading the vendors: %w", err)
		}
		body.Csv = new(string(content))
		return body, nil
	}
	body.Filter, err = o.filter()
	return body, err
}

func (o bulkOptions) filter() (*client.BulkFilter, error) {
	var f client.BulkFilter
	var err error
	if f.EndsFrom, err = parseTime("ends-from", o.endsFrom); err != nil {
		return nil, err
	}
	if f.EndsBefore, err = parseTime("ends-before", o.endsBefore); err != nil {
		return nil, err
	}
	if f.Status, err = oneOf("status", o.status, trial.Statuses()); err != nil {
		return nil, err
	}
	f.Cohort, err = oneOf("cohort", o.cohort, trial.Cohorts())
	return &f, err
}

// onBulk accepts exactly one argument, an operation's id.
func onBulk(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("needs one operation's id, got %d arguments; starter bulk list shows them", len(args))
	}
	if !trial.ValidVendorID(args[0]) { // its characters are the same
		return usagef("id: %.80q is not an operation's; starter bulk list shows them", args[0])
	}
	return nil
}

// bulkCall is the client's method that sends one control of an operation.
type bulkCall func(client.ClientInterface, context.Context, string, client.BulkReason, ...client.RequestEditorFn) (*http.Response, error)

func (a *app) bulkControls() []*cobra.Command {
	return []*cobra.Command{
		a.bulkControl("start", "Carry out what a dry run has looked at", "", client.ClientInterface.StartPlannedBulkOperation),
		a.bulkControl("pause", "Hold an operation where it is", bulk.Paused, client.ClientInterface.PauseBulkOperation),
		a.bulkControl("resume", "Let a paused operation go on; or try the failed trials of one that is over again", "", client.ClientInterface.ResumeBulkOperation),
		a.bulkControl("stop", "End an operation where it is; what was done stays done", bulk.Stopped, client.ClientInterface.StopBulkOperation),
	}
}

// bulkControl is the command of one control. wanted is the status to wait for, empty for the operation's end.
func (a *app) bulkControl(name, short string, wanted bulk.Status, send bulkCall) *cobra.Command {
	var body client.BulkReason
	var detach bool
	command := &cobra.Command{
		Use: name + " OPERATION", Short: short, Args: onBulk, Long: short + ". Repeating it changes nothing.",
		Example: examples(fmt.Sprintf("starter bulk %s bulk-20260310-120000-1a2b3c4d --reason \"Asked by support\"", name)),
	}
	command.Flags().StringVar(&body.Reason, "reason", "", "why, for the record")
	markRequired(command, "reason")
	command.Flags().BoolVar(&detach, "detach", false, "do not wait for it")
	command.RunE = func(c *cobra.Command, args []string) error {
		answer, err := readAsAdmin[client.BulkView](a, func(api client.ClientInterface) (*http.Response, error) { return send(api, c.Context(), args[0], body) })
		if err != nil {
			return err
		}
		return a.follow(c.Context(), answer.Value, waitOptions{before: answer.Value.State.Seq, wanted: wanted, detach: detach})
	}
	return command
}

func (a *app) bulkUndo() *cobra.Command {
	var body client.BulkReason
	var key string
	var detach bool
	command := &cobra.Command{
		Use: "undo OPERATION", Short: "Undo an operation by a new one", Args: onBulk,
		Long: "Gives each trial the end that it had, as long as that is to come and nobody has changed the trial since. Extensions,\n" +
			"shortenings, moves to another policy and cancellations can be undone; conversions, revivals and e-mails cannot.",
		Example: examples("starter bulk undo bulk-20260310-120000-1a2b3c4d --reason \"The wrong list\""),
	}
	flags := command.Flags()
	flags.StringVar(&body.Reason, "reason", "", "why, for the record")
	keyFlag(command, &key)
	flags.BoolVar(&detach, "detach", false, "do not wait for the end")
	markRequired(command, "reason")
	command.RunE = func(c *cobra.Command, args []string) error {
		if err := completeKey(&key); err != nil {
			return err
		}
		return a.beginBulk(c.Context(), key, detach, func(api client.ClientInterface) (*http.Response, error) {
			return api.UndoBulkOperation(c.Context(), args[0], &client.UndoBulkOperationParams{IdempotencyKey: key}, body)
		})
	}
	return command
}
