package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/auth"
	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	askedPath    = "/feedback/asked.v-1.welcome"
	feedbackPath = "/api/vendors/v-1/feedback"
)

// answer sends the page's form.
func (a *api) answer(path, helpful, text string) answered {
	a.t.Helper()
	form := url.Values{"helpful": {helpful}, "text": {text}}
	return a.call(request{method: http.MethodPost, path: path, contentType: "application/x-www-form-urlencoded", body: form.Encode()})
}

func (a *api) answers() []feedback.Answer {
	a.t.Helper()
	return into[rest.VendorFeedback](a.get(feedbackPath, viewerToken), http.StatusOK).Answers
}

func TestFeedbackByALink(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	before, _ := a.store.written()
	page := a.get(askedPath, "")
	require.Equal(t, http.StatusOK, page.status)
	require.Contains(t, page.header.Get("Content-Type"), "text/html")
	require.Contains(t, string(page.body), `<form method="post">`)
	require.Contains(t, string(page.body), `maxlength="2000"`)
	require.Contains(t, string(page.body), "--card: #ffffff; --panel:", "the neutral brand's colors")
	after, _ := a.store.written()
	require.Equal(t, before, after, "looking records nothing: mail scanners follow links")
	require.Empty(t, a.answers())

	for range 2 { // a second click changes nothing
		done := a.answer(askedPath, "yes", " Clear,\r\nand <b>short</b> ")
		require.Equal(t, http.StatusOK, done.status, "%s", done.body)
		require.NotContains(t, string(done.body), "<form")
		require.Equal(t, []feedback.Answer{{Kind: "welcome", Helpful: true, Text: "Clear,\nand <b>short</b>", At: present, Cohort: trial.Automated}}, a.answers())
	}
	require.Equal(t, http.StatusOK, a.answer(askedPath, "no", "").status)
	require.Equal(t, http.StatusOK, a.answer("/feedback/asked.v-1.expiry", "yes", "").status)
	require.Equal(t, []feedback.Answer{
		{Kind: "expiry", Helpful: true, At: present, Cohort: trial.Automated}, {Kind: "welcome", At: present, Cohort: trial.Automated},
	}, a.answers(), "one answer a kind: the later one replaces")
}

// Nobody's words reach the log, whatever becomes of them.
func TestFeedbackIsNotLogged(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	const secret = "PRIVATE"
	a.answer(askedPath, "yes", secret)
	a.answer(askedPath, "yes", secret+"\x00")
	a.answer("/feedback/forged", "yes", secret)
	a.answer(askedPath, secret, secret)
	a.post(feedbackPath, serviceToken, `{"kind":"welcome","helpful":true,"text":"PRIVATE"}`)
	a.store.Err = errUnavailable
	a.answer(askedPath, "yes", secret).problem(http.StatusServiceUnavailable)
	a.store.Err = fmt.Errorf("the database says %s", "no")
	a.answer(askedPath, "yes", secret).problem(http.StatusInternalServerError)
	require.Positive(t, a.logs.Len())
	for _, entry := range a.logs.All() {
		fields, err := json.Marshal(entry.ContextMap())
		require.NoError(t, err)
		require.NotContains(t, entry.Message+string(fields), secret)
		require.NotContains(t, entry.Message+string(fields), "asked.v-1")
	}
}

// What is wrong with a text is said on the page, which has it still; nothing is kept.
func TestAFeedbackTextThatCannotBeKeptIsShownAgain(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	for _, text := range []string{strings.Repeat("ß", feedback.MaxText+1), "<b>a\x1bb"} {
		again := a.answer(askedPath, "no", text)
		require.Equal(t, http.StatusBadRequest, again.status)
		require.Contains(t, string(again.body), "Il peut avoir au plus 2000 caractères, sans caractères de contrôle", "in the vendor's language")
		require.Contains(t, string(again.body), `value="no" required checked`)
		require.NotContains(t, string(again.body), "<b>")
	}
	require.Empty(t, a.answers())
	// A text as long as may be, of lines as forms send them.
	require.Equal(t, http.StatusOK, a.answer(askedPath, "no", strings.Repeat("a\r\n", 999)+"ab").status)
}

func TestFeedbackFromTheMarketplace(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.get(feedbackPath, viewerToken).problem(http.StatusNotFound)
	require.Equal(t, "id", *a.post(feedbackPath, serviceToken, `{"kind":"checkout","helpful":true}`).problem(http.StatusNotFound).Field)
	a.register()
	for range 2 {
		kept := into[feedback.Answer](a.post(feedbackPath, serviceToken, `{"kind":"checkout","helpful":false,"text":"Too\nlong"}`), http.StatusOK)
		require.Equal(t, feedback.Answer{Kind: "checkout", Text: "Too\nlong", At: present, Cohort: trial.Automated}, kept)
		require.Equal(t, []feedback.Answer{kept}, a.answers())
	}
	require.Equal(t, http.StatusOK, a.get(feedbackPath, serviceToken).status)
	for i := range feedback.MaxPerVendor - 1 {
		require.Equal(t, http.StatusOK, a.post(feedbackPath, serviceToken, fmt.Sprintf(`{"kind":"k%d","helpful":true}`, i)).status)
	}
	a.post(feedbackPath, serviceToken, `{"kind":"more","helpful":true}`).problem(http.StatusConflict)
	require.Equal(t, http.StatusOK, a.post(feedbackPath, serviceToken, `{"kind":"checkout","helpful":true}`).status, "it replaces one")
}

func badFeedback() []badInput {
	var cases []badInput
	for _, c := range []struct{ body, field string }{
		{``, "body"},
		{`[]`, "body"},
		{`{"helpful":true}`, "kind"},
		{`{"kind":"welcome"}`, "helpful"},
		{`{"kind":"a/b","helpful":true}`, "kind"},
		{`{"kind":"","helpful":true}`, "kind"},
		{`{"kind":"welcome","helpful":"yes"}`, "helpful"},
		{`{"kind":"welcome","helpful":null}`, "helpful"},
		{`{"kind":"welcome","helpful":true,"text":7}`, "text"},
		{`{"kind":"welcome","helpful":true,"text":"a\u0000"}`, "text"},
		{`{"kind":"welcome","helpful":true,"text":"` + strings.Repeat("a", 2001) + `"}`, "text"},
		{`{"kind":"welcome","helpful":true,"at":"2026-03-10T09:00:00Z"}`, "at"},
	} {
		cases = append(cases, badInput{name: "feedback " + c.body, request: request{method: http.MethodPost, path: feedbackPath, token: serviceToken, body: c.body}, field: c.field})
	}
	form := func(path, body string) request {
		return request{method: http.MethodPost, path: path, contentType: "application/x-www-form-urlencoded", body: body}
	}
	return append(cases,
		badInput{name: "feedback of a bad id", request: request{method: http.MethodPost, path: "/api/vendors/a.b/feedback", token: serviceToken, body: `{"kind":"welcome","helpful":true}`}, field: "id"},
		badInput{name: "feedback page of a foreign link", request: request{path: "/feedback/v-1"}, status: http.StatusForbidden, field: "token"},
		badInput{name: "feedback page of a link to unsubscribe", request: request{path: "/feedback/signed.v-1"}, status: http.StatusForbidden, field: "token"},
		badInput{name: "unsubscribe with a link to feedback", request: request{method: http.MethodPost, path: "/unsubscribe/asked.v-1.welcome"}, status: http.StatusForbidden, field: "token"},
		badInput{name: "feedback by a foreign link", request: form("/feedback/v-1", "helpful=yes"), status: http.StatusForbidden, field: "token"},
		badInput{name: "feedback by a long link", request: form("/feedback/"+strings.Repeat("a", 257), "helpful=yes"), field: "token"},
		badInput{name: "form without an answer", request: form(askedPath, "text=a"), field: "helpful"},
		badInput{name: "form with another answer", request: form(askedPath, "helpful=perhaps"), field: "helpful"},
		badInput{name: "empty form", request: form(askedPath, ""), field: "body"},
		badInput{name: "form that is JSON", request: request{method: http.MethodPost, path: askedPath, body: `{"helpful":"yes"}`}, field: "body"},
		badInput{name: "form that is too long", request: form(askedPath, "helpful=yes&text="+strings.Repeat("a", 64<<10)), status: http.StatusRequestEntityTooLarge},
	)
}

func TestFeedbackIsExportedAndItsTextErased(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.answer(askedPath, "no", "Call me: 0170 1234567")
	export := into[rest.VendorExport](a.get(exportPath, adminToken), http.StatusOK)
	require.Equal(t, []feedback.Answer{{Kind: "welcome", Text: "Call me: 0170 1234567", At: present, Cohort: trial.Automated}}, export.Feedback)

	into[rest.Erasure](a.post(erasePath, adminToken, `{"reason":"asked for it"}`), http.StatusOK)
	left := []feedback.Answer{{Kind: "welcome", At: present, Cohort: trial.Automated}}
	require.Equal(t, left, a.answers(), "the answer stays")
	require.Equal(t, left, into[rest.VendorExport](a.get(exportPath, adminToken), http.StatusOK).Feedback)
	require.Equal(t, http.StatusOK, a.answer(askedPath, "no", "And again").status)
	require.Equal(t, left, a.answers(), "the old link keeps no text")
	_, after := a.store.written()
	require.NotContains(t, after, "0170")
}

// The link outlives the marketplace's document.
func TestFeedbackOfAVendorWhoseDocumentIsGone(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	delete(a.store.VendorsByID, "v-1")
	require.Equal(t, http.StatusOK, a.answer(askedPath, "yes", "Thanks").status)
	require.Equal(t, "Thanks", a.answers()[0].Text)
}

func TestFeedbackCountsForThePhaseAndTheCohort(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	a.enter(t)
	require.Empty(t, into[rest.RolloutFeedback](a.get(rolloutsPath+"/current/feedback", viewerToken), http.StatusOK).Figures)
	require.Equal(t, http.StatusOK, a.answer(askedPath, "yes", "").status)
	require.Equal(t, http.StatusOK, a.answer("/feedback/asked.v-1.expiry", "no", "").status)
	state := a.store.States["v-1"]
	state.Cohort, state.AdoptedAt = trial.Control, new(present.Add(-time.Hour))
	a.store.States["v-1"] = state
	require.Equal(t, http.StatusOK, a.answer("/feedback/asked.v-1.grace-end", "yes", "").status)
	id := a.view().Rollout.ID
	require.Equal(t, feedback.Phase{RolloutID: id, Phase: 2}, a.answers()[0].Phase)

	got := into[rest.RolloutFeedback](a.get(rolloutsPath+"/"+id+"/feedback", viewerToken), http.StatusOK)
	require.Equal(t, id, got.RolloutId)
	require.Len(t, got.Figures, 2)
	require.InDelta(t, 0.0945, got.Figures[0].Low, 0.0001)
	require.InDelta(t, 0.9055, got.Figures[0].High, 0.0001)
	got.Figures[0].Low, got.Figures[0].High = 0, 0
	require.Equal(t, rollout.PhaseFeedback{Phase: 3, Name: "expansion-25 (25 %)", Cohort: trial.Automated, Answers: 2, Helpful: 1, Share: 0.5}, got.Figures[0])
	require.Equal(t, trial.Adopted, got.Figures[1].Cohort)
	a.get(rolloutsPath+"/none/feedback", viewerToken).problem(http.StatusNotFound)
}

func TestFeedbackIsLimitedAsOtherOpenRoutesAre(t *testing.T) {
	t.Parallel()
	a := makeAPI(t, options{limit: func(o *auth.Options) { o.RateLimit, o.Now = 2, func() time.Time { return present } }})
	a.register()
	for range 3 {
		require.Equal(t, http.StatusOK, a.answer(askedPath, "yes", "").status)
	}
	a.answer(askedPath, "yes", "").problem(http.StatusTooManyRequests)
	a.get(askedPath, "").problem(http.StatusTooManyRequests)
}
