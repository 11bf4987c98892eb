package dashboard_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/sample"
)

const lifting = "/admin/suppressions/vendor-002"

func TestWhoGetsNoEmailIsListed(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	a := s.get("/admin/suppressions")
	require.Equal(t, http.StatusOK, a.status)
	inOrder(t, a.text(), "No e-mail", "vendor-002 bounced", "Lift", "vendor-005 unsubscribed", "Nothing: the vendor has unsubscribed",
		"vendor-004 complained", "Nothing: somebody at this address has called an e-mail spam", "vendor-007 bounced or complained", "Nothing: it is not on record")
	require.NotContains(t, a.body, "@example.com")
	narrow := s.get("/admin/suppressions?cause=complaint").text()
	require.Contains(t, narrow, "vendor-004")
	require.NotContains(t, narrow, "vendor-002")
	require.Equal(t, http.StatusBadRequest, s.get("/admin/suppressions?cause=odd").status)
	require.Equal(t, http.StatusBadRequest, s.get("/admin/suppressions?after=nowhere").status)
	require.Contains(t, signedIn(t, sample.Empty()).get("/admin/suppressions").text(), "E-mail goes to every vendor that has an address.")
	require.Equal(t, http.StatusServiceUnavailable, signedIn(t, sample.Broken()).get("/admin/suppressions").status)
	require.Contains(t, s.get("/admin/trials/vendor-002").body, `href="/admin/suppressions/vendor-002"`)

	viewer := newSite(t, sample.Busy())
	issue(t, viewer.world, access.Viewer)
	viewer.signIn(string(access.Viewer))
	require.Contains(t, viewer.get("/admin/suppressions").text(), "An operator can lift it.")
	require.NotContains(t, viewer.get("/admin/trials/vendor-002").body, lifting)
}

// What stops e-mail is lifted with a reason, once, and only as it was shown.
func TestABounceIsLiftedOnItsPage(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	inOrder(t, s.get(lifting).text(), "No e-mail to vendor-002", "bounced", "bounces stops e-mail again", "those that were skipped do not", "delete-suppressed-destination", "Reason")
	values := s.filledAt(lifting, "  ")
	a := s.post(lifting, values)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "The reason is missing.")
	v, err := s.world.Vendor(t.Context(), "vendor-002")
	require.NoError(t, err)
	require.NotEmpty(t, v.Stops)

	values.Set("reason", "The mailbox was full")
	old := s.filledAt(lifting, "An old tab")
	for range 2 { // the button is pressed twice
		a = s.post(lifting, values)
		require.Equal(t, http.StatusSeeOther, a.status, a.text())
	}
	list := s.get(a.header.Get("Location")).text()
	require.Contains(t, list, "Nothing stops e-mail to vendor-002 any more")
	require.NotContains(t, list, "vendor-002 bounced")
	for _, id := range []string{"vendor-005", "vendor-013", "nobody"} {
		require.NotContains(t, s.get("/admin/suppressions?lifted="+id).text(), "Nothing stops e-mail to", "nobody has lifted that")
	}
	a = s.post(lifting, old)
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.text(), "Nothing was done: nothing stops e-mail to the vendor's present address.")

	_, _, err = s.world.Suppress(t.Context(), "vendor-002", trial.Suppression{
		Reason: trial.ReasonSuppressedAddress, AddressHash: v.Stops[0].AddressHash, Cause: trial.CauseBounce, At: sample.Now.Add(time.Hour), SentAt: sample.Now.Add(time.Hour),
	})
	require.NoError(t, err)
	a = s.post(lifting, old)
	require.Equal(t, http.StatusConflict, a.status)
	inOrder(t, a.text(), "has changed since it was shown", "An old tab")
	old.Del("seen")
	require.Equal(t, http.StatusConflict, s.post(lifting, old).status)
}

func TestWhatCannotBeLiftedSaysWhy(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	for id, why := range map[string]string{
		"vendor-004": "called an e-mail spam", "vendor-005": "has unsubscribed", "vendor-007": "not on record", "vendor-013": "nothing stops e-mail",
	} {
		a := s.get("/admin/suppressions/" + id)
		require.Equal(t, http.StatusOK, a.status)
		inOrder(t, a.text(), "This cannot be lifted", why)
		require.NotContains(t, a.body, `action="/admin/suppressions/`)
		values := s.filledAt(lifting, "tried all the same")
		require.Equal(t, http.StatusConflict, s.post("/admin/suppressions/"+id, values).status)
	}
	require.Equal(t, http.StatusNotFound, s.get("/admin/suppressions/nobody").status)
	require.Equal(t, http.StatusNotFound, s.post("/admin/suppressions/nobody", s.filledAt(lifting, "x")).status)
	require.Equal(t, http.StatusServiceUnavailable, signedIn(t, sample.Broken()).get(lifting).status)
}

// A key that is spent sends no form again.
func TestALiftWithASpentKeyGetsAnother(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy(), func(o *dashboard.Options) {
		o.Controls = failing{err: &trial.Error{Code: app.CodeReused, Message: "was used for another request"}}
	})
	values := s.filledAt(lifting, "The mailbox was full")
	a := s.post(lifting, values)
	require.Equal(t, http.StatusConflict, a.status)
	require.NotEqual(t, values.Get("request"), a.fields().Get("request"))
	s = signedIn(t, s.world, func(o *dashboard.Options) { o.Controls = failing{err: sample.ErrUnavailable} })
	require.Equal(t, values.Get("request"), s.post(lifting, values).fields().Get("request"), "sent again it counts once")
}
