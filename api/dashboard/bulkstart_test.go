package dashboard_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/app"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/sample"
)

// upload is a form with a file in its last field.
func (s *site) upload(path string, values url.Values, file string) answer {
	s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name := range values {
		require.NoError(s.t, w.WriteField(name, values.Get(name)))
	}
	part, err := w.CreateFormFile("file", "list.csv")
	require.NoError(s.t, err)
	_, err = part.Write([]byte(file))
	require.NoError(s.t, err)
	require.NoError(s.t, w.Close())
	r := httptest.NewRequest(http.MethodPost, path, &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return s.send(r)
}

const bulkStartPath = "/admin/bulk/start"

// filledBulk is the form of a bulk extension as the page gives it.
func (s *site) filledBulk() url.Values {
	s.t.Helper()
	values := s.filledAt(bulkStartPath, "The shop was away")
	values.Set("action", "extend")
	values.Set("days", "7")
	values.Set("perMinute", "600")
	return values
}

// A list is looked at, started, paused, resumed, stopped and undone, each on a page and each once.
func TestABulkOperationFromAListToItsUndoing(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(*site, url.Values) answer{
		"pasted": func(s *site, v url.Values) answer {
			v.Set("csv", "vendor_id\r\nvendor-013\r\nvendor-014\r\nnobody")
			return s.post(bulkStartPath, v)
		},
		"a file": func(s *site, v url.Values) answer {
			return s.upload(bulkStartPath, v, "vendor_id\nvendor-013\nvendor-014\nnobody\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := signedIn(t, sample.Busy())
			require.Contains(t, s.get("/admin/bulk").body, `href="/admin/bulk/start"`)
			before, values := len(s.world.Operations), s.filledBulk()
			a := send(s, values)
			require.Equal(t, http.StatusSeeOther, a.status, a.text())
			require.Equal(t, a.header.Get("Location"), send(s, values).header.Get("Location"), "a double click")
			require.Len(t, s.world.Operations, before+1)
			address, _, _ := strings.Cut(a.header.Get("Location"), "?")
			inOrder(t, s.get(a.header.Get("Location")).text(), "The dry run has begun. It changes nothing.", "Start …", "Stop …", "Why The shop was away", "done carried out 2", "refused no such trial 1")

			inOrder(t, s.get(address+"/start").text(), "Start the bulk operation: Extend by 7 days", "What the dry run saw coming", "vendor-013 done", "nobody refused no such trial", "Reason")
			for _, control := range []string{"start", "pause", "resume", "stop"} {
				page := address + "/" + control
				form := s.filledAt(page, "as looked at")
				require.NotContains(t, s.get(page).text(), "This does not apply now.", control)
				for range 2 {
					a = s.post(page, form)
					require.Equal(t, http.StatusSeeOther, a.status, a.text())
					require.Equal(t, address+"?asked="+control, a.header.Get("Location"))
				}
			}
			o := &s.world.Operations[before]
			require.Len(t, o.State.Controls, 4)
			require.Equal(t, "as looked at", o.State.Controls[0].Reason)

			require.NotContains(t, s.get(address).body, "/undo", "it has changed nothing")
			o.State.Next = 3
			undo := s.filledAt(address+"/undo", "the wrong list")
			a = s.post(address+"/undo", undo)
			require.Equal(t, http.StatusSeeOther, a.status, a.text())
			require.Equal(t, a.header.Get("Location"), s.post(address+"/undo", undo).header.Get("Location"))
			require.Len(t, s.world.Operations, before+2)
			inOrder(t, s.get(a.header.Get("Location")).text(), "The undoing has begun.", "Which trials those of "+o.Operation.ID)
		})
	}
}

func TestABulkOperationOfAFilterOnItsPage(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	values := s.filledBulk()
	values.Set("status", "active")
	values.Set("endsFrom", "2026-03-14T00:00")
	a := s.post(bulkStartPath, values)
	require.Equal(t, http.StatusSeeOther, a.status, a.text())
	last := s.world.Operations[len(s.world.Operations)-1]
	require.Equal(t, trial.Active, last.Operation.Filter.Status)
	require.True(t, last.Operation.DryRun, "it is looked at first")
	inOrder(t, s.get(a.header.Get("Location")).text(), "Which trials status active, ends from 2026-03-14 00:00:00 UTC")
}

// What is wrong is said beside its field, what was typed stays, and nothing is done.
func TestAWrongBulkOperationDoesNothing(t *testing.T) {
	t.Parallel()
	const list = "vendor_id\nvendor-013\n"
	for name, c := range map[string]struct {
		change       map[string]string
		beside, says string
	}{
		"no reason":            {map[string]string{"reason": " "}, "reason", "The reason is missing."},
		"no days":              {map[string]string{"days": ""}, "days", "Is missing."},
		"days of a word":       {map[string]string{"days": "seven"}, "days", "Must be a whole number."},
		"days for nothing":     {map[string]string{"action": "cancel"}, "days", "Is not used by cancel."},
		"no such action":       {map[string]string{"action": "delete"}, "action", "Must be chosen."},
		"an undo by name":      {map[string]string{"action": "undo"}, "action", "Must be chosen."},
		"too fast":             {map[string]string{"perMinute": "6001"}, "perMinute", "Must be 12 to 6000, is 6001."},
		"a policy for nothing": {map[string]string{"policy": "standard-14d"}, "policy", "Is not used by extend."},
		"no such policy":       {map[string]string{"action": "policy", "policy": "none"}, "policy", "Must be one of those"},
		"no moment":            {map[string]string{"csv": "", "endsFrom": "tomorrow"}, "endsFrom", "Must be a moment in UTC"},
		"no trials at all":     {map[string]string{"csv": ""}, "filter", "Must name a status, a cohort or an end"},
		"no such status":       {map[string]string{"csv": "", "status": "odd"}, "filter", "Must be chosen from the lists."},
		"both ways":            {map[string]string{"status": "active"}, "filter", "And a list are both given"},
		"wrong lines":          {map[string]string{"csv": "vendor_id,days\nvendor-013,7\na b,\nvendor-015,400\n"}, "csv", "Line 3: vendor_id is not 1 to 64 letters, digits, underscores and dashes; line 4: days must be 1 to 365."},
		"no header":            {map[string]string{"csv": "vendor-013\n"}, "csv", "Has no column vendor_id."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := signedIn(t, sample.Busy())
			before := len(s.world.Operations)
			values := s.filledBulk()
			values.Set("csv", list)
			for field, text := range c.change {
				values.Set(field, text)
			}
			a := s.post(bulkStartPath, values)
			require.Equal(t, http.StatusBadRequest, a.status, a.text())
			_, after, found := strings.Cut(a.body, `id="`+c.beside+`-problem"`)
			require.True(t, found, a.text())
			shown, _, _ := strings.Cut(after, "</p>")
			require.Contains(t, shown, c.says)
			require.Len(t, s.world.Operations, before)
			for field := range values {
				if text := strings.TrimSpace(values.Get(field)); text != "" && field != "action" && field != "policy" && field != "status" && field != "endsFrom" {
					require.Contains(t, a.body, text, field)
				}
			}
		})
	}
}

// A file that is too long, or no text, is refused beside its field; what was typed before it stays.
func TestAFileThatCannotBeTaken(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	before := len(s.world.Operations)
	for file, says := range map[string]string{
		"vendor_id\n" + strings.Repeat("vendor-013\n", 200_000):   "Must have at most 2,000,000 bytes.",
		"vendor_id\n" + strings.Repeat("vendor-013\n", 1_000_000): "Must have at most 2,000,000 bytes.",
		"vendor_id\nM\xfcller\n":                                  "Is not text in UTF-8.",
		"vendor_id\nada@example.com\n":                            "Line 2: vendor_id is not",
	} {
		a := s.upload(bulkStartPath, s.filledBulk(), file)
		require.Equal(t, http.StatusBadRequest, a.status, a.text())
		require.Contains(t, a.text(), says)
		require.Contains(t, a.body, "The shop was away")
		require.NotContains(t, a.body, "ada@example.com")
		require.Less(t, len(a.body), 100<<10)
	}
	values := s.filledBulk()
	values.Set("csv", "vendor_id\n"+strings.Repeat("vendor-013\n", 5_000))
	a := s.upload(bulkStartPath, values, "")
	require.Equal(t, http.StatusBadRequest, a.status, a.text())
	require.Contains(t, a.text(), "Must have at most 49,152 bytes.")
	values.Set("csv", "vendor_id\nvendor-013\n")
	a = s.upload(bulkStartPath, values, "vendor_id\nvendor-014\n")
	require.Contains(t, a.text(), "Is pasted, and there is a file too")
	require.Equal(t, http.StatusConflict, s.post(bulkStartPath, url.Values{"action": {"cancel"}, "csv": {"vendor_id\nv\n"}, "reason": {"x"}}).status, "a form without a key is of nobody")
	require.Len(t, s.world.Operations, before)
}

// A form acts on the state that it showed, and says what has become of it.
func TestAnOldPageOfABulkOperation(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	page := "/admin/bulk/" + plannedBulk + "/start"
	mine, theirs := s.filledAt(page, "as I see it"), s.filledAt("/admin/bulk/"+plannedBulk+"/stop", "not this one")
	require.Equal(t, http.StatusSeeOther, s.post("/admin/bulk/"+plannedBulk+"/stop", theirs).status)
	a := s.post(page, mine)
	require.Equal(t, http.StatusConflict, a.status)
	inOrder(t, a.text(), "Nothing was done: the operation has gone on since this page was opened: it is stopped now.", "as I see it")
	require.Contains(t, s.get(page).text(), "This does not apply now.")
	mine.Del("seen")
	require.Equal(t, http.StatusConflict, s.post(page, mine).status, "a form without a state is of none")
	require.Equal(t, http.StatusNotFound, s.post("/admin/bulk/nothing/start", mine).status)

	// One that carries out its trials meanwhile is paused all the same.
	pause := "/admin/bulk/" + runningBulk + "/pause"
	mine = s.filledAt(pause, "as I see it")
	running := &s.world.Operations[3]
	*running = bulk.ViewOf(running.Operation, running.State.Carried(running.State.Page(running.Operation), bulk.Tally{{Outcome: bulk.Succeeded, Reason: bulk.ReasonCarriedOut, Items: 50}}, s.world.Moment))
	require.Equal(t, http.StatusSeeOther, s.post(pause, mine).status)

	mine.Set("reason", " ")
	a = s.post("/admin/bulk/"+runningBulk+"/resume", mine)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.body, `id="reason-problem"`)
}

func TestViewersAreNotOfferedToChangeMany(t *testing.T) {
	t.Parallel()
	s := newSite(t, sample.Busy())
	issue(t, s.world, "operator")
	s.signIn("operator")
	require.NotContains(t, s.get("/admin/bulk").body, "/admin/bulk/start")
	require.NotContains(t, s.get("/admin/bulk/"+pausedBulk).text(), "Resume …")
	require.NotContains(t, s.get("/admin/").body, "/admin/rollout/waive")
}

func TestBulkFormsWithTheDatabaseAway(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	values := s.filledBulk()
	values.Set("csv", "vendor_id\nvendor-013\n")
	pause := s.filledAt("/admin/bulk/"+runningBulk+"/pause", "to look")
	s.world.Err = sample.ErrUnavailable
	a := s.post(bulkStartPath, values)
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	inOrder(t, a.text(), "it is not known whether this was done", "The shop was away", "vendor-013")
	require.Equal(t, values.Get("request"), a.fields().Get("request"), "sent again it counts once")
	require.Equal(t, http.StatusOK, s.get(bulkStartPath).status)
	require.Equal(t, http.StatusServiceUnavailable, s.post("/admin/bulk/"+runningBulk+"/pause", pause).status)

	s.world.Err = nil
	s = signedIn(t, s.world, func(o *dashboard.Options) { o.Bulks = reused{} })
	a = s.post(bulkStartPath, values)
	require.Equal(t, http.StatusConflict, a.status)
	require.Contains(t, a.text(), "Nothing was done: this form was sent before, with something else in it.")
	require.NotEqual(t, values.Get("request"), a.fields().Get("request"))
}

// reused refuses every key.
type reused struct{ dashboard.Bulks }

func (reused) StartBulkRecorded(context.Context, string, bulk.Operation, []bulk.Listing) (bulk.View, error) {
	return bulk.View{}, &trial.Error{Code: app.CodeReused, Message: "was used for another request"}
}

// A long form outlives its session, unless it brings a file, which no page can give back.
func TestALongFormOutlivesItsSession(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	values := s.filledBulk()
	s.cookie = nil
	a := s.upload(bulkStartPath, values, "")
	require.Equal(t, http.StatusUnauthorized, a.status)
	inOrder(t, a.text(), "nothing that you entered is lost", "The shop was away")
	require.Equal(t, values.Get("request"), a.fields().Get("request"))
	require.NotContains(t, a.body, `name="file"`)
	require.Equal(t, http.StatusSeeOther, s.upload(bulkStartPath, values, "vendor_id\nvendor-014\n").status)

	s.signIn(adminToken)
	for name := range values {
		require.Equal(t, values.Get(name), a.fields().Get(name), "it is sent as it was entered")
	}
	values = s.filledBulk()
	values.Set("csv", strings.Repeat("x", 48<<10+1))
	a = s.post(bulkStartPath, values)
	require.Equal(t, http.StatusBadRequest, a.status)
	require.Contains(t, a.text(), "Must have at most")
}
