package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// pages is an admin at the pages, in a browser without JavaScript.
type pages struct {
	*scenario
	client *http.Client
}

func (s *scenario) pages() *pages {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	p := &pages{s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	status, _, _ := p.post("/admin/sign-in", url.Values{"token": {s.Secrets.AdminToken}}, "")
	require.Equal(s.t, http.StatusSeeOther, status)
	return p
}

func (p *pages) get(path string) string {
	p.t.Helper()
	status, _, text := p.answered(func() (*http.Response, error) { return p.client.Get(p.API + path) })
	require.Equal(p.t, http.StatusOK, status, "%s: %s", path, text)
	return text
}

// post sends a form, with a file where there is one.
func (p *pages) post(path string, values url.Values, file string) (status int, location, page string) {
	p.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name := range values {
		require.NoError(p.t, w.WriteField(name, values.Get(name)))
	}
	kind := w.FormDataContentType()
	if file == "" {
		kind = "application/x-www-form-urlencoded"
		body = *bytes.NewBufferString(values.Encode())
	} else {
		part, err := w.CreateFormFile("file", "list.csv")
		require.NoError(p.t, err)
		_, err = io.WriteString(part, file)
		require.NoError(p.t, err)
		require.NoError(p.t, w.Close())
	}
	return p.answered(func() (*http.Response, error) {
		return p.client.Post(p.API+path, kind, bytes.NewReader(body.Bytes()))
	})
}

// answered asks again where a busy server answers 503, as a person does: the same form counts once.
func (p *pages) answered(ask func() (*http.Response, error)) (status int, location, page string) {
	p.t.Helper()
	const tries = 3
	for range tries {
		answer, err := ask()
		require.NoError(p.t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(p.t, errors.Join(err, answer.Body.Close()))
		if status, location, page = answer.StatusCode, answer.Header.Get("Location"), string(text); status != http.StatusServiceUnavailable {
			break
		}
		pause(p.t, time.Second)
	}
	return status, location, page
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-zA-Z]+)" value="([^"]*)">`)

// fields are the hidden ones of a page, and those given.
func fields(page string, typed map[string]string) url.Values {
	values := url.Values{}
	for _, f := range hiddenField.FindAllStringSubmatch(page, -1) {
		values.Set(f[1], html.UnescapeString(f[2]))
	}
	for name, text := range typed {
		values.Set(name, text)
	}
	return values
}

// asks opens a form and sends it twice, as a double click does. Where the rollout has moved on in between it looks again, as the page says.
func (p *pages) asks(path string, typed map[string]string) (location string) {
	p.t.Helper()
	eventually(p.t, wholeLife, func() error {
		values := fields(p.get(path), typed)
		status, to, page := p.post(path, values, "")
		if status == http.StatusConflict && strings.Contains(page, "since this page was opened") {
			return fmt.Errorf("%s: the rollout has moved on", path)
		}
		require.Equal(p.t, http.StatusSeeOther, status, "%s: %s", path, page)
		status, again, page := p.post(path, values, "")
		require.Equal(p.t, http.StatusSeeOther, status, "%s again: %s", path, page)
		require.Equal(p.t, to, again)
		location = to
		return nil
	})
	return location
}

// A rollout is started on the page with a plan of its own, a check is waived and a criterion ticked there, it is paused and goes on;
// the calendar tells of it.
func TestARolloutIsStartedAndSteeredOnThePages(t *testing.T) {
	s := begin(t, system.Options{Day: 10 * time.Second})
	s.rollout(true, 0)
	s.t.Cleanup(s.showDecisions)
	p, plan := s.pages(), shortPlan()
	plan.Phases[0].SoakDays = 100
	document, err := json.MarshalIndent(plan, "", "\t")
	require.NoError(t, err)

	const start = "/admin/rollout/start"
	require.Contains(t, p.get(start), "The plan default, if it started now")
	status, _, page := p.post(start, url.Values{"plan": {strings.Replace(string(document), `"percentage": 50`, `"percentage": 500`, 1)}}, "")
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, page, "must be 0 to 100")
	status, _, page = p.post(start, url.Values{"plan": {string(document)}}, "")
	require.Equal(t, http.StatusOK, status, page)
	require.Contains(t, page, "The plan scenario, if it started now")
	values := fields(page, map[string]string{"reason": "the scenario wants it"})
	for range 2 {
		status, _, page = p.post(start, values, "")
		require.Equal(t, http.StatusSeeOther, status, page)
	}
	check := func(v rollout.View) rollout.Check {
		i := slices.IndexFunc(v.Rollout.Checks, func(c rollout.Check) bool { return c.ID == rollout.CheckBackup })
		if i < 0 {
			return rollout.Check{}
		}
		return v.Rollout.Checks[i]
	}
	first := s.awaitRollout(wholeLife, func(v rollout.View) error {
		if check(v).ID == "" {
			return fmt.Errorf("no preflight yet")
		}
		return nil
	})
	require.Equal(t, "scenario", first.Rollout.Plan.Name)
	values.Set("request", "another-form")
	status, _, page = p.post(start, values, "")
	require.Equal(t, http.StatusConflict, status, page)

	p.asks("/admin/rollout/waive/backup", map[string]string{"reason": "a dump is in the vault"})
	p.asks("/admin/rollout/tick/feedback-positive", map[string]string{"reason": "they like it", "met": "yes"})
	s.awaitRollout(wholeLife, func(v rollout.View) error {
		if check(v).WaivedBy != "admin" || !v.Rollout.Criteria["feedback-positive"].Met {
			return fmt.Errorf("not waived and ticked yet: %v, %v", check(v), v.Rollout.Criteria)
		}
		return nil
	})
	is := func(status rollout.Status) rollout.View {
		return s.awaitRollout(wholeLife, func(v rollout.View) error {
			if v.Rollout.Status != status {
				return fmt.Errorf("it is %s", v.Rollout.Status)
			}
			return nil
		})
	}
	p.asks("/admin/rollout/pause", map[string]string{"reason": "to look"})
	is(rollout.Paused)
	p.asks("/admin/rollout/resume", map[string]string{"reason": "looked"})
	v := is(rollout.Running)
	require.Equal(t, first.Rollout.ID, v.Rollout.ID, "it is still the one")
	count := map[rollout.EventType]int{}
	for _, e := range s.decisions() {
		count[e.Type]++
	}
	require.Equal(t, []int{1, 1, 1, 1}, []int{count[rollout.EventWaived], count[rollout.EventTicked], count[rollout.EventPaused], count[rollout.EventResumed]})
	page = p.get("/admin/rollout/calendar")
	require.Contains(t, page, "span-planned")
	require.Contains(t, page, "span-paused")
	require.Contains(t, p.get("/admin/audit?action=startRollout"), "the scenario wants it")
}

// A list is uploaded, looked at, carried out and undone on the pages.
func TestABulkExtensionOnThePages(t *testing.T) {
	s := begin(t, system.Options{Day: trial.RealDay})
	ids := []string{s.vendor("ada"), s.vendor("bo")}
	for _, id := range ids {
		s.register(id)
	}
	for _, id := range ids {
		eventually(t, soon, func() error {
			if _, done := reasons(s.known(id).Trial)[trial.Welcome]; !done {
				return fmt.Errorf("the welcome of %s is not on record yet", id)
			}
			return nil
		})
	}
	ends := s.known(ids[0]).Trial.EndsAt
	p := s.pages()
	const begin = "/admin/bulk/start"
	values := fields(p.get(begin), map[string]string{"action": "extend", "days": "7", "perMinute": "600", "reason": "the shop was away"})
	status, _, page := p.post(begin, values, "vendor_id\n"+ids[0]+"\nno id\n")
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, page, "Line 3: vendor_id is not")
	values = fields(page, map[string]string{"action": "extend", "days": "7", "perMinute": "600", "reason": "the shop was away"})
	list := "vendor_id,name\n" + ids[0] + ",\"A, B\"\n" + ids[1] + ",\nnobody-" + s.mark + ",\n"
	status, to, page := p.post(begin, values, list)
	require.Equal(t, http.StatusSeeOther, status, page)
	_, again, _ := p.post(begin, values, list)
	require.Equal(t, to, again, "a double click")
	address, _, _ := strings.Cut(to, "?")
	id := strings.TrimPrefix(address, "/admin/bulk/")
	dry := s.bulkDone(id)
	require.Equal(t, bulk.Planned, dry.State.Status)
	require.Equal(t, 2, dry.State.Plan.Of(bulk.Succeeded))
	require.Equal(t, ends, s.known(ids[0]).Trial.EndsAt, "nothing is changed")
	page = p.get(address + "/start")
	for _, says := range []string{ids[0], "no such trial", "carried out"} {
		require.Contains(t, page, says)
	}

	p.asks(address+"/start", map[string]string{"reason": "looked at"})
	var done bulk.View
	eventually(t, soon, func() error {
		if done = s.bulkDone(id); done.State.Status != bulk.Done {
			return fmt.Errorf("it is %s", done.State.Status)
		}
		return nil
	})
	require.Equal(t, 2, done.State.Counts.Of(bulk.Succeeded))
	require.Len(t, done.State.Controls, 1)
	require.Equal(t, ends.AddDate(0, 0, 7), s.known(ids[0]).Trial.EndsAt)

	undo := p.asks(address+"/undo", map[string]string{"reason": "the wrong list"})
	undo, _, _ = strings.Cut(undo, "?")
	undone := s.bulkDone(strings.TrimPrefix(undo, "/admin/bulk/"))
	require.Equal(t, 2, undone.State.Counts.Of(bulk.Succeeded), "%v", undone.State.Counts)
	require.Equal(t, ends, s.known(ids[0]).Trial.EndsAt)
	require.Contains(t, p.get(undo), "Which trials")
	require.Contains(t, p.get("/admin/audit?subject=bulk/"+id), "the wrong list")
}
