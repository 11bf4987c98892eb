// Package config reads the configuration of the processes from their environment, and refuses to start
// a process on a value that cannot work. Every variable is one field of Config; its tags give the
// name, the default, the processes that need it, and whether it is a secret.
//
// Temporal's address and credentials are not here: the Temporal SDK's own envconfig reads
// TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the others. The AWS SDK likewise reads AWS_*.
package config

import (
	"os"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config is the whole configuration from the environment. Fields without a value in the environment have
// the default of their tag; fields without a default are empty.
type Config struct {
	// APIAddr is the address the API listens on, as host:port. Port 0 chooses a free one.
	APIAddr string `env:"API_ADDR" envDefault:":8080"`

	// WorkerAddr is the address on which the worker answers health checks, as host:port. Port 0
	// chooses a free one.
	WorkerAddr string `env:"WORKER_ADDR" envDefault:":8081"`

	// MetricsAddr is the address on which the API or the worker serves its metrics to Prometheus, as
	// host:port. Port 0 chooses a free one. Empty: no metrics.
	MetricsAddr string `env:"METRICS_ADDR"`

	// MongoDBURI is the connection string. It may contain a password.
	MongoDBURI string `env:"MONGODB_URI" secret:"true" needed:"api,worker,setup"`

	// MongoDBDatabase is the database that holds the marketplace's users and our collections.
	MongoDBDatabase string `env:"MONGODB_DATABASE" envDefault:"marketplace"`

	// TaskQueue is the Temporal task queue that workers poll and workflows are started on.
	TaskQueue string `env:"TEMPORAL_TASK_QUEUE" envDefault:"trials"`

	// AdminToken is the first admin's bearer token, which grants everything under /api/admin.
	AdminToken string `env:"ADMIN_TOKEN" secret:"true" needed:"api"`

	// ServiceToken is the bearer token of the marketplace's backend, which grants /api/vendors.
	ServiceToken string `env:"SERVICE_TOKEN" secret:"true" needed:"api"`

	// MailFrom is the sender of every e-mail: an address, or a name and an address.
	MailFrom string `env:"MAIL_FROM" needed:"worker"`

	// SESConfigurationSet is the SES configuration set that sends are made with, and whose events
	// SNS publishes. Empty: the default of the sending identity.
	SESConfigurationSet string `env:"SES_CONFIGURATION_SET"`

	// SNSTopicARN is the only topic whose messages the webhook accepts.
	SNSTopicARN string `env:"SNS_TOPIC_ARN" needed:"api"`

	// SNSCertificateHost lists hosts from which signing certificates are accepted besides
	// sns.<region>.amazonaws.com, each a host or a host:port. Empty in production; the embedded
	// mailbox needs it, because it signs with a certificate of its own.
	SNSCertificateHost []string `env:"SNS_CERTIFICATE_HOST"`

	// TrialDay is how long one day of a trial lasts, between 100ms and 24h.
	TrialDay time.Duration `env:"TRIAL_DAY" envDefault:"24h"`

	// RolloutPlan is the path of a YAML file with the rollout's plan. Empty: the built-in plan.
	RolloutPlan string `env:"ROLLOUT_PLAN"`

	// Policies is the path of a YAML file with the policies that new vendors get. Empty: the built-in one.
	Policies string `env:"POLICIES"`

	// Stakeholders is the path of a YAML file with the recipients of a rollout's notices. Empty: nobody.
	Stakeholders string `env:"STAKEHOLDERS"`

	// AlertsConfig is the path of a JSON or YAML file with the alerts' thresholds. Empty: the
	// built-in ones.
	AlertsConfig string `env:"ALERTS_CONFIG"`

	// MailTemplates is the path of a folder with the brand of the e-mails to vendors, brand.yaml, and their words in folders by
	// language. Empty: the neutral brand, whose e-mails have no button, and the built-in words.
	MailTemplates string `env:"MAIL_TEMPLATES"`

	// PublicURL is the base of the links in e-mails, without a slash at its end.
	PublicURL string `env:"PUBLIC_URL" needed:"worker"`

	// LinkSecret holds the keys of the signed links in e-mails. The first signs; all of them verify,
	// so that a key can be replaced while links made with the old one are still in inboxes.
	LinkSecret []string `env:"LINK_SECRET" secret:"true" needed:"api,worker"`

	// WebhookSecret is the key that signs notices to stakeholders' webhooks; their
	// receivers know it, so it must differ from every other key. Only needed if a stakeholder has a webhook.
	WebhookSecret string `env:"WEBHOOK_SECRET" secret:"true"`

	// ButtonSecret is the key that signs the tokens in the targets of buttons; the marketplace knows it, so it must differ from
	// every other key. Only needed if a target has a token.
	ButtonSecret string `env:"BUTTON_SECRET" secret:"true"`

	// OIDCIssuer is the URL of the OpenID Connect provider that signs people in on the dashboard, besides tokens, as its tokens
	// name it. OIDCClientID and OIDCClientSecret are ours there. Empty: people sign in by tokens alone.
	OIDCIssuer       string `env:"OIDC_ISSUER"`
	OIDCClientID     string `env:"OIDC_CLIENT_ID"`
	OIDCClientSecret string `env:"OIDC_CLIENT_SECRET" secret:"true"`

	// OIDCGroups are the provider's groups with the role that each gives, as group=role.
	OIDCGroups []string `env:"OIDC_GROUPS"`

	// OIDCGroupsClaim is the claim in which the provider names a person's groups.
	OIDCGroupsClaim string `env:"OIDC_GROUPS_CLAIM" envDefault:"groups"`

	// TemporalUIURL is the base of Temporal's Web UI, which the dashboard links to. Empty: no links.
	TemporalUIURL string `env:"TEMPORAL_UI_URL"`

	// DashboardURLs are the URLs at which dashboards say whether they work, which a rollout's preflight asks.
	// Empty: a person must look at them.
	DashboardURLs []string `env:"DASHBOARD_URLS"`

	// BehindProxy says that a trusted proxy sets X-Forwarded-For and X-Forwarded-Proto, so that the
	// API and the dashboard may use them.
	BehindProxy bool `env:"BEHIND_PROXY" envDefault:"false"`

	// RateLimit is how many requests a second the API accepts from one address, and twice as many at
	// once, at least 1.
	RateLimit int `env:"RATE_LIMIT" envDefault:"500"`

	// TLSCertFile and TLSKeyFile are the paths of a certificate, followed by those of its issuers, and
	// of its key, both as PEM. The API then serves TLS itself. Empty: it does not.
	TLSCertFile string `env:"TLS_CERT_FILE"`
	TLSKeyFile  string `env:"TLS_KEY_FILE"`

	// MailSenders is the number of workers that share the SES account's rate, at least 1.
	MailSenders int `env:"MAIL_SENDERS" envDefault:"1"`

	// CanaryAddress is where the e-mails of canaries go, CanaryOff for no canaries.
	CanaryAddress string `env:"CANARY_ADDRESS" envDefault:"success@simulator.amazonses.com"`

	// BackupDir is the folder for backups. BackupS3Bucket is a bucket of S3 instead, and
	// BackupS3Prefix the beginning of the keys in it. Without either no backups are taken.
	BackupDir      string `env:"BACKUP_DIR"`
	BackupS3Bucket string `env:"BACKUP_S3_BUCKET"`
	BackupS3Prefix string `env:"BACKUP_S3_PREFIX"`

	// BackupAgeRecipient is the age public key that backups are encrypted for. Empty: they are not encrypted.
	BackupAgeRecipient string `env:"BACKUP_AGE_RECIPIENT"`

	// BackupAgeIdentityFile is the path of a file with the keys that decrypt them.
	BackupAgeIdentityFile string `env:"BACKUP_AGE_IDENTITY_FILE"`

	// LogLevel is the least severe level that is logged: debug, info, warn or error.
	LogLevel string `env:"LOG_LEVEL" envDefault:"info"`

	// LogFormat is json for machines or console for people.
	LogFormat string `env:"LOG_FORMAT" envDefault:"json"`
}

// CanaryOff is the CanaryAddress without canaries.
const CanaryOff = "off"

// Canaries reports whether canaries are to come.
func (c Config) Canaries() bool { return c.CanaryAddress != CanaryOff }

// Process is a program of ours that needs some of the variables to start. Its text is the word in
// the documentation.
type Process string

// The processes. Client needs no variable: those that are set must be valid.
const (
	API    Process = "api"
	Worker Process = "worker"
	Setup  Process = "setup" // the command `starter setup`
	Client Process = "client"
)

// LoadProbe reads only where the running process listens, for its health check: a file that somebody
// is just editing, such as the stakeholders, does not matter to a process that read it at its start.
func LoadProbe() (Config, error) {
	all := environment()
	c, err := Parse(map[string]string{"API_ADDR": all["API_ADDR"], "WORKER_ADDR": all["WORKER_ADDR"]}, Client)
	c.TLSCertFile = all["TLS_CERT_FILE"]
	return c, err
}

// Load reads the environment of a process.
func Load(process Process) (Config, error) { return Parse(environment(), process) }

// Parse reads the configuration of a process from the given variables instead of the environment.
// An empty variable counts as not set. The error names every variable that is wrong
// or missing, and never repeats a secret; the Config is then empty.
func Parse(variables map[string]string, process Process) (Config, error) {
	set := make(map[string]string, len(variables))
	for name, value := range variables {
		if value != "" {
			set[name] = value
		}
	}
	if err := readSecretFiles(set); err != nil {
		return Config{}, err
	}
	if err := checkSecrets(set); err != nil {
		return Config{}, err
	}
	var c Config
	if err := env.ParseWithOptions(&c, env.Options{Environment: set}); err != nil {
		return Config{}, explain(err)
	}
	c.normalize()
	if err := c.ValidateFor(process); err != nil {
		return Config{}, err
	}
	return c, nil
}

func environment() map[string]string { return env.ToMap(os.Environ()) }

// normalize brings equivalent values into one form.
func (c *Config) normalize() {
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	c.SNSCertificateHost = trimmed(c.SNSCertificateHost)
	c.LinkSecret, c.DashboardURLs, c.OIDCGroups = trimmed(c.LinkSecret), trimmed(c.DashboardURLs), trimmed(c.OIDCGroups)
}

// trimmed drops blanks around the values of a list, and values that are only blanks.
func trimmed(values []string) []string {
	var kept []string
	for _, value := range values {
		if value = strings.TrimSpace(value); value != "" {
			kept = append(kept, value)
		}
	}
	return kept
}
