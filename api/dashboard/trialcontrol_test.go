package dashboard_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/sample"
)

const ofTrial = "/admin/trials/vendor-013"

// preview fills a form in and has it show what would change.
func (s *site) preview(control, days string) url.Values {
	s.t.Helper()
	values := s.filledAt(ofTrial+"/"+control, "the vendor was ill")
	values.Set("days", days)
	a := s.post(ofTrial+"/"+control, values)
	require.Equal(s.t, http.StatusOK, a.status, a.text())
	require.Contains(s.t, a.text(), "As it would be then")
	values.Set("confirmed", "yes")
	return values
}

func TestATrialIsChangedOnItsPage(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	before := s.world.States["vendor-013"]
	require.Equal(t, trial.Active, before.Status)
	inOrder(t, s.get(ofTrial).text(), "Extend …", "Shorten …", "Cancel …")

	values := s.preview(trial.MessageExtend, "10")
	require.Equal(t, before.Revision, s.world.States["vendor-013"].Revision, "a look changes nothing")
	for range 2 { // the button is pressed twice
		a := s.post(ofTrial+"/extend", values)
		require.Equal(t, http.StatusSeeOther, a.status, a.text())
		require.Contains(t, s.get(a.header.Get("Location")).text(), "The trial is extended.")
	}
	after := s.world.States["vendor-013"]
	require.Equal(t, before.Calendar().AddDays(before.EndsAt, 10), after.EndsAt)
	require.Equal(t, before.Revision+1, after.Revision)

	require.Equal(t, http.StatusSeeOther, s.post(ofTrial+"/cancel", s.preview(trial.MessageCancel, "")).status)
	require.Contains(t, s.get(ofTrial).text(), "Revive …")
	require.NotContains(t, s.get(ofTrial).text(), "Extend …")
	require.Contains(t, s.get(ofTrial+"/extend").text(), "This does not apply now.")
	require.Equal(t, http.StatusSeeOther, s.post(ofTrial+"/revive", s.preview(trial.MessageRevive, "3")).status)
	require.Equal(t, trial.Active, s.world.States["vendor-013"].Status)
}

func TestATrialIsMovedToAnotherPolicyOnItsPage(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	inOrder(t, s.get(ofTrial).text(), "Extend …", "Move …")
	const path = ofTrial + "/policy"
	require.Contains(t, s.get(path).body, "<option selected>standard-14d</option><option>brazil-30d</option>")
	values := s.filledAt(path, "asked by sales")
	for wrong, says := range map[string]string{"gold": "policy must be one of those that new vendors get.", "standard-14d": "Nothing was done: the trial has this policy already."} {
		values.Set("policy", wrong)
		require.Contains(t, s.post(path, values).text(), says)
	}
	values.Set("policy", "brazil-30d")
	shown := s.post(path, values)
	inOrder(t, shown.text(), "As it would be then", "Policy brazil-30d. Reason: asked by sales", "It ends ", "half-way")
	require.Equal(t, "standard-14d", s.world.States["vendor-013"].Policy.Name, "a preview changes nothing")
	values = shown.fields()

	edited := newSite(t, s.world, func(o *dashboard.Options) { // the API restarts with another file
		o.Policies.Policies = slices.Clone(o.Policies.Policies)
		o.Policies.Policies[slices.IndexFunc(o.Policies.Policies, func(p trial.Policy) bool { return p.Name == "brazil-30d" })].LengthDays = 45
	})
	edited.cookie = s.cookie
	a := edited.post(path, values)
	require.Equal(t, http.StatusConflict, a.status)
	inOrder(t, a.text(), "Nothing was done: the policy is another than was shown: look again.", "See what changes")
	require.Equal(t, "standard-14d", s.world.States["vendor-013"].Policy.Name)

	a = s.post(path, values)
	require.Equal(t, http.StatusSeeOther, a.status, a.text())
	inOrder(t, s.get(a.header.Get("Location")).text(), "The trial is moved to another policy.", "brazil-30d", "moved to the policy brazil-30d")
}

// What another person has changed meanwhile is not changed on what was shown before.
func TestATrialThatHasChangedIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	mine, theirs := s.preview(trial.MessageShorten, "1"), s.preview(trial.MessageExtend, "7")
	require.Equal(t, http.StatusSeeOther, s.post(ofTrial+"/extend", theirs).status)
	a := s.post(ofTrial+"/shorten", mine)
	require.Equal(t, http.StatusConflict, a.status)
	inOrder(t, a.text(), "Nothing was done: the trial has changed since.", "the vendor was ill")
	require.Equal(t, 1, s.world.States["vendor-013"].Revision)
}

func TestAWrongChangeOfATrialIsExplained(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	for _, c := range []struct{ days, reason, says string }{
		{"", "ill", "days must be a whole number."},
		{"1.5", "ill", "days must be a whole number."},
		{"0", "ill", "days must be 1 to 365, is 0."},
		{"99999999999999999999", "ill", "days must be a whole number."},
		{"7", " ", "The reason is missing."},
	} {
		values := s.filledAt(ofTrial+"/extend", c.reason)
		values.Set("days", c.days)
		for _, confirmed := range []string{"", "yes"} {
			values.Set("confirmed", confirmed)
			a := s.post(ofTrial+"/extend", values)
			require.Equal(t, http.StatusBadRequest, a.status, c.days)
			require.Contains(t, a.text(), c.says)
			require.NotContains(t, a.text(), "As it would be then")
		}
	}
	values := s.filledAt(ofTrial+"/shorten", "ill")
	values.Set("days", "300")
	require.Contains(t, s.post(ofTrial+"/shorten", values).text(), "would not be in the future")
	require.Zero(t, s.world.States["vendor-013"].Revision)
	require.Equal(t, http.StatusNotFound, s.get("/admin/trials/nobody/extend").status)
}
