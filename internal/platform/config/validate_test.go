package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/platform/config"
)

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
		{"ADMIN_TOKEN", "sixteen letters, blank", "contains blanks"},
		{"SERVICE_TOKEN", "short", "has 5 characters"},
		{"SERVICE_TOKEN", adminToken, "is the same as ADMIN_TOKEN"},
		{"MAIL_FROM", "Marketplace", "neither an address nor a name and an address"},
		{"SES_CONFIGURATION_SET", "a set", "is not a configuration set's name"},
		{"SNS_TOPIC_ARN", "mail-events", "is not an SNS topic"},
		{"SNS_CERTIFICATE_HOST", "localhost,https://localhost", `"https://localhost" is neither a host`},
		{"TRIAL_DAY", "2", "is not a duration"},
		{"TRIAL_DAY", "99ms", "99ms is not between 100ms and 24h0m0s"},
		{"TRIAL_DAY", "24h0m1s", "is not between 100ms and 24h0m0s"},
		{"TRIAL_DAY", "0s", "0s is not between"},
		{"TRIAL_DAY", "-2s", "-2s is not between"},
		{"ROLLOUT_PLAN", "no-such-plan.yaml", "no such file"},
		{"ROLLOUT_PLAN", ".", "is not a file"},
		{"ROLLOUT_PLAN", "config.go", "config.go: "},
		{"POLICIES", "nothing.yaml", "no such file"},
		{"POLICIES", planFile, "line 5: name: is not a field here"},
		{"STAKEHOLDERS", "nobody.yaml", "no such file"},
		{"STAKEHOLDERS", planFile, "line 5: name: is not a field here"},
		{"MAIL_TEMPLATES", "no-such-folder", "no-such-folder/brand.yaml: no such file"},
		{"PUBLIC_URL", "trials.marketplace.example", "is not a URL"},
		{"PUBLIC_URL", "ftp://marketplace.example", "is not a URL"},
		{"PUBLIC_URL", "https://marketplace.example/?a=b", "links append a path"},
		{"LINK_SECRET", "short", "key 1 has 5 characters, at least 32 are needed"},
		{"LINK_SECRET", linkSecret + ",short", "key 2 has 5 characters"},
		{"WEBHOOK_SECRET", "short", "has 5 characters, at least 32 are needed"},
		{"WEBHOOK_SECRET", linkSecret, "is a key of LINK_SECRET too"},
		{"BUTTON_SECRET", "short", "has 5 characters, at least 32 are needed"},
		{"BUTTON_SECRET", linkSecret, "is a key of LINK_SECRET or WEBHOOK_SECRET too"},
		{"OIDC_ISSUER", "id.example.com", "is not a URL like https://id.example.com"},
		{"OIDC_ISSUER", "https://jo:secret@id.example.com", "is not a URL like"},
		{"OIDC_ISSUER", "http://id.example.com", "must begin with https://"},
		{"OIDC_CLIENT_ID", "a client", "is not a client's id"},
		{"OIDC_CLIENT_SECRET", "short", "has 5 characters, at least 16 are needed"},
		{"OIDC_GROUPS", "support", `"support" is not like trials-operators=operator`},
		{"OIDC_GROUPS", "support=root", "the role must be one of [viewer operator admin]"},
		{"OIDC_GROUPS_CLAIM", "the groups", "is not a claim's name"},
		{"MAIL_SENDERS", "two", "is not a whole number"},
		{"MAIL_SENDERS", "0", "0 is not between 1 and 1000"},
		{"MAIL_SENDERS", "1001", "1001 is not between 1 and 1000"},
		{"CANARY_ADDRESS", "on", `"on" is neither an address nor off`},
		{"CANARY_ADDRESS", "Jo <jo@marketplace.example>", "is neither an address nor off"},
		{"BEHIND_PROXY", "perhaps", "is neither true nor false"},
		{"RATE_LIMIT", "many", "is not a whole number"},
		{"RATE_LIMIT", "0", "0 is not between 1 and 100000"},
		{"RATE_LIMIT", "100001", "is not between 1 and 100000"},
		{"TLS_CERT_FILE", "tls.crt", "set both TLS_CERT_FILE and TLS_KEY_FILE, or neither"},
		{"TLS_KEY_FILE", "tls.key", "set both TLS_CERT_FILE and TLS_KEY_FILE, or neither"},
		{"TEMPORAL_UI_URL", "localhost", `"localhost" is not a URL like`},
		{"DASHBOARD_URLS", "http://grafana:3000,grafana", "address 2 is not a URL like"},
		{"DASHBOARD_URLS", "ftp://grafana", "address 1 is not a URL like"},
		{"DASHBOARD_URLS", "http://admin:hidden@grafana:3000", "address 1: addresses are shown"},
		{"DASHBOARD_URLS", "http://grafana:3000/?token=a", "must contain no login, ? or #"},
		{"DASHBOARD_URLS", strings.Repeat("http://grafana,", 21), "are 21, at most 20 can be asked"},
		{"BACKUP_DIR", "config.go", "config.go is not a folder"},
		{"BACKUP_S3_BUCKET", "My bucket", "is not a bucket's name"},
		{"BACKUP_S3_PREFIX", "trials", "is not a key prefix"},
		{"BACKUP_S3_PREFIX", "/trials/", "is not a key prefix"},
		{"BACKUP_AGE_RECIPIENT", "age1short", "is not an age public key"},
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

// What describes the identity provider is there whole, or not at all.
func TestHalfAnIdentityProviderIsRefused(t *testing.T) {
	t.Parallel()
	whole := map[string]string{
		"OIDC_ISSUER": "https://id.example.com", "OIDC_CLIENT_ID": "trials", "OIDC_CLIENT_SECRET": clientSecret, "OIDC_GROUPS": "support=viewer",
		"PUBLIC_URL": "https://trials.example.com",
	}
	for missing := range whole {
		variables := complete()
		maps.Copy(variables, whole)
		delete(variables, missing)
		_, err := config.Parse(variables, config.API)
		require.ErrorContains(t, err, missing, missing)
		require.ErrorContains(t, err, "for signing in with OpenID Connect")
		require.NotContains(t, err.Error(), clientSecret)
	}
	_, err := config.Parse(with(complete(), "OIDC_CLIENT_SECRET", clientSecret), config.API)
	require.NoError(t, err, "make secrets makes it up before anybody asks for it")
	_, err = config.Parse(with(complete(), "OIDC_ISSUER", "http://127.0.0.1:8080"), config.Client)
	require.NoError(t, err, "on this machine it needs no TLS")
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
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
	parsed.RolloutPlan, parsed.Stakeholders, parsed.WebhookSecret, parsed.ButtonSecret = planFile, stakeholdersFile, hookSecret, buttonSecret
	parsed.AlertsConfig, parsed.MailTemplates, parsed.Policies = alertsFile, mailTemplates, policiesFile
	parsed.TemporalUIURL, parsed.BehindProxy = "http://localhost:8233", true
	parsed.OIDCIssuer, parsed.OIDCClientID, parsed.OIDCClientSecret, parsed.OIDCGroups = "https://id.example.com", "trials", clientSecret, []string{"support=viewer"}
	parsed.DashboardURLs = []string{"http://grafana:3000/api/health"}
	parsed.TLSCertFile, parsed.TLSKeyFile = certificate(t)
	parsed.BackupDir, parsed.BackupS3Bucket, parsed.BackupS3Prefix = t.TempDir(), "vault", "trials/"
	parsed.BackupAgeRecipient, parsed.BackupAgeIdentityFile = ageRecipient, planFile
	fields := reflect.ValueOf(parsed)
	for i := range fields.NumField() {
		require.False(t, fields.Field(i).IsZero(), "%s has no value here", fields.Type().Field(i).Name)
	}

	require.NoError(t, parsed.Validate())
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
