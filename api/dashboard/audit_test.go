package dashboard_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/test/sample"
)

// row is what one entry's row says, and its markup.
func (a answer) row(t *testing.T, seq string) answer {
	t.Helper()
	_, row, found := strings.Cut(a.body, `<tr id="entry-`+seq+`"`)
	require.True(t, found, "entry %s is not on the page", seq)
	row, _, _ = strings.Cut(row, "</tr>")
	return answer{body: "<tr" + row}
}

func TestTheAuditRecordIsReadable(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	a := s.get("/admin/audit")
	require.Equal(t, http.StatusOK, a.status)
	require.Contains(t, a.body, `href="/admin/audit" aria-current="page"`)
	inOrder(t, a.text(), "42 2026-03-14 10:19:52 UTC", "41 2026-03-14 10:11:00 UTC", "25 2026-03-08 08:20:00 UTC")

	failed := a.row(t, "41")
	inOrder(t, failed.text(), "41 2026-03-14 10:11:00 UTC (8 minutes ago)", "support-ines operator", "Extend trial", "trials/vendor-013",
		"failed settles 40", "The workflow could not be reached: try again under the same Idempotency-Key.", "They asked for three days more", "Details request SAMPLEREQUESTOFNUMBER00040", "Asked for: days 3",
		"Before: endsAt 2026-03-16 07:20:00 UTC, revision 0, status active How it was afterwards is not in this entry.",
		"Action extendTrial; all entries about trials/vendor-013", "Hash "+s.world.Record[40].Hash, "Hash of the entry before "+s.world.Record[39].Hash)
	require.Contains(t, failed.body, `href="/admin/trials/vendor-013"`)
	require.Contains(t, failed.body, `href="#entry-40"`)
	inOrder(t, a.row(t, "40").text(), "pending settled by 41", "as 41 says")

	flags := a.row(t, "34").text()
	inOrder(t, flags, "admin", "Patch feature flags", "feature-flags", "done settles 33", "no reason given", "Asked for: featureFlags.monitoring.alerting true",
		"Changed: monitoring.alerting from false to true", "Unchanged: monitoring.enabled true, trialAutomation.enabled true")
	require.NotContains(t, flags, "admin admin")
	entered := a.row(t, "32")
	inOrder(t, entered.text(), "rollout the system itself", "Rollout: entered", "Entered phase 3 of 6", "Changed: percentage from 10 to 25", "Changed: stage.phase from 1 to 2")
	require.Contains(t, entered.body, `href="/admin/decisions"`)
	require.Contains(t, a.row(t, "39").body, `href="/admin/alerts/emailDeliveryRateLow"`)
	inOrder(t, a.row(t, "36").text(), "refused settles 35", "The trial is active: only an expired trial can be revived.")
}

// An entry that was about to be tried says what is known of what became of it.
func TestWhatBecameOfWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	a := s.get("/admin/audit")
	require.Contains(t, a.row(t, "42").text(), "pending just asked for")
	inOrder(t, a.row(t, "37").text(), "pending Nobody has noted what became of it. What to do: look at trials/vendor-007, and at the log of its request.")
	for _, query := range []string{"outcome=pending", "to=2026-03-14T10:00", "cursor=38"} {
		row := s.get("/admin/audit?"+query).row(t, "37")
		require.Contains(t, row.text(), "What became of it is in a later entry, if it was noted.", query)
		require.Contains(t, row.body, `href="/admin/audit?actor=support-ines&amp;action=cancelTrial&amp;subject=trials%2fvendor-007"`, query)
	}
	require.Contains(t, s.get("/admin/audit?outcome=done").row(t, "34").body, `href="/admin/audit?cursor=34#entry-33"`)

	s.world.Moment = s.world.Moment.Add(time.Minute)
	require.Contains(t, s.get("/admin/audit").row(t, "42").text(), "pending Nobody has noted what became of it.")
}

func TestTheAuditRecordIsNarrowedAndPaged(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	count := func(query string) int { return strings.Count(s.get("/admin/audit?"+query).body, `<tr id="entry-`) }
	for query, want := range map[string]int{
		"": 42, "actor=&action=&subject=&outcome=&from=&to=": 42, "actor=admin": 9, "action=extendTrial": 26, "subject=trials%2Fvendor-013": 4, "subject=trials": 29,
		"outcome=refused": 1, "from=2026-03-14T10:11": 3, "from=2026-03-14T10:11:00.001Z": 2, "from=2026-03-14T11:11:00%2B01:00": 3, "to=2026-03-07T10:20:00": 0, "to=2026-03-07T10:20:01": 2, "cursor=5": 4,
	} {
		require.Equal(t, want, count(query), query)
	}
	for i := range 20 {
		s.world.Note(0, audit.Entry{Actor: "ada", Action: "rollout/daily-update", Subject: "rollouts/r", Outcome: audit.Done, Settles: i})
	}
	first := s.get("/admin/audit?from=2026-03-01T00:00")
	require.Contains(t, first.body, `<a href="/admin/audit?cursor=13&amp;from=2026-03-01T00%3A00">Older entries →</a>`)
	require.NotContains(t, first.text(), "Latest entries")
	require.Contains(t, first.body, `hx-get="/admin/audit?from=2026-03-01T00:00"`)
	second := s.get("/admin/audit?cursor=13&from=2026-03-01T00%3A00")
	require.Equal(t, 12, strings.Count(second.body, `<tr id="entry-`))
	require.NotContains(t, second.text(), "Older entries")
	require.Contains(t, second.body, `<a href="/admin/audit?from=2026-03-01T00%3A00">← Latest entries</a>`)
	require.NotContains(t, second.body, "hx-get", "it stays as it is")

	for query, says := range map[string]string{
		"from=today": "From must be a moment in UTC", "to=2026-03-10": "Before must be a moment in UTC", "outcome=good": "There is no such outcome.", "cursor=0": "This is not a page's address.",
		"cursor=x": "This is not a page's address.", "cursor=-1": "This is not a page's address.", "cursor=99999999999999999999": "This is not a page's address.",
		"actor=" + strings.Repeat("a", 257): "at most 256 characters", "subject=%ff": "at most 256 characters", "from=2026-03-10T10:00&to=2026-03-10T10:00": "Nothing is between these",
	} {
		a := s.get("/admin/audit?" + query)
		require.Equal(t, http.StatusBadRequest, a.status, query)
		require.Contains(t, a.text(), says, query)
		require.NotContains(t, a.body, "<tr id=")
	}
	kept := s.get("/admin/audit?" + url.Values{"actor": {`"><script>`}, "outcome": {"refused"}, "from": {"2026-03-14T10:20:30.5Z"}}.Encode())
	require.Contains(t, kept.body, `value="&#34;&gt;&lt;script&gt;"`)
	require.Contains(t, kept.body, `<option selected>refused`)
	require.Contains(t, kept.body, `value="2026-03-14T10:20:30.5"`)
	require.Contains(t, kept.text(), `Only: who "><script>, outcome refused, from 2026-03-14 10:20:30.5 UTC. Show all`)
	require.Contains(t, kept.text(), "Nothing like that is on record.")
	require.Contains(t, s.get("/admin/audit?cursor=1").text(), "There is nothing older.")
}

// The page says what it has checked, and no more.
func TestThePageSaysHowFarTheChainWasChecked(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	a := s.get("/admin/audit")
	inOrder(t, a.text(), "The hashes of entries 1 to 42 fit what they say, and each entry follows the one before; none is missing. The whole chain", "checked by starter audit verify")
	require.Contains(t, s.get("/admin/audit?cursor=12").text(), "The hashes of entries 1 to 11 fit")
	require.Contains(t, s.get("/admin/audit?actor=admin").text(), "The hash of each entry shown fits what it says. Others in between are not shown here")
	require.Contains(t, s.get("/admin/audit?outcome=refused").text(), "The hash of entry 36 fits what it says.")

	for name, c := range map[string]struct {
		tamper func([]audit.Entry) []audit.Entry
		path   string
		says   string
	}{
		"altered": {func(r []audit.Entry) []audit.Entry {
			r[33].Reason = "nothing"
			return r
		}, "/admin/audit?outcome=done", "The chain breaks at entry 34, which is altered: its contents do not match its hash."},
		"removed":                      {func(r []audit.Entry) []audit.Entry { return append(r[:19], r[20:]...) }, "/admin/audit", "The chain breaks at entry 20, which is missing: 19 is followed by 21."},
		"removed, and others between":  {func(r []audit.Entry) []audit.Entry { return append(r[:19], r[20:]...) }, "/admin/audit?subject=trials", ""},
		"tampered where nobody looked": {func(r []audit.Entry) []audit.Entry { r[40].Actor = "x"; return r }, "/admin/audit?cursor=30", ""},
	} {
		s.world.Record = c.tamper(sample.Busy().Record)
		a := s.get(c.path)
		require.Equal(t, http.StatusOK, a.status, name)
		if c.says == "" {
			require.NotContains(t, a.text(), "not whole", name)
			continue
		}
		inOrder(t, a.text(), "Wrong The audit record is not whole", c.says, "What to do: Do not rely on it", "starter audit verify", "settles 33")
		require.NotContains(t, a.text(), "fit what they say", name)
		require.NotContains(t, a.text(), "fits what it says", name)
	}
	s.world.Record = sample.Busy().Record
	s.world.Record[33].Reason = "nothing"
	require.Contains(t, s.get("/admin/audit").row(t, "34").text(), "34 altered")
	s.world.Record = sample.Busy().Record
	s.world.Record[40].After = `{"endsAt":`
	require.Contains(t, s.get("/admin/audit").row(t, "41").text(), "Before: endsAt 2026-03-16 07:20:00 UTC, revision 0, status active Afterwards: left out: is not JSON as it is stored", "what is no JSON keeps nothing else from being read")
}

func TestTheAuditPageWithNothingToShow(t *testing.T) {
	t.Parallel()
	text := signedIn(t, sample.Empty()).get("/admin/audit").text()
	require.Contains(t, text, "Nothing is on record yet")
	require.NotContains(t, text, "The whole chain", "nothing was checked")

	s := signedIn(t, sample.Broken())
	a := s.get("/admin/audit?actor=ada")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
	inOrder(t, a.text(), "Wrong The database does not answer", "The audit record cannot be shown. What an admin asks for cannot be put on record either, and so is not done", "What to do: See that MongoDB runs")
	require.NotContains(t, a.text(), "on record yet")
	require.NotContains(t, a.text(), "Nothing like that")
	require.Contains(t, a.body, `hx-get="/admin/audit?actor=ada"`, "it comes back by itself")
	require.Contains(t, a.body, `value="ada"`)

	s.world.Err = errors.New("secret words of the driver")
	a = s.get("/admin/audit?cursor=7")
	require.Equal(t, http.StatusInternalServerError, a.status)
	require.NotContains(t, a.body, "secret words")
	require.Contains(t, a.text(), "What is missing: the audit record.")
	require.Contains(t, a.body, "hx-get")
}

// A record that is read for too long is not asked for again and again.
func TestAnAuditRecordThatTakesTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := signedIn(t, sample.Busy())
		s.world.Waits = true
		a := s.get("/admin/audit?action=extendTrial")
		require.Equal(t, http.StatusServiceUnavailable, a.status)
		inOrder(t, a.text(), "Wrong The database takes too long", "was not read within 15s", "What to do:", "load this page again")
		require.NotContains(t, a.body, "hx-get")
	})
}

func TestATrialAndItsRolloutLeadToTheirEntries(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	require.Contains(t, s.get("/admin/trials/vendor-013").body, `href="/admin/audit?subject=trials/vendor-013"`)
	require.Contains(t, s.get("/admin/decisions").body, `href="/admin/audit?subject=rollouts/rollout-20260308-082000"`)
	require.Equal(t, 4, strings.Count(s.get("/admin/audit?subject=trials/vendor-013").body, `<tr id="entry-`))
}
