package rest_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	suppressionsPath = "/api/admin/suppressions"
	liftPath         = "/api/admin/vendors/v-1/suppression/lift"
)

func (a *api) lift(key, body string) answered {
	a.t.Helper()
	return a.call(request{method: http.MethodPost, path: liftPath, token: adminToken, key: key, body: body})
}

// bounceOf is the event of a hard bounce of the welcome, which the mail service took at a moment.
func bounceOf(id string, sent time.Time) app.MailMessage {
	m := event(id, "bounce", true, adaHash)
	m.Event.Cause, m.Event.SentAt, m.Event.At = trial.CauseBounce, sent, sent.Add(time.Second)
	return m
}

// An address that bounced is listed and lifted with a reason; what was sent before changes nothing then, and a new bounce does.
func TestABouncedAddressIsLifted(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.sent()
	a.deliver(bounceOf("m-1", present.Add(-time.Hour)))
	page := into[rest.SuppressionPage](a.get(suppressionsPath+"?cause=bounce", adminToken), http.StatusOK)
	require.Len(t, page.Suppressions, 1)
	row := page.Suppressions[0]
	require.Equal(t, trial.SuppressedVendor{
		VendorID: "v-1", Cause: trial.CauseBounce, At: present.Add(-time.Hour + time.Second), Mark: row.Mark,
		Stops: []trial.StoppedFrom{{Cause: trial.CauseBounce, At: present.Add(-time.Hour + time.Second)}},
	}, row)
	require.NotEmpty(t, row.Mark)
	row.Mark = ""
	byViewer := into[rest.SuppressionPage](a.get(suppressionsPath, viewerToken), http.StatusOK)
	require.Equal(t, []trial.SuppressedVendor{row}, byViewer.Suppressions, "guesses of an address could be tested by the mark")
	row.Mark = page.Suppressions[0].Mark
	require.Empty(t, into[rest.SuppressionPage](a.get(suppressionsPath+"?cause=complaint", adminToken), http.StatusOK).Suppressions)
	require.NotContains(t, string(a.get(suppressionsPath, adminToken).body), "ada@example.com")
	a.get(suppressionsPath+"?cause=odd", adminToken).problem(http.StatusBadRequest)

	a.lift("lift-0", `{"reason":"x","seen":"0123456789abcdef"}`).problem(http.StatusConflict)
	a.lift("lift-0", `{"seen":"`+row.Mark+`"}`).problem(http.StatusBadRequest)
	a.lift("lift-0", `{"reason":"ada@example.com is well"}`).problem(http.StatusBadRequest)
	require.Equal(t, trial.ReasonSuppressedAddress, a.vendor().NoMail())
	const why = "The mailbox was full"
	done := into[trial.Lift](a.lift("lift-1", `{"reason":"`+why+`","seen":"`+row.Mark+`"}`), http.StatusOK)
	require.Equal(t, present, done.LiftedAt)
	require.Len(t, done.Lifted, 1)
	require.Contains(t, done.Note, "delete-suppressed-destination")
	require.Empty(t, a.vendor().NoMail())
	require.Empty(t, into[rest.SuppressionPage](a.get(suppressionsPath, adminToken), http.StatusOK).Suppressions)
	signals := a.workflows.noMail["v-1"]
	require.Equal(t, trial.Request{Reason: "lifted", By: "admin", At: present.Add(-time.Hour + time.Second)}, signals[len(signals)-1], "the history knows which")

	a.deliver(bounceOf("m-2", present.Add(-time.Minute)))
	require.Empty(t, a.vendor().NoMail(), "an old e-mail bounces late")
	a.deliver(bounceOf("m-3", present.Add(time.Minute)))
	require.Equal(t, trial.ReasonSuppressedAddress, a.vendor().NoMail(), "a new one")
	again := into[trial.Lift](a.lift("lift-1", `{"reason":"`+why+`","seen":"`+row.Mark+`"}`), http.StatusOK)
	require.Equal(t, done.LiftedAt, again.LiftedAt)
	require.Empty(t, again.Lifted)
	require.Equal(t, trial.ReasonSuppressedAddress, a.vendor().NoMail(), "a repetition lifts nothing more")
	a.lift("lift-1", `{"reason":"another"}`).problem(http.StatusUnprocessableEntity)
}

// What the vendor has said itself only the vendor takes back.
func TestWhatTheVendorSaidIsNotLifted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(*api)
		says    string
	}{
		"nothing happened": {func(*api) {}, "nothing stops e-mail"},
		"unsubscribed":     {func(a *api) { a.press("stop") }, "the vendor has unsubscribed"},
		"complained": {func(a *api) {
			m := event("m", "complaint", true, adaHash)
			m.Event.Cause = trial.CauseComplaint
			a.deliver(m)
		}, "called an e-mail spam"},
		"nobody knows which": {func(a *api) { a.deliver(event("m", "bounce", true, adaHash)) }, "bounced or complained"},
		"erased": {func(a *api) {
			a.deliver(bounceOf("m", present))
			require.Equal(a.t, http.StatusOK, a.post(erasePath, adminToken, `{"reason":"asked for it"}`).status)
		}, "erased"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			a.sent()
			c.happens(a)
			before := a.vendor().NoMail()
			require.Contains(t, string(a.lift("lift-1", `{"reason":"asked by support"}`).body), c.says)
			a.lift("lift-1", `{"reason":"asked by support"}`).problem(http.StatusConflict)
			require.Equal(t, before, a.vendor().NoMail())
		})
	}
	newAPI(t).lift("lift-1", `{"reason":"asked by support"}`).problem(http.StatusNotFound)
}

// A complaint can be lifted once the vendor asks for e-mail again, and not before.
func TestAComplaintIsLiftedOnceTheVendorAsks(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.sent()
	m := event("m", "complaint", true, adaHash)
	m.Event.Cause, m.Event.At = trial.CauseComplaint, present.Add(-time.Hour)
	a.deliver(m)
	require.Equal(t, trial.ReasonSuppressedAddress, a.vendor().NoMail())
	require.Contains(t, string(a.call(request{method: http.MethodGet, path: guidePath}).body), `value="again"`, "it may ask")
	asked := string(a.press("again").body)
	require.Contains(t, asked, "Nous avons noté votre souhait")
	require.NotContains(t, asked, "<form")
	require.Equal(t, trial.ReasonSuppressedAddress, a.vendor().NoMail(), "asking does not lift it")
	into[trial.Lift](a.lift("lift-1", `{"reason":"The vendor asked"}`), http.StatusOK)
	require.Empty(t, a.vendor().NoMail())
}

// A form that is sent again lifts once, whatever it shows by then; its reason is one that can be kept.
func TestALiftOnAPageCountsOnceAKey(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.sent()
	a.deliver(bounceOf("m-1", present.Add(-time.Hour)))
	lift := func(key, reason, seen string) error {
		return a.app.LiftSuppressionRecorded(t.Context(), key, app.LiftOrder{VendorID: "v-1", Reason: reason, Seen: seen})
	}
	for _, reason := range []string{" ", strings.Repeat("x", 501)} {
		require.Equal(t, "reason", app.ErrorOf(lift("k-1", reason, a.vendor().StopMark())).Field)
	}
	require.NoError(t, lift("k-1", "looked at", a.vendor().StopMark()))
	require.NoError(t, lift("k-1", "looked at", a.vendor().StopMark()), "the mark is another now")
	require.Equal(t, app.CodeReused, app.ErrorOf(lift("k-1", "something else", "")).Code)
}

// What happens while a lift is judged is not told as lifted.
func TestALiftTellsOnlyWhatWasKnownBefore(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.sent()
	a.deliver(bounceOf("m-1", present.Add(-time.Hour)))
	meanwhile := trial.Suppression{Reason: trial.ReasonSuppressedAddress, At: present.Add(-time.Minute), Cause: trial.CauseComplaint}
	a.app.Store = meanwhileStore{a.app.Store, meanwhile}
	_, err := a.app.LiftSuppression(t.Context(), app.LiftOrder{VendorID: "v-1"})
	require.NoError(t, err)
	lifted := 0
	for _, r := range a.workflows.noMail["v-1"] {
		if r.Reason == string(trial.ReasonLifted) {
			lifted++
			require.NotEqual(t, meanwhile.At, r.At)
		}
	}
	require.Equal(t, 1, lifted)
}

// meanwhileStore has something stop e-mail to a vendor just after it was read.
type meanwhileStore struct {
	app.Store

	p trial.Suppression
}

func (s meanwhileStore) VendorOnRecord(ctx context.Context, id string) (trial.Vendor, error) {
	v, err := s.Store.VendorOnRecord(ctx, id)
	if err == nil {
		_, _, err = s.Suppress(ctx, id, s.p)
	}
	return v, err
}
