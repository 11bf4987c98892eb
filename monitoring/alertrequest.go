package monitoring

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"marketplace.example/trials/trial"
)

// AlertControl is what a person can do about an alert.
type AlertControl string

// The controls, named as in the API's paths.
const (
	ControlAcknowledge AlertControl = "acknowledge"
	ControlSilence     AlertControl = "silence"
	ControlUnsilence   AlertControl = "unsilence"
)

// maxReason bounds the reason given with a request, in characters.
const maxReason = 500

// AlertRequest is what a person wants of an alert.
type AlertRequest struct {
	Control AlertControl
	// Reason is kept, and shown: no names or addresses in it.
	Reason string
	// Until is when a silence ends; the other controls do not read it.
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

// Change is how an alert stands once the request is carried out, and what
// happened to it, nil for nothing. A request that does not apply is a *trial.Error.
func (r AlertRequest) Change(a Alert, n Note) (Alert, *AlertEvent, error) {
	switch r.Control {
	case ControlAcknowledge:
		return a.Acknowledge(n)
	case ControlSilence:
		return a.SilenceUntil(r.Until, n)
	case ControlUnsilence:
		after, e := a.Unsilence(n)
		return after, e, nil
	}
	return a, nil, trial.Invalid("control", "%.80q is not one of an alert's", string(r.Control))
}

// Controls are those that apply to an alert as it stands.
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
