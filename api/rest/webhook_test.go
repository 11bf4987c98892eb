package rest_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/trial"
)

// deliver posts a message as SNS does.
func (a *api) deliver(m app.MailMessage) answered {
	a.t.Helper()
	body, err := json.Marshal(m)
	require.NoError(a.t, err)
	return a.call(request{method: http.MethodPost, path: "/api/webhooks/ses", contentType: "text/plain; charset=UTF-8", body: string(body)})
}

func (a *api) sent() {
	a.t.Helper()
	a.register()
	a.store.Store.Sends["v-1/welcome/0"] = trial.Send{Key: "v-1/welcome/0", VendorID: "v-1", Attempt: 2, AddressHash: adaHash}
}

var adaHash = trial.AddressHash("ada@example.com")

func event(id, delivery string, suppress bool, hash string) app.MailMessage {
	return app.MailMessage{ID: id, Event: &app.MailEvent{
		Key: "v-1/welcome/0", Attempt: 2, MessageID: "ses-1", Delivery: delivery, At: present, Suppress: suppress, AddressHash: hash,
	}}
}

// earlier is the event of an attempt before, which may have gone to an address that the vendor had then.
func earlier(m app.MailMessage) app.MailMessage {
	m.Event.Attempt--
	return m
}

func TestMailEvents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		message  app.MailMessage
		delivery string
		hash     string // of the suppression; empty for none
	}{
		{"delivery", event("m", "delivery", false, "h"), "delivery", ""},
		{"passing bounce", event("m", "bounce", false, "h"), "bounce", ""},
		{"hard bounce of another address", event("m", "bounce", true, "h"), "bounce", adaHash},
		{"complaint of another address", event("m", "complaint", true, "h"), "complaint", adaHash},
		{"complaint without an address", event("m", "complaint", true, ""), "complaint", adaHash},
		{"hard bounce of an earlier attempt", earlier(event("m", "bounce", true, "hash of that attempt")), "bounce", "hash of that attempt"},
		{"hard bounce of an earlier attempt without an address", earlier(event("m", "bounce", true, "")), "bounce", adaHash},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			a.sent()
			require.Equal(t, rest.Recorded, into[rest.MailEventReceipt](a.deliver(c.message), http.StatusOK).Result)
			require.Equal(t, c.delivery, a.store.Store.Sends["v-1/welcome/0"].Delivery)
			require.Equal(t, "ses-1", a.store.Store.Sends["v-1/welcome/0"].MessageID)
			if c.hash == "" {
				require.Empty(t, a.store.Suppressed)
				return
			}
			require.Equal(t, []trial.Suppression{{Reason: trial.ReasonSuppressedAddress, At: present, AddressHash: c.hash}}, a.store.Suppressed["v-1"])
			shown := into[rest.VendorTrial](a.get("/api/vendors/v-1", serviceToken), http.StatusOK)
			require.Equal(t, c.hash == adaHash, shown.Vendor.Suppression != nil, "each address has its own state")
		})
	}
}

func TestMailEventAgain(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.sent()
	require.Equal(t, rest.Recorded, into[rest.MailEventReceipt](a.deliver(event("m", "bounce", true, "h")), http.StatusOK).Result)
	_, before := a.store.written()
	require.Equal(t, rest.Repeated, into[rest.MailEventReceipt](a.deliver(event("m", "bounce", true, "h")), http.StatusOK).Result)
	_, after := a.store.written()
	require.Equal(t, before, after)
}

func TestMailEventsOfNoConcern(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.sent()
	_, before := a.store.written()
	foreign := func(vendorID string, suppress bool, hash string) app.MailMessage {
		m := event("m-1", "bounce", suppress, hash)
		m.Event.Key = vendorID + "/welcome/0"
		return m
	}
	for name, m := range map[string]app.MailMessage{
		"nothing to stop": foreign("v-2", false, "h"), "no address": foreign("v-2", true, ""), "no vendor": foreign(strings.Repeat("v", 65), true, "h"),
	} {
		require.Equal(t, rest.Ignored, into[rest.MailEventReceipt](a.deliver(m), http.StatusOK).Result, name)
	}
	require.Equal(t, rest.Ignored, into[rest.MailEventReceipt](a.deliver(app.MailMessage{ID: "m-2"}), http.StatusOK).Result)
	require.Equal(t, rest.Confirmed, into[rest.MailEventReceipt](a.deliver(app.MailMessage{ID: "m-3", Confirmed: true}), http.StatusOK).Result)
	_, after := a.store.written()
	require.Equal(t, before, after)
}

// An event whose handling broke off is delivered again, and must not pass for
// a repeat then.
func TestMailEventWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.sent()
	a.store.Err = errUnavailable
	a.deliver(event("m", "bounce", true, "h")).problem(http.StatusServiceUnavailable)
	a.store.Err = nil
	require.Equal(t, rest.Recorded, into[rest.MailEventReceipt](a.deliver(event("m", "bounce", true, "h")), http.StatusOK).Result)
	require.NotEmpty(t, a.store.Suppressed["v-1"])
}

// What went wrong inside is for the log: the caller gets the request's id.
func TestInternalsDoNotLeak(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	answer := a.call(request{method: http.MethodPost, path: "/api/webhooks/ses", contentType: "text/plain", body: "broken"})
	p := answer.problem(http.StatusInternalServerError)
	require.NotContains(t, string(answer.body), "certificate")
	a.store.Err = errors.New("connection(10.0.0.7:27017) refused for user root")
	require.NotContains(t, string(a.get("/api/admin/trials", adminToken).body), "10.0.0.7")

	failures := a.logs.FilterMessage("request failed").All()
	require.Len(t, failures, 2)
	require.Equal(t, p.RequestId, failures[0].ContextMap()["requestId"])
	require.Contains(t, failures[1].ContextMap()["error"], "10.0.0.7")
}

func TestUnsubscribe(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	page := a.get("/unsubscribe/signed.v-1", "")
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, page.header.Get("Content-Type"), "text/html")
	require.Contains(t, string(page.body), `<form method="post">`)
	require.Empty(t, a.store.Suppressed, "looking changes nothing")

	// As the page does it, as RFC 8058 has mail clients do it, and without anything.
	for contentType, body := range map[string]string{
		"application/x-www-form-urlencoded": "List-Unsubscribe=One-Click",
		"multipart/form-data; boundary=x":   "--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n",
		"":                                  "",
	} {
		done := a.call(request{method: http.MethodPost, path: "/unsubscribe/signed.v-1", contentType: contentType, body: body})
		require.Equal(t, http.StatusOK, done.status, "%s: %s", contentType, done.body)
		require.NotContains(t, string(done.body), "<form")
	}
	require.Equal(t, []trial.Suppression{{Reason: trial.ReasonUnsubscribed, At: present}}, a.store.Suppressed["v-1"])
	require.Equal(t, []trial.Request{{Reason: "unsubscribed", By: "vendor", At: present}}, a.workflows.noMail["v-1"],
		"the history knows it as well, once")
}

// Whoever follows the signed link is somebody whom we wrote to: what was asked for is kept, whether the
// marketplace has the vendor's document or not.
func TestUnsubscribeOfAVendorWhoseDocumentIsGone(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	delete(a.store.VendorsByID, "v-1")
	for range 2 {
		page := a.call(request{method: http.MethodPost, path: "/unsubscribe/signed.v-1", contentType: "application/x-www-form-urlencoded", body: "List-Unsubscribe=One-Click"})
		require.Equal(t, http.StatusOK, page.status)
		require.Contains(t, page.header.Get("Content-Type"), "text/html")
	}
	require.Equal(t, []trial.Suppression{{Reason: trial.ReasonUnsubscribed, At: present}}, a.store.Suppressed["v-1"])
	require.Len(t, a.workflows.noMail["v-1"], 1, "the history knows it as well")

	a.register() // it has come back
	shown := into[rest.VendorTrial](a.get("/api/vendors/v-1", serviceToken), http.StatusOK)
	require.Equal(t, "unsubscribed", shown.Vendor.Suppression.Reason)
}

// After a restore an e-mail may not be on record, and its bounce or complaint comes all the same.
func TestAComplaintOfAnEMailThatIsNotOnRecord(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	for _, want := range []rest.MailEventReceiptResult{rest.Recorded, rest.Repeated} {
		require.Equal(t, want, into[rest.MailEventReceipt](a.deliver(event("m", "complaint", true, adaHash)), http.StatusOK).Result)
	}
	require.Equal(t, []trial.Suppression{{Reason: trial.ReasonSuppressedAddress, At: present, AddressHash: adaHash}}, a.store.Suppressed["v-1"])
	require.Equal(t, []trial.Request{{Reason: "suppressed-address", By: "vendor", At: present}}, a.workflows.noMail["v-1"])
}

// A restored database learns from histories that an e-mail went out, and not where to: the event knows that.
func TestABounceOfAnEMailThatAHistoryTellsOf(t *testing.T) {
	t.Parallel()
	for hash, want := range map[string]string{adaHash: adaHash, "": ""} {
		a := newAPI(t)
		a.register()
		a.store.Store.Sends["v-1/welcome/0"] = trial.Send{Key: "v-1/welcome/0", VendorID: "v-1", Attempt: 2}
		require.Equal(t, rest.Recorded, into[rest.MailEventReceipt](a.deliver(event("m", "bounce", true, hash)), http.StatusOK).Result)
		require.Equal(t, want, a.store.Suppressed["v-1"][0].AddressHash, "of an address that nobody knows, every one")
	}
}

// A bounce or complaint that comes after the document is gone counts as well.
func TestABounceOfAVendorWhoseDocumentIsGone(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.sent()
	delete(a.store.VendorsByID, "v-1")
	require.Equal(t, rest.Recorded, into[rest.MailEventReceipt](a.deliver(event("m", "complaint", true, "")), http.StatusOK).Result)
	require.Equal(t, adaHash, a.store.Suppressed["v-1"][0].AddressHash)
}

// A restored database learns from the histories whom not to write to; they hold no address, and no hash of one.
func TestSuppressionsReachTheHistories(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.sent()
	a.deliver(event("m1", "bounce", true, "h"))
	a.deliver(event("m2", "bounce", true, "h"))
	require.Equal(t, []trial.Request{{Reason: "suppressed-address", By: "vendor", At: present}}, a.workflows.noMail["v-1"])

	a = newAPI(t)
	a.register()
	a.workflows.unavailable = errUnavailable
	done := a.call(request{method: http.MethodPost, path: "/unsubscribe/signed.v-1"})
	require.Equal(t, http.StatusOK, done.status, "the database decides")
	require.Equal(t, 1, a.logs.FilterMessage("a suppression is not in the trial's history").Len())
}

func TestPagesAskForNothingFromElsewhere(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	for _, path := range []string{"/unsubscribe/signed.v-1", askedPath, "/api/docs"} {
		page := a.get(path, "")
		require.Equal(t, http.StatusOK, page.status)
		require.Contains(t, page.header.Get("Content-Security-Policy"), "default-src 'none'")
		for _, remote := range []string{"http://", "https://", "<script", "@import", "src="} {
			require.NotContains(t, strings.ToLower(string(page.body)), remote, path)
		}
	}
}
