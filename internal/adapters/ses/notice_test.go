package ses

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// notices are four that differ in all they show, by the name of their golden files.
func notices() map[string]notice.Message {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	day := func(n float64) time.Time { return noon.Add(time.Duration(n * float64(24*time.Hour))) }
	plan := rollout.DefaultPlan()
	enter := func(at time.Time, kind rollout.StageKind, phase int) rollout.Event {
		return rollout.Event{Type: rollout.EventEntered, At: at, By: "rollout", Stage: &rollout.Stage{Kind: kind, Phase: phase},
			Enabled: new(true), Percentage: new(plan.Phases[phase].Percentage), Reason: "Entered " + string(kind) + "."}
	}
	events := []rollout.Event{
		rollout.Begin(rollout.Start{ID: "r1", Plan: plan, By: "admin", Times: evidence.Times{Day: 24 * time.Hour, TrialDays: 17}}, noon),
		enter(day(1), rollout.InPhase, 0), enter(day(3), rollout.InPhase, 1), enter(day(5), rollout.InPhase, 2),
	}
	bad, good := figures(true), figures(false)
	alarm := rollout.Event{Type: rollout.EventRolledBack, At: day(5.5), By: "rollout", Remedy: rollout.Immediate, Trigger: rollout.TriggerErrors,
		InFlight: flags.Keep, Enabled: new(false), Percentage: new(0.0), Judgement: &bad,
		Reason: "Rolled back completely: 31 % of the automated steps failed, at most 20 % may (of 58 vendor days with steps); chance alone would show this less than once in 100 rollouts."}
	last := enter(day(18), rollout.Guard, 5)
	last.Judgement = &good
	ticked := rollout.Event{Type: rollout.EventTicked, At: day(17), By: "admin", Subject: "feedback-positive",
		Tick: &rollout.Tick{Met: true, By: "admin", Reason: "12 of 14 answers were positive"}}
	all := slices.Concat(events, []rollout.Event{enter(day(10), rollout.InPhase, 5), enter(day(11), rollout.Stability, 5), ticked, last})
	return map[string]notice.Message{
		"announcement": noticeOf(events[:1]),
		"critical": withHistory(noticeOf(slices.Concat(events, []rollout.Event{alarm})).Addressed("https://trials.example.com", []notice.Stakeholder{
			{Role: notice.DevOps, Name: "Ana Lopes", Email: "ana@example.com", Phone: "+1 555 0100", OnCall: true},
		}), noon),
		"final-report": noticeOf(all),
		"weekly":       weekly(rollout.Fold(numbered(all))),
		"alert":        alertNotice(noon),
	}
}

// withHistory adds how the phase came to the alarm: e-mail passes after half a day, and steps fail in the end.
func withHistory(m notice.Message, noon time.Time) notice.Message {
	var series rollout.TimeSeries
	for n := range 31 {
		j := figures(n > 26)
		j.Snapshot, j.At, j.Position.StageSeq = n+1, noon.Add(time.Duration(72+2*n)*time.Hour), 4
		j.Gates[0].Seen, j.Gates[0].Estimate = 3*n, 0.95+0.022*float64(n)/30
		if n < 6 {
			j.Gates[0].Verdict = rollout.Insufficient
		}
		series.Add(j)
	}
	m.History = notice.HistoryOf(series)
	return m
}

// weekly is the report on the second week.
func weekly(s rollout.State) notice.Message {
	period := s.Periods()[7]
	week := make([]report.Facts, 7)
	var before report.Facts
	vendors := 0
	note := func(f *report.Facts, kind rollout.OutcomeKind, n int) {
		for range n {
			vendors++
			id := fmt.Sprintf("v%d", vendors)
			f.Outcomes = append(f.Outcomes, rollout.Outcome{Kind: kind, VendorID: id, Key: id})
		}
	}
	for i := range week {
		f := &week[i]
		f.Feedback = feedback.Tally{Answers: 6, Helpful: 4}
		f.Calls = rollout.Calls{Failed: i, Took: map[int]int{rollout.TookBucket(80 * time.Millisecond): 900, rollout.TookBucket(400 * time.Millisecond): 20}}
		for kind, n := range map[rollout.OutcomeKind]int{
			rollout.Admitted: 28 + i, rollout.Converted: 8, rollout.Expired: 20, rollout.MailSent: 65, rollout.MailDelivered: 58, rollout.MailFailed: i, rollout.StepDone: 70,
		} {
			note(f, kind, n)
		}
	}
	note(&week[3], rollout.Extended, 3)
	note(&before, rollout.Admitted, 120)
	note(&before, rollout.MailDelivered, 390)
	note(&before, rollout.MailFailed, 40)
	decisions := []rollout.Event{{Type: rollout.EventTicked, By: "admin", At: period.From.Add(time.Hour)}}
	made := report.Make(s, period, week, before, decisions, period.To.Add(time.Hour))
	made.Experiment = &report.Experiment{
		Name: "shorter-trial", Sentence: "Not yet. About 31 more days at this rate.",
		A: experiment.Figures{Policy: "standard-14d", Dealt: 310, Ripe: 96, Converted: 11, Share: 0.115, Low: 0.065, High: 0.194},
		B: experiment.Figures{Policy: "week", Dealt: 322},
	}
	return made.Message(s)
}

// alertNotice tells that the delivery rate is low.
func alertNotice(at time.Time) notice.Message {
	rules := monitoring.Rules()
	rule := rules[slices.IndexFunc(rules, func(r monitoring.Rule) bool { return r.ID == monitoring.EmailDeliveryRateLow })]
	_, fired := monitoring.Decide(rule, monitoring.NewAlert(rule.ID), monitoring.Observation{
		Value: new(88.0), Seen: 25, Text: "88.0 %: 22 of 25 e-mails of the last day with a known outcome were delivered",
	}, monitoring.Evaluation{At: at, Day: 24 * time.Hour, Alerting: true})
	return *monitoring.AlertMessage(rule, *fired)
}

func numbered(events []rollout.Event) []rollout.Event {
	for i := range events {
		events[i].Seq = i + 1
	}
	return events
}

func noticeOf(events []rollout.Event) notice.Message {
	return *notice.MessageFor(rollout.Fold(numbered(events)), events[len(events)-1])
}

// figures are a judgement in which all is well but what cannot be known yet, or
// in which steps fail.
func figures(failing bool) rollout.Judgement {
	decidable := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	j := rollout.Judgement{
		Triggers: []rollout.TriggerResult{
			{Trigger: rollout.TriggerEmail, Estimate: 0.972, Limit: 0.9, Seen: 212, Reason: "97 % of the e-mails were delivered, at least 90 % must be (of 212 vendor days with e-mail)"},
			{Trigger: rollout.TriggerErrors, Estimate: 0.012, Limit: 0.2, Seen: 240, Reason: "1.2 % of the automated steps failed, at most 20 % may (of 240 vendor days with steps)"},
			{Trigger: rollout.TriggerPerformance, Estimate: 0.041, Limit: 0.05, Seen: 9120, Reason: "4.1 % of the API calls took longer than 181ms, at most 5.0 % may (of 9120 calls)"},
			{Trigger: rollout.TriggerConversion, Estimate: 0.24, Limit: 0.1, Seen: 25, DecidableFrom: &decidable,
				Reason: "25 trials began long enough ago to have ended; a rate takes at least 30; no verdict is possible before 43 trials have ended, on 29 March 2026 12:00 UTC at the earliest"},
		},
		Gates: []rollout.GateResult{
			{Gate: rollout.GateEmail, Verdict: rollout.Pass, Estimate: 0.972, Limit: 0.95, Seen: 88, Reason: "97 % of the e-mails were delivered, at least 95 % must; sample: 88 vendors with e-mail"},
			{Gate: rollout.GateAutomation, Verdict: rollout.Pass, Estimate: 0.988, Limit: 0.95, Seen: 91, Reason: "99 % of the automated steps succeeded, at least 95 % must; sample: 91 vendors with steps"},
			{Gate: rollout.GateAPI, Verdict: rollout.Pass, Estimate: 0.002, Limit: 0.05, Seen: 4120, Reason: "0.2 % of the API calls took longer than 2 s, at most 5.0 % must; sample: 4120 calls"},
			{Gate: rollout.GateErrors, Verdict: rollout.Pass, Limit: 0.05, Seen: 4120, Reason: "0 % of the API calls failed, at most 5.0 % must; sample: 4120 calls"},
			{Gate: rollout.GateConversion, Verdict: rollout.Insufficient, Limit: 0.2, Reason: "too little data: 0 of 30 trials that began long enough ago"},
		},
	}
	if failing {
		j.Triggers[1].Firing, j.Triggers[1].Estimate, j.Triggers[1].Seen = true, 0.31, 58
		j.Triggers[1].Reason = "31 % of the automated steps failed, at most 20 % may (of 58 vendor days with steps); chance alone would show this less than once in 100 rollouts"
		j.Gates[1].Verdict, j.Gates[1].Estimate, j.Gates[1].Reason = rollout.Fail, 0.69, "69 % of the automated steps succeeded, at least 95 % must; sample: 41 vendors with steps"
	}
	return j
}

func TestNoticesAreAsTheyWereApproved(t *testing.T) {
	t.Parallel()
	for name, m := range notices() {
		r, err := RenderNotice(m)
		require.NoError(t, err)
		for suffix, got := range map[string]string{".txt": "Subject: " + r.Subject + "\n\n" + r.Text, ".html": r.HTML} {
			path := filepath.Join("testdata", "notice-"+name+suffix)
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(string(want), got), path)
		}
	}
}

// A mail client may block, and a reader may not want, anything from elsewhere.
func TestNoticesFetchNothing(t *testing.T) {
	t.Parallel()
	for name, m := range notices() {
		r, err := RenderNotice(m)
		require.NoError(t, err)
		html := r.HTML
		if m.Page != "" { // a link is followed only by who clicks on it
			html = strings.Replace(html, `href="`+m.Page+`"`, "", 1)
			html = strings.Replace(html, ">"+m.Page+"</a>", "", 1)
		}
		require.NotRegexp(t, `(?i)<(script|img|link|iframe|object|svg)|https?:|url\(|@import`, html, name)
		require.NotContains(t, r.HTML, "ZgotmplZ", name)
	}
}

func TestWordsOfANoticeCannotBecomeMarkupOrHeaders(t *testing.T) {
	t.Parallel()
	m := notices()["critical"]
	m.Subject += "\r\nBcc: all@victim.example"
	m.Lines = []string{"<script>alert(1)</script>"}
	m.Sections = []notice.Section{{Title: "<b>", Items: []notice.Item{{Label: "<i>", Text: "<u>"}}}}
	r, err := RenderNotice(m)
	require.NoError(t, err)
	require.NotContains(t, r.Subject, "\n")
	require.NotRegexp(t, `<(script|b|i|u)>`, r.HTML)
}

func TestANoticeLinksToItsPages(t *testing.T) {
	t.Parallel()
	const page = "https://trials.example/admin/rollout/tick/feedback-positive"
	r, err := RenderNotice(notice.Message{Kind: notice.NoticeDaily, Subject: "s", Lead: "l", Sections: []notice.Section{
		{Title: "For a person to judge", Items: []notice.Item{{Label: "User feedback positive", Text: "Tick it here", Page: page}, {Label: "Other", Text: "without a page"}}},
	}})
	require.NoError(t, err)
	require.Contains(t, r.Text, "- User feedback positive: Tick it here:\n  "+page+"\n- Other: without a page\n")
	require.Equal(t, 1, strings.Count(r.HTML, `<a `))
	require.Contains(t, r.HTML, `href="`+page+`"`)
}

func TestANoticeThatSaysNothingIsRefused(t *testing.T) {
	t.Parallel()
	_, err := RenderNotice(notice.Message{Kind: notice.NoticeDaily, Subject: "s"})
	require.Error(t, err)
}

func TestBarsFillTheirWidthAndShowTheLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		figure notice.Figure
		parts  string
	}{
		"far above":   {notice.Figure{Estimate: 1, Limit: 0.1, Seen: 1}, "fill mark fill "},
		"above":       {notice.Figure{Estimate: 0.972, Limit: 0.95, Seen: 1}, "fill mark fill rest "},
		"below":       {notice.Figure{Estimate: 0.5, Limit: 0.95, Seen: 1}, "fill rest mark rest "},
		"at it":       {notice.Figure{Estimate: 0.95, Limit: 0.95, Seen: 1}, "fill mark rest "},
		"nothing":     {notice.Figure{Limit: 0.05, Seen: 1}, "rest mark rest "},
		"not seen":    {notice.Figure{Estimate: 1, Limit: 0.05}, "rest mark rest "},
		"too few":     {notice.Figure{Estimate: 1, Limit: 0.05, Seen: 29, Enough: 30}, "rest mark rest "},
		"no limit":    {notice.Figure{Seen: 1}, "mark rest "},
		"limit of 1":  {notice.Figure{Estimate: 0.5, Limit: 1, Seen: 1}, "fill rest mark "},
		"beyond 100 ": {notice.Figure{Estimate: 3, Limit: 0.5, Seen: 1}, "fill mark fill "},
	} {
		parts, width := "", 0.0
		for _, cell := range bar(c.figure) {
			parts += cell.Part + " "
			width += cell.Width
		}
		require.Equal(t, c.parts, parts, name)
		require.InDelta(t, 100, width, 0.6, name)
	}
}

// Events about notices come back through the same topic as those about trials'
// e-mails, and must pass for none of them.
func TestANoticeCarriesNoTagOfATrial(t *testing.T) {
	t.Parallel()
	bodies := make(chan []byte, 1)
	url, _ := fakeSES(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- body
		_, _ = io.WriteString(w, `{"MessageId":"0100-abc"}`)
	})
	m := message()
	m.Key, m.UnsubscribeURL, m.Notice = SendKey{}, "", "r1/7/product-owner-0123456789ab"
	require.Equal(t, trial.SendSent, newSender(t, client(url), SenderConfig{ConfigurationSet: "trials"}).Send(t.Context(), m).Status)
	var sent struct {
		EmailTags []struct{ Name, Value string }
	}
	require.NoError(t, json.Unmarshal(<-bodies, &sent))
	require.Len(t, sent.EmailTags, 1)
	require.Equal(t, "notice", sent.EmailTags[0].Name)
	require.Equal(t, "r1_7_product-owner-0123456789ab", sent.EmailTags[0].Value)

	event, err := json.Marshal(map[string]any{
		"eventType": "Bounce", "bounce": map[string]any{"bounceType": "Permanent", "timestamp": "2026-03-01T12:00:00Z"},
		"mail": map[string]any{"messageId": "0100-abc", "timestamp": "2026-03-01T12:00:00Z", "destination": []string{"po@example.com"},
			"tags": map[string][]string{"ses:configuration-set": {"trials"}, "notice": {"r1_7_product-owner-0123456789ab"}}},
	})
	require.NoError(t, err)
	_, err = ParseEvent(string(event))
	var aside *SetAside
	require.ErrorAs(t, err, &aside)
	require.Equal(t, AsideUnknown, aside.Reason)

	m.Notice = "r1/7/<" // no key of ours
	require.Equal(t, trial.SendResult{Status: trial.SendRefused, Reason: ReasonBadMessage}, newSender(t, client(url), SenderConfig{}).Send(t.Context(), m))
}
