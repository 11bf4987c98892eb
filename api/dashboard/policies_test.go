package dashboard_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/test/sample"
)

func TestThePageOfThePolicies(t *testing.T) {
	t.Parallel()
	a := signedIn(t, sample.Busy()).get("/admin/policies")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, `aria-current="page">Policies`)
	inOrder(t, a.text(), "Who gets which", "A registration that names a policy gets that one.", "Otherwise vendors with country = BR and plan = pro get brazil-30d.",
		"All others get standard-14d, the default.",
		"Trials by policy", "standard-14d 403", " % to ", " of ", "brazil-30d 120", "former ones 8", "too few to say",
		"standard-14d", "14 days", "3 days", "09:00", "none",
		"welcome 0 at the registration built in", "reminder-7d 7 7 days before the end, at 09:00 built in", "expiry 14 at the end", "grace-end 17 3 days after the end",
		"brazil-30d", "sun, 2026-12-25", "tips 0.2 6 hours after the start tips converted", "half-way 15 15 days after the start, at 08:00 half-way converted, extended",
		"reminder-10d 20", "grace-end 35", "win-back 42 7 days after the expiry, at 08:00 win-back converted")
}

func TestThePageOfThePoliciesWithoutFigures(t *testing.T) {
	t.Parallel()
	inOrder(t, signedIn(t, sample.Busy(), func(o *dashboard.Options) { o.Figures = nil }).get("/admin/policies").text(),
		"All others get standard-14d", "Trials by policy Figures are not measured here.", "brazil-30d Length 30 days")
	w := sample.Busy()
	s := signedIn(t, w)
	w.Err = sample.ErrUnavailable
	require.Contains(t, s.get("/admin/policies").text(), "The figures cannot be read now.")
}
