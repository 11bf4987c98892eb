package dashboard_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/sample"
)

// Name and address are shown to whoever asks for them, and that they look is on record by then.
func TestLookingAtNameAndAddress(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	before := len(s.world.Record)
	page := s.get("/admin/trials/vendor-013")
	require.Contains(t, page.text(), "Name and address on record Show name and address")
	require.Contains(t, page.body, `<form class="inline" method="post" action="/admin/trials/vendor-013/vendor">`)
	asked := s.get("/admin/trials/vendor-013/vendor")
	require.Contains(t, asked.text(), "is put on the audit record first")
	for _, a := range []answer{page, asked} {
		require.NotContains(t, a.body, "Casa Azul 13")
		require.NotContains(t, a.body, "azul13@")
	}
	require.Len(t, s.world.Record, before, "nothing was looked at yet")

	for n := range 2 {
		shown := s.post("/admin/trials/vendor-013/vendor", nil)
		require.Equal(t, http.StatusOK, shown.status)
		require.Equal(t, "no-store", shown.header.Get("Cache-Control"))
		inOrder(t, shown.text(), "Name Casa Azul 13", "E-mail address azul13@nordic.example")
		require.NotContains(t, shown.body, "hx-get", "it is not fetched again")
		require.Len(t, s.world.Record, before+n+1, "one entry for each look")
	}
	e := s.world.Record[before]
	require.Equal(t, []string{"personalData/viewed", "vendors/vendor-013", "admin", "done"}, []string{e.Action, e.Subject, e.Actor, string(e.Outcome)})
	require.Equal(t, s.world.Moment, e.At)
	require.NotContains(t, string(e.Canonical()), "azul13")
	require.Equal(t, http.StatusNotFound, s.post("/admin/trials/nobody/vendor", nil).status)
	require.Len(t, s.world.Record, before+2)
}

func TestWhatCannotBeRecordedIsNotShown(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	s.world.Unrecorded = errors.New("the disk is full")
	for _, a := range []answer{
		s.post("/admin/trials/vendor-013/vendor", nil), s.post("/admin/vendors", url.Values{"sought": {"azul13@nordic.example"}}),
	} {
		require.Equal(t, http.StatusServiceUnavailable, a.status)
		require.Contains(t, a.text(), "could not be put on the audit record, so nothing is shown")
		require.NotContains(t, a.body, "Casa Azul 13")
		require.NotContains(t, a.body, `href="/admin/trials/vendor-013">vendor-013`)
	}
}

func TestAnErasedVendorHasNothingToLookAt(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	v := s.world.VendorsByID["vendor-013"]
	v.ErasedAt = &sample.Now
	s.world.VendorsByID["vendor-013"] = v
	before := len(s.world.Record)
	require.Contains(t, s.get("/admin/trials/vendor-013").text(), "Name and address erased")
	a := s.post("/admin/trials/vendor-013/vendor", nil)
	require.Contains(t, a.text(), "There is nothing to show.")
	require.NotContains(t, a.body, "Casa Azul 13")
	require.Len(t, s.world.Record, before)
}

func TestViewersSeeThatThereAreNameAndAddress(t *testing.T) {
	t.Parallel()
	s := newSite(t, sample.Busy())
	issue(t, s.world, access.Viewer)
	s.signIn(string(access.Viewer))
	page := s.get("/admin/trials/vendor-013")
	require.Contains(t, page.text(), "Name and address on record; the role operator may look at them")
	require.NotContains(t, page.body, "/vendor\"")
	require.NotContains(t, s.get("/admin/trials").body, "/admin/vendors")
	mail := s.get("/admin/trials/vendor-013/emails/reminder-3d/0")
	require.Contains(t, mail.text(), "The vendor's name is left out of the greeting")
	require.NotContains(t, mail.body, "/vendor\"")
	require.Contains(t, s.get("/admin/trials/vendor-013/emails/reminder-3d/0/frame?scheme=dark").text(), "Hello,")
	for _, a := range []answer{mail, s.get("/admin/trials/vendor-013/emails/reminder-3d/0/frame?scheme=dark")} {
		require.NotContains(t, a.body, "Casa Azul")
	}
}

// What is searched for stands in no address, and not on the record.
func TestAVendorIsFoundOnThePage(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	require.Contains(t, s.get("/admin/trials").body, `<form role="search" method="post" action="/admin/vendors"`)
	require.Equal(t, http.StatusOK, s.get("/admin/vendors").status)
	before := len(s.world.Record)
	one := s.post("/admin/vendors", url.Values{"sought": {" AZUL13@nordic.example "}})
	require.Equal(t, http.StatusOK, one.status)
	require.Equal(t, "no-store", one.header.Get("Cache-Control"))
	require.Contains(t, one.body, `href="/admin/trials/vendor-013"`)
	require.Contains(t, one.body, `value="AZUL13@nordic.example"`, "what was typed stays")
	require.NotContains(t, one.body, "Casa Azul")
	many := s.post("/admin/vendors", url.Values{"sought": {"casa azul"}})
	require.Equal(t, 20, strings.Count(many.body, `<a href="/admin/trials/vendor-`))
	require.Contains(t, many.text(), "There are more than these 20: enter more of the name.")
	require.Contains(t, s.post("/admin/vendors", url.Values{"sought": {"Bo"}}).text(), "No vendor is found by that.")

	require.Len(t, s.world.Record, before+3)
	require.JSONEq(t, `{"found":20,"more":true}`, string(s.world.Record[before+1].After))
	for _, e := range s.world.Record[before:] {
		require.Equal(t, "personalData/searched", e.Action)
		require.Equal(t, audit.Done, e.Outcome)
		require.NotContains(t, strings.ToLower(string(e.Canonical())), "azul")
	}
	for _, sought := range []string{"", "x", "casa@"} {
		a := s.post("/admin/vendors", url.Values{"sought": {sought}})
		require.Equal(t, http.StatusBadRequest, a.status)
		require.Contains(t, a.body, `aria-describedby="sought-error"`)
		require.Contains(t, a.text(), "Enter a whole e-mail address")
		require.Contains(t, a.body, `value="`+sought+`"`)
	}
	require.Len(t, s.world.Record, before+3)
	s.world.Err = sample.ErrUnavailable
	require.Equal(t, http.StatusServiceUnavailable, s.post("/admin/vendors", url.Values{"sought": {"casa azul"}}).status)
}

// A list is narrowed by its address, which somebody else can open, on the page and as a file.
func TestTrialsAreNarrowedByTheAddress(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	held := s.world.States["vendor-013"]
	held.Policy.Name, held.Experiment = "brazil-30d", &trial.Assignment{Experiment: "x-1", Arm: "b"}
	held.Held = &trial.HeldStep{Reason: trial.ReasonExpirationOff}
	s.world.States["vendor-013"] = held
	for _, q := range []string{"policy=brazil-30d", "held=auto-expiration-off", "experiment=x-1", "arm=b&experiment=x-1", "held=yes"} {
		a := s.get("/admin/trials?" + q)
		require.Equal(t, 1, strings.Count(a.body, `<tr id="trial-`), q)
		require.Contains(t, a.body, `id="trial-vendor-013"`, q)
		require.Contains(t, a.body, `href="/admin/trials.csv?`+strings.ReplaceAll(q, "&", "&amp;")+`"`)
		rows, err := csv.NewReader(strings.NewReader(s.get("/admin/trials.csv?" + q).body)).ReadAll()
		require.NoError(t, err)
		require.Len(t, rows, 2, q)
		require.Equal(t, "vendor-013", rows[1][0])
	}
	for _, q := range []string{"held=maybe", "arm=c", "experiment=a%20b", "status=odd", "cohort=odd"} {
		require.Equal(t, http.StatusBadRequest, s.get("/admin/trials?"+q).status, q)
		require.Equal(t, http.StatusBadRequest, s.get("/admin/trials.csv?"+q).status, q)
	}
}

func TestTrialsAsAFile(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	dash := s.world.States["vendor-001"]
	dash.VendorID = "-1"
	s.world.States["-1"] = dash
	a := s.get("/admin/trials.csv?status=active")
	require.Equal(t, `attachment; filename="trials-20260314-1020.csv"`, a.header.Get("Content-Disposition"))
	require.Equal(t, "text/csv; charset=utf-8; header=present", a.header.Get("Content-Type"))
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, "vendor,status,cohort,automated,policy,revision,started,ends,graceEnds,next,nextAt,heldBy,converted,experiment,arm", strings.Join(rows[0], ","))
	require.Equal(t, "'-1", rows[1][0], "no formula")
	require.Greater(t, len(rows), 40)
	for _, row := range rows[2:] {
		require.Equal(t, "active", row[1])
	}
	require.NotContains(t, a.body, "Azul")
	require.Equal(t, http.StatusServiceUnavailable, signedIn(t, sample.Broken()).get("/admin/trials.csv").status)
}

// manyTrials is a store with that many trials, read part by part.
type manyTrials struct {
	*sample.World
	count int
}

func (m manyTrials) Trials(_ context.Context, _ trial.Filter, after string, limit int) (page []trial.State, next string, err error) {
	from := 0
	if _, err := fmt.Sscanf(after, "v-%d", &from); after != "" && err != nil {
		return nil, "", fmt.Errorf("reading where to go on: %w", err)
	}
	for n := from + 1; n <= m.count && len(page) < limit; n++ {
		page = append(page, trial.State{VendorID: fmt.Sprintf("v-%05d", n), Status: trial.Cancelled, CancelledAt: &sample.Now})
	}
	if last := from + len(page); last < m.count {
		next = fmt.Sprintf("v-%05d", last)
	}
	return page, next, nil
}

// A file that is not whole says so.
func TestALongFileSaysThatItIsCutOff(t *testing.T) {
	t.Parallel()
	w := sample.Empty()
	s := signedIn(t, w, func(o *dashboard.Options) { o.Store = manyTrials{World: w, count: 50_001} })
	lines := strings.Split(strings.TrimSpace(s.get("/admin/trials.csv").body), "\n")
	require.Len(t, lines, 50_002)
	require.Contains(t, lines[50_001], "cut off after 50000 trials; the rest begins after v-50000")
	rest := s.get("/admin/trials.csv?after=v-50000").body
	require.NotContains(t, rest, "cut off")
	require.Contains(t, rest, "v-50001,cancelled")
}
