package monitoring

import (
	"fmt"
	"math"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/trial"
)

// RuleID names a rule, and the alert that it raises.
type RuleID string

// The rules. The first three are the requirements'.
const (
	ConversionRateDropped RuleID = "conversionRateDropped"
	EmailDeliveryFailed   RuleID = "emailDeliveryFailed"
	MassTrialExpiration   RuleID = "massTrialExpiration"
	EmailDeliveryRateLow  RuleID = "emailDeliveryRateLow"
	WatchMissed           RuleID = "watchMissed"
	RolloutStuck          RuleID = "rolloutStuck"
	WorkerAway            RuleID = "workerAway"
	SESPaused             RuleID = "sesPaused"
	UnknownSends          RuleID = "unknownSends"
	ReconcilerFinds       RuleID = "reconcilerFinds"
	BackupLate            RuleID = "backupLate"
	CertificateExpires    RuleID = "certificateExpires"
	CanaryFailed          RuleID = "canaryFailed"
)

// Unit is the unit of a rule's threshold and values.
type Unit string

// The units.
const (
	// Percent is a rate, from 0 to 100.
	Percent Unit = "percent"
	// Count is a number of things.
	Count Unit = "count"
	// Hours are hours of a day of 24; they shrink with a shorter day.
	Hours Unit = "hours"
)

// Severity says how bad an alert is.
type Severity string

// The severities, worst last.
const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Severities lists them, worst last.
func Severities() []Severity { return []Severity{Low, Medium, High, Critical} }

// Rule says when an alert fires, and what it means. Threshold, Severity and
// Cooldown are configured; the rest is fixed.
type Rule struct {
	ID    RuleID `json:"id"`
	Title string `json:"title"`
	// Unit is Threshold's. Below says that the alert fires if the value is less
	// than Threshold; otherwise it fires if the value is Threshold or more.
	Unit      Unit     `json:"unit"`
	Below     bool     `json:"below"`
	Threshold float64  `json:"threshold"`
	Severity  Severity `json:"severity"`
	// Cooldown is how many minutes pass before people are notified again that the alert fires,
	// of a day of 24 hours; they shrink with a shorter day.
	Cooldown int `json:"cooldown"`
	// Needed is the sample size that the value needs to be judged.
	Needed int `json:"needed"`
	// Value, Window and Todo say in words what is measured, over which time, and
	// what to do when the alert fires.
	Value  string `json:"value"`
	Window string `json:"window"`
	Todo   string `json:"todo"`
	// Roles are the recipients.
	Roles []notice.Role `json:"roles"`
}

// longestCooldown is a week, in minutes.
const longestCooldown = 7 * 24 * 60

// Validate checks what is configured. Its error is a *trial.Error.
func (r Rule) Validate() error {
	switch t := r.Threshold; {
	case r.Unit == Percent && !(t > 0 && t <= 100):
		return trial.Invalid("threshold", "is in per cent: must be more than 0, and 100 at most")
	case r.Unit == Count && !(t >= 1 && t <= 1e9 && t == math.Trunc(t)):
		return trial.Invalid("threshold", "is a count: must be a whole number from 1 to 1000000000")
	case r.Unit == Hours && !(t > 0 && t <= 8760):
		return trial.Invalid("threshold", "is in hours: must be more than 0, and 8760 at most")
	case !slices.Contains(Severities(), r.Severity):
		return trial.Invalid("severity", "must be one of %v", Severities())
	case r.Cooldown < 1 || r.Cooldown > longestCooldown:
		return trial.Invalid("cooldown", "is in minutes: must be 1 to %d", longestCooldown)
	}
	return nil
}

// minutesPerDay are the minutes of a day of 24 hours.
const minutesPerDay = 24 * 60

// leastCooldown is the shortest cooldown, however short a day is: nobody reads faster.
const leastCooldown = 10 * time.Second

// cooldown is the cooldown, given the length of a day.
func (r Rule) cooldown(day time.Duration) time.Duration {
	return max(time.Duration(r.Cooldown)*day/minutesPerDay, leastCooldown)
}

// fires reports whether a value raises the alert.
func (r Rule) fires(value float64) bool {
	if r.Below {
		return value < r.Threshold
	}
	return value >= r.Threshold
}

// Limit says in words when the alert fires.
func (r Rule) Limit() string {
	sign := "at"
	if r.Below {
		sign = "below"
	}
	limit := fmt.Sprintf("fires %s %v", sign, r.Threshold)
	switch r.Unit {
	case Percent:
		limit += " %"
	case Hours:
		limit += " hours"
	case Count:
	}
	if !r.Below {
		limit += " or more"
	}
	return limit
}

// leastInterval bounds the evaluation interval from below when a day lasts seconds.
const leastInterval = 5 * time.Second

// EvaluateEvery is how often the alerts are evaluated: every minute of a day of 24 hours.
func EvaluateEvery(day time.Duration) time.Duration { return max(day/minutesPerDay, leastInterval) }
