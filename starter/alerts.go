package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/domain/monitoring"
)

func (a *app) alerts() *cobra.Command {
	group := &cobra.Command{
		Use: "alerts", Short: "See which alerts fire, acknowledge and silence them",
		Example: examples(
			"starter alerts list",
			"starter alerts ack emailDeliveryRateLow --reason \"A template was broken, the fix is on its way\"",
		),
	}
	group.AddCommand(a.alertList(), a.alertHistory(), a.alertAcknowledge(), a.alertSilence(), a.alertUnsilence())
	return group
}

// onAlert accepts exactly one argument, an alert's name.
func onAlert(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("needs one alert's name, got %d arguments; starter alerts list shows them", len(args))
	}
	if slices.Contains(monitoring.RuleIDs(), monitoring.RuleID(args[0])) {
		return nil
	}
	return usagef("%.80q is not an alert; the alerts are %v", args[0], monitoring.RuleIDs())
}

func (a *app) alertList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Show the alerts: which fire, since when, and what was seen last", Args: cobra.NoArgs,
		Example: examples("starter alerts list", "starter alerts list --json"),
		RunE: asking(a, func(ctx context.Context, api client.ClientInterface, _ []string) (*http.Response, error) {
			return api.ListAlerts(ctx)
		}, a.printAlerts),
	}
}

func (a *app) printAlerts(v monitoring.AlertsView) error {
	now := a.now()
	t := table{header: []string{"ALERT", "STATUS", "SINCE", "SEVERITY", "SEEN", "", ""}}
	for _, alert := range v.Alerts {
		status, since := string(alert.Status), "-"
		if alert.Since != nil {
			since = relative(*alert.Since, now)
		}
		t.row(string(alert.Rule.ID), status, since, string(alert.Rule.Severity), alert.Text, alert.Limit, handled(alert, now))
	}
	if err := t.write(a.out); err != nil {
		return err
	}
	for _, remark := range alertWarnings(v, now) {
		a.printf("\n%s\n", remark)
	}
	return nil
}

// handled says what a person did about an alert.
func handled(v monitoring.AlertView, now time.Time) string {
	switch {
	case v.Silence != nil:
		return fmt.Sprintf("silenced, ends %s: %s", relative(v.Silence.Until, now), v.Silence.Reason)
	case v.Acknowledgement != nil:
		return fmt.Sprintf("acknowledged %s: %s", relative(v.Acknowledgement.At, now), v.Acknowledgement.Reason)
	}
	return ""
}

// alertWarnings say why the list may be incomplete or old.
func alertWarnings(v monitoring.AlertsView, now time.Time) []string {
	var remarks []string
	switch {
	case !v.Enabled:
		remarks = append(remarks, "The alerts are not evaluated: the flag monitoring.enabled is off.")
	case v.Late && v.EvaluatedAt == nil:
		remarks = append(remarks, "THE ALERTS WERE NEVER EVALUATED: check that a worker runs.")
	case v.Late:
		remarks = append(remarks, fmt.Sprintf("THIS IS OLD: the alerts were evaluated last %s. Check that a worker runs.", formatTime(*v.EvaluatedAt, now)))
	}
	if v.Enabled && !v.TrialMetrics {
		remarks = append(remarks, "Alerts about trials and e-mails are not evaluated: the flag monitoring.trialMetrics is off.")
	}
	if !v.Alerting {
		remarks = append(remarks, "Nobody is notified of alerts: the flag monitoring.alerting is off.")
	}
	return remarks
}

func (a *app) alertHistory() *cobra.Command {
	var limit int
	command := &cobra.Command{
		Use: "history ALERT", Short: "Show the events of an alert, what was measured, and whether people were notified", Args: onAlert, ValidArgs: texts(monitoring.RuleIDs()),
		Example: examples("starter alerts history massTrialExpiration"),
	}
	command.Flags().IntVar(&limit, "limit", 20, "how many of the last events, 1 to 200")
	command.RunE = func(c *cobra.Command, args []string) error {
		if err := checkRange("limit", limit, 200); err != nil {
			return err
		}
		return ask(a, func(api client.ClientInterface) (*http.Response, error) {
			return api.ListAlertEvents(c.Context(), args[0], &client.ListAlertEventsParams{Limit: &limit})
		}, func(h client.AlertHistory) error { return a.printAlertEvents(h.Events) })
	}
	return command
}

func (a *app) printAlertEvents(events []monitoring.AlertEvent) error {
	if len(events) == 0 {
		a.printf("Nothing has happened to it yet.\n")
		return nil
	}
	t := table{header: []string{"", "WHEN", "WHAT", "TOLD", "WHY", "SEEN"}}
	for _, e := range events {
		notified, why := formatBool(e.Notified), string(e.Reason)
		if e.SuppressedReason != "" {
			notified += ": " + string(e.SuppressedReason)
		}
		if e.By != "" {
			notified, why = "-", "by "+e.By+": "+e.Note
		}
		t.row(fmt.Sprint(e.Seq), formatTime(e.At, a.now()), string(e.Type), notified, why, e.Observation.Text)
	}
	return t.write(a.out)
}

// alertChange is a command that changes an alert. check completes the flags' values; nil for none to complete.
func (a *app) alertChange(
	command *cobra.Command, check func() error, send func(ctx context.Context, api client.ClientInterface, name, reason string) (*http.Response, error),
) *cobra.Command {
	var reason string
	command.Args, command.ValidArgs = onAlert, texts(monitoring.RuleIDs())
	command.Long = command.Short + ". The reason is kept: no names or addresses in it. Repeating it changes nothing."
	command.Flags().StringVar(&reason, "reason", "", "why, for the record")
	markRequired(command, "reason")
	command.RunE = func(c *cobra.Command, args []string) error {
		if check != nil {
			if err := check(); err != nil {
				return err
			}
		}
		return ask(a, func(api client.ClientInterface) (*http.Response, error) {
			return send(c.Context(), api, args[0], reason)
		}, a.printAlert)
	}
	return command
}

func (a *app) printAlert(v monitoring.AlertView) error {
	now := a.now()
	a.printf("%s: %s.\n", printable(string(v.Rule.ID)), printable(string(v.Status)))
	switch {
	case v.Silence != nil:
		a.printf("Nobody is notified of it until %s.\n", formatTime(v.Silence.Until, now))
	case v.Acknowledgement != nil:
		a.printf("Acknowledged %s: nobody is notified again that it fires, until it has cleared.\n", formatTime(v.Acknowledgement.At, now))
	}
	return nil
}

func (a *app) alertAcknowledge() *cobra.Command {
	command := &cobra.Command{
		Use: "ack ALERT", Short: "Acknowledge an alert: nobody is notified again until it has cleared",
		Example: examples("starter alerts ack sesPaused --reason \"Asked the provider\""),
	}
	return a.alertChange(command, nil, func(ctx context.Context, api client.ClientInterface, name, reason string) (*http.Response, error) {
		return api.AcknowledgeAlert(ctx, name, client.AlertReason{Reason: reason})
	})
}

func (a *app) alertSilence() *cobra.Command {
	var minutes int
	var until string
	var body client.AlertSilence
	command := &cobra.Command{
		Use: "silence ALERT", Short: "Silence the notifications of an alert for a while, seven days at most",
		Example: examples(
			"starter alerts silence emailDeliveryFailed --minutes 120 --reason \"A list of old addresses is being tried\"",
			"starter alerts silence backupLate --until 2026-03-12T08:00:00Z --reason \"The vault moves\"",
		),
	}
	flags := command.Flags()
	flags.IntVar(&minutes, "minutes", 0, "for how long, 1 to 10080")
	flags.StringVar(&until, "until", "", "until when, such as 2026-03-12T08:00:00Z")
	command.MarkFlagsMutuallyExclusive("minutes", "until")
	command.MarkFlagsOneRequired("minutes", "until")
	check := func() (err error) {
		if until == "" {
			body.Minutes = &minutes
		}
		body.Until, err = parseTime("until", until)
		return err
	}
	return a.alertChange(command, check, func(ctx context.Context, api client.ClientInterface, name, reason string) (*http.Response, error) {
		body.Reason = reason
		return api.SilenceAlert(ctx, name, body)
	})
}

func (a *app) alertUnsilence() *cobra.Command {
	command := &cobra.Command{
		Use: "unsilence ALERT", Short: "Notify people of an alert again",
		Example: examples("starter alerts unsilence backupLate --reason \"The vault has moved\""),
	}
	return a.alertChange(command, nil, func(ctx context.Context, api client.ClientInterface, name, reason string) (*http.Response, error) {
		return api.UnsilenceAlert(ctx, name, client.AlertReason{Reason: reason})
	})
}
