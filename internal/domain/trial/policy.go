package trial

import (
	"fmt"
	"strings"
)

// Bounds of a policy and of a trial.
const (
	// MaxDays bounds a single extension, and a policy's length and grace, in days.
	MaxDays = 365
	// MaxTotalDays bounds a trial from its start to its end, in days.
	MaxTotalDays = 3 * 365
	// MaxRevisions bounds how often a trial's schedule may change, which keeps
	// a workflow's state small.
	MaxRevisions = 100
	// MaxQuietDays bounds a policy's quiet days.
	MaxQuietDays = 100
)

// Policy is the terms of a trial, versioned and stored with each trial: a
// later policy never changes a running trial.
type Policy struct {
	// Name identifies the version, as in the search attribute TrialPolicy.
	Name string `json:"name"`
	// LengthDays is the time from registration to the trial's end.
	LengthDays int `json:"lengthDays"`
	// ReminderDays are the reminders' distances before the end, descending.
	ReminderDays []int `json:"reminderDays"`
	// GraceDays is the time from the end (step expiry) to the step grace-end, which expires the trial; 0 means none.
	GraceDays int `json:"graceDays"`
	// SendHour is the local hour (0 to 23) of reminders and mailings, for vendors in a
	// known time zone.
	SendHour int `json:"sendHour"`
	// QuietDays are days on which neither reminders nor mailings go out; see State.mails. They mean nothing where days are compressed.
	QuietDays []QuietDay `json:"quietDays,omitempty"`
	// Mailings are the policy's own e-mails.
	Mailings []Mailing `json:"mailings,omitempty"`
}

// DefaultPolicy is 14 days, reminders 7, 3 and 1 days before the end at nine
// in the morning, and 3 days of grace.
func DefaultPolicy() Policy {
	return Policy{Name: "standard-14d", LengthDays: 14, ReminderDays: []int{7, 3, 1}, GraceDays: 3, SendHour: 9}
}

// Validate names the first field that is out of bounds.
func (p Policy) Validate() error {
	switch {
	case p.Name == "":
		return Invalid("name", "is missing")
	case p.LengthDays < 1 || p.LengthDays > MaxDays:
		return Invalid("lengthDays", "must be 1 to %d, is %d", MaxDays, p.LengthDays)
	case p.GraceDays < 0 || p.GraceDays > MaxDays:
		return Invalid("graceDays", "must be 0 to %d, is %d", MaxDays, p.GraceDays)
	case p.SendHour < 0 || p.SendHour > 23:
		return Invalid("sendHour", "must be 0 to 23, is %d", p.SendHour)
	}
	for i, days := range p.ReminderDays {
		if days < 1 || days > p.LengthDays {
			return Invalid("reminderDays", "must be 1 to lengthDays, has %d", days)
		}
		if i > 0 && days >= p.ReminderDays[i-1] {
			return Invalid("reminderDays", "must be in descending order, has %d after %d", days, p.ReminderDays[i-1])
		}
	}
	if err := p.validateMailings(); err != nil {
		return err
	}
	return p.validateQuietDays()
}

// String describes the policy in one line, for people.
func (p Policy) String() string {
	reminders := "no reminders"
	if len(p.ReminderDays) > 0 {
		reminders = fmt.Sprintf("reminders %v days before the end", p.ReminderDays)
	}
	parts := []string{fmt.Sprintf("%s: %d days, %s, %d days of grace", p.Name, p.LengthDays, reminders, p.GraceDays)}
	for _, m := range p.Mailings {
		parts = append(parts, string(m.ID))
	}
	return strings.Join(parts, ", ")
}
