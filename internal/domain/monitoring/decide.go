package monitoring

import (
	"fmt"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// AlertStatus is whether an alert fires.
type AlertStatus string

// The statuses.
const (
	AlertOK     AlertStatus = "ok"
	AlertFiring AlertStatus = "firing"
)

// AlertReason says why a look at an alert ended as it did, or why people are
// not told of what happened.
type AlertReason string

// The reasons.
const (
	// ReasonBeyond: the value is beyond the threshold, and was not before.
	ReasonBeyond AlertReason = "beyond-threshold"
	// ReasonStill: it still is, and people are told again.
	ReasonStill AlertReason = "still-beyond-threshold"
	// ReasonWithin: the value is within the threshold.
	ReasonWithin AlertReason = "within-threshold"
	// ReasonUnmeasured: too little is known to judge, so that all stays as it is.
	ReasonUnmeasured AlertReason = "not-measured"
	// ReasonLapsed: it fired, and nothing could be measured for a day since.
	ReasonLapsed AlertReason = "lapsed"
	// ReasonCooldown: people were told a short while ago.
	ReasonCooldown AlertReason = "cooldown"
	// ReasonSilenced: somebody wants to hear nothing of it for now.
	ReasonSilenced AlertReason = "silenced"
	// ReasonAcknowledged: somebody sees to it.
	ReasonAcknowledged AlertReason = "acknowledged"
	// ReasonAlertingOff: the flag monitoring.alerting is off.
	ReasonAlertingOff AlertReason = "alerting-off"
	// ReasonNobodyNotified: it is over, and nobody was told that it fired.
	ReasonNobodyNotified AlertReason = "nobody-was-told"
	// ReasonByHand: a person did it.
	ReasonByHand AlertReason = "by-hand"
)

// AlertEventType is what happened to an alert.
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

// AlertEvent is something that happened to an alert, with what it was decided on.
type AlertEvent struct {
	Rule RuleID `json:"rule"`
	// Seq counts an alert's events from 1.
	Seq    int            `json:"seq"`
	Type   AlertEventType `json:"type"`
	At     time.Time      `json:"at"`
	Reason AlertReason    `json:"reason"`
	// Notified says that people are told of it. Where they are not although it is
	// worth an e-mail, SuppressedReason says why.
	Notified         bool        `json:"told"`
	SuppressedReason AlertReason `json:"untold"`
	// Observation and Threshold are what was seen, and held against.
	Observation Observation `json:"observation"`
	Threshold   float64     `json:"threshold"`
	// By and Note are a person's, and why; Until is a silence's end.
	By    string     `json:"by"`
	Note  string     `json:"note"`
	Until *time.Time `json:"until"`
}

// Observation is what a rule's value is.
type Observation struct {
	// Value is in the rule's unit; nil where it cannot be told.
	Value *float64 `json:"value"`
	// Seen is of how many it is.
	Seen int `json:"seen"`
	// Text says it in words, or why it cannot be told.
	Text string `json:"text"`
}

// Note is what a person said about an alert.
type Note struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Silence keeps people from being told that an alert fires.
type Silence struct {
	Until  time.Time `json:"until"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason"`
}

// Alert is how a rule's alert stands, folded from its events, and what was seen
// last. Of two states of an alert the later one has the greater Seq, or with the
// same Seq the later LookedAt, or with both the same the greater ToldSeq: the
// store goes by the order of these fields.
type Alert struct {
	// Seq is the number of the last event, 0 before the first.
	Seq int `json:"seq"`
	// EvaluatedAt is when it was last looked at; zero before the first look.
	EvaluatedAt time.Time `json:"lookedAt"`
	// NotifiedSeq is the number of the last event that people were told of, where they
	// are to be told.
	NotifiedSeq int         `json:"toldSeq"`
	Rule        RuleID      `json:"rule"`
	Status      AlertStatus `json:"status"`
	// Since is when the status began; nil where it never changed.
	Since *time.Time `json:"since"`
	// Reason is why the last look ended as it did.
	Reason      AlertReason `json:"reason"`
	Observation Observation `json:"observation"`
	// UnmeasuredSince is since when a firing alert could not be measured.
	UnmeasuredSince *time.Time `json:"unmeasuredSince"`
	// AlertedAt is when people were last told that it fires. Known says that they
	// were told of this firing, and so must hear of its end.
	AlertedAt *time.Time `json:"alarmedAt"`
	Known     bool       `json:"known"`
	// Acknowledgement ends with the firing.
	Acknowledgement *Note    `json:"acknowledgement"`
	Silence         *Silence `json:"silence"`
}

// NewAlert is the alert of a rule that was never looked at.
func NewAlert(id RuleID) Alert {
	return Alert{Rule: id, Status: AlertOK, Reason: ReasonUnmeasured, Observation: Observation{Text: "not looked at yet"}}
}

// Evaluation is a look at the alerts.
type Evaluation struct {
	At time.Time
	// Day is how long a day lasts.
	Day time.Duration
	// Alerting false tells nobody that anything fires; all else goes on. What is over is told once it is true.
	Alerting bool
}

// Decide is how an alert stands after a look at which that was observed, and
// what happened to it, nil for nothing. Of a firing people are told once at first,
// again once a cooldown while it lasts, and when it is over. Whoever was told that it fires is told that it is
// over, whatever silences it by then, and nobody else.
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
		return a.happens(r, l, AlertFired, ReasonBeyond, a.quiet(r, l))
	}
	why := a.quiet(r, l)
	if why == "" && a.Acknowledgement != nil {
		why = ReasonAcknowledged
	}
	if why != "" {
		a.Reason = why
		return a, nil
	}
	return a.happens(r, l, AlertRepeated, ReasonStill, "")
}

// unmeasured leaves all as it is: that nothing is known is no reason to fire, and
// none to say that all is well. What was seen is old after a day, though: from then
// on a firing says nothing about the present any more, and lapses.
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
	return a.happens(r, l, AlertCleared, why, suppressed)
}

// muted is why nobody is told now that anything fires; empty where people are.
func (a Alert) muted(l Evaluation) AlertReason {
	switch {
	case !l.Alerting:
		return ReasonAlertingOff
	case a.SilencedAt(l.At):
		return ReasonSilenced
	}
	return ""
}

// quiet is why nobody is told now that it fires; empty where people are.
func (a Alert) quiet(r Rule, l Evaluation) AlertReason {
	if why := a.muted(l); why != "" {
		return why
	}
	if a.AlertedAt != nil && l.At.Sub(*a.AlertedAt) < r.cools(l.Day) {
		return ReasonCooldown
	}
	return ""
}

// SilencedAt tells whether a silence holds at a moment.
func (a Alert) SilencedAt(at time.Time) bool { return a.Silence != nil && at.Before(a.Silence.Until) }

func (a Alert) happens(r Rule, l Evaluation, what AlertEventType, why, suppressed AlertReason) (Alert, *AlertEvent) {
	e := AlertEvent{
		Rule: r.ID, Seq: a.Seq + 1, Type: what, At: l.At, Reason: why, Notified: suppressed == "", SuppressedReason: suppressed,
		Observation: a.Observation, Threshold: r.Threshold,
	}
	a = a.Apply(e)
	a.Reason = why
	return a, &e
}

// Apply is how an alert stands after an event.
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

// Acknowledge is an alert that somebody sees to: people are told no more that it
// fires, until it has cleared. The event is nil where that was so before. An
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

// longestSilence bounds a silence: what is not to be heard of for longer is to
// be configured.
const longestSilence = 7 * 24 * time.Hour

// SilenceUntil is an alert that nobody is told of until then. The event is nil
// where that was so before. A moment that is not in the next seven days is a
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

// Unsilence is an alert that people are told of again. The event is nil where no
// silence holds.
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
