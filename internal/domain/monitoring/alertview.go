package monitoring

import (
	"time"

	"marketplace.example/trials/internal/domain/rollout"
)

// AlertView is an alert as people are shown it.
type AlertView struct {
	Rule Rule `json:"rule"`
	// Limit says in words when it fires.
	Limit  string      `json:"limit"`
	Status AlertStatus `json:"status"`
	// Since is when the status began; nil where it never changed.
	Since *time.Time `json:"since"`
	// Value is what was seen last, in the rule's unit, nil where it could not be
	// told; Seen of how many it is, and Text the same in words.
	Value *float64 `json:"value"`
	Seen  int      `json:"seen"`
	Text  string   `json:"text"`
	// Reason is why the last look ended as it did.
	Reason      AlertReason `json:"reason"`
	EvaluatedAt *time.Time  `json:"lookedAt"`
	// AlertedAt is when people were last told that it fires.
	AlertedAt       *time.Time `json:"alarmedAt"`
	Acknowledgement *Note      `json:"acknowledgement"`
	// Silence is nil where none holds.
	Silence *Silence `json:"silence"`
	// Events is how many there are in its history.
	Events int `json:"events"`
}

// AlertsView is how the alerts stand.
type AlertsView struct {
	At time.Time `json:"at"`
	// Enabled, TrialMetrics and Alerting are the flags: whether the alerts are
	// looked at, those about trials and e-mails too, and whether people are told.
	Enabled      bool `json:"enabled"`
	TrialMetrics bool `json:"trialMetrics"`
	Alerting     bool `json:"alerting"`
	// EvaluatedAt is when somebody last looked; Late says that somebody should have
	// again by now, so that what is shown is old.
	EvaluatedAt *time.Time  `json:"lookedAt"`
	Late        bool        `json:"late"`
	Alerts      []AlertView `json:"alerts"`
}

// missedEvaluations is after how many looks that did not come what is shown is old.
const missedEvaluations = 3

// ViewOfAlert is an alert as it is shown at a moment.
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

// ViewOfAlerts is how the alerts stand at a moment; alerts are those of the rules.
func ViewOfAlerts(flags rollout.Monitoring, rules []Rule, alerts []Alert, now time.Time, day time.Duration) AlertsView {
	v := AlertsView{At: now, Enabled: flags.Enabled, TrialMetrics: flags.TrialMetrics, Alerting: flags.Alerting, Alerts: []AlertView{}}
	for i, a := range alerts {
		one := ViewOfAlert(rules[i], a, now)
		if one.EvaluatedAt != nil && (v.EvaluatedAt == nil || v.EvaluatedAt.Before(*one.EvaluatedAt)) {
			v.EvaluatedAt = one.EvaluatedAt
		}
		v.Alerts = append(v.Alerts, one)
	}
	v.Late = flags.Enabled && (v.EvaluatedAt == nil || EvaluatedLate(*v.EvaluatedAt, now, day))
	return v
}

// EvaluatedLate tells whether somebody should have looked again since a look.
func EvaluatedLate(last, now time.Time, day time.Duration) bool {
	return now.Sub(last) > missedEvaluations*EvaluateEvery(day)+lookBack
}
