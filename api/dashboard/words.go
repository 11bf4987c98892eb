package dashboard

import (
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// words are what the templates say things with.
var words = template.FuncMap{
	"stamp": stamp, "iso": iso, "ago": ago, "percent": percent, "grouped": grouped, "happened": happened, "why": why,
	"verdictClass": func(v any) string { return "is-" + strings.ToLower(fmt.Sprint(v)) },
	"joined":       joined, "pretty": pretty, "day": day, "local": local,
	"at":    func(t *time.Time) time.Time { return *t },
	"plain": func(f float64) string { return fmt.Sprint(f) }, "pair": pair,
	"standing": statusText, "handled": handled, "alertWhy": alertWhy, "alertTold": notifiedText, "observed": observed, "capital": capital, "sentence": sentence, "whole": whole,
	"pointsOf": pointsOf, "tenths": func(share float64) string { return fmt.Sprintf("%.4g", 100*share) },
	"partName": partName, "took": took, "ruleWords": ruleWords,
	"remedy": remedy, "gateReason": gateReason,
	"count": func(index int) int { return index + 1 }, "bytes": bytesWords,
	"ends": ends, "converted": shareWords, "points": differenceWords, "limit": evidence.Percent,
}

// pair gives a template two things.
func pair(first, second any) map[string]any { return map[string]any{"First": first, "Second": second} }

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ago says how far a moment is from now, at the most in days: a trial's dates are.
func ago(t, now time.Time) string {
	return humanize.CustomRelTime(t, now, "ago", "from now", []humanize.RelTimeMagnitude{
		{D: time.Second, Format: "now", DivBy: time.Second},
		{D: 2 * time.Second, Format: "1 second %s", DivBy: 1},
		{D: time.Minute, Format: "%d seconds %s", DivBy: time.Second},
		{D: 2 * time.Minute, Format: "1 minute %s", DivBy: 1},
		{D: 2 * time.Hour, Format: "%d minutes %s", DivBy: time.Minute},
		{D: 2 * humanize.Day, Format: "%d hours %s", DivBy: time.Hour},
		{D: math.MaxInt64, Format: "%d days %s", DivBy: humanize.Day},
	})
}

// percent writes a share from 0 to 1.
func percent(x float64) string {
	return whole(strings.TrimSuffix(fmt.Sprintf("%.1f", 100*x), ".0") + " %")
}

func grouped(n int) string { return humanize.Comma(int64(n)) }

// joined writes a name of several words as people do.
func joined(name any) string { return strings.ReplaceAll(fmt.Sprint(name), "-", " ") }

func pretty(v any) (string, error) {
	raw, err := json.MarshalIndent(v, "", "  ")
	return string(raw), err
}

// happened says what an event of a trial was.
func happened(e trial.Event, now time.Time) string {
	switch e.Type {
	case trial.EventStarted:
		return fmt.Sprintf("trial started, %s cohort, %s", e.Registration.Cohort, evidence.Counted(e.Registration.Policy.LengthDays, "day", "days"))
	case trial.EventStep:
		outcome := "done"
		if e.Decision.Action == trial.Skip {
			outcome = "skipped"
		}
		if e.Mailed {
			outcome += ", e-mail sent"
		}
		return fmt.Sprintf("%s %s", e.Step.Kind, outcome)
	case trial.EventHeld:
		return fmt.Sprintf("%s held", e.Step.Kind)
	case trial.EventExtended, trial.EventShortened, trial.EventRevived:
		return fmt.Sprintf("%s, ends %s", e.Type, stamp(*e.EndsAt, now))
	case trial.EventMoved:
		return fmt.Sprintf("moved to the policy %s, ends %s", e.Request.Policy.Name, stamp(*e.EndsAt, now))
	case trial.EventConverted:
		if e.Late {
			return "converted, after the trial was over"
		}
	case trial.EventCancelled, trial.EventAdopted, trial.EventReleased, trial.EventRezoned:
	}
	return string(e.Type)
}

// why says what an event of a trial was decided on or asked for.
func why(e trial.Event) string {
	switch {
	case e.Decision != nil:
		return joined(e.Decision.Reason)
	case e.Request != nil && e.Request.Reason != "":
		return fmt.Sprintf("%s (%s)", e.Request.Reason, e.Request.By)
	case e.Request != nil:
		return "asked for by " + e.Request.By
	}
	return ""
}

// statusText is how an alert stands: one that cannot be measured is not quiet.
func statusText(v monitoring.AlertView) string {
	switch {
	case v.Status == monitoring.AlertFiring:
		return "firing"
	case v.Value == nil:
		return "not-measured"
	}
	return "quiet"
}

// observed is what was seen of an alert last.
func observed(v monitoring.AlertView, now time.Time) string {
	return local(sentence(strings.TrimPrefix(v.Text, "not measured: ")), now)
}

// handled says what somebody has done about an alert; empty for nothing.
func handled(v monitoring.AlertView, now time.Time) string {
	var did []string
	if n := v.Acknowledgement; n != nil {
		did = append(did, fmt.Sprintf("Acknowledged by %s: %s", n.By, sentence(n.Reason)))
	}
	if s := v.Silence; s != nil {
		did = append(did, fmt.Sprintf("Silenced by %s until %s: %s", s.By, stamp(s.Until, now), sentence(s.Reason)))
	}
	return strings.Join(did, " ")
}

// alertWhy says what an event of an alert was decided on, or why somebody did it.
func alertWhy(e monitoring.AlertEvent, now time.Time) string {
	switch {
	case e.Until != nil:
		return fmt.Sprintf("%s (%s), until %s", e.Note, e.By, stamp(*e.Until, now))
	case e.By != "":
		return fmt.Sprintf("%s (%s)", e.Note, e.By)
	}
	return fmt.Sprintf("%s %v: %s", joined(e.Reason), e.Threshold, local(e.Observation.Text, now))
}

// notifiedText says whether people are told of an event of an alert.
func notifiedText(e monitoring.AlertEvent) string {
	switch {
	case e.Notified:
		return "yes"
	case e.SuppressedReason != "":
		return "no: " + joined(e.SuppressedReason)
	}
	return "no"
}

// ends says how a bulk operation has changed an end; empty where it has not.
func ends(was, is, now time.Time) string {
	if was.Equal(is) {
		return ""
	}
	return fmt.Sprintf("%s instead of %s", stamp(is, now), stamp(was, now))
}

// narrowed is the address of a list; what is empty does not narrow it.
func narrowed(page string, by map[string]string) string {
	q := url.Values{}
	for name, value := range by {
		if value != "" {
			q.Set(name, value)
		}
	}
	return strings.TrimSuffix(root+page+"?"+q.Encode(), "?")
}

// cursor is a number that a page begins behind; empty for 0, the first page.
func cursor(number int) string {
	if number == 0 {
		return ""
	}
	return strconv.Itoa(number)
}

// remedy says what a trigger does.
func remedy(a rollout.TriggerResult) string {
	if a.Remedy == rollout.Immediate {
		return "it would switch the automation off"
	}
	return "it would roll back one phase"
}

// gateReason is the reason of a gate's verdict. The one on conversion does not keep a phase from ending for lack of data.
func gateReason(r rollout.GateResult) string {
	if r.Gate == rollout.GateConversion && r.Verdict == rollout.Insufficient {
		return whole(r.Reason + "; no phase waits for it")
	}
	return whole(r.Reason)
}

// sentence is a message as a sentence of its own, or as the end of one.
func sentence(s string) string { return whole(strings.TrimRight(s, ".") + ".") }

// whole keeps a number and its percent sign on one line.
func whole(s string) string { return strings.ReplaceAll(s, " %", "\u00a0%") }

// capital begins a sentence.
func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
