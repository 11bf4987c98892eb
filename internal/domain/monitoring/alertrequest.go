package monitoring

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"marketplace.example/trials/internal/domain/trial"
)

// AlertControl names what a person can do about an alert.
type AlertControl string

// The controls, named as in the API's paths.
const (
	ControlAcknowledge AlertControl = "acknowledge"
	ControlSilence     AlertControl = "silence"
	ControlUnsilence   AlertControl = "unsilence"
)

// maxReason bounds the reason given with a request, in characters.
const maxReason = 500

// AlertRequest is a person's request about an alert.
type AlertRequest struct {
	// ID makes it idempotent; with an empty ID each request counts.
	ID string
	// Seen is the mark of the alert that it was made for; empty for any.
	Seen    string
	Control AlertControl
	// Reason is kept, and shown: no names or addresses in it.
	Reason string
	// Until is when a silence ends; only ControlSilence uses it.
	Until time.Time
}

// Validate checks a request by itself; the error is a *trial.Error that names the field.
func (r AlertRequest) Validate() error {
	switch {
	case strings.TrimSpace(r.Reason) == "":
		return trial.Invalid("reason", "is missing")
	case utf8.RuneCountInString(r.Reason) > maxReason:
		return trial.Invalid("reason", "must be at most %d characters", maxReason)
	case strings.ContainsFunc(r.Reason, unicode.IsControl):
		return trial.Invalid("reason", "must be one line of text")
	}
	return nil
}

// Change returns the alert after the request, and the event, nil for
// none. A request that does not apply is a *trial.Error.
func (r AlertRequest) Change(a Alert, n Note) (Alert, *AlertEvent, error) {
	if now := ViewOfAlert(Rule{}, a, n.At); r.Seen != "" && r.Seen != now.Mark() {
		return a, nil, moved(r.Seen, now)
	}
	switch r.Control {
	case ControlAcknowledge:
		return a.Acknowledge(n)
	case ControlSilence:
		return a.SilenceUntil(r.Until, n)
	case ControlUnsilence:
		after, e := a.Unsilence(n)
		return after, e, nil
	}
	return a, nil, trial.Invalid("control", "%.80q is not a control of an alert", string(r.Control))
}

// moved says how an alert has changed since it was seen.
func moved(seen string, now AlertView) error {
	what := "somebody has acknowledged or silenced it, or ended that,"
	if !strings.HasPrefix(seen, now.statusText()) {
		what = "it has fired or cleared"
	}
	return &trial.Error{Code: trial.CodeConflict, Message: what + " since this page was opened: reload it"}
}

// Mark changes whenever the alert changes for people: its status and since when,
// its acknowledgement, and its silence.
func (v AlertView) Mark() string {
	mark := v.statusText()
	if v.Acknowledgement != nil {
		mark += fmt.Sprintf("acknowledged-%d;", v.Acknowledgement.At.UnixMilli())
	}
	if v.Silence != nil {
		mark += fmt.Sprintf("silenced-%d;", v.Silence.Until.UnixMilli())
	}
	return mark
}

func (v AlertView) statusText() string {
	if v.Since == nil {
		return string(v.Status) + ";"
	}
	return fmt.Sprintf("%s-%d;", v.Status, v.Since.UnixMilli())
}

// Controls are those that apply to the alert now.
func (v AlertView) Controls() []AlertControl {
	var controls []AlertControl
	if v.Status == AlertFiring && v.Acknowledgement == nil {
		controls = append(controls, ControlAcknowledge)
	}
	controls = append(controls, ControlSilence)
	if v.Silence != nil {
		controls = append(controls, ControlUnsilence)
	}
	return controls
}
