package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/mail"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caarlos0/env/v11"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/notice"
)

// Bounds of the values, in the units of their fields.
const (
	MinTrialDay = 100 * time.Millisecond
	MaxTrialDay = 24 * time.Hour

	// MinTokenLength, MinLinkSecretLength, MinWebhookSecretLength and MinButtonSecretLength are in characters. Shorter
	// secrets can be guessed.
	MinTokenLength         = 16
	MinLinkSecretLength    = 32
	MinWebhookSecretLength = 32
	MinButtonSecretLength  = 32

	MaxMailSenders = 1000

	// MaxDashboards is how many dashboards a preflight asks at most.
	MaxDashboards = 20

	// MaxRateLimit is more than one API can answer.
	MaxRateLimit = 100_000
)

var (
	databaseName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)
	topicARN     = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_.-]{1,256}$`)
	bucketName   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	bucketPrefix = regexp.MustCompile(`^[A-Za-z0-9_.-]([A-Za-z0-9_./-]{0,200})/$`)
	ageRecipient = regexp.MustCompile(`^age1[02-9ac-hj-np-z]{58}$`)
	clientName   = regexp.MustCompile(`^[!-~]{1,200}$`)
	setName      = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
)

// Validate checks every value that is set. Its error names each wrong variable, one a line.
func (c Config) Validate() error { return c.ValidateFor(Client) }

// ValidateFor is Validate, and also checks that the process has all variables that it needs.
func (c Config) ValidateFor(process Process) error {
	var problems []error
	for _, v := range Variables() {
		if !v.isSetIn(c) && v.Default == "" {
			if v.neededBy(process) {
				problems = append(problems, missing(v, process))
			}
			continue
		}
		if err := c.check(v.Name); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", v.Name, err))
		}
	}
	if c.AdminToken != "" && c.AdminToken == c.ServiceToken {
		problems = append(problems, errors.New("SERVICE_TOKEN: is the same as ADMIN_TOKEN; "+
			"the marketplace's backend must not be able to act as an admin"))
	}
	if process == API {
		problems = append(problems, c.checkProviderIsWhole())
	}
	if process == Worker || process == API {
		problems = append(problems, c.checkWebhooksAreSigned(), c.checkButtonsAreSigned())
	}
	return errors.Join(problems...)
}

// checkWebhooksAreSigned requires a key if a stakeholder has a webhook.
func (c Config) checkWebhooksAreSigned() error {
	stakeholders, err := c.ReadStakeholders()
	signed := err != nil || c.WebhookSecret != "" // an error in the file is reported already
	if signed || !slices.ContainsFunc(stakeholders, func(s notice.Stakeholder) bool { return s.Webhook != "" }) {
		return nil
	}
	return errors.New("WEBHOOK_SECRET: is not set, and neither is WEBHOOK_SECRET_FILE; a stakeholder has a webhook, and posts to it must be signed")
}

// checkButtonsAreSigned requires a key if a button's target has a token.
func (c Config) checkButtonsAreSigned() error {
	read, err := c.Mail()
	if err != nil {
		return nil //nolint:nilerr // it is reported already
	}
	if _, err := c.Signable(read, nil); err != nil {
		return fmt.Errorf("MAIL_TEMPLATES: %w", err)
	}
	return nil
}

func missing(v Variable, process Process) error {
	if v.Secret {
		return fmt.Errorf("%s: is not set, and neither is %s; the %s needs it", v.Name, v.FileName(), process)
	}
	return fmt.Errorf("%s: is not set; the %s needs it", v.Name, process)
}

// check validates one variable, which is set or has a default. Its errors never repeat a
// secret.
func (c Config) check(variable string) error {
	judge, ok := checks[variable]
	if !ok {
		return errors.New("has no check")
	}
	return judge(c)
}

var checks = map[string]func(Config) error{
	"API_ADDR":     func(c Config) error { return checkListenAddress(c.APIAddr) },
	"WORKER_ADDR":  func(c Config) error { return checkListenAddress(c.WorkerAddr) },
	"METRICS_ADDR": func(c Config) error { return checkListenAddress(c.MetricsAddr) },
	"MONGODB_URI":  func(c Config) error { return checkMongoDBURI(c.MongoDBURI) },
	"MONGODB_DATABASE": func(c Config) error {
		return checkPattern(c.MongoDBDatabase, databaseName, "a database's name of letters, digits, _ and -")
	},
	"TEMPORAL_TASK_QUEUE": func(c Config) error { return checkTaskQueue(c.TaskQueue) },
	"ADMIN_TOKEN":         func(c Config) error { return checkToken(c.AdminToken) },
	"SERVICE_TOKEN":       func(c Config) error { return checkToken(c.ServiceToken) },
	"MAIL_FROM":           func(c Config) error { return checkMailFrom(c.MailFrom) },
	"SES_CONFIGURATION_SET": func(c Config) error {
		return checkPattern(c.SESConfigurationSet, setName, "a configuration set's name of letters, digits, _ and -")
	},
	"SNS_TOPIC_ARN": func(c Config) error {
		return checkPattern(c.SNSTopicARN, topicARN, "an SNS topic like arn:aws:sns:eu-west-1:123456789012:mail-events")
	},
	"SNS_CERTIFICATE_HOST": func(c Config) error { return checkHosts(c.SNSCertificateHost) },
	"TRIAL_DAY":            func(c Config) error { return checkTrialDay(c.TrialDay) },
	"ROLLOUT_PLAN":         func(c Config) error { _, err := c.Plan(); return err },
	"POLICIES":             func(c Config) error { _, err := c.ReadPolicies(); return err },
	"STAKEHOLDERS":         func(c Config) error { _, err := c.ReadStakeholders(); return err },
	"ALERTS_CONFIG":        func(c Config) error { _, err := c.AlertRules(); return err },
	"MAIL_TEMPLATES":       func(c Config) error { _, err := c.Mail(); return err },
	"PUBLIC_URL":           func(c Config) error { return checkPublicURL(c.PublicURL) },
	"OIDC_ISSUER":          func(c Config) error { return checkIssuer(c.OIDCIssuer) },
	"OIDC_CLIENT_ID": func(c Config) error {
		return checkPattern(c.OIDCClientID, clientName, "a client's id of up to 200 characters without blanks")
	},
	"OIDC_CLIENT_SECRET": func(c Config) error { return checkToken(c.OIDCClientSecret) },
	"OIDC_GROUPS":        func(c Config) error { _, err := access.ParseGroups(c.OIDCGroups); return err },
	"OIDC_GROUPS_CLAIM": func(c Config) error {
		return checkPattern(c.OIDCGroupsClaim, clientName, "a claim's name of up to 200 characters without blanks")
	},
	"TEMPORAL_UI_URL": func(c Config) error { return checkPublicURL(c.TemporalUIURL) },
	"DASHBOARD_URLS":  func(c Config) error { return checkDashboards(c.DashboardURLs) },
	"BEHIND_PROXY":    func(Config) error { return nil },
	"RATE_LIMIT":      func(c Config) error { return checkCount(c.RateLimit, MaxRateLimit) },
	"TLS_CERT_FILE":   checkCertificate,
	"TLS_KEY_FILE":    checkCertificate,
	"LINK_SECRET":     func(c Config) error { return checkLinkSecret(c.LinkSecret) },
	"WEBHOOK_SECRET":  checkWebhookSecret,
	"BUTTON_SECRET":   checkButtonSecret,
	"MAIL_SENDERS":    func(c Config) error { return checkCount(c.MailSenders, MaxMailSenders) },
	"CANARY_ADDRESS":  func(c Config) error { return checkCanaryAddress(c.CanaryAddress) },
	"BACKUP_DIR":      func(c Config) error { return checkFolder(c.BackupDir) },
	"BACKUP_S3_BUCKET": func(c Config) error {
		return checkPattern(c.BackupS3Bucket, bucketName, "a bucket's name of small letters, digits, dots and dashes")
	},
	"BACKUP_S3_PREFIX": func(c Config) error {
		return checkPattern(c.BackupS3Prefix, bucketPrefix, "a key prefix like trials/, ending with /")
	},
	"BACKUP_AGE_RECIPIENT": func(c Config) error {
		return checkPattern(c.BackupAgeRecipient, ageRecipient, "an age public key, which begins with age1")
	},
	"BACKUP_AGE_IDENTITY_FILE": func(c Config) error { return checkReadableFile(c.BackupAgeIdentityFile) },
	"LOG_LEVEL":                func(c Config) error { return checkOneOf(c.LogLevel, "debug", "info", "warn", "error") },
	"LOG_FORMAT":               func(c Config) error { return checkOneOf(c.LogFormat, "json", "console") },
}

func checkListenAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%q is not host:port", address)
	}
	if number, err := strconv.Atoi(port); err != nil || number < 0 || number > 65535 {
		return fmt.Errorf("%q: the port is not a number from 0 to 65535", address)
	}
	return nil
}

func checkMongoDBURI(uri string) error {
	for _, scheme := range []string{"mongodb://", "mongodb+srv://"} {
		rest, ok := strings.CutPrefix(uri, scheme)
		if !ok || rest == "" {
			continue
		}
		// The driver resolves the hosts of the other scheme; its errors may repeat a part of the password.
		if _, err := connstring.Parse("mongodb://" + rest); err != nil && (scheme == "mongodb://" || !strings.Contains(err.Error(), "SRV")) {
			return errors.New("is an invalid connection string: in its name and password encode characters other than letters and digits as %XX, and check its options")
		}
		return nil
	}
	return errors.New("is not a connection string like mongodb://host:27017")
}

func checkTaskQueue(name string) error {
	const longest = 200
	if utf8.RuneCountInString(name) > longest || strings.TrimSpace(name) != name || strings.HasPrefix(name, "/_sys/") {
		return fmt.Errorf("%q is not a task queue's name of at most %d characters", name, longest)
	}
	return nil
}

func checkToken(token string) error {
	if len(token) < MinTokenLength {
		return fmt.Errorf("has %d characters, at least %d are needed", len(token), MinTokenLength)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("contains blanks or non-ASCII characters, which no HTTP header can carry")
	}
	return nil
}

func checkMailFrom(sender string) error {
	if _, err := mail.ParseAddress(sender); err != nil {
		return fmt.Errorf("%q is neither an address nor a name and an address", sender)
	}
	return nil
}

func checkCanaryAddress(address string) error {
	if parsed, err := mail.ParseAddress(address); address != CanaryOff && (err != nil || parsed.Address != address) {
		return fmt.Errorf("%q is neither an address nor off", address)
	}
	return nil
}

func checkPattern(value string, pattern *regexp.Regexp, meaning string) error {
	if !pattern.MatchString(value) {
		return fmt.Errorf("%q is not %s", value, meaning)
	}
	return nil
}

func checkHosts(hosts []string) error {
	for _, host := range hosts {
		parsed, err := url.Parse("https://" + host)
		if err != nil || parsed.Host != host || parsed.Hostname() == "" {
			return fmt.Errorf("%q is neither a host nor host:port", host)
		}
	}
	return nil
}

func checkTrialDay(day time.Duration) error {
	if day < MinTrialDay || day > MaxTrialDay {
		return fmt.Errorf("%s is not between %s and %s", day, MinTrialDay, MaxTrialDay)
	}
	return nil
}

func checkReadableFile(path string) error {
	file, err := os.Open(path) //nolint:gosec // G304: the operator names the file
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // nothing was written

	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	return nil
}

// checkFolder accepts a missing folder: the first backup creates it.
func checkFolder(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", path)
	}
	return nil
}

func checkPublicURL(address string) error {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return fmt.Errorf("%q is not a URL like https://trials.example.com", address)
	}
	if parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
		return fmt.Errorf("%q: links append a path, so it must contain no login, ? or #", parsed.Redacted())
	}
	return nil
}

// checkDashboards refuses what may be a secret: the answers are shown with the addresses.
func checkDashboards(addresses []string) error {
	if len(addresses) > MaxDashboards {
		return fmt.Errorf("are %d, at most %d can be asked", len(addresses), MaxDashboards)
	}
	for i, address := range addresses {
		parsed, err := url.Parse(address)
		if err != nil || parsed.Host == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
			return fmt.Errorf("address %d is not a URL like http://grafana:3000/api/health", i+1)
		}
		if parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
			return fmt.Errorf("address %d: addresses are shown, so it must contain no login, ? or #", i+1)
		}
	}
	return nil
}

func checkLinkSecret(keys []string) error {
	for i, key := range keys {
		if n := utf8.RuneCountInString(key); n < MinLinkSecretLength {
			return fmt.Errorf("key %d has %d characters, at least %d are needed", i+1, n, MinLinkSecretLength)
		}
	}
	return nil
}

// checkWebhookSecret requires a key that has no other use:
// the recipients of notices know it.
func checkWebhookSecret(c Config) error {
	if n := utf8.RuneCountInString(c.WebhookSecret); n < MinWebhookSecretLength {
		return fmt.Errorf("has %d characters, at least %d are needed", n, MinWebhookSecretLength)
	}
	if slices.Contains(c.LinkSecret, c.WebhookSecret) {
		return errors.New("is a key of LINK_SECRET too; whoever checks webhooks could make links")
	}
	return nil
}

// checkButtonSecret likewise: the marketplace's front end knows it.
func checkButtonSecret(c Config) error {
	if n := utf8.RuneCountInString(c.ButtonSecret); n < MinButtonSecretLength {
		return fmt.Errorf("has %d characters, at least %d are needed", n, MinButtonSecretLength)
	}
	if slices.Contains(c.LinkSecret, c.ButtonSecret) || c.ButtonSecret == c.WebhookSecret {
		return errors.New("is a key of LINK_SECRET or WEBHOOK_SECRET too; whoever checks the buttons' tokens could make links or webhooks")
	}
	return nil
}

// checkCount requires a number from 1 to most.
func checkCount(n, most int) error {
	if n < 1 || n > most {
		return fmt.Errorf("%d is not between 1 and %d", n, most)
	}
	return nil
}

// checkCertificate requires a certificate and its key, or neither.
func checkCertificate(c Config) error {
	if c.TLSCertFile == "" || c.TLSKeyFile == "" {
		return errors.New("a certificate needs its key: set both TLS_CERT_FILE and TLS_KEY_FILE, or neither")
	}
	_, err := tls.LoadX509KeyPair(c.TLSCertFile, c.TLSKeyFile)
	return err
}

func checkOneOf(value string, allowed ...string) error {
	if !slices.Contains(allowed, value) {
		return fmt.Errorf("%q is not one of %s", value, strings.Join(allowed, ", "))
	}
	return nil
}

// explain turns the parser's errors, which mention Go's fields and types, into errors that name
// the variable.
func explain(err error) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return fmt.Errorf("reading the environment: %w", err)
	}
	problems := make([]error, 0, len(all.Errors))
	for _, one := range all.Errors {
		var parse env.ParseError
		if !errors.As(one, &parse) {
			problems = append(problems, one)
			continue
		}
		v, known := variableOf(parse.Name)
		switch {
		case !known:
			problems = append(problems, one)
		case parse.Type.String() == "time.Duration":
			problems = append(problems, fmt.Errorf("%s: is not a duration like 24h, 2s or 250ms", v.Name))
		case parse.Type.Kind() == reflect.Bool:
			problems = append(problems, fmt.Errorf("%s: is neither true nor false", v.Name))
		default:
			problems = append(problems, fmt.Errorf("%s: is not a whole number", v.Name))
		}
	}
	return errors.Join(problems...)
}
