package rest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
)

// vendorWith is a registration with one field as given.
func vendorWith(field, value string) string {
	fields := map[string]string{"id": `"v-9"`, "email": `"a@example.com"`, "name": `"A"`}
	fields[field] = value
	var b strings.Builder
	for name, v := range fields {
		if v == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"` + name + `":` + v)
	}
	return "{" + b.String() + "}"
}

func quoted(s string) string { return `"` + s + `"` }

// badInput is a request that is refused, and the field that is named.
type badInput struct {
	name    string
	request request
	status  int // 400 where it is 0
	field   string
}

func registrations(token string) []badInput {
	post := func(body string) request {
		return request{method: http.MethodPost, path: "/api/vendors", token: token, body: body}
	}
	cases := []badInput{
		{name: "no body", request: post(""), field: "body"},
		{name: "broken JSON", request: post(`{"id":`), field: "body"},
		{name: "not JSON", request: post(`id=v-9`), field: "body"},
		{name: "not an object", request: post(`["v-9"]`), field: "body"},
		{name: "null", request: post(`null`), field: "body"},
		{name: "something after the end", request: post(vendorWith("", "") + ` {}`), field: "body"},
		{name: "not UTF-8", request: post(vendorWith("name", "\"\xff\"")), field: "body"},
		{name: "nested too deeply", request: post(vendorWith("name", strings.Repeat("[", 20)+strings.Repeat("]", 20))), field: "body"},
		{name: "the same field twice", request: post(`{"id":"v-9","email":"a@example.com","name":"A","id":"v-8"}`), field: "id"},
		{name: "an unknown field", request: post(vendorWith("plan", `"gold"`)), field: "plan"},
		{name: "a field in other letters", request: post(vendorWith("timeZone", `"Europe/Paris"`)), field: "timeZone"},
		{name: "too large", request: post(vendorWith("name", quoted(strings.Repeat("a", 64<<10)))), status: http.StatusRequestEntityTooLarge},
		{name: "too large without a length", request: request{
			method: http.MethodPost, path: "/api/vendors", token: token, body: strings.Repeat(" ", 64<<10+1),
			header: http.Header{"Transfer-Encoding": {"chunked"}},
		}, status: http.StatusRequestEntityTooLarge},
		{name: "a form", request: request{
			method: http.MethodPost, path: "/api/vendors", token: token, contentType: "application/x-www-form-urlencoded", body: "id=v-9",
		}, status: http.StatusUnsupportedMediaType, field: "Content-Type"},
	}
	for _, field := range []string{"id", "email", "name"} {
		cases = append(cases,
			badInput{name: "no " + field, request: post(vendorWith(field, "")), field: field},
			badInput{name: field + " is null", request: post(vendorWith(field, "null")), field: field},
			badInput{name: field + " is a number", request: post(vendorWith(field, "7")), field: field},
			badInput{name: field + " is an object", request: post(vendorWith(field, "{}")), field: field},
			badInput{name: field + " is empty", request: post(vendorWith(field, `""`)), field: field})
	}
	for field, values := range map[string][]string{
		"id":       {"a b", "a/b", "ä", strings.Repeat("a", 65), "a.b"},
		"email":    {"ada", "ada@", "@example.com", "Ada <ada@example.com>", "<ada@example.com>", "\\\"ada\\\"@example.com", "ada@example.com\\r\\nBcc: eve@example.com", "adä@example.com", "a b@example.com", "a@b.com,c@d.com", strings.Repeat("a", 243) + "@example.com"},
		"name":     {strings.Repeat("a", 201), "A\\nB", "A\\u0000", "   ", "A\\u2028B"},
		"locale":   {"", "english", "pt_BR.UTF-8", "und", "de,en", "en-x-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa"},
		"timezone": {"", "Local", "Europe/Nowhere", "../etc/passwd", "+01:00"},
		"registeredAt": {
			"", "yesterday", "2026-03-09", "2026-03-09 08:00:00", "2026-13-09T08:00:00Z", "2026-02-30T08:00:00Z", "2026-03-09T08:00:00",
			"2026-03-10T12:05:01Z", "2036-03-10T12:00:00Z", "2026-02-21T12:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
		},
	} {
		for _, value := range values {
			cases = append(cases, badInput{name: field + " " + value, request: post(vendorWith(field, quoted(value))), field: field})
		}
	}
	return append(cases, badInput{name: "registeredAt is a number", request: post(vendorWith("registeredAt", "1773000000")), field: "registeredAt"})
}

func conversions() []badInput {
	const path = "/api/vendors/v-1/conversion"
	var cases []badInput
	for _, c := range []struct{ body, field string }{
		{`{"at":"2026-03-10T12:05:01Z"}`, "at"}, // in the future
		{`{"at":"2026-03-09T07:59:59Z"}`, "at"}, // before the registration
		{`{"at":"soon"}`, "at"},
		{`{"at":null}`, "at"},
		{`{"at":0}`, "at"},
		{`{"when":"2026-03-10T09:00:00Z"}`, "when"},
		{`[]`, "body"},
		{`{`, "body"},
	} {
		cases = append(cases, badInput{name: "conversion " + c.body, request: request{method: http.MethodPost, path: path, token: serviceToken, body: c.body}, field: c.field})
	}
	return append(cases, badInput{name: "conversion of a bad id", request: request{method: http.MethodPost, path: "/api/vendors/a.b/conversion", token: serviceToken}, field: "id"})
}

func changes() []badInput {
	post := func(what, key, body string) request {
		return request{method: http.MethodPost, path: "/api/admin/trials/v-1/" + what, token: adminToken, key: key, body: body}
	}
	var cases []badInput
	for _, what := range []string{"extend", "shorten", "revive"} {
		for _, c := range []struct{ body, field string }{
			{`{"days":0,"reason":"r"}`, "days"},
			{`{"days":-3,"reason":"r"}`, "days"},
			{`{"days":366,"reason":"r"}`, "days"},
			{`{"days":99999999999999999999,"reason":"r"}`, "days"},
			{`{"days":1.5,"reason":"r"}`, "days"},
			{`{"days":"3","reason":"r"}`, "days"},
			{`{"reason":"r"}`, "days"},
			{`{"days":3}`, "reason"},
			{`{"days":3,"reason":""}`, "reason"},
			{`{"days":3,"reason":" "}`, "reason"},
			{`{"days":3,"reason":"a\nb"}`, "reason"},
			{`{"days":3,"reason":"` + strings.Repeat("a", 501) + `"}`, "reason"},
			{`{"days":3,"reason":"r","by":"eve"}`, "by"},
			{``, "body"},
		} {
			cases = append(cases, badInput{name: what + " " + c.body, request: post(what, "key", c.body), field: c.field})
		}
		cases = append(cases,
			badInput{name: what + " without a key", request: post(what, "", `{"days":3,"reason":"r"}`), field: "Idempotency-Key"},
			badInput{name: what + " with a long key", request: post(what, strings.Repeat("k", 129), `{"days":3,"reason":"r"}`), field: "Idempotency-Key"},
			badInput{name: what + " with a blank in the key", request: post(what, "a b", `{"days":3,"reason":"r"}`), field: "Idempotency-Key"})
	}
	return append(cases,
		badInput{name: "cancel without a reason", request: post("cancel", "key", `{}`), field: "reason"},
		badInput{name: "cancel with days", request: post("cancel", "key", `{"days":3,"reason":"r"}`), field: "days"},
		badInput{name: "cancel without a key", request: post("cancel", "", `{"reason":"r"}`), field: "Idempotency-Key"},
		badInput{name: "two keys", request: request{
			method: http.MethodPost, path: "/api/admin/trials/v-1/cancel", token: adminToken, body: `{"reason":"r"}`,
			header: http.Header{"Idempotency-Key": {"a", "b"}},
		}, field: "Idempotency-Key"},
		badInput{name: "shorten into the past", request: post("shorten", "key", `{"days":14,"reason":"r"}`), field: "days"},
		badInput{name: "revive what runs", request: post("revive", "key", `{"days":14,"reason":"r"}`), status: http.StatusConflict},
	)
}

func flagChanges() []badInput {
	patch := func(body string) request {
		return request{method: http.MethodPatch, path: "/api/admin/feature-flags", token: adminToken, body: body}
	}
	rollout := func(body string) request {
		return request{method: http.MethodPost, path: "/api/admin/feature-flags/trial-automation/rollout", token: adminToken, body: body}
	}
	var cases []badInput
	for _, c := range []struct{ body, field string }{
		{`{}`, "featureFlags"},
		{`{"featureFlags":{}}`, "featureFlags"},
		{`{"featureFlags":null}`, "featureFlags"},
		{`{"featureFlags":{"trialAutomation":{}}}`, "featureFlags.trialAutomation"},
		{`{"featureFlags":{"trialAutomation":null}}`, "featureFlags.trialAutomation"},
		{`{"featureFlags":{"trialAutomation":{"enabled":"false"}}}`, "featureFlags.trialAutomation.enabled"},
		{`{"featureFlags":{"trialAutomation":{"enabled":null}}}`, "featureFlags.trialAutomation.enabled"},
		{`{"featureFlags":{"trialAutomation":{"emailReminder":false}}}`, "featureFlags.trialAutomation.emailReminder"},
		{`{"featureFlags":{"trialAutomation":{"rolloutPercentage":101}}}`, "featureFlags.trialAutomation.rolloutPercentage"},
		{`{"featureFlags":{"trialAutomation":{"rolloutPercentage":0.001}}}`, "featureFlags.trialAutomation.rolloutPercentage"},
		{`{"featureFlags":{"adminTools":{"enabled":false,"godMode":true}}}`, "featureFlags.adminTools.godMode"},
		{`{"featureFlags":{"billing":{"enabled":false}}}`, "featureFlags.billing"},
		{`{"featureFlags":{"monitoring":{"enabled":false}},"version":7}`, "version"},
		{`{"trialAutomation":{"enabled":false}}`, "featureFlags"},
	} {
		cases = append(cases, badInput{name: "patch " + c.body, request: patch(c.body), field: c.field})
	}
	for _, c := range []struct{ body, field string }{
		{`{}`, "enabled"},
		{`{"enabled":true}`, "rolloutPercentage"},
		{`{"rolloutPercentage":10}`, "enabled"},
		{`{"enabled":true,"rolloutPercentage":-1}`, "rolloutPercentage"},
		{`{"enabled":true,"rolloutPercentage":100.01}`, "rolloutPercentage"},
		{`{"enabled":true,"rolloutPercentage":33.333}`, "rolloutPercentage"},
		{`{"enabled":true,"rolloutPercentage":"10"}`, "rolloutPercentage"},
		{`{"enabled":true,"rolloutPercentage":1e400}`, "rolloutPercentage"},
		{`{"enabled":1,"rolloutPercentage":10}`, "enabled"},
		{`{"enabled":true,"rolloutPercentage":10,"force":true}`, "force"},
	} {
		cases = append(cases, badInput{name: "rollout " + c.body, request: rollout(c.body), field: c.field})
	}
	return cases
}

func queries() []badInput {
	var cases []badInput
	for _, c := range []struct{ query, field string }{
		{"status=running", "status"}, {"cohort=treatment", "cohort"}, {"held=maybe", "held"},
		{"limit=0", "limit"}, {"limit=501", "limit"}, {"limit=ten", "limit"}, {"limit=-1", "limit"},
		{"cursor=!", "cursor"}, {"cursor=", "cursor"}, {"cursor=" + strings.Repeat("a", 257), "cursor"}, {"cursor=YS5i", "cursor"},
	} {
		cases = append(cases, badInput{name: "list " + c.query, request: request{path: "/api/admin/trials?" + c.query, token: adminToken}, field: c.field})
	}
	return append(cases,
		badInput{name: "vendor of a bad id", request: request{path: "/api/vendors/a.b", token: serviceToken}, field: "id"},
		badInput{name: "trial of a bad id", request: request{path: "/api/admin/trials/" + strings.Repeat("a", 65), token: adminToken}, field: "id"})
}

func signed() []badInput {
	return []badInput{
		{name: "SNS message that is forged", request: request{method: http.MethodPost, path: "/api/webhooks/ses", contentType: "text/plain; charset=UTF-8", body: "forged"}, status: http.StatusForbidden},
		{name: "no SNS message", request: request{method: http.MethodPost, path: "/api/webhooks/ses", contentType: "text/plain", body: "hello"}, field: "body"},
		{name: "empty SNS message", request: request{method: http.MethodPost, path: "/api/webhooks/ses", contentType: "text/plain"}, field: "body"},
		{name: "SNS message that is too large", request: request{
			method: http.MethodPost, path: "/api/webhooks/ses", contentType: "text/plain", body: strings.Repeat("a", 512<<10+1),
		}, status: http.StatusRequestEntityTooLarge},
		{name: "unsubscribe page of a foreign link", request: request{path: "/unsubscribe/v-1"}, status: http.StatusForbidden, field: "token"},
		{name: "unsubscribe with a foreign link", request: request{method: http.MethodPost, path: "/unsubscribe/v-1"}, status: http.StatusForbidden, field: "token"},
		{name: "unsubscribe with a long link", request: request{method: http.MethodPost, path: "/unsubscribe/" + strings.Repeat("a", 257)}, field: "token"},
	}
}

// Each bad request is refused with a problem that names the field, and nothing
// at all has changed afterwards.
func TestBadInputChangesNothing(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.register()
	_, before := a.store.written()
	var cases []badInput
	for _, part := range [][]badInput{registrations(serviceToken), conversions(), changes(), flagChanges(), queries(), signed(), badFeedback()} {
		cases = append(cases, part...)
	}
	for _, c := range cases {
		if c.status == 0 {
			c.status = http.StatusBadRequest
		}
		p := a.with(t).call(c.request).problem(c.status)
		if c.field != "" {
			require.NotNil(t, p.Field, "%s: %s", c.name, *p.Detail)
			require.Equal(t, c.field, *p.Field, "%s: %s", c.name, *p.Detail)
			require.Contains(t, *p.Detail, c.field, c.name)
			require.Equal(t, c.field, (*p.Errors)[0].Field, c.name)
		}
		_, after := a.store.written()
		require.Equal(t, before, after, "%s has changed something", c.name)
	}
	require.Empty(t, a.workflows.received)
	require.Zero(t, a.workflows.woken)
	require.Equal(t, []string{"v-1"}, a.workflows.started)
}

// with is the same API, for another test to fail.
func (a *api) with(t *testing.T) *api {
	t.Helper()
	other := *a
	other.t = t
	return &other
}

func TestEveryFieldAtFaultIsNamed(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	p := a.post("/api/vendors", serviceToken, `{"email":"ada","name":7,"plan":"gold"}`).problem(http.StatusBadRequest)
	require.Equal(t, []rest.FieldProblem{
		{Field: "email", Message: "must be one bare e-mail address, like ada@example.com, with other than ASCII characters after the @ only"},
		{Field: "id", Message: "is missing"},
		{Field: "name", Message: "must be a string"},
		{Field: "plan", Message: "is not a known field"},
	}, *p.Errors)
}

// A body of thousands of unknown fields is refused as quickly as any, and in few words.
func TestManyUnknownFields(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	var body strings.Builder
	body.WriteString(`{"` + strings.Repeat("x", 1000) + `":0`)
	for i := range 900 {
		fmt.Fprintf(&body, `,"y%d":0`, i)
	}
	answer := a.post("/api/vendors", serviceToken, body.String()+"}")
	require.Len(t, *answer.problem(http.StatusBadRequest).Errors, 20)
	require.Less(t, len(answer.body), 4<<10)
	require.Contains(t, *a.post("/api/vendors", serviceToken, body.String()+unknownFields(1000)+"}").problem(http.StatusBadRequest).Detail, "too many values")
}

// What a caller sent wrongly may be a name or an address: it is not repeated.
func TestProblemsDoNotRepeatValues(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	answer := a.call(request{
		method: http.MethodPost, path: "/api/vendors", token: serviceToken, header: http.Header{"X-Request-Id": {"r-1"}}, // a random one may hold any letters
		body: `{"id":"v 1","email":"secret.person@","name":"Sec\nret","timezone":"Sec/ret"}`,
	})
	answer.problem(http.StatusBadRequest)
	require.NotContains(t, strings.ToLower(string(answer.body)), "sec")
	for _, entry := range a.logs.All() {
		require.NotContains(t, entry.Message, "secret")
		require.NotContains(t, fmt.Sprint(entry.ContextMap()), "secret")
	}
}
