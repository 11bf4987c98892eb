package monitoring

import (
	"slices"

	"marketplace.example/trials/internal/domain/notice"
)

// Rules are the built-in rules, in display order.
func Rules() []Rule { return slices.Concat(vendorRules(), systemRules()) }

// RuleIDs are the ids of the rules.
func RuleIDs() []RuleID {
	var ids []RuleID
	for _, r := range Rules() {
		ids = append(ids, r.ID)
	}
	return ids
}

// vendorRules are about what becomes of vendors and their e-mails.
func vendorRules() []Rule {
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
	}
}

// systemRules are about what runs: the rollout, the processes, and what they need.
func systemRules() []Rule {
	engineers := []notice.Role{notice.LeadDeveloper, notice.DevOps}
	return []Rule{
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
