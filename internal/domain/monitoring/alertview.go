package monitoring

import (
	"time"

	"marketplace.example/trials/internal/domain/flags"
)

// AlertView is an alert as the API and the pages show it.
type AlertView struct {
	Rule Rule `json:"rule"`
	// Limit says in words when it fires.
	Limit  string      `json:"limit"`
	Status AlertStatus `json:"status"`
	// Since is when the status began; nil if it never changed.
	Since *time.Time `json:"since"`
	// Value is the last value, in the rule's unit, nil if it could not be
	// measured; Seen is its sample size, and Text describes it in words.
	Value *float64 `json:"value"`
	Seen  int      `json:"seen"`
	Text  string   `json:"text"`
	// Reason explains the result of the last evaluation.
	Reason      AlertReason `json:"reason"`
	EvaluatedAt *time.Time  `json:"lookedAt"`
	// AlertedAt is when people were last notified that it fires.
	AlertedAt       *time.Time `json:"alarmedAt"`
	Acknowledgement *Note      `json:"acknowledgement"`
	// Silence is nil if no silence holds.
	Silence *Silence `json:"silence"`
	// Events is the number of events in its history.
	Events int `json:"events"`
}

// AlertsView is the state of all alerts.
type AlertsView struct {
	At time.Time `json:"at"`
	// Enabled, TrialMetrics and Alerting are the flags: whether alerts are
	// evaluated, those about trials and e-mails too, and whether people are notified.
	Enabled      bool `json:"enabled"`
	TrialMetrics bool `json:"trialMetrics"`
	Alerting     bool `json:"alerting"`
	// EvaluatedAt is the last evaluation; Late says that the next one is
	// overdue, so that the values are old.
	EvaluatedAt *time.Time  `json:"lookedAt"`
	Late        bool        `json:"late"`
	Alerts      []AlertView `json:"alerts"`
}

// missedEvaluations is how many intervals without an evaluation make the values old.
const missedEvaluations = 3

// ViewOfAlert returns the view of an alert now.
func ViewOfAlert(r Rule, a Alert, now time.Time) AlertView {
	v := AlertView{
		Rule: r, Limit: r.Limit(), Status: a.Status, Since: a.Since, Value: a.Observation.Value, Seen: a.Observation.Seen,
		Text: a.Observation.Text, Reason: a.Reason, AlertedAt: a.AlertedAt, Acknowledgement: a.Acknowledgement, Events: a.Seq,
	}
	if !a.EvaluatedAt.IsZero() {
		v.EvaluatedAt = &a.EvaluatedAt
	}
	if a.SilencedAt(now) {
		v.Silence = a.Silence
	}
	return v
}

// ViewOfAlerts returns the view of all alerts now; alerts are in the order of rules.
func ViewOfAlerts(current flags.Monitoring, rules []Rule, alerts []Alert, now time.Time, day time.Duration) AlertsView {
	v := AlertsView{At: now, Enabled: current.Enabled, TrialMetrics: current.TrialMetrics, Alerting: current.Alerting, Alerts: []AlertView{}}
	for i, a := range alerts {
		one := ViewOfAlert(rules[i], a, now)
		if one.EvaluatedAt != nil && (v.EvaluatedAt == nil || v.EvaluatedAt.Before(*one.EvaluatedAt)) {
			v.EvaluatedAt = one.EvaluatedAt
		}
		v.Alerts = append(v.Alerts, one)
	}
	v.Late = current.Enabled && (v.EvaluatedAt == nil || EvaluatedLate(*v.EvaluatedAt, now, day))
	return v
}

// EvaluatedLate reports whether the next evaluation after last is overdue.
func EvaluatedLate(last, now time.Time, day time.Duration) bool {
	return now.Sub(last) > missedEvaluations*EvaluateEvery(day)+lookBack
}
