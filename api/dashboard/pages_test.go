package dashboard_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/sample"
)

var (
	inline  = regexp.MustCompile(`(?i)\sstyle=|<style|<script(?:>| [^>]*[^r]>)|\son[a-z]+=|javascript:`)
	address = regexp.MustCompile(`(?:href|src|action|hx-get)="([^"]*)"`)
)

// Nothing in a page is run, and nothing comes from elsewhere, so that the policy
// needs no exception.
func TestPagesKeepToTheirPolicy(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	for _, path := range append([]string{"/admin/assets/dashboard.css"}, everyPage...) {
		a := s.get(path)
		policy := a.header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'", path)
		require.NotContains(t, policy, "unsafe", path)
		require.NotContains(t, policy, "http", path)
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
		require.Empty(t, inline.FindAllString(a.body, -1), path)
		for _, found := range address.FindAllStringSubmatch(a.body, -1) {
			require.True(t, strings.HasPrefix(found[1], "/admin/") || strings.HasPrefix(found[1], "#"), "%s leads to %s", path, found[1])
		}
	}
	for _, file := range []string{"dashboard.css", "live.js", "icon.svg", "htmx/htmx.min.js"} {
		require.Equal(t, http.StatusOK, s.get("/admin/assets/"+file).status, file)
	}
	require.Equal(t, "no-store", s.get("/admin/").header.Get("Cache-Control"))
}

func TestTheOverviewSaysWhatIsWrongFirst(t *testing.T) {
	t.Parallel()
	a := signedIn(t, sample.Busy()).get("/admin/")
	require.Equal(t, http.StatusOK, a.status)
	text := a.text()
	inOrder(t, text, "What is wrong", "Wrong Alert workerAway: A worker is missing", "1 of 2 workers poll for work.", "What to do: Restart it",
		"Automation is on for 25 % of new vendors", "(28 hours from now)", "expansion 25 here since", "Pause …", "FAIL E-mails delivered 87.5 % of 104",
		"INSUFFICIENT Ended trials that converted", "no phase waits for it", "it would roll back one phase",
		"Note mail: degraded", "(50 minutes ago)", "Note Advice for worker worker-2", "CPU at 78.0 %",
		"Note Alert emailDeliveryFailed: E-mails are not delivered", "Note Alert emailDeliveryRateLow", "Acknowledged by admin: One provider defers", "misses its target",
		"Conversion rate, control 27.4 %", "246 of 898", "24.6 % to 30.4 %", "E-mail delivery rate, automated 91.5 %", "8 pending")
	require.Contains(t, a.body, `aria-current="step"`)
	require.Equal(t, 4, strings.Count(a.body, "<svg xmlns"), "plots")
}

// Three people's questions, on one screen.
func TestWhyARolloutWaits(t *testing.T) {
	t.Parallel()
	w := sample.Busy()
	s := signedIn(t, w)
	inOrder(t, s.get("/admin/").text(), "Why does it wait? The phase lasts 2 days at least", "Until when?", "2026 14:20 UTC; if what fails now still fails then, it pauses for a decision. (28 hours from now)",
		"What would make it go on to 50 % (phase 4 of 6)?", "the time until then must pass", "E-mails delivered: 87.5 % of 104 e-mails were delivered", "0 % validation done")
	w.Rollout = append(w.Rollout, rollout.Event{Seq: len(w.Rollout) + 1, At: sample.Now, Type: rollout.EventPaused, By: "ada", Cause: rollout.PausedByAdmin, Reason: "Paused: lunch"})
	inOrder(t, s.get("/admin/").text(), "Why does it wait? Paused: lunch.", "Until when? waits for a person", "Until a person decides; there is no date.", "resume it")
	w.Rollout = append(w.Rollout, rollout.Event{Seq: len(w.Rollout) + 1, At: sample.Now, Type: rollout.EventRolledBack, By: "ada", Remedy: rollout.Immediate,
		Enabled: new(false), Percentage: new(0.0), Reason: "Rolled back completely: errors"})
	require.NotContains(t, s.get("/admin/").text(), "Why does it wait?")
}

// Whatever a rollout waits for, both pages answer the same three questions, one after the other.
func TestEachWaitingRolloutIsAnswered(t *testing.T) {
	t.Parallel()
	const over, figures, noDate, byPerson = "Its time was over on ", "the figures do not show yet that the next step is safe.", "No date is set: it goes on by itself as soon as what is missing is there", "waits for a person Until a person decides; there is no date."
	answers := map[string][3]string{
		"announced":          {"Stakeholders were notified of the rollout, and have 1 day to object.", "14 March 2026 22:20 UTC at the earliest. (12 hours from now)", "0 % (phase 1 of 6)? Nothing but time: it goes on by itself."},
		"preflight":          {over + "13 March 2026 22:20 UTC, and a preflight check is open.", noDate + "; if it is still missing on 15 March 2026 22:20 UTC, the rollout pauses for a decision. (36 hours from now)", "10 % (phase 2 of 6)? backup: must pass or be waived: no backup is on record"},
		"in-phase":           {"The phase lasts 2 days at least, so that something is seen of 10 %", "15 March 2026 10:20 UTC at the earliest. (24 hours from now)", "25 % (phase 3 of 6)? Nothing but time"},
		"unwatched":          {"The phase lasts 2 days at least", "15 March 2026 10:20 UTC at the earliest. (22 hours from now)", "the rollout must be watched again: it was judged last on 14 March 2026 10:20 UTC"},
		"too-few":            {over + "13 March 2026 22:20 UTC, and " + figures, noDate + "; if it is still missing on 17 March", "E-mails delivered: no data in this phase; one delivered e-mail is needed"},
		"no-data":            {figures, noDate + "; if it is still missing on 15 March", "one delivered e-mail is needed"},
		"delayed":            {figures, noDate + ".", "it needs 3 more vendor days with e-mail without a failure, which takes about 3.8 days at the rate of this phase"},
		"canary":             {over + "13 March 2026 10:20 UTC, and a canary has found something broken.", noDate + ".", "25 % (phase 3 of 6)? a canary must be well again: the mail service does not accept the e-mail welcome"},
		"for-a-person":       {"nobody has ticked yet what the plan wants a person to judge.", "waits for a person Until a person ticks it; there is no date.", "User feedback positive: a person must judge it Judge …"},
		"no-data-paused":     {"Paused: 3 times the phase's time has passed without any data. E-mails delivered: no data in this phase", byPerson, "find the cause of what is said under “Why”, and mend it"},
		"paused-by-gate":     {"Paused at the gate. E-mails delivered: 67 % of the e-mails were delivered, at least 95 % must", byPerson, "then resume it, which begins the phase anew; or advance it, whatever the figures say"},
		"paused-by-person":   {"Paused: Support wants to read the first answers.", byPerson, "resume it: of the time of phase 2 of 6, limited (10 %) 1.0 days are left then"},
		"percentage-by-hand": {"Holding at 5 %, set by hand: Half is enough for now.", byPerson, "10 % (phase 2 of 6)? resume it: it then begins the phase that fits the percentage"},
		"outage":             {"Paused: the mail service accepts no e-mail at all", "Until e-mail works again; there is no date.", "the rollout then resumes by itself"},
		"shared-fate":        {"a rollback would not help.", byPerson, "find out from the API's health and log why calls fail"},
		"rolled-back-once":   {"The phase lasts 2 days at least", "16 March 2026 03:20 UTC; if what fails now still fails then, it pauses for a decision.", "the time until then must pass"},
		"guard":              {"The last vendors' trials are not over", "24 March 2026 10:20 UTC at the earliest. (10 days from now)", "the end of the rollout? Nothing but time"},
	}
	for name, world := range sample.Rollouts() {
		s := signedIn(t, world())
		for _, path := range []string{"/admin/", "/admin/evidence"} {
			text := s.get(path).text()
			if a, waits := answers[name]; waits {
				inOrder(t, text, "The rollout ", "Why does it wait? ", a[0], "Until when? ", a[1], "What would make it go on to ", a[2])
				continue
			}
			require.NotContains(t, text, "Why does it wait?", name)
		}
		delete(answers, name)
	}
	require.Empty(t, answers)
}

// Why a rollout was rolled back stays on the page, whatever it waits for since.
func TestARollbackKeepsItsReason(t *testing.T) {
	t.Parallel()
	worlds := sample.Rollouts()
	once := signedIn(t, worlds["rolled-back-once"]()).get("/admin/").text()
	inOrder(t, once, "The rollout is at 10 %", "Rolled back from 25 % to 10 %: 62 % of the e-mails were delivered", "what was known", "Why does it wait?")
	off := signedIn(t, worlds["switched-off"]()).get("/admin/").text()
	inOrder(t, off, "Wrong The rollout was rolled back", "69 % of the automated steps failed", "Automation is disabled", "69 % of the automated steps failed")
}

// The evidence is drawn, with its axes and units, and stands beside it as numbers.
func TestTheEvidenceIsDrawn(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	a := s.get("/admin/evidence")
	require.Equal(t, http.StatusOK, a.status)
	inOrder(t, a.text(), "Why does it wait?", "Pause …", "What the next stage needs", "E-mails delivered", "FAIL 87.5 % of 104 e-mails",
		"evidence, a ratio (log scale)", "time (UTC)", "odds of a break, a ratio (log scale)", "rate, in %", "As numbers", "25 % 104 88 % (80 % to 93 %) 95 % 24 of 20 – FAIL",
		"What would roll it back", "Automated steps that failed", "nothing seen", "below 0.01 of 100",
		"Conversion by age of the trial", "age of the trial, in days", "difference, in points", "Automated (95 % interval)")
	require.Contains(t, a.body, `aria-label="Evidence against health over time, now 24; at 20 it acts."`)
	require.Contains(t, a.body, `aria-label="Rate over time, now 88 % (80 % to 93 %); the limit is 95 %."`)
	require.NotContains(t, a.body, "NaN")
	require.NotContains(t, a.body, "Inf")
	require.NotContains(t, a.body, ` style="`, "the content security policy allows none")
	svg := regexp.MustCompile(`(?s)<svg xmlns.*?</svg>`)
	for _, picture := range svg.FindAllString(a.body, -1) {
		require.NoError(t, xml.Unmarshal([]byte(picture), new(struct{})))
		require.Contains(t, picture, "chart-axis")
	}
	require.Len(t, svg.FindAllString(a.body, -1), 2*9+3+2, "evidence and rate of each, odds of the gates that weigh them, conversion")
	require.Less(t, len(a.body), 400_000)
}

func TestTheEvidencePageWithoutEvidence(t *testing.T) {
	t.Parallel()
	inOrder(t, signedIn(t, sample.Empty()).get("/admin/evidence").text(), "There was no rollout yet", "Conversion by age of the trial No trial is a day old yet.")
	require.Equal(t, http.StatusServiceUnavailable, signedIn(t, sample.Broken()).get("/admin/evidence").status)
	w := sample.Busy()
	w.Judged, w.Series = nil, rollout.TimeSeries{}
	a := signedIn(t, w, func(o *dashboard.Options) { o.Figures = nil }).get("/admin/evidence")
	inOrder(t, a.text(), "Why does it wait?", "There is no judgement yet", "Conversion by age of the trial Not measured.")
	w = sample.Busy()
	w.Series = rollout.TimeSeries{}
	inOrder(t, signedIn(t, w).get("/admin/evidence").text(), "E-mails delivered", "Nothing was judged over time yet.")
	w.Series.Add(*w.Judged)
	require.Equal(t, http.StatusOK, signedIn(t, w).get("/admin/evidence").status, "one point is drawn too")
}

func inOrder(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		_, after, found := strings.Cut(text, part)
		require.True(t, found, "%q is not in, or comes too early: %s", part, text)
		text = after
	}
}

func TestAFigureOfTooFewIsNotJudged(t *testing.T) {
	t.Parallel()
	w := sample.Empty()
	w.Figures = monitoring.Make(monitoring.ReportFacts{Now: sample.Now, Day: 24 * time.Hour, Policy: trial.DefaultPolicy(), Tally: monitoring.Tally{
		{Period: monitoring.DayOf(sample.Now, 24*time.Hour), Cohort: trial.Automated, Name: monitoring.MailDelivered}: 2,
		{Period: monitoring.DayOf(sample.Now, 24*time.Hour), Cohort: trial.Automated, Name: monitoring.MailBounced}:   1,
	}})
	text := signedIn(t, w).get("/admin/").text()
	inOrder(t, text, "E-mail delivery rate", "too few to judge (3 of 20)", "a rate takes at least 20", "2 of 3", "Automation success rate", "nothing seen")
	require.NotContains(t, text, "below its floor", "3 e-mails say nothing")
	require.NotContains(t, text, "66.7 %")
	require.Contains(t, text, "Nothing is known to be wrong.")
}

// A week with six adopted vendors shows their steps beside their e-mails, and takes them for no control vendors.
func TestAdoptedVendorsAreShownByThemselves(t *testing.T) {
	t.Parallel()
	w := sample.Empty()
	today, a := monitoring.DayOf(sample.Now, 24*time.Hour), trial.Adopted
	w.Figures = monitoring.Make(monitoring.ReportFacts{Now: sample.Now, Day: 24 * time.Hour, Policy: trial.DefaultPolicy(), Tally: monitoring.Tally{
		{Period: monitoring.Current, Cohort: a, Name: monitoring.Running(trial.Active)}: 6,
		{Period: today, Cohort: a, Name: monitoring.MailDelivered}:                      36,
		{Period: today, Cohort: a, Name: monitoring.StepsDone}:                          36,
		{Period: today, Cohort: trial.Automated, Name: monitoring.MailDelivered}:        4,
	}})
	text := signedIn(t, w).get("/admin/").text()
	inOrder(t, text, "E-mail delivery rate, adopted 100 %", "36 of 36", "Automation success rate, adopted 100 %", "36 of 36",
		"E-mails a day delivered: 40", "delivered, adopted later: 36", "Steps a day done: 36", "done, adopted later: 36",
		"to adopted vendors", "delivered reported delivered 40 36", "all 40 36", "Status automated control adopted active 0 0 6")
	require.NotContains(t, signedIn(t, sample.Busy()).get("/admin/").text(), "adopted later", "nobody was adopted")
}

// While the expiry is held only conversions end trials: all of those that ended converted.
func TestTheConversionRateIsOfTrialsThatCouldHaveEnded(t *testing.T) {
	t.Parallel()
	w := sample.Empty()
	began := monitoring.DayOf(sample.Now.AddDate(0, 0, -20), 24*time.Hour)
	w.Figures = monitoring.Make(monitoring.ReportFacts{Now: sample.Now, Day: 24 * time.Hour, Policy: trial.DefaultPolicy(), Tally: monitoring.Tally{
		{Period: began, Cohort: trial.Automated, Name: monitoring.Began}:          40,
		{Period: began, Cohort: trial.Automated, Name: monitoring.BeganConverted}: 10,
		{Period: began, Cohort: trial.Control, Name: monitoring.Began}:            3,
		{Period: began, Cohort: trial.Control, Name: monitoring.BeganConverted}:   3,
	}})
	text := signedIn(t, w).get("/admin/").text()
	inOrder(t, text, "Conversion rate, automated 25 %", "10 of 40, 30 of them still run",
		"Conversion rate, control too few to judge (3 of 30)", "a rate takes at least 30", "3 of 3")
	require.NotContains(t, text, "100 %")
}

func TestAnEmptyWorld(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Empty())
	text := s.get("/admin/").text()
	for _, part := range []string{"Nothing is known to be wrong.", "There was no rollout yet.", "nothing seen", "No e-mail was sent.", "on for 0 %"} {
		require.Contains(t, text, part)
	}
	require.Contains(t, s.get("/admin/trials").text(), "There are no trials yet.")
	require.Contains(t, s.get("/admin/decisions").text(), "There was no rollout yet")
	a := s.get("/admin/rollout/pause")
	require.Equal(t, http.StatusNotFound, a.status)
	require.Contains(t, a.text(), "there was no rollout yet")
}

func TestWhatARolloutRisks(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Empty())
	require.Contains(t, s.get("/admin/").body, `<a href="/admin/rollout/forecast">`)
	a := s.get("/admin/rollout/forecast")
	require.Equal(t, http.StatusOK, a.status)
	inOrder(t, a.text(), "What a rollout risks", "were e-mail broken from the first vendor on", "Phase", "Vendors if e-mail is broken", "validation, 0 %",
		"limited, 10 % 10 2 4/4/3/- ", "limited, 10 % 24* 4.8 3/3/3/- ", "full, 100 % 50 50 ", "* The rate of the last four weeks", "Simulated in up to")
	require.Regexp(t, `limited, 10 % 30 6 3/3/3/- \S.* % \d+ \(\d+\) \d+ \(\d+\) \d+ \(\d+\)`, a.text())
	require.Equal(t, 1+5*4, strings.Count(a.body, `<th scope="row"`))

	a = signedIn(t, sample.Broken()).get("/admin/rollout/forecast")
	require.Equal(t, http.StatusServiceUnavailable, a.status)
}

// With the database away every page comes, says so once, and shows no nought.
func TestWithTheDatabaseAway(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Broken())
	a := s.get("/admin/")
	require.Equal(t, http.StatusOK, a.status)
	text := a.text()
	require.Equal(t, 1, strings.Count(text, "The database does not answer"))
	inOrder(t, text, "The database does not answer", "What to do:", "Rollout Not known", "Figures against their targets Not known", "Alerts Not known", "unhealthy mongodb")
	for _, lie := range []string{"no rollout yet", "0 %", "Nothing is known to be wrong", "None."} {
		require.NotContains(t, text, lie)
	}
	for _, path := range []string{"/admin/trials", "/admin/trials?id=vendor-013", "/admin/trials/vendor-013", "/admin/decisions", "/admin/rollout/pause",
		"/admin/bulk", "/admin/bulk/bulk-20260312-102000-5f3a11c0", "/admin/bulk/bulk-20260312-102000-5f3a11c0/items", "/admin/alerts/workerAway", "/admin/alerts/workerAway/silence"} {
		a := s.get(path)
		require.Equal(t, http.StatusServiceUnavailable, a.status, path)
		require.Contains(t, a.text(), "The database does not answer", path)
	}
	s.world.Err = errors.New("secret words of the driver")
	a = s.get("/admin/")
	require.NotContains(t, a.body, "secret words")
	require.Contains(t, a.text(), "What is missing: the flags.")
}

// A database that does not even refuse holds the page up for no more than a moment.
func TestWithTheDatabaseSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := signedIn(t, sample.Busy())
		s.world.Waits = true
		asked := time.Now()
		text := s.get("/admin/").text()
		require.LessOrEqual(t, time.Since(asked), 5*time.Second)
		inOrder(t, text, "The database takes too long", "Not read in time: the alerts, the figures, the flags, the rollout.", "Rollout Not known")
	})
}

func TestWhatHasNoSourceIsNotMeasured(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Empty(), func(o *dashboard.Options) { o.Figures, o.Health, o.Alerts = nil, nil, nil })
	text := s.get("/admin/").text()
	inOrder(t, text, "Not measured here: health of the parts; alerts; figures;", "Figures against their targets Not measured.", "Alerts Not measured.", "Health Not measured.")
}

func TestPausesAndRollbacksAreShown(t *testing.T) {
	t.Parallel()
	w := sample.Busy()
	event := func(e rollout.Event) {
		e.Seq, e.At = len(w.Rollout)+1, sample.Now.Add(-time.Hour)
		w.Rollout = append(w.Rollout, e)
	}
	s := signedIn(t, w)
	require.NotContains(t, s.get("/admin/").text(), "Nobody watches")
	require.NotContains(t, s.get("/admin/").text(), "takes longer than planned")
	event(rollout.Event{Type: rollout.EventDelayed, Reason: "Still at 25 %"})
	inOrder(t, s.get("/admin/").text(), "Pause …", "The rollout takes longer than planned", "If what it waits for cannot come")
	event(rollout.Event{Type: rollout.EventPaused, Cause: rollout.PausedByGate, Reason: "Paused: email: too few e-mails arrived <b>now</b>"})
	a := s.get("/admin/")
	inOrder(t, a.text(), "Wrong The rollout is paused", "too few e-mails arrived <b>now</b>", "Since", "(60 minutes ago)", "Resume …")
	require.NotContains(t, a.body, "<b>now</b>", "what people write is shown as they wrote it")
	require.NotContains(t, a.text(), "Pause …")

	event(rollout.Event{Type: rollout.EventRolledBack, Remedy: rollout.Immediate, Enabled: new(false), Percentage: new(0.0), Reason: "Rolled back completely: errors"})
	w.Document.FeatureFlags.TrialAutomation.Enabled = false
	text := s.get("/admin/").text()
	inOrder(t, text, "Automation is disabled", "rolled back", "Rolled back completely: errors.", "what was known", "rolled back here", "not reached", "Note The rollout was rolled back", "--restart-of")
	for _, control := range []string{"Pause …", "Resume …", "Advance …", "Roll back …"} {
		require.NotContains(t, text, control)
	}

	w.Judged.At = sample.Now.Add(-5 * time.Hour)
	w.Rollout = w.Rollout[:len(w.Rollout)-3]
	require.Contains(t, s.get("/admin/").text(), "Nobody watches the rollout")
}

func TestDecisionsSayWhy(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	inOrder(t, s.get("/admin/decisions").text(), "8 2026-03-13", "entered 25 %", "all gates pass", "What was known", "gate email", "QUIET trigger",
		"Resumed: nothing unusual was found", "waived admin the managed database", "Checks", "INSUFFICIENT backup", "started with plan default")

	for len(s.world.Rollout) < 130 {
		s.world.Rollout = append(s.world.Rollout, rollout.Event{Seq: len(s.world.Rollout) + 1, Type: rollout.EventUpdate, At: sample.Now, By: "rollout", Reason: "daily"})
	}
	a := s.get("/admin/decisions")
	require.Contains(t, a.text(), "30 earlier decisions are in the API")
	require.Contains(t, a.body, `id="decision-130"`)
	require.NotContains(t, a.body, `id="decision-30"`)
	require.Contains(t, a.body, `id="decision-31"`)
}

func TestTheListOfTrials(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	first := s.get("/admin/trials")
	require.Equal(t, 50, strings.Count(first.body, `<tr id="trial-`))
	require.Contains(t, first.body, `href="/admin/trials?after=vendor-050"`)
	second := s.get("/admin/trials?after=vendor-050")
	require.Equal(t, 10, strings.Count(second.body, `<tr id="trial-`))
	require.NotContains(t, second.text(), "Next page")
	require.Contains(t, second.text(), "First page")

	grace := s.get("/admin/trials?status=grace&cohort=automated")
	shown := strings.Count(grace.body, `<tr id="trial-`)
	want := 0
	for _, state := range s.world.States {
		if state.Status == trial.Grace && state.Cohort == trial.Automated {
			want++
			require.Contains(t, grace.body, `id="trial-`+state.VendorID+`"`)
		}
	}
	require.Positive(t, want)
	require.Equal(t, want, shown)
	require.Contains(t, s.get("/admin/trials?held=yes").text(), "No trial is like that.")
	require.Contains(t, s.get("/admin/trials?cohort=adopted").text(), "No trial is like that.")
	for _, wrong := range []string{"status=odd", "cohort=odd", "after=%2F"} {
		require.Equal(t, http.StatusBadRequest, s.get("/admin/trials?"+wrong).status, wrong)
	}
}

func TestFindingATrial(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	a := s.get("/admin/trials?id=vendor-013")
	require.Equal(t, http.StatusSeeOther, a.status)
	require.Equal(t, "/admin/trials/vendor-013", a.header.Get("Location"))
	a = s.get("/admin/trials?id=nobody")
	require.Equal(t, http.StatusNotFound, a.status)
	require.Contains(t, a.text(), `There is no vendor "nobody".`)
	a = s.get("/admin/trials?id=%3Cscript%3E")
	require.Equal(t, http.StatusBadRequest, a.status)
	require.NotContains(t, a.body, "<script>")
	require.Equal(t, http.StatusNotFound, s.get("/admin/trials/nobody").status)
	require.Equal(t, http.StatusNotFound, s.get("/admin/trials/not.an.id").status)
}

func TestATrialSaysWhatWasDoneAndWhy(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy(), func(o *dashboard.Options) {
		o.WorkflowURL = func(id string) string { return "http://ui.example/" + id }
	})
	a := s.get("/admin/trials/vendor-013")
	inOrder(t, a.text(), "Trial of vendor-013", "What comes next", "reminder-1d 2026-03-15 09:00:00 UTC (22 hours from now) Sun 2026-03-15 09:00 WET",
		"What happened, and why", "reminder-3d done, e-mail sent", "due", `"automationEnabled": true`, "trial started, automated cohort", "E-mails", "reminder-3d as it was sent Send again … sent delivery")
	require.Contains(t, a.body, `href="http://ui.example/trial-vendor-013"`)
	require.NotContains(t, a.text(), "Feedback", "it has not answered")
	s.world.Answers["vendor-013"] = map[string]feedback.Answer{
		"welcome": {Kind: "welcome", Helpful: true, At: sample.Now}, "reminder-3d": {Kind: "reminder-3d", Text: "Too\n<b>late</b>", At: sample.Now},
	}
	a = s.get("/admin/trials/vendor-013")
	inOrder(t, a.text(), "E-mails", "Feedback", "reminder-3d no 2026-03-14 10:20:00 UTC (now) Too", "welcome yes", "nothing")
	require.Contains(t, a.body, "Too\n&lt;b&gt;late&lt;/b&gt;</td>")

	v := s.world.VendorsByID["vendor-013"]
	v.ID = "fresh"
	s.world.VendorsByID["fresh"] = v
	require.Contains(t, s.get("/admin/trials/fresh").text(), "its workflow has not begun yet")
	v.ID, v.Automation = "unknown", nil
	s.world.VendorsByID["unknown"] = v
	require.Contains(t, s.get("/admin/trials/unknown").text(), "This vendor has no trial yet.")
}

// Every event that a trial can have is put into words.
func TestEventsInWords(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	const id = "vendor-013"
	ends := sample.Now.Add(72 * time.Hour)
	for _, e := range []trial.Event{
		{Type: trial.EventExtended, EndsAt: &ends, Request: &trial.Request{By: "admin", Reason: "asked for more"}},
		{Type: trial.EventHeld, Step: &trial.Step{Kind: trial.Expiry}, Decision: &trial.Decision{Action: trial.Hold, Reason: trial.ReasonExpirationOff}},
		{Type: trial.EventCancelled, Request: &trial.Request{By: "admin"}},
		{Type: trial.EventConverted, Late: true, Request: &trial.Request{By: "billing"}},
		{Type: trial.EventAdopted},
	} {
		e.Seq, e.At = len(s.world.History[id])+1, sample.Now
		s.world.History[id] = append(s.world.History[id], e)
	}
	inOrder(t, s.get("/admin/trials/"+id).text(), "adopted", "converted, after the trial was over", "asked for by billing", "cancelled",
		"expiry held", "auto expiration off", fmt.Sprintf("extended, ends %s", ends.Format("2006-01-02 15:04:05 UTC")), "asked for more (admin)")
}
