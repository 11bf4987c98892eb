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

// Rules are the built-in rules, in display order.
func Rules() []Rule {
	engineers := []notice.Role{notice.LeadDeveloper, notice.DevOps}
	mailers := []notice.Role{notice.LeadDeveloper, notice.DevOps, notice.Support}
	return []Rule{
		{
			ID: ConversionRateDropped, Title: "Conversion rate has dropped", Unit: Percent, Below: true,
			Threshold: 10, Severity: High, Cooldown: 30, Needed: 30,
			Value: "the conversion rate of automated trials that could have ended", Window: "trials that began in the 30 days before the last trial length and grace",
			Todo:  "Compare it with the control cohort's. If only automated trials convert less, roll back the rollout.",
			Roles: []notice.Role{notice.LeadDeveloper, notice.ProductOwner},
		},
		{
			ID: EmailDeliveryFailed, Title: "E-mails are not delivered", Unit: Count,
			Threshold: 20, Severity: Medium, Cooldown: 15,
			Value: "e-mails that bounced, were rejected, or refused for good", Window: "e-mails of the last day",
			Todo:  "Look in the collection sends for what they have in common: a domain, a template, a sender that is not verified.",
			Roles: mailers,
		},
		{
			ID: MassTrialExpiration, Title: "Many trials expire at once", Unit: Count,
			Threshold: 50, Severity: Medium, Cooldown: 60,
			Value: "trials that expired", Window: "the last hour",
			Todo:  "See whether as many registered together, or were held together. If not, set autoExpiration to false, and look at the trials' events.",
			Roles: []notice.Role{notice.LeadDeveloper, notice.ProductOwner, notice.Support},
		},
		{
			ID: EmailDeliveryRateLow, Title: "E-mail delivery rate is low", Unit: Percent, Below: true,
			Threshold: 95, Severity: Medium, Cooldown: 60, Needed: 20,
			Value: "the share of e-mails with a known outcome that were delivered", Window: "e-mails of the last day",
			Todo:  "Look in the collection sends for what they have in common: a domain, a template, a sender that is not verified.",
			Roles: mailers,
		},
		{
			ID: WatchMissed, Title: "The rollout is not watched", Unit: Count,
			Threshold: 3, Severity: High, Cooldown: 60,
			Value: "consecutive watches that are missing", Window: "since the last watch of the running rollout",
			Todo:  "Check that a worker runs and that the schedule watch-rollout is not paused. Until then the rollout enters no phase and does not roll itself back: pause it or roll it back by hand if in doubt.",
			Roles: notice.Roles(),
		},
		{
			ID: RolloutStuck, Title: "The rollout is stuck", Unit: Count,
			Threshold: 1, Severity: High, Cooldown: 60,
			Value: "running rollouts whose workflow is gone or fails its tasks", Window: "now",
			Todo:  "If its tasks fail, the worker's log says why; requests to the rollout wait and are not lost. If it is gone, requests other than a rollback are refused until the reconciler has restarted it: repeat them then. A rollback lowers the flags either way.",
			Roles: engineers,
		},
		{
			ID: WorkerAway, Title: "A worker is missing", Unit: Count,
			Threshold: 1, Severity: High, Cooldown: 15,
			Value: "missing workers", Window: "signs of life of the last 70 seconds",
			Todo:  "Restart it; its log says why it ended. Steps wait until then, and run late.",
			Roles: engineers,
		},
		{
			ID: SESPaused, Title: "The mail service accepts no e-mail", Unit: Count,
			Threshold: 1, Severity: High, Cooldown: 60,
			Value: "mail service accounts that may not send, or whose e-mails are all refused", Window: "now",
			Todo:  "Check the account's status in the SES console. E-mails wait, and are sent once it may send again.",
			Roles: engineers,
		},
		{
			ID: UnknownSends, Title: "E-mails have an unknown outcome", Unit: Count,
			Threshold: 5, Severity: Medium, Cooldown: 60,
			Value: "e-mails that may or may not have been sent", Window: "e-mails of today and the 30 days before",
			Todo:  "Check that SES's events reach the webhook, since they settle such e-mails. Without an event an e-mail is sent again after ten minutes.",
			Roles: engineers,
		},
		{
			ID: ReconcilerFinds, Title: "The reconciler repairs many trials", Unit: Count,
			Threshold: 10, Severity: Medium, Cooldown: 60,
			Value: "trials whose workflow was gone or whose conversion had not arrived", Window: "the last hour",
			Todo:  "They are repaired already. Find the cause: lost Temporal data, or failed calls to Temporal.",
			Roles: []notice.Role{notice.LeadDeveloper, notice.DevOps, notice.DBA},
		},
		{
			ID: BackupLate, Title: "The backup is late", Unit: Hours,
			Threshold: 5, Severity: High, Cooldown: 60,
			Value: "hours since the last backup, while a rollout runs", Window: "since the last backup, or since the rollout began",
			Todo:  "Take one with starter backup incremental. Its output, or the failed workflows named back-up, say why the last one is missing.",
			Roles: []notice.Role{notice.DBA, notice.DevOps},
		},
		{
			ID: CertificateExpires, Title: "The API's certificate expires", Unit: Count,
			Threshold: 1, Severity: High, Cooldown: minutesPerDay,
			Value: "API processes whose certificate expires within three weeks, or is invalid", Window: "now",
			Todo:  "Renew the certificate and replace the files TLS_CERT_FILE and TLS_KEY_FILE; the API loads them without a restart.",
			Roles: engineers,
		},
		{
			ID: CanaryFailed, Title: "The canary has found something broken", Unit: Count,
			Threshold: 1, Severity: High, Cooldown: 60,
			Value: "canaries that found something broken or did not come, while a rollout runs", Window: "the latest canary",
			Todo:  "Mend what it names: vendors meet it too. Then start a canary by hand to see. Until one is well the gates of the rollout are held, except with rule: threshold; nothing is rolled back for it.",
			Roles: engineers,
		},
	}
}

// RuleIDs are the ids of the rules.
func RuleIDs() []RuleID {
	var ids []RuleID
	for _, r := range Rules() {
		ids = append(ids, r.ID)
	}
	return ids
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
