package dashboard_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/sample"
)

const remindersPath = "/admin/flags/trialAutomation.emailReminders"

func TestEveryFlagIsShownWithWhatItDoes(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	text := s.get("/admin/flags").text()
	for _, f := range flags.Initial().Named() {
		require.Contains(t, text, f.Name)
	}
	inOrder(t, text, "trialAutomation.enabled on Automated steps are held", "Stop automation …", "trialAutomation.rolloutPercentage 25 % Not a switch: the share", "Set")
	require.Contains(t, s.get("/admin/flags").body, `href="/admin/audit?subject=feature-flags"`)
	inOrder(t, text, "pending ones are sent. 4 hours ago by admin", "adminTools.enabled on")
	require.Equal(t, http.StatusSeeOther, s.post(remindersPath, s.filledAt(remindersPath, "They confuse vendors")).status)
	inOrder(t, s.get("/admin/flags").text(), "trialAutomation.emailReminders off", "now by admin Switch on", "emailReminders", "autoExpiration on", "not on record Switch off")
	s.world.Moment = s.world.Moment.Add(time.Second)
	_, err := s.world.UpdateFlags(context.Background(), flags.Automatic, func(f *flags.Change) error {
		f.TrialAutomation.RolloutPercentage = 50
		return nil
	})
	require.NoError(t, err)
	s.world.Moment = s.world.Moment.Add(time.Hour)
	inOrder(t, s.get("/admin/flags").text(), "trialAutomation.emailReminders off", "by admin", "trialAutomation.rolloutPercentage 50 %", "60 minutes ago by rollout")
	inOrder(t, signedIn(t, sample.Empty()).get("/admin/flags").text(), "never changed", "trialAutomation.rolloutPercentage 0 %")
	require.Equal(t, http.StatusServiceUnavailable, signedIn(t, sample.Broken()).get("/admin/flags").status)
}

// What a rollback has set is nobody's whose change came before it, or of something else after it.
func TestWhoSetAFlagThatARollbackHasSetSince(t *testing.T) {
	t.Parallel()
	const path = "/admin/flags/trialAutomation.rolloutPercentage"
	s := signedIn(t, sample.Busy())
	require.Equal(t, http.StatusSeeOther, s.post(path, s.filledAt(path+"?value=50", "Two campaigns begin")).status)
	s.world.Moment = s.world.Moment.Add(time.Minute)
	_, err := s.world.UpdateFlags(context.Background(), flags.Automatic, func(f *flags.Change) error {
		f.TrialAutomation.RolloutPercentage = 10
		return nil
	})
	require.NoError(t, err)
	inOrder(t, s.get("/admin/flags").text(), "trialAutomation.enabled on", "trialAutomation.rolloutPercentage 10 %", "now by rollout")
	s.world.Moment = s.world.Moment.Add(time.Minute)
	require.Equal(t, http.StatusSeeOther, s.post(remindersPath, s.filledAt(remindersPath, "They confuse vendors")).status)
	text := s.get("/admin/flags").text()
	require.NotContains(t, text, "minutes ago by admin", "50 % were, and are no more")
	inOrder(t, text, "trialAutomation.emailReminders off", "now by admin", "trialAutomation.rolloutPercentage 10 %", "not on record Set")
}

// noTrials cannot read the trials, on which the preview of a change depends.
type noTrials struct{ dashboard.Store }

func (noTrials) Trials(context.Context, trial.Filter, string, int) ([]trial.State, string, error) {
	return nil, "", sample.ErrUnavailable
}

// A flag is changed although its preview cannot be read.
func TestAFlagIsChangedWithoutItsPreview(t *testing.T) {
	t.Parallel()
	w := sample.Busy()
	s := signedIn(t, w, func(o *dashboard.Options) { o.Store = noTrials{w} })
	require.Contains(t, s.get(remindersPath).text(), "What that changes could not be read now.")
	require.Equal(t, http.StatusSeeOther, s.post(remindersPath, s.filledAt(remindersPath, "They confuse vendors")).status)
	require.False(t, w.Document.FeatureFlags.TrialAutomation.EmailReminders)
}

// Switches that bulk operations need pause those, and say so.
func TestASwitchSaysWhichBulkOperationsPause(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	require.Contains(t, s.get("/admin/flags/adminTools.enabled").text(), "Bulk operations pause. 1 operation now under way: each pauses before its next trial.")
	require.Contains(t, s.get("/admin/flags/adminTools.trialExtension").text(), "Bulk operations that do so pause. ")
	for _, name := range []string{"enabled", "trialExtension", "bulkOperations"} {
		require.Contains(t, s.get("/admin/flags/adminTools."+name+"?value=true").text(), "Nothing: it is on already.")
	}
	s.world.Document.FeatureFlags.AdminTools.TrialExtension = false
	require.Contains(t, s.get("/admin/flags/adminTools.trialExtension").text(), "paused go on only once somebody resumes them")
}

func TestAFlagIsChangedAfterALookAtWhatThatDoes(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	inOrder(t, s.get(remindersPath).text(), "It is on", "What changes now if it is off", "Reminders of the automated trials, of which", "run now, are skipped for good", "Switch it off")
	values := s.filledAt(remindersPath, "They confuse vendors")
	version := s.world.Document.Version
	for range 2 { // also where the button is pressed twice
		a := s.post(remindersPath, values)
		require.Equal(t, http.StatusSeeOther, a.status, a.text())
		inOrder(t, s.get(a.header.Get("Location")).text(), "trialAutomation.emailReminders is changed.", "trialAutomation.emailReminders off")
	}
	require.False(t, s.world.Document.FeatureFlags.TrialAutomation.EmailReminders)
	require.Equal(t, version+1, s.world.Document.Version)
	require.Equal(t, "admin", s.world.Document.UpdatedBy)
	done := s.world.Record[len(s.world.Record)-3]
	require.Equal(t, audit.Done, done.Outcome)
	require.Equal(t, "patchFeatureFlags", done.Action)
	require.Equal(t, "They confuse vendors", done.Reason)
	require.JSONEq(t, `{"featureFlags":{"trialAutomation":{"emailReminders":false}}}`, string(done.Asked))
}

// Two people, or a tab of yesterday: nobody changes flags other than those that were shown.
func TestFlagsThatHaveChangedSinceAreShownAnew(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	values := s.filledAt(remindersPath, "They confuse vendors")
	_, err := s.world.UpdateFlags(context.Background(), "bea", func(f *flags.Change) error {
		f.TrialAutomation.AutoExpiration = false
		return nil
	})
	require.NoError(t, err)
	a := s.post(remindersPath, values)
	require.Equal(t, http.StatusConflict, a.status)
	inOrder(t, a.text(), "changed", "by bea", "Nothing was done: the flags have changed since they were shown", "They confuse vendors")
	require.True(t, s.world.Document.FeatureFlags.TrialAutomation.EmailReminders)
	values = a.fields()
	values.Set("reason", "They confuse vendors")
	require.Equal(t, http.StatusSeeOther, s.post(remindersPath, values).status, "once it was looked at again")

	values = s.filledAt("/admin/flags/trialAutomation.autoExpiration", "again")
	values.Set("value", "false")
	a = s.post("/admin/flags/trialAutomation.autoExpiration", values)
	require.Equal(t, http.StatusConflict, a.status)
	inOrder(t, a.text(), "is false already", "Nothing: it is off already.")
}

func TestAnAnswerThatWasLostIsSentAgain(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	values := s.filledAt(remindersPath, "They confuse vendors")
	s.world.Lost = sample.ErrUnavailable
	a := s.post(remindersPath, values)
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	inOrder(t, a.text(), "They confuse vendors")
	s.world.Lost = nil
	for _, name := range []string{"request", "version", "value"} {
		require.Equal(t, values.Get(name), a.fields().Get(name), name)
	}
	version := s.world.Document.Version
	require.Equal(t, http.StatusSeeOther, s.post(remindersPath, values).status)
	require.LessOrEqual(t, s.world.Document.Version, version+1)
	require.False(t, s.world.Document.FeatureFlags.TrialAutomation.EmailReminders)
}

func TestThePercentageIsSet(t *testing.T) {
	t.Parallel()
	const path = "/admin/flags/trialAutomation.rolloutPercentage"
	s := newSite(t, sample.Busy())
	issue(t, s.world, access.Operator)
	s.signIn(string(access.Operator))
	require.NotContains(t, s.get(path).text(), "What changes now")
	inOrder(t, s.get(path+"?value=50").text(), "It is 25 %", "What changes now if it is 50 %", "50 % of about", "new vendors a day are automated", "instead of",
		"keep their cohort", "A rollout is under way", "Set it to 50 %")
	values := s.filledAt(path+"?value=50", "Two campaigns begin")
	require.Equal(t, http.StatusSeeOther, s.post(path, values).status)
	require.InDelta(t, 50.0, s.world.Document.FeatureFlags.TrialAutomation.RolloutPercentage, 0)
	require.Equal(t, "setRollout", s.world.Record[len(s.world.Record)-1].Action)

	for _, wrong := range []string{"101", "-1", "33.333", "many", "NaN", "1e309", "true"} {
		a := s.get(path + "?" + url.Values{"value": {wrong}}.Encode())
		require.Equal(t, http.StatusBadRequest, a.status, wrong)
		require.Contains(t, a.text(), "must be 0 to 100 in steps of 0.01.")
		require.Contains(t, a.body, `value="`+wrong+`"`)
		values.Set("value", wrong)
		require.Equal(t, http.StatusBadRequest, s.post(path, values).status, wrong)
	}
	require.InDelta(t, 50.0, s.world.Document.FeatureFlags.TrialAutomation.RolloutPercentage, 0)
}

func TestWhatAFlagFormLacks(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	for name, change := range map[string]func(url.Values){
		"The reason is missing.":  func(v url.Values) { v.Set("reason", " ") },
		"value is missing":        func(v url.Values) { v.Del("value") },
		"version is missing":      func(v url.Values) { v.Del("version") },
		"must be true or false":   func(v url.Values) { v.Set("value", "0.5") },
		"must be 0 to 100":        func(v url.Values) { v.Set("value", "maybe") },
		"vendor's name or an add": func(v url.Values) { v.Set("reason", "ada@example.com asked") },
	} {
		values := s.filledAt(remindersPath, "They confuse vendors")
		change(values)
		a := s.post(remindersPath, values)
		require.Equal(t, http.StatusBadRequest, a.status, name)
		require.Contains(t, a.text(), name)
		if name == "value is missing" {
			require.Equal(t, []string{"false", values.Get("version"), values.Get("request")}, []string{a.fields().Get("value"), a.fields().Get("version"), a.fields().Get("request")}, "the form is there to be sent")
			require.Contains(t, a.body, "They confuse vendors")
		}
	}
	require.True(t, s.world.Document.FeatureFlags.TrialAutomation.EmailReminders)
	require.Equal(t, http.StatusNotFound, s.get("/admin/flags/trialAutomation").status)
}

// The automation is stopped on a page of its own, and switched on again here.
func TestTheAutomationIsSwitchedOnAgain(t *testing.T) {
	t.Parallel()
	const path = "/admin/flags/trialAutomation.enabled"
	s := signedIn(t, sample.Empty())
	a := s.get(path)
	require.Contains(t, a.body, `href="/admin/stop"`)
	require.NotContains(t, a.body, `name="request"`)
	version := s.world.Document.Version
	values := url.Values{"value": {"false"}, "version": {"0"}, "request": {"r"}, "reason": {"x"}}
	require.Equal(t, http.StatusConflict, s.post(path, values).status)
	require.Equal(t, version, s.world.Document.Version)

	require.Equal(t, http.StatusSeeOther, s.post("/admin/stop", s.filledAt("/admin/stop", "Wrong e-mails go out")).status)
	require.Contains(t, s.get("/admin/stop").body, `href="`+path+`"`)
	inOrder(t, s.get(path).text(), "What changes now if it is on", "No trial waits for it now.", "Switch it on")
	require.Equal(t, http.StatusSeeOther, s.post(path, s.filledAt(path, "They are right again")).status)
	require.True(t, s.world.Document.FeatureFlags.TrialAutomation.Enabled)
}

// While admins may change nothing, the pages say so, and what lowers the automation remains.
func TestFlagsWhileAdminToolsAreOff(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	s.world.Document.FeatureFlags.AdminTools.Enabled = false
	require.Contains(t, s.get("/admin/flags").text(), "Changes by admins are switched off.")
	a := s.get("/admin/flags/adminTools.trialExtension")
	require.Contains(t, a.text(), "This cannot be changed now")
	values := a.fields()
	require.Empty(t, values.Get("request"))
	values = url.Values{"value": {"false"}, "version": {"1"}, "request": {"r-1"}, "reason": {"x"}}
	values.Set("version", s.get(remindersPath).fields().Get("version"))
	refused := s.post("/admin/flags/adminTools.trialExtension", values)
	require.Equal(t, http.StatusConflict, refused.status)
	require.Contains(t, refused.text(), "changes by admins are switched off")
	require.True(t, s.world.Document.FeatureFlags.AdminTools.TrialExtension)

	require.Equal(t, http.StatusSeeOther, s.post(remindersPath, s.filledAt(remindersPath, "They confuse vendors")).status)
	const path = "/admin/flags/adminTools.enabled"
	require.Equal(t, http.StatusSeeOther, s.post(path, s.filledAt(path, "All is well again")).status)
	require.True(t, s.world.Document.FeatureFlags.AdminTools.Enabled)
}

// A key that stands for another request stays spent, so the form comes back with another one, and what was entered can be sent.
func TestAFormWhoseKeyIsSpentGetsAnother(t *testing.T) {
	t.Parallel()
	for _, path := range []string{remindersPath, "/admin/tokens"} {
		s := signedIn(t, sample.Busy())
		values := s.filledAt(path, "They confuse vendors")
		values.Set("name", "support-2")
		values.Set("role", "viewer")
		values.Set("days", "30")
		s.world.Keys[values.Get("request")] = idempotency.Claim{Request: "the same form before its reason was edited", At: sample.Now}
		a := s.post(path, values)
		require.Equal(t, http.StatusConflict, a.status, path)
		require.Contains(t, a.text(), "sent before, with something else in it", path)
		fresh := a.fields()
		require.NotEmpty(t, fresh.Get("request"), path)
		require.NotEqual(t, values.Get("request"), fresh.Get("request"), path)
		for name := range fresh {
			values.Set(name, fresh.Get(name))
		}
		require.Less(t, s.post(path, values).status, http.StatusBadRequest, path)
	}
}

// spentKeys refuses every key as one that stands for another request.
type spentKeys struct{ dashboard.Controls }

var errSpent = &trial.Error{Code: app.CodeReused, Message: "was used for another request"}

func (spentKeys) StopAutomationRecorded(context.Context, flags.Request) error { return errSpent }

func (spentKeys) ChangeTrialRecorded(context.Context, string, string, trial.Request) error {
	return errSpent
}

func TestAControlWhoseKeyIsSpentGetsAnother(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy(), func(o *dashboard.Options) { o.Controls = spentKeys{} })
	for _, path := range []string{"/admin/stop", "/admin/trials/vendor-013/cancel"} {
		values := s.filledAt(path, "They confuse vendors")
		values.Set("confirmed", "yes")
		a := s.post(path, values)
		require.Equal(t, http.StatusConflict, a.status, path)
		require.NotEmpty(t, a.fields().Get("request"), path)
		require.NotEqual(t, values.Get("request"), a.fields().Get("request"), path)
	}
}
