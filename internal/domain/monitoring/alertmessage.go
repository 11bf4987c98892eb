package monitoring

import (
	"fmt"
	"strings"

	"marketplace.example/trials/internal/domain/notice"
)

// AlertMessage is the notice about an alert's event to the rule's roles;
// nil for events that nobody is notified of.
func AlertMessage(r Rule, e AlertEvent) *notice.Message {
	if !e.Notified {
		return nil
	}
	m := &notice.Message{
		Key: eventKey(e), Kind: notice.NoticeAlert, At: e.At, To: r.Roles,
		Lines: []string{"Measured: " + sentence(e.Observation.Text), "Threshold: " + sentence(r.Limit()), "Severity: " + string(r.Severity) + "."},
	}
	switch e.Type {
	case AlertFired:
		m.Subject = fmt.Sprintf("Trial alert, %s: %s", r.Severity, lower(r.Title))
		m.Lead = fmt.Sprintf("%s, since %s.", r.Title, formatTime(e.At))
		m.Lines, m.Page = append(m.Lines, "What to do: "+r.Todo, acknowledge(r)), page(r)
	case AlertRepeated:
		m.Subject = fmt.Sprintf("Trial alert, %s: still firing, %s", r.Severity, lower(r.Title))
		m.Lead = fmt.Sprintf("%s, still so at %s.", r.Title, formatTime(e.At))
		m.Lines, m.Page = append(m.Lines, "What to do: "+r.Todo, acknowledge(r)), page(r)
	case AlertCleared:
		m.Kind = notice.NoticeAlertOver
		m.Subject = "Trial alert over: " + lower(r.Title)
		m.Lead = fmt.Sprintf("Over since %s: %s.", formatTime(e.At), lower(r.Title))
		if e.Reason == ReasonLapsed {
			m.Lead = fmt.Sprintf("Nothing could be measured for a day, so this alert is treated as over since %s: %s.", formatTime(e.At), lower(r.Title))
		}
	case AlertAcknowledged, AlertSilenced, AlertUnsilenced:
		return nil
	}
	return m
}

// eventKey identifies the notice about an event.
func eventKey(e AlertEvent) string { return fmt.Sprintf("alert/%s/%d", e.Rule, e.Seq) }

// page is where an alert is acknowledged or silenced.
func page(r Rule) string { return notice.PageOverview + "alerts/" + string(r.ID) }

func acknowledge(r Rule) string {
	return fmt.Sprintf("To stop repeats until it is over: starter alerts ack %s --reason \"…\"", r.ID)
}

func sentence(s string) string { return strings.TrimRight(s, ".") + "." }

// lower makes a title fit within a sentence; abbreviations keep their case.
func lower(title string) string {
	if len(title) < 2 || strings.ToUpper(title[1:2]) == title[1:2] && title[1] != ' ' && title[1] != '-' {
		return title
	}
	return strings.ToLower(title[:1]) + title[1:]
}
