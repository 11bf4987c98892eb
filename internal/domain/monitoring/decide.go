package monitoring

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// AlertStatus says whether an alert fires.
type AlertStatus string

// The statuses.
const (
	AlertOK     AlertStatus = "ok"
	AlertFiring AlertStatus = "firing"
)

// AlertReason explains the result of an evaluation, or why people are
// not notified of an event.
type AlertReason string

// The reasons.
const (
	// ReasonBeyond: the value has passed the threshold.
	ReasonBeyond AlertReason = "beyond-threshold"
	// ReasonStill: it is still beyond the threshold, and people are notified again.
	ReasonStill AlertReason = "still-beyond-threshold"
	// ReasonWithin: the value is within the threshold.
	ReasonWithin AlertReason = "within-threshold"
	// ReasonUnmeasured: there is too little data to judge, so nothing changes.
	ReasonUnmeasured AlertReason = "not-measured"
	// ReasonLapsed: it fired, and could not be measured for a day since.
	ReasonLapsed AlertReason = "lapsed"
	// ReasonCooldown: people were notified a short while ago.
	ReasonCooldown AlertReason = "cooldown"
	// ReasonSilenced: somebody has silenced it.
	ReasonSilenced AlertReason = "silenced"
	// ReasonAcknowledged: somebody handles it.
	ReasonAcknowledged AlertReason = "acknowledged"
	// ReasonAlertingOff: the flag monitoring.alerting is off.
	ReasonAlertingOff AlertReason = "alerting-off"
	// ReasonNobodyNotified: it cleared, and nobody was notified that it fired.
	ReasonNobodyNotified AlertReason = "nobody-was-told"
	// ReasonByHand: a person did it.
	ReasonByHand AlertReason = "by-hand"
)

// AlertEventType names what happened to an alert.
type AlertEventType string

// The events.
const (
	AlertFired        AlertEventType = "fired"
	AlertRepeated     AlertEventType = "repeated"
	AlertCleared      AlertEventType = "cleared"
	AlertAcknowledged AlertEventType = "acknowledged"
	AlertSilenced     AlertEventType = "silenced"
	AlertUnsilenced   AlertEventType = "unsilenced"
)

// AlertEvent is something that happened to an alert, with the inputs of the decision.
type AlertEvent struct {
	Rule RuleID `json:"rule"`
	// Seq counts an alert's events from 1.
	Seq    int            `json:"seq"`
	Type   AlertEventType `json:"type"`
	At     time.Time      `json:"at"`
	Reason AlertReason    `json:"reason"`
	// Notified says that people are notified of it. If they are not although it is
	// worth an e-mail, SuppressedReason says why.
	Notified         bool        `json:"told"`
	SuppressedReason AlertReason `json:"untold"`
	// Observation and Threshold are the measured value and its limit.
	Observation Observation `json:"observation"`
	Threshold   float64     `json:"threshold"`
	// By and Note are the person's name and reason; Until is a silence's end.
	By    string     `json:"by"`
	Note  string     `json:"note"`
	Until *time.Time `json:"until"`
}

// Observation is a rule's measured value.
type Observation struct {
	// Value is in the rule's unit; nil if it could not be measured.
	Value *float64 `json:"value"`
	// Seen is the sample size.
	Seen int `json:"seen"`
	// Text describes it in words, or says why it could not be measured.
	Text string `json:"text"`
}

// Note is a person's action on an alert and its reason.
type Note struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Silence suppresses the notices that an alert fires.
type Silence struct {
	Until  time.Time `json:"until"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Alert is the state of a rule's alert, folded from its events, and its last
// observation. Of two states of an alert the later one has the greater Seq, or with the
// same Seq the later EvaluatedAt, or with both the same the greater NotifiedSeq: the
// store compares these fields in this order.
type Alert struct {
	// Seq is the number of the last event, 0 before the first.
	Seq int `json:"seq"`
	// EvaluatedAt is the last evaluation; zero before the first.
	EvaluatedAt time.Time `json:"lookedAt"`
	// NotifiedSeq is the number of the last event that people were notified of, among those
	// with Notified.
	NotifiedSeq int         `json:"toldSeq"`
	Rule        RuleID      `json:"rule"`
	Status      AlertStatus `json:"status"`
	// Since is when the status began; nil if it never changed.
	Since *time.Time `json:"since"`
	// Reason explains the result of the last evaluation.
	Reason      AlertReason `json:"reason"`
	Observation Observation `json:"observation"`
	// UnmeasuredSince is since when a firing alert could not be measured.
	UnmeasuredSince *time.Time `json:"unmeasuredSince"`
	// AlertedAt is when people were last notified that it fires. Known says that they
	// were notified of this firing, and so must be notified of its end.
	AlertedAt *time.Time `json:"alarmedAt"`
	Known     bool       `json:"known"`
	// Acknowledgement ends with the firing.
	Acknowledgement *Note    `json:"acknowledgement"`
	Silence         *Silence `json:"silence"`
}

// NewAlert is the alert of a rule that was never evaluated.
func NewAlert(id RuleID) Alert {
	return Alert{Rule: id, Status: AlertOK, Reason: ReasonUnmeasured, Observation: Observation{Text: "not evaluated yet"}}
}

// Evaluation is one evaluation of the alerts.
type Evaluation struct {
	At time.Time
	// Day is the length of a day.
	Day time.Duration
	// Alerting false suppresses notices that alerts fire; everything else continues, and so do notices that they clear.
	Alerting bool
}

// Decide returns an alert after an evaluation with the observation o, and
// its event, nil for none. People are notified when it fires,
// again after each cooldown while it lasts, and when it clears. Whoever was notified that it fires is notified that it
// clears, even if it is silenced by then; nobody else is.
func Decide(r Rule, a Alert, o Observation, l Evaluation) (Alert, *AlertEvent) {
	a.EvaluatedAt, a.Observation = l.At, o
	if o.Value != nil {
		a.UnmeasuredSince = nil
	}
	switch {
	case o.Value == nil:
		return a.unmeasured(r, l)
	case !r.fires(*o.Value) && a.Status == AlertFiring:
		return a.clear(r, l, ReasonWithin)
	case !r.fires(*o.Value):
		a.Reason = ReasonWithin
		return a, nil
	case a.Status != AlertFiring:
		return a.withEvent(r, l, AlertFired, ReasonBeyond, a.suppressed(r, l))
	}
	why := a.suppressed(r, l)
	if why == "" && a.Acknowledgement != nil {
		why = ReasonAcknowledged
	}
	if why != "" {
		a.Reason = why
		return a, nil
	}
	return a.withEvent(r, l, AlertRepeated, ReasonStill, "")
}

// unmeasured leaves everything as it is: a lack of data is no reason to fire or
// to clear. After a day the last value is old, though: then
// a firing says nothing about the present any more, and lapses.
func (a Alert) unmeasured(r Rule, l Evaluation) (Alert, *AlertEvent) {
	a.Reason = ReasonUnmeasured
	if a.Status != AlertFiring {
		return a, nil
	}
	if a.UnmeasuredSince == nil {
		a.UnmeasuredSince = &l.At
	}
	if l.At.Sub(*a.UnmeasuredSince) < l.Day {
		return a, nil
	}
	return a.clear(r, l, ReasonLapsed)
}

func (a Alert) clear(r Rule, l Evaluation, why AlertReason) (Alert, *AlertEvent) {
	var suppressed AlertReason
	if !a.Known {
		if suppressed = a.muted(l); suppressed == "" {
			suppressed = ReasonNobodyNotified
		}
	}
	return a.withEvent(r, l, AlertCleared, why, suppressed)
}

// muted is why no notice of a firing is sent now; empty if notices are sent.
func (a Alert) muted(l Evaluation) AlertReason {
	switch {
	case !l.Alerting:
		return ReasonAlertingOff
	case a.SilencedAt(l.At):
		return ReasonSilenced
	}
	return ""
}

// suppressed is why no notice of this firing is sent now; empty if one may be sent.
func (a Alert) suppressed(r Rule, l Evaluation) AlertReason {
	if why := a.muted(l); why != "" {
		return why
	}
	if a.AlertedAt != nil && l.At.Sub(*a.AlertedAt) < r.cooldown(l.Day) {
		return ReasonCooldown
	}
	return ""
}

// SilencedAt reports whether a silence holds at a time.
func (a Alert) SilencedAt(at time.Time) bool { return a.Silence != nil && at.Before(a.Silence.Until) }

func (a Alert) withEvent(r Rule, l Evaluation, what AlertEventType, why, suppressed AlertReason) (Alert, *AlertEvent) {
	e := AlertEvent{
		Rule: r.ID, Seq: a.Seq + 1, Type: what, At: l.At, Reason: why, Notified: suppressed == "", SuppressedReason: suppressed,
		Observation: a.Observation, Threshold: r.Threshold,
	}
	a = a.Apply(e)
	a.Reason = why
	return a, &e
}

// Apply returns the alert after an event.
func (a Alert) Apply(e AlertEvent) Alert {
	a.Seq = e.Seq
	switch e.Type {
	case AlertFired:
		a.Status, a.Since, a.UnmeasuredSince, a.Known = AlertFiring, &e.At, nil, e.Notified
	case AlertRepeated:
		a.Known = true
	case AlertCleared:
		a.Status, a.Since, a.UnmeasuredSince, a.Known, a.Acknowledgement = AlertOK, &e.At, nil, false, nil
		return a
	case AlertAcknowledged:
		a.Acknowledgement = &Note{At: e.At, By: e.By, Reason: e.Note}
		return a
	case AlertSilenced:
		a.Silence = &Silence{Until: *e.Until, At: e.At, By: e.By, Reason: e.Note}
		return a
	case AlertUnsilenced:
		a.Silence = nil
		return a
	}
	if e.Notified {
		a.AlertedAt = &e.At
	}
	return a
}

// Acknowledge marks an alert as handled: no more notices that it
// fires are sent until it has cleared. The event is nil if it was acknowledged before. An
// alert that does not fire is a *trial.Error with trial.CodeConflict.
func (a Alert) Acknowledge(n Note) (Alert, *AlertEvent, error) {
	if a.Status != AlertFiring {
		return a, nil, &trial.Error{Code: trial.CodeConflict, Field: "alert", Message: fmt.Sprintf("%s does not fire, so there is nothing to acknowledge", a.Rule)}
	}
	if a.Acknowledgement != nil {
		return a, nil, nil
	}
	e := a.byHand(AlertAcknowledged, n, nil)
	return a.Apply(e), &e, nil
}

// longestSilence bounds a silence: whatever should stay silent for longer belongs
// in the configuration.
const longestSilence = 7 * 24 * time.Hour

// SilenceUntil silences an alert until then. The event is nil
// if it already was. A time outside the next seven days is a
// *trial.Error.
func (a Alert) SilenceUntil(until time.Time, n Note) (Alert, *AlertEvent, error) {
	if !until.After(n.At) || until.Sub(n.At) > longestSilence {
		return a, nil, trial.Invalid("until", "must be in the next seven days")
	}
	if a.Silence != nil && a.Silence.Until.Equal(until) {
		return a, nil, nil
	}
	e := a.byHand(AlertSilenced, n, &until)
	return a.Apply(e), &e, nil
}

// Unsilence ends an alert's silence. The event is nil if none
// holds.
func (a Alert) Unsilence(n Note) (Alert, *AlertEvent) {
	if !a.SilencedAt(n.At) {
		return a, nil
	}
	e := a.byHand(AlertUnsilenced, n, nil)
	return a.Apply(e), &e
}

func (a Alert) byHand(what AlertEventType, n Note, until *time.Time) AlertEvent {
	return AlertEvent{
		Rule: a.Rule, Seq: a.Seq + 1, Type: what, At: n.At, Reason: ReasonByHand, Observation: a.Observation,
		By: n.By, Note: n.Reason, Until: until,
	}
}
