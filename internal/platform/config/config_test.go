package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"

	"marketplace.example/trials/internal/platform/config"
)

const (
	adminToken   = "admin-token-of-the-tests"
	serviceToken = "service-token-of-the-tests"
	linkSecret   = "link-secret-of-the-tests-0123456"
	hookSecret   = "webhook-secret-of-the-tests-0123"
	buttonSecret = "button-secret-of-the-tests-01234"
	clientSecret = "client-secret-of-the-tests-01234"
	mongoDBURI   = "mongodb://trials:database-password@mongodb:27017"
	topic        = "arn:aws:sns:eu-west-1:123456789012:mail-events"

	planFile         = "../../../deploy/rollout-plan.yaml"
	policiesFile     = "../../../deploy/policies.yaml"
	stakeholdersFile = "../../../deploy/stakeholders.example.yaml"
	mailTemplates    = "../../../deploy/mail"
)

// complete has all that any process needs.
func complete() map[string]string {
	return map[string]string{
		"MONGODB_URI":   mongoDBURI,
		"ADMIN_TOKEN":   adminToken,
		"SERVICE_TOKEN": serviceToken,
		"SNS_TOPIC_ARN": topic,
		"MAIL_FROM":     "Marketplace <trials@marketplace.example>",
		"PUBLIC_URL":    "https://trials.marketplace.example",
		"LINK_SECRET":   linkSecret,
	}
}

func with(variables map[string]string, name, value string) map[string]string {
	changed := maps.Clone(variables)
	changed[name] = value
	return changed
}

func without(variables map[string]string, name string) map[string]string {
	changed := maps.Clone(variables)
	delete(changed, name)
	return changed
}

func TestDefaultsApplyWhereNothingIsSet(t *testing.T) {
	t.Parallel()

	got, err := config.Parse(nil, config.Client)

	require.NoError(t, err)
	require.Equal(t, ":8080", got.APIAddr)
	require.Equal(t, ":8081", got.WorkerAddr)
	require.Equal(t, "marketplace", got.MongoDBDatabase)
	require.Equal(t, "trials", got.TaskQueue)
	require.Equal(t, 24*time.Hour, got.TrialDay)
	require.Equal(t, 1, got.MailSenders)
	require.Equal(t, 500, got.RateLimit)
	require.Equal(t, "info", got.LogLevel)
	require.Equal(t, "json", got.LogFormat)
}

// ageRecipient is a public key of age, from its documentation.
const ageRecipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"

func TestEveryVariableReachesItsField(t *testing.T) {
	t.Parallel()

	got, err := config.Parse(map[string]string{
		"API_ADDR":              "127.0.0.1:0",
		"WORKER_ADDR":           "127.0.0.1:9000",
		"METRICS_ADDR":          "127.0.0.1:9464",
		"MONGODB_URI":           mongoDBURI,
		"MONGODB_DATABASE":      "shop",
		"TEMPORAL_TASK_QUEUE":   "trials-blue",
		"ADMIN_TOKEN":           adminToken,
		"SERVICE_TOKEN":         serviceToken,
		"MAIL_FROM":             "trials@marketplace.example",
		"SES_CONFIGURATION_SET": "trials",
		"SNS_TOPIC_ARN":         topic,
		"SNS_CERTIFICATE_HOST":  "127.0.0.1:8025, localhost",
		"TRIAL_DAY":             "250ms",
		"ROLLOUT_PLAN":          planFile,
		"POLICIES":              policiesFile,
		"STAKEHOLDERS":          stakeholdersFile,
		"MAIL_TEMPLATES":        mailTemplates,
		"PUBLIC_URL":            "https://trials.marketplace.example/",
		"LINK_SECRET":           linkSecret + "-new, " + linkSecret,
		"WEBHOOK_SECRET":        hookSecret,
		"BUTTON_SECRET":         buttonSecret,
		"OIDC_ISSUER":           "https://id.marketplace.example",
		"OIDC_CLIENT_ID":        "trials",
		"OIDC_CLIENT_SECRET":    clientSecret,
		"OIDC_GROUPS":           "trials-viewers=viewer, trials-operators=operator",
		"OIDC_GROUPS_CLAIM":     "roles",
		"DASHBOARD_URLS":        "http://grafana:3000/api/health, http://prometheus:9090/-/ready",
		"RATE_LIMIT":            "20",
		"MAIL_SENDERS":          "2",
		"CANARY_ADDRESS":        "canary@marketplace.example",
		"BACKUP_DIR":            "no-such-folder-yet",
		"BACKUP_S3_BUCKET":      "vault",
		"BACKUP_S3_PREFIX":      "trials/",
		"BACKUP_AGE_RECIPIENT":  ageRecipient,

		"BACKUP_AGE_IDENTITY_FILE": planFile,

		"LOG_LEVEL":  "debug",
		"LOG_FORMAT": "console",
	}, config.API)

	require.NoError(t, err)
	require.Equal(t, config.Config{
		APIAddr:             "127.0.0.1:0",
		WorkerAddr:          "127.0.0.1:9000",
		MetricsAddr:         "127.0.0.1:9464",
		MongoDBURI:          mongoDBURI,
		MongoDBDatabase:     "shop",
		TaskQueue:           "trials-blue",
		AdminToken:          adminToken,
		ServiceToken:        serviceToken,
		MailFrom:            "trials@marketplace.example",
		SESConfigurationSet: "trials",
		SNSTopicARN:         topic,
		SNSCertificateHost:  []string{"127.0.0.1:8025", "localhost"},
		TrialDay:            250 * time.Millisecond,
		RolloutPlan:         planFile,
		Policies:            policiesFile,
		Stakeholders:        stakeholdersFile,
		MailTemplates:       mailTemplates,
		PublicURL:           "https://trials.marketplace.example",
		LinkSecret:          []string{linkSecret + "-new", linkSecret},
		WebhookSecret:       hookSecret,
		ButtonSecret:        buttonSecret,
		OIDCIssuer:          "https://id.marketplace.example",
		OIDCClientID:        "trials",
		OIDCClientSecret:    clientSecret,
		OIDCGroups:          []string{"trials-viewers=viewer", "trials-operators=operator"},
		OIDCGroupsClaim:     "roles",
		DashboardURLs:       []string{"http://grafana:3000/api/health", "http://prometheus:9090/-/ready"},
		RateLimit:           20,
		MailSenders:         2,
		CanaryAddress:       "canary@marketplace.example",
		BackupDir:           "no-such-folder-yet",
		BackupS3Bucket:      "vault",
		BackupS3Prefix:      "trials/",
		BackupAgeRecipient:  ageRecipient,

		BackupAgeIdentityFile: planFile,

		LogLevel:  "debug",
		LogFormat: "console",
	}, got)
}

func TestAProcessDoesNotStartWithoutWhatItNeeds(t *testing.T) {
	t.Parallel()

	needs := map[config.Process][]string{
		config.API:    {"MONGODB_URI", "ADMIN_TOKEN", "SERVICE_TOKEN", "SNS_TOPIC_ARN", "LINK_SECRET"},
		config.Worker: {"MONGODB_URI", "MAIL_FROM", "PUBLIC_URL", "LINK_SECRET"},
		config.Setup:  {"MONGODB_URI"},
		config.Client: nil,
	}
	for process, needed := range needs {
		t.Run(string(process), func(t *testing.T) {
			t.Parallel()

			_, err := config.Parse(complete(), process)
			require.NoError(t, err)

			for name := range complete() {
				// Set to nothing, as compose does with a variable that the host does not have.
				_, err := config.Parse(with(complete(), name, ""), process)
				if slices.Contains(needed, name) {
					require.ErrorContains(t, err, name+": is not set")
				} else {
					require.NoError(t, err, name)
				}
			}
		})
	}
}

func TestWhatIsPostedToWebhooksIsSigned(t *testing.T) {
	t.Parallel()
	parsed := func(entry string) map[string]string {
		file := filepath.Join(t.TempDir(), "stakeholders.yaml")
		require.NoError(t, os.WriteFile(file, []byte("stakeholders:\n  - "+entry+"\n"), 0o600))
		return with(complete(), "STAKEHOLDERS", file)
	}
	hook := parsed("{role: devops-engineer, webhook: https://chat.example.com/hooks/abc}")

	for _, process := range []config.Process{config.Worker, config.API} { // the API posts while no worker is there
		_, err := config.Parse(hook, process)
		require.ErrorContains(t, err, "WEBHOOK_SECRET: is not set")
		require.NotContains(t, err.Error(), "chat.example.com")
	}
	_, err := config.Parse(with(hook, "WEBHOOK_SECRET", hookSecret), config.Worker)
	require.NoError(t, err)
	_, err = config.Parse(parsed("{role: devops-engineer, email: devops@example.com}"), config.Worker)
	require.NoError(t, err, "nothing is posted")
}

// A button without its token would lead vendors to somebody who does not know them. Whoever only looks at e-mails has no key.
func TestTokensInButtonsAreSigned(t *testing.T) {
	t.Parallel()
	folder := mailFolder(t, map[string]string{"brand.yaml": "name: N\nbuttons:\n  default: https://n.example\n  expiry: https://n.example/#{token}\n"})
	variables := with(complete(), "MAIL_TEMPLATES", folder)
	for _, process := range []config.Process{config.Worker, config.API} {
		_, err := config.Parse(variables, process)
		require.ErrorContains(t, err, "MAIL_TEMPLATES: "+filepath.Join(folder, "brand.yaml")+": line 4: buttons.expiry: has {token}, but BUTTON_SECRET is not set")
		_, err = config.Parse(with(variables, "BUTTON_SECRET", buttonSecret), process)
		require.NoError(t, err)
	}
	_, err := config.Parse(variables, config.Client)
	require.NoError(t, err)

	keyless := config.Config{MailTemplates: folder}
	_, err = keyless.Signable(keyless.Mail())
	require.ErrorContains(t, err, "line 4: buttons.expiry", "nor is it taken while a process runs")
}

func TestLoadReadsTheEnvironment(t *testing.T) {
	for name, value := range with(complete(), "TRIAL_DAY", "2s") {
		t.Setenv(name, value)
	}

	for _, process := range []config.Process{config.API, config.Worker} {
		got, err := config.Load(process)
		require.NoError(t, err, process)
		require.Equal(t, 2*time.Second, got.TrialDay, process)
	}

	t.Setenv("MONGODB_URI", "")
	for _, process := range []config.Process{config.API, config.Worker} {
		_, err := config.Load(process)
		require.ErrorContains(t, err, "the "+string(process)+" needs it")
	}
}

func TestTheLoggerKeepsToItsLevel(t *testing.T) {
	t.Parallel()

	for level, least := range map[string]zapcore.Level{
		"debug": zapcore.DebugLevel, "info": zapcore.InfoLevel, "warn": zapcore.WarnLevel, "error": zapcore.ErrorLevel,
	} {
		for _, format := range []string{"json", "console"} {
			parsed, err := config.Parse(map[string]string{"LOG_LEVEL": level, "LOG_FORMAT": format}, config.Client)
			require.NoError(t, err)

			log, err := parsed.Logger()

			require.NoError(t, err)
			require.Equal(t, least, log.Level())
		}
	}
}
