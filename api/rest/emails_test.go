package rest_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/wiring"
)

// builtInMails are the built-in templates; to read them takes longer than most tests.
var builtInMails = sync.OnceValues(func() (*wiring.Templates, error) {
	return wiring.NewTemplates(config.Config{}.Mail, zap.NewNop())
})

// shownMails renders e-mails with the neutral brand and the built-in words.
func shownMails(t *testing.T) wiring.Mails {
	t.Helper()
	templates, err := builtInMails()
	require.NoError(t, err)
	return wiring.Mails{Templates: templates}
}

const shownPath = "/api/admin/trials/v-1/emails/reminder-3d/0"

// sent is the vendor's reminder as it was sent, on record with its version.
func (a *api) sentReminder() trial.Send {
	a.t.Helper()
	mail, err := config.Config{}.Mail()
	require.NoError(a.t, err)
	c := ses.Content{
		Kind: "reminder", Words: mail.Words, Locale: "fr", VendorName: "Søren & Co", VendorID: "v-1", DaysLeft: 3, GraceDays: 3, LengthDays: 3,
		EndsAt: present, UnsubscribeURL: "https://shop.example/unsubscribe/v1.v-1.secret",
	}
	version, ok := ses.VersionOf(c)
	require.True(a.t, ok)
	hash, content, err := version.Encoded()
	require.NoError(a.t, err)
	a.store.MailVersions[hash] = content
	fields := c.Fields()
	send := trial.Send{Key: "v-1/reminder-3d/0", VendorID: "v-1", Kind: "reminder-3d", Status: trial.SendSent, Template: hash, Fields: &fields, AddressHash: adaHash}
	a.store.Store.Sends[send.Key] = send
	return send
}

// Support sees an e-mail as it was sent, in the vendor's language and without its name, and cannot act for the vendor.
func TestAnEMailIsShownAsItWasSent(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.get(shownPath, adminToken).problem(http.StatusNotFound)
	send := a.sentReminder()

	mail := into[rest.SentEmail](a.get(shownPath, adminToken), http.StatusOK)
	shown, nameless := send, *send.Fields
	nameless.Name, shown.Fields = "", &nameless
	require.Equal(t, shown, mail.Email)
	require.Empty(t, mail.Missing)
	require.Equal(t, "Votre période d’essai se termine dans 3 jours", mail.Shown.Subject)
	require.Contains(t, mail.Shown.Text, "Bonjour,")
	require.NotContains(t, mail.Shown.Html+mail.Shown.Text, "secret")
	require.NotContains(t, mail.Shown.Html+mail.Shown.Text, "Søren", "who sees it is on the audit record")
	require.NotContains(t, mail.Shown.Html, "href")
	byViewer := a.get(shownPath, viewerToken)
	require.NotContains(t, string(byViewer.body), adaHash, "guesses of an address could be tested")
	require.Equal(t, send.Fields, into[rest.VendorExport](a.get(exportPath, adminToken), http.StatusOK).Emails[0].Fields, "it is exported with the vendor")
}

func TestAnEMailThatCannotBeShownSaysWhy(t *testing.T) {
	t.Parallel()
	for why, change := range map[string]func(*api, *trial.Send){
		"was not sent: its status is refused":               func(_ *api, s *trial.Send) { s.Status = trial.SendRefused },
		"no worker has told that it was sent":               func(_ *api, s *trial.Send) { s.Template, s.Fields = "", nil },
		"sent by an earlier version of this program":        func(_ *api, s *trial.Send) { s.Fields = nil },
		"0123456789abcdef, is not on record":                func(_ *api, s *trial.Send) { s.Template = "0123456789abcdef" },
		"cannot show the version of the template, old, any": func(a *api, s *trial.Send) { s.Template, a.store.MailVersions["old"] = "old", []byte(`{}`) },
		"This vendor was erased at 2026-03-10 12:00 UTC. What its e-mails said of it was erased": func(a *api, _ *trial.Send) {
			into[rest.Erasure](a.call(request{method: http.MethodPost, path: erasePath, token: adminToken, body: `{"reason":"asked"}`}), http.StatusOK)
		},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			a.register()
			send := a.sentReminder()
			change(a, &send)
			if !strings.Contains(why, "erased") {
				a.store.Store.Sends[send.Key] = send
			}
			mail := into[rest.SentEmail](a.get(shownPath, adminToken), http.StatusOK)
			require.Nil(t, mail.Shown)
			require.Contains(t, mail.Missing, why)
		})
	}
}

// stakeholders are whom previews may go to.
func stakeholders() []notice.Stakeholder {
	return []notice.Stakeholder{{Role: notice.ProductOwner, Name: "Po", Email: "po@shop.example"}}
}

func (a *api) order(key, body string) answered {
	a.t.Helper()
	return a.call(request{method: http.MethodPost, path: "/api/admin/mail/send", token: adminToken, key: key, body: body})
}

func TestAPreviewIsSentToAStakeholder(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	const body = `{"kind":"reminder-3d","policy":"standard-14d","language":"pt-BR","timezone":"America/Sao_Paulo","to":"PO@shop.example"}`
	ordered := into[rest.MailOrdered](a.order("k-1", body), http.StatusAccepted)
	require.Equal(t, "[Preview] Seu período de teste termina em 3 dias", ordered.Subject)
	into[rest.MailOrdered](a.order("k-1", body), http.StatusAccepted)
	into[rest.MailOrdered](a.order("k-2", `{"kind":"welcome","to":"po@shop.example"}`), http.StatusAccepted)

	require.Len(t, a.workflows.previews, 3)
	first := a.workflows.previews[0]
	require.Equal(t, notice.Preview{
		ID: first.ID, Kind: "reminder-3d", Policy: "standard-14d", Language: "pt-BR", Zone: "America/Sao_Paulo", RecipientID: first.RecipientID, At: present,
	}, first)
	require.Equal(t, first.ID, a.workflows.previews[1].ID, "the same workflow, which sends it once")
	require.NotEqual(t, first.ID, a.workflows.previews[2].ID)
	record, _, err := a.store.AuditEntries(t.Context(), audit.Filter{Action: "sendMail", Outcome: audit.Done}, 0, 9)
	require.NoError(t, err)
	require.Len(t, record, 3)
	require.Equal(t, "mail/send", record[2].Subject)
	require.JSONEq(t, `{"kind":"reminder-3d","language":"pt-BR","policy":"standard-14d"}`, string(record[2].Asked))
	require.JSONEq(t, `{"recipient":"`+first.RecipientID+`"}`, string(record[2].After))
	_, content := a.store.written()
	require.NotContains(t, content, "shop.example")
}

func TestAPreviewGoesToNobodyElse(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for field, body := range map[string]string{
		"to":       `{"kind":"welcome","to":"vendor@example.com"}`,
		"kind":     `{"kind":"half-way","to":"po@shop.example"}`,
		"policy":   `{"kind":"welcome","policy":"gone","to":"po@shop.example"}`,
		"timezone": `{"kind":"welcome","timezone":"Mars/Base","to":"po@shop.example"}`,
		"language": `{"kind":"welcome","language":"x","to":"po@shop.example"}`,
	} {
		p := a.order("k-"+field, body).problem(http.StatusBadRequest)
		require.Equal(t, field, *p.Field)
		require.NotContains(t, *p.Detail, "vendor@example.com")
	}
	require.Empty(t, a.workflows.previews)
	a.workflows.unavailable = errUnavailable
	a.order("k-1", `{"kind":"welcome","to":"po@shop.example"}`).problem(http.StatusServiceUnavailable)
}
