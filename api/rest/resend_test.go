package rest_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/rest"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/trial"
)

const (
	resendPath = "/api/admin/trials/v-1/emails/welcome/0/resend"
	lost       = `{"reason":"Their mail server lost it"}`
)

// welcomed has the vendor's welcome be sent, as its workflow would.
func (a *api) welcomed() {
	a.t.Helper()
	a.register()
	v := a.vendor()
	a.store.Lock()
	defer a.store.Unlock()
	history := []trial.Event{trial.Start(v.Registration(trial.DefaultPolicy(), trial.RealDay), v.StartedAt)}
	state := trial.Fold(history)
	step, _ := state.Next()
	e := state.StepEvent(step, trial.Decision{Action: trial.Run, Reason: trial.ReasonDue, Mail: true}, trial.StepFacts{Now: step.At}, true)
	a.store.States["v-1"], a.store.History["v-1"] = state.Apply(e), append(history, e)
	a.store.Store.Sends["v-1/welcome/0"] = trial.Send{Key: "v-1/welcome/0", VendorID: "v-1", Kind: trial.Welcome, Status: trial.SendSent, Attempt: 1, ClaimedAt: step.At, AddressHash: adaHash}
}

func (a *api) resend(key string) answered {
	a.t.Helper()
	return a.ask(resendPath, key, lost)
}

// settleResend has an operation's one item come to a result, and its e-mail be on record.
func (a *api) settleResend(v bulk.View, outcome bulk.ItemOutcome, reason bulk.Reason) {
	a.t.Helper()
	a.stands(v.Operation.ID, func(s *bulk.State) {
		*s = s.Carried(s.Page(v.Operation), bulk.Tally{}.Add(outcome, reason), present)
	})
	a.store.Lock()
	defer a.store.Unlock()
	result := bulk.NewResult(outcome, reason, "", present)
	a.store.Items[v.Operation.ID][0].Result = &result
	send := trial.Send{Kind: v.Operation.ResendKind(), VendorID: "v-1", Status: trial.SendSent, Attempt: 1, ClaimedAt: present}
	send.Key = trial.Step{Kind: send.Kind}.Key("v-1")
	a.store.Store.Sends[send.Key] = send
}

func TestOneEmailIsSentAgainOnceAKey(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.welcomed()
	v := into[bulk.View](a.resend("k-1"), http.StatusAccepted)
	require.Equal(t, &bulk.Email{Kind: trial.Welcome}, v.Operation.Email)
	require.Equal(t, "Their mail server lost it", v.Operation.Reason)
	require.Equal(t, bulk.Running, v.State.Status)
	require.Equal(t, []bulk.Item{{Number: 1, VendorID: "v-1"}}, a.store.Items[v.Operation.ID])
	require.Equal(t, v, into[bulk.View](a.resend("k-1"), http.StatusAccepted), "the same again")
	require.Equal(t, []string{v.Operation.ID, v.Operation.ID}, a.workflows.started[len(a.workflows.started)-2:], "and started, in case that had failed")
	a.ask(resendPath, "k-1", `{"reason":"another"}`).problem(http.StatusUnprocessableEntity)
	require.Contains(t, string(a.resend("k-2").body), "it is being sent again already: the operation "+v.Operation.ID)
	a.resend("k-2").problem(http.StatusConflict)

	a.settleResend(v, bulk.Succeeded, bulk.ReasonCarriedOut)
	require.Equal(t, v.Operation.ID, into[bulk.View](a.resend("k-1"), http.StatusAccepted).Operation.ID)
	require.NotEqual(t, v.Operation.ID, into[bulk.View](a.resend("k-3"), http.StatusAccepted).Operation.ID)
	entries := slices.Collect(func(yield func(audit.Entry) bool) {
		for _, e := range a.store.Record {
			if e.Outcome == audit.Done && !yield(e) {
				return
			}
		}
	})
	require.Equal(t, "resendEmail", entries[0].Action)
	require.Equal(t, "trials/v-1/emails/welcome/0", entries[0].Subject)
	emails, err := a.app.TrialEmails(t.Context(), "v-1")
	require.NoError(t, err)
	require.Len(t, emails, 2)
	require.Equal(t, v.Operation.ID, emails[0].ResentBy)
	require.Equal(t, &bulk.Email{Kind: trial.Welcome}, emails[0].Of)
	require.Equal(t, v.Operation.Email, into[rest.VendorExport](a.get("/api/admin/vendors/v-1/export", adminToken), http.StatusOK).BulkOperations[0].Email)
}

func TestAResendIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(*api)
		path    string
		status  int
		says    string
	}{
		"stopped":       {happens: func(a *api) { a.deliver(bounceOf("m-1", present)) }, status: http.StatusConflict, says: "bounced or complained"},
		"over":          {happens: func(a *api) { a.ask("/api/admin/trials/v-1/cancel", "c", because) }, status: http.StatusConflict, says: "not be true any more"},
		"switched off":  {happens: func(a *api) { a.store.Document.FeatureFlags.TrialAutomation.Enabled = false }, status: http.StatusForbidden, says: "trialAutomation.enabled"},
		"no such one":   {path: "/api/admin/trials/v-1/emails/reminder-3d/0/resend", status: http.StatusNotFound, says: "there is no e-mail v-1/reminder-3d/0"},
		"nobody":        {path: "/api/admin/trials/nobody/emails/welcome/0/resend", status: http.StatusNotFound, says: "nobody"},
		"no more bulks": {happens: func(a *api) { a.store.Document.FeatureFlags.AdminTools.BulkOperations = false }, status: http.StatusAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			a.welcomed()
			if c.happens != nil {
				c.happens(a)
			}
			path := resendPath
			if c.path != "" {
				path = c.path
			}
			answer := a.ask(path, "k-1", lost)
			require.Equal(t, c.status, answer.status)
			require.Contains(t, string(answer.body), c.says)
			require.Equal(t, c.status == http.StatusAccepted, len(a.store.Operations) == 1)
		})
	}
}

// Of two people who have seen the same only one sends, however close their requests are; one that came to nothing blocks nobody.
func TestOfTwoWhoHaveSeenTheSameOneSendsAgain(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.welcomed()
	email := bulk.Email{Kind: trial.Welcome}
	shown, err := a.app.LookAtEmail(t.Context(), "v-1", email)
	require.NoError(t, err)
	require.Nil(t, shown.Refusal)
	other := idempotency.Claim{Request: "bulk-another", At: present.Add(-time.Second)}
	key := "resend v-1/welcome/0"
	a.store.Keys[key] = other
	order := app.ResendOrder{VendorID: "v-1", Email: email, Reason: "lost", Seen: shown.Mark}
	_, err = a.app.ResendEmailRecorded(t.Context(), "k-1", order)
	require.Equal(t, trial.CodeConflict, trial.CodeOf(err))
	require.Contains(t, err.Error(), "another request to send it again is under way")
	require.Empty(t, a.store.Operations)
	require.Equal(t, other, a.store.Keys[key], "it is the other's turn still")

	other.At = present.Add(-time.Hour)
	a.store.Keys[key] = other
	v, err := a.app.ResendEmailRecorded(t.Context(), "k-1", order)
	require.NoError(t, err)
	require.NotContains(t, a.store.Keys, key, "its turn is over")
	again, err := a.app.ResendEmailRecorded(t.Context(), "k-1", order)
	require.NoError(t, err, "it has seen what it has changed itself")
	require.Equal(t, v, again)
	_, err = a.app.ResendEmailRecorded(t.Context(), "k-2", order)
	require.Contains(t, err.Error(), "have changed since this was shown")
	require.NotContains(t, a.store.Keys, key, "nor does one that is refused keep its turn")
	require.Len(t, a.store.Operations, 1)

	for _, reason := range []string{"", " ", "a@example.com lost it"} {
		order.Reason = reason
		_, err = a.app.ResendEmailRecorded(t.Context(), "k-2", order)
		require.Equal(t, "reason", app.ErrorOf(err).Field, reason)
	}
}

// While the last e-mails of many trials go out again, this trial's among them, one e-mail of it does not.
func TestNoEmailIsSentAgainBesideABulkResend(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		more   string
		after  func(*api, bulk.View)
		status int
	}{
		"running": {status: http.StatusConflict},
		"paused": {after: func(a *api, v bulk.View) {
			a.stands(v.Operation.ID, func(s *bulk.State) { *s = s.Held("trialAutomation.enabled", present) })
		}, status: http.StatusConflict},
		"over": {after: func(a *api, v bulk.View) {
			a.settleResend(v, bulk.Succeeded, bulk.ReasonCarriedOut)
		}, status: http.StatusAccepted},
		"a dry run": {more: `,"dryRun":true`, status: http.StatusAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAPI(t)
			a.welcomed()
			v := a.startBulk("k-1", `{"action":"resend","ids":["v-1"],"reason":"they went astray"`+c.more+`}`)
			if c.after != nil {
				c.after(a, v)
			}
			answer := a.resend("k-2")
			require.Equal(t, c.status, answer.status, string(answer.body))
			if c.status == http.StatusConflict {
				require.Contains(t, string(answer.body), "this trial's among them: the operation "+v.Operation.ID+" is not over")
			}
		})
	}
}

// The reminder is on its way, and nobody knows yet whether it has left.
func TestAnEmailOfWhichNothingIsKnownYetIsNotCalledUnsent(t *testing.T) {
	t.Parallel()
	for _, status := range []trial.SendStatus{trial.SendClaimed, trial.SendUnknown} {
		a := newAPI(t)
		a.welcomed()
		key := "v-1/reminder-3d/0"
		a.store.Store.Sends[key] = trial.Send{Key: key, VendorID: "v-1", Kind: trial.Reminder(3), Status: status, Attempt: 1, ClaimedAt: present, AddressHash: adaHash}
		answer := a.ask("/api/admin/trials/v-1/emails/reminder-3d/0/resend", "k-1", lost)
		require.Equal(t, http.StatusConflict, answer.status)
		require.Contains(t, string(answer.body), "it is not known yet whether it was sent; its trial settles that by itself")
		require.NotContains(t, string(answer.body), "neither sent")
	}
}

// Each e-mail of a vendor is sent again for itself, at the same moment too.
func TestTwoEmailsOfAVendorAreSentAgainAtOnce(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	a.welcomed()
	state := a.store.States["v-1"]
	step, _ := state.Next()
	state.Steps = append(state.Steps, trial.StepRecord{Step: step, Outcome: trial.Ran, Reason: trial.ReasonDue, At: present, Mailed: true})
	a.store.States["v-1"] = state
	require.True(t, step.Kind.IsReminder())
	var marks []string
	for _, email := range []bulk.Email{{Kind: trial.Welcome}, {Kind: step.Kind}} {
		shown, err := a.app.LookAtEmail(t.Context(), "v-1", email)
		require.NoError(t, err)
		marks = append(marks, shown.Mark)
	}
	require.NotEqual(t, marks[0], marks[1], "what was shown of one e-mail is not what was shown of another")
	require.Equal(t, http.StatusAccepted, a.resend("k-1").status)
	answer := a.ask("/api/admin/trials/v-1/emails/"+string(step.Kind)+"/0/resend", "k-2", lost)
	require.Equal(t, http.StatusAccepted, answer.status, string(answer.body))
}

// After an attempt that failed, a resend is asked for again at once, under the same key or another.
func TestAResendThatFailedIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"k-1", "k-2"} {
		a := newAPI(t)
		a.welcomed()
		a.store.noBulk = errUnavailable
		require.Equal(t, http.StatusServiceUnavailable, a.resend("k-1").status)
		require.Empty(t, a.store.Operations)
		a.store.noBulk = nil
		answer := a.resend(key)
		require.Equal(t, http.StatusAccepted, answer.status, string(answer.body))
		require.NotContains(t, a.store.Keys, "resend v-1/welcome/0")
	}
}
