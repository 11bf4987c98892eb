package monitoring

import (
	"fmt"
	"strings"

	"marketplace.example/trials/internal/domain/rollout"
)

// AlertMessage is what those whom a rule concerns are told of an event of its
// alert; nil for events that nobody is told of.
func AlertMessage(r Rule, e AlertEvent) *rollout.Message {
	if !e.Notified {
		return nil
	}
	m := &rollout.Message{
		Key: eventKey(e), Kind: rollout.NoticeAlert, At: e.At, To: r.Roles,
		Lines: []string{"Measured: " + sentence(e.Observation.Text), "Threshold: " + sentence(r.Limit()), "Severity: " + string(r.Severity) + "."},
	}
	switch e.Type {
	case AlertFired:
		m.Subject = fmt.Sprintf("Trial alert, %s: %s", r.Severity, lower(r.Title))
		m.Lead = fmt.Sprintf("%s, since %s.", r.Title, formatTime(e.At))
		m.Lines = append(m.Lines, "What to do: "+r.Todo, acknowledge(r))
	case AlertRepeated:
		m.Subject = fmt.Sprintf("Trial alert, %s: still, %s", r.Severity, lower(r.Title))
		m.Lead = fmt.Sprintf("%s, still so at %s.", r.Title, formatTime(e.At))
		m.Lines = append(m.Lines, "What to do: "+r.Todo, acknowledge(r))
	case AlertCleared:
		m.Kind = rollout.NoticeAlertOver
		m.Subject = "Trial alert over: " + lower(r.Title)
		m.Lead = fmt.Sprintf("Over since %s: %s.", formatTime(e.At), lower(r.Title))
		if e.Reason == ReasonLapsed {
			m.Lead = fmt.Sprintf("Nothing could be measured for a day, so this is held to be over since %s: %s.", formatTime(e.At), lower(r.Title))
		}
	case AlertAcknowledged, AlertSilenced, AlertUnsilenced:
		return nil
	}
	return m
}

// eventKey names an event among all that people are told.
func eventKey(e AlertEvent) string { return fmt.Sprintf("alert/%s/%d", e.Rule, e.Seq) }

func acknowledge(r Rule) string {
	return fmt.Sprintf("To hear no more of it until it is over: starter alerts ack %s --reason \"…\"", r.ID)
}

func sentence(s string) string { return strings.TrimRight(s, ".") + "." }

// lower is a title within a sentence; abbreviations stay as they are.
func lower(title string) string {
	if len(title) < 2 || strings.ToUpper(title[1:2]) == title[1:2] && title[1] != ' ' && title[1] != '-' {
		return title
	}
	return strings.ToLower(title[:1]) + title[1:]
}
