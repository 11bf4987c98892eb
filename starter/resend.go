package main

import (
	"net/http"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
)

// trialResend is the command that sends one e-mail of a trial again.
func (a *app) trialResend() *cobra.Command {
	var c change
	var detach bool
	command := &cobra.Command{
		Use: "resend KEY", Short: "Send one e-mail of a trial again, as long as it is true",
		Long: "Sends one e-mail of a trial again, as long as it is true, and waits until a worker has. KEY is vendor/step/revision,\n" +
			"as starter trial status has it. The reason is kept: no names or addresses in it.",
		Example: examples("starter trial resend v-1001/reminder-3d/0 --reason \"Their mail server lost it\""),
		Args:    onEmail,
	}
	command.Flags().StringVar(&c.reason, "reason", "", "why, for the record")
	command.Flags().BoolVar(&detach, "detach", false, "do not wait for the end")
	keyFlag(command, &c.key)
	markRequired(command, "reason")
	command.RunE = func(cmd *cobra.Command, args []string) error {
		vendor, kind, revision, err := sendKey(args[0])
		if err == nil {
			err = completeKey(&c.key)
		}
		if err != nil {
			return err
		}
		return a.beginBulk(cmd.Context(), c.key, detach, func(api client.ClientInterface) (*http.Response, error) {
			return api.ResendEmail(cmd.Context(), vendor, kind, revision, &client.ResendEmailParams{IdempotencyKey: c.key}, client.BulkReason{Reason: c.reason})
		})
	}
	return command
}

// onEmail accepts exactly one argument, the key of an e-mail.
func onEmail(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usagef("needs the key of one e-mail, such as v-1001/welcome/0")
	}
	_, _, _, err := sendKey(args[0])
	return err
}
