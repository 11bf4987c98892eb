package main

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
)

func (a *app) mailShow() *cobra.Command {
	var asHTML bool
	show := &cobra.Command{
		Use: "show KEY", Short: "Show an e-mail as it was sent to a vendor",
		Long: "Shows an e-mail as it was sent, also where the wording has changed since. KEY is vendor/step/revision, as\n" +
			"starter trial status and the export have it. Its links and the vendor's name are removed.",
		Example: examples("starter mail show v-1001/reminder-3d/0", "starter mail show v-1001/reminder-3d/0 --html >mail.html"),
		Args:    onEmail,
	}
	show.Flags().BoolVar(&asHTML, "html", false, "print the HTML part alone")
	show.RunE = asking(a, func(ctx context.Context, api client.ClientInterface, args []string) (*http.Response, error) {
		vendor, kind, revision, err := sendKey(args[0])
		if err != nil {
			return nil, err
		}
		return api.ShowEmail(ctx, vendor, kind, revision)
	}, func(m client.SentEmail) error { return a.printSent(m, asHTML) })
	return show
}

// sendKey reads the key of an e-mail.
func sendKey(key string) (vendor, kind string, revision int, err error) {
	parts := strings.Split(key, "/")
	if len(parts) == 3 {
		revision, err = strconv.Atoi(parts[2])
	}
	if len(parts) != 3 || err != nil || checkVendorID(parts[0]) != nil || parts[1] == "" {
		return "", "", 0, usagef("%.80q is no key of an e-mail, such as v-1001/welcome/0", key)
	}
	return parts[0], parts[1], revision, nil
}

func (a *app) printSent(m client.SentEmail, asHTML bool) error {
	switch {
	case m.Shown == nil:
		return errors.New(printable(m.Missing))
	case asHTML:
		a.printf("%s", m.Shown.Html)
		return nil
	}
	a.printf("From: %s\n", printable(cmp.Or(m.Shown.From, "as MAIL_FROM says")))
	if m.Shown.ReplyTo != "" {
		a.printf("Reply-To: %s\n", printable(m.Shown.ReplyTo))
	}
	if at := m.Email.SettledAt; at != nil {
		a.printf("Sent: %s\n", formatTime(*at, a.now()))
	}
	a.printf("Subject: %s\n\n", printable(m.Shown.Subject))
	for line := range strings.Lines(m.Shown.Text) {
		a.printf("%s\n", printable(strings.TrimRight(line, "\r\n")))
	}
	return nil
}

func (a *app) mailSend() *cobra.Command {
	var language, policy, zone, key string
	var body client.MailOrder
	send := &cobra.Command{
		Use: "send KIND --to ADDRESS", Short: "Send a stakeholder one of the e-mails that vendors get",
		Long: "Sends an e-mail as a vendor gets it who registers now, with [Preview] before its subject and with links that lead\n" +
			"nowhere. KIND is a step's, such as reminder-3d: starter policy check lists them. It goes to stakeholders only.",
		Example: examples("starter mail send reminder-3d --language pt-BR --policy standard-14d --to po@example.com"),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("needs the kind of one e-mail, such as reminder-3d")
			}
			return nil
		},
	}
	flags := send.Flags()
	flags.StringVar(&body.To, "to", "", "the address of a stakeholder")
	flags.StringVar(&language, "language", "", "the vendor's language, such as pt-BR (default the brand's)")
	flags.StringVar(&policy, "policy", "", "the policy that has the e-mail (default the default one)")
	flags.StringVar(&zone, "timezone", "", "the vendor's IANA time zone (default UTC)")
	keyFlag(send, &key)
	markRequired(send, "to")
	send.RunE = func(c *cobra.Command, args []string) error {
		if err := completeKey(&key); err != nil {
			return err
		}
		body.Kind = args[0]
		for _, f := range []struct {
			given string
			field **string
		}{{language, &body.Language}, {policy, &body.Policy}, {zone, &body.Timezone}} {
			if f.given != "" {
				*f.field = &f.given
			}
		}
		err := ask(a, func(api client.ClientInterface) (*http.Response, error) {
			return api.SendMail(c.Context(), &client.SendMailParams{IdempotencyKey: key}, body)
		}, func(o client.MailOrdered) error {
			a.printf("It is on its way: %s\n", printable(o.Subject))
			return nil
		})
		return repeatable(err, "been sent", key)
	}
	return send
}
