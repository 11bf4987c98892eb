package config_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zapcore"

	"marketplace.example/trials/config"
)

const (
	adminToken   = "admin-token-of-the-tests"
	serviceToken = "service-token-of-the-tests"
	linkSecret   = "link-secret-of-the-tests-0123456"
	hookSecret   = "webhook-secret-of-the-tests-0123"
	mongoDBURI   = "mongodb://trials:database-password@mongodb:27017"
	topic        = "arn:aws:sns:eu-west-1:123456789012:mail-events"

	planFile         = "../deploy/rollout-plan.yaml"
	stakeholdersFile = "../deploy/stakeholders.example.yaml"
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

func TestNoSecretHasADefault(t *testing.T) {
	t.Parallel()

	for _, v := range config.Variables() {
		if v.Secret {
			assert.Empty(t, v.Default, v.Name)
		}
	}
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
		"STAKEHOLDERS":          stakeholdersFile,
		"PUBLIC_URL":            "https://trials.marketplace.example/",
		"LINK_SECRET":           linkSecret + "-new, " + linkSecret,
		"WEBHOOK_SECRET":        hookSecret,
		"RATE_LIMIT":            "20",
		"MAIL_SENDERS":          "2",
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
		Stakeholders:        stakeholdersFile,
		PublicURL:           "https://trials.marketplace.example",
		LinkSecret:          []string{linkSecret + "-new", linkSecret},
		WebhookSecret:       hookSecret,
		RateLimit:           20,
		MailSenders:         2,
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
	told := func(entry string) map[string]string {
		file := filepath.Join(t.TempDir(), "stakeholders.yaml")
		require.NoError(t, os.WriteFile(file, []byte("stakeholders:\n  - "+entry+"\n"), 0o600))
		return with(complete(), "STAKEHOLDERS", file)
	}
	hook := told("{role: devops-engineer, webhook: https://chat.example.com/hooks/abc}")

	for _, process := range []config.Process{config.Worker, config.API} { // the API posts while no worker is there
		_, err := config.Parse(hook, process)
		require.ErrorContains(t, err, "WEBHOOK_SECRET: is not set")
		require.NotContains(t, err.Error(), "chat.example.com")
	}
	_, err := config.Parse(with(hook, "WEBHOOK_SECRET", hookSecret), config.Worker)
	require.NoError(t, err)
	_, err = config.Parse(told("{role: devops-engineer, email: devops@example.com}"), config.Worker)
	require.NoError(t, err, "nothing is posted")
}

func TestWrongValuesAreNamed(t *testing.T) {
	t.Parallel()

	for _, test := range []struct{ name, value, problem string }{
		{"API_ADDR", "8080", `"8080" is not host:port`},
		{"API_ADDR", ":http-alt", "the port is not a number"},
		{"API_ADDR", ":65536", "the port is not a number"},
		{"METRICS_ADDR", "metrics", `"metrics" is not host:port`},
		{"WORKER_ADDR", "worker", `"worker" is not host:port`},
		{"MONGODB_URI", "postgres://mongodb", "is not a connection string"},
		{"MONGODB_URI", "mongodb://", "is not a connection string"},
		{"MONGODB_DATABASE", "a/b", `"a/b" is not a database's name`},
		{"TEMPORAL_TASK_QUEUE", "/_sys/trials", "is not a task queue's name"},
		{"TEMPORAL_TASK_QUEUE", strings.Repeat("q", 201), "at most 200"},
		{"ADMIN_TOKEN", "fifteen-letters", "has 15 characters, at least 16 are needed"},
		{"ADMIN_TOKEN", "sixteen letters, blank", "holds blanks"},
		{"SERVICE_TOKEN", "short", "has 5 characters"},
		{"SERVICE_TOKEN", adminToken, "is the same as ADMIN_TOKEN"},
		{"MAIL_FROM", "Marketplace", "neither an address nor a name and an address"},
		{"SES_CONFIGURATION_SET", "a set", "is not a configuration set's name"},
		{"SNS_TOPIC_ARN", "mail-events", "is not an SNS topic"},
		{"SNS_CERTIFICATE_HOST", "localhost,https://localhost", `"https://localhost" is neither a host`},
		{"TRIAL_DAY", "2", "is not a length of time"},
		{"TRIAL_DAY", "99ms", "99ms is not between 100ms and 24h0m0s"},
		{"TRIAL_DAY", "24h0m1s", "is not between 100ms and 24h0m0s"},
		{"TRIAL_DAY", "0s", "0s is not between"},
		{"TRIAL_DAY", "-2s", "-2s is not between"},
		{"ROLLOUT_PLAN", "no-such-plan.yaml", "no such file"},
		{"ROLLOUT_PLAN", ".", "is not a file"},
		{"ROLLOUT_PLAN", "config.go", "config.go: "},
		{"STAKEHOLDERS", "nobody.yaml", "no such file"},
		{"STAKEHOLDERS", planFile, "line 5: name: is not a field here"},
		{"PUBLIC_URL", "trials.marketplace.example", "is not a URL"},
		{"PUBLIC_URL", "ftp://marketplace.example", "is not a URL"},
		{"PUBLIC_URL", "https://marketplace.example/?a=b", "links are made by adding a path"},
		{"LINK_SECRET", "short", "key 1 has 5 characters, at least 32 are needed"},
		{"LINK_SECRET", linkSecret + ",short", "key 2 has 5 characters"},
		{"WEBHOOK_SECRET", "short", "has 5 characters, at least 32 are needed"},
		{"WEBHOOK_SECRET", linkSecret, "is a key of LINK_SECRET too"},
		{"MAIL_SENDERS", "two", "is not a whole number"},
		{"MAIL_SENDERS", "0", "0 is not between 1 and 1000"},
		{"MAIL_SENDERS", "1001", "1001 is not between 1 and 1000"},
		{"BEHIND_PROXY", "perhaps", "is neither true nor false"},
		{"RATE_LIMIT", "many", "is not a whole number"},
		{"RATE_LIMIT", "0", "0 is not between 1 and 100000"},
		{"RATE_LIMIT", "100001", "is not between 1 and 100000"},
		{"TLS_CERT_FILE", "tls.crt", "set both TLS_CERT_FILE and TLS_KEY_FILE, or neither"},
		{"TLS_KEY_FILE", "tls.key", "set both TLS_CERT_FILE and TLS_KEY_FILE, or neither"},
		{"TEMPORAL_UI_URL", "localhost", `"localhost" is not a URL like`},
		{"BACKUP_DIR", "config.go", "config.go is not a folder"},
		{"BACKUP_S3_BUCKET", "My bucket", "is not a bucket's name"},
		{"BACKUP_S3_PREFIX", "trials", "is not a beginning of keys"},
		{"BACKUP_S3_PREFIX", "/trials/", "is not a beginning of keys"},
		{"BACKUP_AGE_RECIPIENT", "age1short", "is not a public key of age"},
		{"BACKUP_AGE_IDENTITY_FILE", "no-such-key.txt", "no such file"},
		{"LOG_LEVEL", "loud", `"loud" is not one of debug, info, warn, error`},
		{"LOG_FORMAT", "xml", `"xml" is not one of json, console`},
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			t.Parallel()

			got, err := config.Parse(with(complete(), test.name, test.value), config.Client)

			require.ErrorContains(t, err, test.name+": ")
			require.ErrorContains(t, err, test.problem)
			require.Zero(t, got)
		})
	}
}

func TestAllProblemsAreToldAtOnce(t *testing.T) {
	t.Parallel()

	_, err := config.Parse(map[string]string{"TRIAL_DAY": "1h", "LOG_LEVEL": "loud"}, config.API)

	require.Error(t, err)
	for _, name := range []string{"LOG_LEVEL", "MONGODB_URI", "ADMIN_TOKEN", "SERVICE_TOKEN"} {
		assert.Contains(t, err.Error(), name+": ")
	}
	assert.NotContains(t, err.Error(), "TRIAL_DAY")
}

func TestEveryVariableHasACheck(t *testing.T) {
	t.Parallel()

	// A value is judged when it is there, so every field must have one for this to tell anything.
	parsed, err := config.Parse(complete(), config.Client)
	require.NoError(t, err)
	parsed.MetricsAddr, parsed.SESConfigurationSet, parsed.SNSCertificateHost = ":9464", "set", []string{"localhost"}
	parsed.RolloutPlan, parsed.Stakeholders, parsed.WebhookSecret = planFile, stakeholdersFile, hookSecret
	parsed.AlertsConfig = alertsFile
	parsed.TemporalUIURL, parsed.BehindProxy = "http://localhost:8233", true
	parsed.TLSCertFile, parsed.TLSKeyFile = certificate(t)
	parsed.BackupDir, parsed.BackupS3Bucket, parsed.BackupS3Prefix = t.TempDir(), "vault", "trials/"
	parsed.BackupAgeRecipient, parsed.BackupAgeIdentityFile = ageRecipient, planFile
	fields := reflect.ValueOf(parsed)
	for i := range fields.NumField() {
		require.False(t, fields.Field(i).IsZero(), "%s has no value here", fields.Type().Field(i).Name)
	}

	require.NoError(t, parsed.Validate())
}

func TestSecretsComeFromFiles(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	inFile := func(name, content string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}

	got, err := config.Parse(map[string]string{
		"ADMIN_TOKEN_FILE":   inFile("admin_token", adminToken+"\n"),
		"SERVICE_TOKEN_FILE": inFile("service_token", serviceToken+"\r\n"),
		"LINK_SECRET_FILE":   inFile("link_secret", linkSecret+"-new,\n"+linkSecret+"\n"),
		"MONGODB_URI_FILE":   inFile("mongodb_uri", mongoDBURI),
		"SNS_TOPIC_ARN":      topic,
	}, config.API)

	require.NoError(t, err)
	require.Equal(t, adminToken, got.AdminToken)
	require.Equal(t, serviceToken, got.ServiceToken)
	require.Equal(t, []string{linkSecret + "-new", linkSecret}, got.LinkSecret)
	require.Equal(t, mongoDBURI, got.MongoDBURI)
}

func TestFilesThatHoldNoSecretAreNamed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	empty := filepath.Join(folder, "empty")
	require.NoError(t, os.WriteFile(empty, []byte(" \n"), 0o600))
	huge := filepath.Join(folder, "huge")
	require.NoError(t, os.WriteFile(huge, []byte(strings.Repeat("a", 1<<20)), 0o600))

	for problem, path := range map[string]string{
		"no such file":   filepath.Join(folder, "missing"),
		"is empty":       empty,
		"is larger than": huge,
		"is a directory": folder,
	} {
		t.Run(problem, func(t *testing.T) {
			t.Parallel()

			_, err := config.Parse(map[string]string{"ADMIN_TOKEN_FILE": path}, config.Client)

			require.ErrorContains(t, err, "ADMIN_TOKEN_FILE: ")
			require.ErrorContains(t, err, problem)
		})
	}
}

func TestASecretGivenTwiceIsRefused(t *testing.T) {
	t.Parallel()

	_, err := config.Parse(with(complete(), "ADMIN_TOKEN_FILE", "admin_token"), config.API)

	require.ErrorContains(t, err, "ADMIN_TOKEN and ADMIN_TOKEN_FILE are both set")
}

func TestOnlySecretsComeFromFiles(t *testing.T) {
	t.Parallel()

	got, err := config.Parse(map[string]string{"LOG_LEVEL_FILE": "config.go"}, config.Client)

	require.NoError(t, err)
	require.Equal(t, "info", got.LogLevel)
}

func TestSecretsStayOutOfLogsAndErrors(t *testing.T) {
	t.Parallel()

	parsed, err := config.Parse(complete(), config.API)
	require.NoError(t, err)
	encoded, err := json.Marshal(parsed)
	require.NoError(t, err)
	_, wrong := config.Parse(map[string]string{
		"MONGODB_URI": "http://trials:database-password@mongodb",
		"ADMIN_TOKEN": "zq8", "SERVICE_TOKEN": "zq9", "LINK_SECRET": "zq7",
	}, config.API)
	require.Error(t, wrong)

	for _, shown := range []string{
		parsed.String(), fmt.Sprintf("%v %+v %#v %s", parsed, &parsed, parsed, parsed),
		string(encoded), wrong.Error(),
	} {
		for _, secret := range []string{adminToken, serviceToken, linkSecret, "database-password", "zq7", "zq8", "zq9"} {
			assert.NotContains(t, shown, secret)
		}
	}
	require.Contains(t, parsed.String(), "https://trials.marketplace.example")
	require.Equal(t, adminToken, parsed.AdminToken, "showing a configuration must not change it")
}

func TestLoadReadsTheEnvironment(t *testing.T) {
	for name, value := range with(complete(), "TRIAL_DAY", "2s") {
		t.Setenv(name, value)
	}

	for process, load := range map[string]func() (config.Config, error){
		"api": config.LoadAPI, "worker": config.LoadWorker, "setup": config.LoadSetup,
	} {
		got, err := load()
		require.NoError(t, err, process)
		require.Equal(t, 2*time.Second, got.TrialDay, process)
	}

	t.Setenv("MONGODB_URI", "")
	for process, load := range map[string]func() (config.Config, error){
		"api": config.LoadAPI, "worker": config.LoadWorker, "setup": config.LoadSetup,
	} {
		_, err := load()
		require.ErrorContains(t, err, "the "+process+" needs it")
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

// However a secret is given, what no secret looks like is refused by the variable's name and never repeated.
func TestSecretsThatAreNotOneLineAreNamed(t *testing.T) {
	t.Parallel()
	for _, v := range config.Variables() {
		if !v.Secret {
			continue
		}
		for _, junk := range []string{
			"zq-one-secret-of-thirty-two-letters\nzq-two-secret-of-thirty-two-letters", "\ufeffzq-one-secret-of-thirty-two-letters",
			"zq-one-secret-of-thirty\r-two-letters", "zq-one-secret-of-thirty\x00-two-letters", "zq-one-secret-\xff-of-thirty-two-letters",
		} {
			_, err := config.Parse(with(without(complete(), v.Name), v.Name, junk), config.API)
			require.ErrorContains(t, err, v.Name+": ")
			require.NotContains(t, err.Error(), "zq-")
			path := filepath.Join(t.TempDir(), "secret")
			require.NoError(t, os.WriteFile(path, []byte(junk), 0o600))
			_, err = config.Parse(with(without(complete(), v.Name), v.FileName(), path), config.API)
			require.ErrorContains(t, err, v.FileName()+": ")
			require.NotContains(t, err.Error(), "zq-")
		}
	}
}

// Whatever is wrong with a variable, the error says with which one.
func TestEveryVariableIsNamedWhereItIsWrong(t *testing.T) {
	t.Parallel()
	for _, v := range config.Variables() {
		for _, junk := range []string{"zq", "\x01zq", "zq %zz\x7f", "//zq:::", "zq/\x00"} {
			_, err := config.Parse(with(complete(), v.Name, junk), config.API)
			if err == nil {
				continue // names of databases and queues may be odd
			}
			require.ErrorContains(t, err, v.Name+": ", "%q", junk)
			if v.Secret {
				require.NotContains(t, err.Error(), "zq")
			}
		}
	}
	_, err := config.Parse(with(complete(), "BEHIND_PROXY", "perhaps"), config.API)
	require.ErrorContains(t, err, "BEHIND_PROXY: ")
}

func TestAConnectionStringThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "uri")
	for uri, good := range map[string]bool{
		"mongodb://u:p@h:27017/?replicaSet=rs0":             true,
		"mongodb://u:p%40%2F@h1:1,h2:2/":                    true,
		"mongodb+srv://u:p@cluster.example.com/?w=majority": true,
		"mongodb://u:zq%zz@h:27017":                         false,
		"mongodb://u:zq/zq@h:27017":                         false,
		"mongodb://u:zq@zq@h:27017":                         false,
		"mongodb+srv://u:zq%zz@cluster.example.com":         false,
		"mongodb://zq:h:27017:1/":                           false,
		"mongodb://u:zq@h:70000":                            false,
	} {
		require.NoError(t, os.WriteFile(path, []byte(uri), 0o600))
		for _, variables := range []map[string]string{with(complete(), "MONGODB_URI", uri), with(without(complete(), "MONGODB_URI"), "MONGODB_URI_FILE", path)} {
			_, err := config.Parse(variables, config.Worker)
			if good {
				require.NoError(t, err, uri)
				continue
			}
			require.ErrorContains(t, err, "MONGODB_URI: ", uri)
			require.NotContains(t, err.Error(), "zq")
		}
	}
}
