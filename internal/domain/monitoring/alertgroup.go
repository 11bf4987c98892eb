package monitoring

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/notice"
)

// AlertNotice is an event to notify people of, with its alert's rule.
type AlertNotice struct {
	Rule  Rule
	Event AlertEvent
}

// GroupWait is how long a process that has just started holds back e-mails about alerts:
// an alert that fired while no worker ran, and clears now that one does, becomes one e-mail. Later, each
// evaluation sends at most one.
func GroupWait(day time.Duration) time.Duration { return EvaluateEvery(day) / 2 }

// AlertsMessage combines all notices, of which there must be one, in one message. An alert that
// fired and cleared is one entry.
func AlertsMessage(notices []AlertNotice) notice.Message {
	var rules []Rule
	events := map[RuleID][]AlertEvent{}
	for _, n := range notices {
		if events[n.Rule.ID] == nil {
			rules = append(rules, n.Rule)
		}
		events[n.Rule.ID] = append(events[n.Rule.ID], n.Event)
	}
	var m notice.Message
	if len(rules) == 1 {
		m = episode(rules[0], events[rules[0].ID])
	} else {
		m = combined(rules, events)
	}
	m.Key = groupKey(notices)
	return m
}

// episode is one message about all events of one alert, in order.
func episode(r Rule, events []AlertEvent) notice.Message {
	first, last := events[0], events[len(events)-1]
	m := *AlertMessage(r, last)
	if last.Type == AlertCleared && first.Type != AlertCleared {
		m.Lead = fmt.Sprintf("%s, from %s to %s. It is over.", r.Title, formatTime(first.At), formatTime(last.At))
	}
	return m
}

// combined is one message about several alerts.
func combined(rules []Rule, events map[RuleID][]AlertEvent) notice.Message {
	m := notice.Message{Kind: notice.NoticeAlertOver}
	firing, over := notice.Section{Title: "Firing"}, notice.Section{Title: "Over"}
	var worst Severity
	for _, r := range rules {
		one := episode(r, events[r.ID])
		if one.At.After(m.At) {
			m.At = one.At
		}
		if one.Kind == notice.NoticeAlertOver {
			over.Items = append(over.Items, notice.Item{Label: r.Title, Text: one.Lead})
			continue
		}
		m.Kind, m.Page = notice.NoticeAlert, notice.PageOverview
		worst = Severities()[max(slices.Index(Severities(), worst), slices.Index(Severities(), r.Severity))]
		firing.Items = append(firing.Items, notice.Item{Label: r.Title, Text: strings.Join(append([]string{one.Lead}, one.Lines...), " ")})
	}
	switch f, o := len(firing.Items), len(over.Items); {
	case f == 0:
		m.Subject, m.Lead = fmt.Sprintf("Trial alerts over: %d", o), fmt.Sprintf("%d alerts are over.", o)
	case o == 0:
		m.Subject, m.Lead = fmt.Sprintf("Trial alerts, %s: %d fire", worst, f), fmt.Sprintf("%d alerts fire.", f)
	default:
		m.Subject, m.Lead = fmt.Sprintf("Trial alerts, %s: %d firing, %d over", worst, f, o), fmt.Sprintf("Firing: %d. Over: %d.", f, o)
	}
	for _, s := range []notice.Section{firing, over} {
		if len(s.Items) > 0 {
			m.Sections = append(m.Sections, s)
		}
	}
	return m
}

// groupKey is the only event's own key, or a hash of all their keys.
func groupKey(notices []AlertNotice) string {
	if len(notices) == 1 {
		return eventKey(notices[0].Event)
	}
	sum := sha256.New()
	for _, n := range notices {
		sum.Write([]byte(eventKey(n.Event) + "\n"))
	}
	return "alerts/" + hex.EncodeToString(sum.Sum(nil)[:12])
}
