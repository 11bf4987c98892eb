package dashboard_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/sample"
)

const (
	reminded = ofTrial + "/emails/reminder-3d/0/resend"
	welcomed = ofTrial + "/emails/welcome/0/resend"
)

// stop has an address be stopped by a bounce.
func (s *site) stop(id string) {
	s.t.Helper()
	v, err := s.world.Vendor(s.t.Context(), id)
	require.NoError(s.t, err)
	_, _, err = s.world.Suppress(s.t.Context(), id, trial.Suppression{
		Reason: trial.ReasonSuppressedAddress, AddressHash: trial.AddressHash(v.Email), Cause: trial.CauseBounce, At: s.world.Moment, SentAt: s.world.Moment,
	})
	require.NoError(s.t, err)
}

func TestAnEmailIsSentAgainOnItsPage(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	require.Contains(t, s.get(ofTrial).body, `href="`+reminded+`">Send again …</a>`)
	inOrder(t, s.get(reminded).text(), "Send reminder-3d to vendor-013 again", "Trial", "E-mail sent, then delivery, as it was sent", "Sent last", "Address nothing stops e-mail to it",
		"counts the days from now", "Reason", "Send again")
	require.NotContains(t, s.get(reminded).body, "@nordic.example")
	values := s.filledAt(reminded, " ")
	a := s.post(reminded, values)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "The reason is missing.")

	operations := len(s.world.Operations)
	values.Set("reason", "Their mail server lost it")
	for range 2 { // the button is pressed twice
		a = s.post(reminded, values)
		require.Equal(t, http.StatusSeeOther, a.status, a.text())
	}
	require.Len(t, s.world.Operations, operations+1)
	operation := s.world.Operations[operations]
	require.Equal(t, &bulk.Email{Kind: "reminder-3d"}, operation.Operation.Email)
	require.Equal(t, []bulk.Item{{Number: 1, VendorID: "vendor-013"}}, s.world.Items[operation.Operation.ID])
	after := a.header.Get("Location")
	require.Equal(t, ofTrial+"?resent="+operation.Operation.ID, after)
	require.Contains(t, s.get(after).text(), "reminder-3d is on its way")
	inOrder(t, s.get(reminded).text(), "Sent again Asked for by admin", "not yet", "It cannot be sent again now: it is being sent again already")
	require.Contains(t, s.get("/admin/bulk/"+operation.Operation.ID).text(), "Resend reminder-3d")
	last := s.world.Record[len(s.world.Record)-1]
	require.Equal(t, "resendEmail", last.Action)
	require.Equal(t, "trials/vendor-013/emails/reminder-3d/0", last.Subject)
	require.Equal(t, audit.Done, last.Outcome)

	s.world.Moment = s.world.Moment.Add(time.Minute)
	s.world.Resend(operation.Operation.ID, bulk.Succeeded, bulk.ReasonCarriedOut)
	page := s.get(after)
	inOrder(t, page.text(), "reminder-3d was sent again.", "E-mails", "reminder-3d, sent again as it was sent", "nothing yet", "reminder-3d as it was sent Send again …")
	inOrder(t, s.get(reminded).text(), "Sent last", "Sent again Asked for by admin", ": sent", "Reason")
	require.Equal(t, http.StatusSeeOther, s.post(reminded, values).status, "the same form again counts once")
	require.Len(t, s.world.Operations, operations+1)
	require.Equal(t, http.StatusSeeOther, s.post(reminded, s.filledAt(reminded, "Lost once more")).status, "another intention")
	require.Len(t, s.world.Operations, operations+2)
}

// An old tab sends nothing: what it shows is not so any more.
func TestAnEmailIsSentAgainOnlyAsItWasShown(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(*site){
		"sent again meanwhile": func(s *site) {
			require.Equal(s.t, http.StatusSeeOther, s.post(reminded, s.filledAt(reminded, "somebody else")).status)
			s.world.Resend(s.world.Operations[len(s.world.Operations)-1].Operation.ID, bulk.Succeeded, bulk.ReasonCarriedOut)
		},
		"asked for meanwhile": func(s *site) {
			require.Equal(s.t, http.StatusSeeOther, s.post(reminded, s.filledAt(reminded, "somebody else")).status)
		},
		"the trial has another end": func(s *site) {
			require.NoError(s.t, s.world.ChangeTrialRecorded(s.t.Context(), trial.MessageExtend, "vendor-013", trial.Request{ID: "k", Days: 3, Reason: "ill"}))
		},
		"the trial is over": func(s *site) {
			require.NoError(s.t, s.world.ChangeTrialRecorded(s.t.Context(), trial.MessageCancel, "vendor-013", trial.Request{ID: "k", Reason: "asked"}))
		},
		"the address is stopped":   func(s *site) { s.stop("vendor-013") },
		"a form that is not whole": func(*site) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := signedIn(t, sample.Busy())
			values := s.filledAt(reminded, "As I see it")
			happens(s)
			operations := len(s.world.Operations)
			says := "have changed since this was shown: look again"
			if name == "a form that is not whole" {
				values.Del("seen")
				says = "this form is not whole"
			}
			a := s.post(reminded, values)
			require.Equal(t, http.StatusConflict, a.status)
			require.Contains(t, a.text(), "Nothing was done: ")
			require.Contains(t, a.text(), says)
			require.Len(t, s.world.Operations, operations)
		})
	}
}

func TestWhatCannotBeSentAgainSaysWhy(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	s.stop("vendor-013")
	a := s.get(welcomed)
	inOrder(t, a.text(), "Address e-mail is stopped: bounced", "What can be done …", "It cannot be sent again now: the address has bounced or complained")
	require.NotContains(t, a.body, `action="`+welcomed)
	require.Contains(t, a.body, `href="/admin/suppressions/vendor-013"`)

	s = signedIn(t, sample.Busy())
	s.world.Document.FeatureFlags.TrialAutomation.Enabled = false
	require.Contains(t, s.get(welcomed).text(), "It cannot be sent again now: this is switched off: the flag trialAutomation.enabled is false.")
	s.world.Document.FeatureFlags.TrialAutomation.Enabled, s.world.Document.FeatureFlags.AdminTools.BulkOperations = true, false
	require.Contains(t, s.get(welcomed).body, `action="`+welcomed, "one e-mail is no bulk")

	for path, status := range map[string]int{
		"/admin/trials/nobody/emails/welcome/0/resend": http.StatusNotFound, ofTrial + "/emails/welcome/x/resend": http.StatusNotFound,
		ofTrial + "/emails/welcome/7/resend": http.StatusNotFound, ofTrial + "/emails/odd/0/resend": http.StatusNotFound,
	} {
		require.Equal(t, status, s.get(path).status, path)
		require.Equal(t, status, s.post(path, s.filledAt(welcomed, "x")).status, path)
	}
	require.Equal(t, http.StatusServiceUnavailable, signedIn(t, sample.Broken()).get(welcomed).status)
}

// An e-mail that only the address has prevented is listed, and goes out once the address is good again.
func TestAnEmailThatTheAddressPreventedCanBeSent(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	state := s.world.States["vendor-013"]
	for i := range state.Steps {
		if state.Steps[i].Step.Kind == trial.Welcome {
			state.Steps[i].Outcome, state.Steps[i].Reason, state.Steps[i].Mailed = trial.Skipped, trial.ReasonSuppressedAddress, false
		}
	}
	delete(s.world.Sends, "vendor-013/welcome/0")
	inOrder(t, s.get(ofTrial).text(), "welcome Send again … not sent: suppressed address nothing never")
	inOrder(t, s.get(welcomed).text(), "kept back by the address", "Sent last never")
	require.Equal(t, http.StatusSeeOther, s.post(welcomed, s.filledAt(welcomed, "The mailbox was full")).status)
}

// What became of it is told as it is, and nothing of an address that somebody made up.
func TestTheTrialsPageSaysWhatBecameOfAResend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome bulk.ItemOutcome
		reason  bulk.Reason
		says    string
	}{
		"stopped since": {bulk.Skipped, "suppressed-address", "welcome was not sent again: the address has bounced or complained, and no e-mail goes to it."},
		"unknown":       {bulk.Failed, bulk.ReasonMailUnknown, "It is not known whether welcome was sent again (e mail unknown)."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := signedIn(t, sample.Busy())
			after := s.post(welcomed, s.filledAt(welcomed, "lost")).header.Get("Location")
			id := s.world.Operations[len(s.world.Operations)-1].Operation.ID
			s.world.Resend(id, c.outcome, c.reason)
			require.Contains(t, s.get(after).text(), c.says)
			other := s.get(strings.Replace(after, "vendor-013", "vendor-016", 1))
			require.NotContains(t, other.text(), c.says, "it is of another trial")
		})
	}
	s := signedIn(t, sample.Busy())
	for _, made := range []string{"nothing", "bulk-20260312-102000-5f3a11c0", "%3Cscript%3E"} {
		a := s.get(ofTrial + "?resent=" + made)
		require.Equal(t, http.StatusOK, a.status)
		require.NotContains(t, a.text(), "Its operation")
	}
	after := s.post(welcomed, s.filledAt(welcomed, "lost")).header.Get("Location")
	v := &s.world.Operations[len(s.world.Operations)-1]
	for control, says := range map[string]string{bulk.ControlPause: "is paused (admin)", bulk.ControlStop: "its operation was stopped"} {
		state, err := v.State.Request(bulk.Control{Name: control, Reason: "r", At: s.world.Moment})
		require.NoError(t, err)
		was := *v
		*v = bulk.ViewOf(v.Operation, state)
		require.Contains(t, s.get(after).text(), says)
		*v = was
	}
}

func TestOnlyOperatorsSeeThatAnEmailCanBeSentAgain(t *testing.T) {
	t.Parallel()
	viewer := newSite(t, sample.Busy())
	issue(t, viewer.world, access.Viewer)
	viewer.signIn(string(access.Viewer))
	require.NotContains(t, viewer.get(ofTrial).text(), "Send again …")
}

// A key that is spent sends no form again; what was typed stays.
func TestAResendThatFailsSaysWhatIsKnown(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	values := s.filledAt(welcomed, "Lost, as they say")
	s.world.Keys[values.Get("request")] = s.world.Keys["none"]
	a := s.post(welcomed, values)
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.text(), "Lost, as they say")
	require.NotEqual(t, values.Get("request"), a.fields().Get("request"))
	values = s.filledAt(welcomed, "a@example.com lost it")
	a = s.post(welcomed, values)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "The reason must not hold a vendor's name or an address")
}

func TestACanarysEmailsAreNotSentAgain(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	id := trial.CanaryID("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	v, state := s.world.VendorsByID["vendor-013"], s.world.States["vendor-013"]
	v.ID, state.VendorID = id, id
	s.world.VendorsByID[id], s.world.States[id], s.world.History[id] = v, state, s.world.History["vendor-013"]
	send := s.world.Sends["vendor-013/welcome/0"]
	send.Key, send.VendorID = id+"/welcome/0", id
	s.world.Sends[send.Key] = send
	page := s.get("/admin/trials/" + id)
	require.Contains(t, page.text(), "welcome")
	require.NotContains(t, page.text(), "Send again …")
	path := "/admin/trials/" + id + "/emails/welcome/0/resend"
	a := s.get(path)
	require.Contains(t, a.text(), "It cannot be sent again now: this is a canary's")
	require.NotContains(t, a.body, `action="`+path)
}
