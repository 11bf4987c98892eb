package production

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/platform/config"
)

// processes are our services and what of config they are.
var processes = map[string]config.Process{"api": config.API, "worker": config.Worker, "setup": config.Setup, "starter": config.Client}

// ofOthers are the variables that are read by the SDKs for themselves, or by starter alone.
var ofOthers = []string{"API_URL", "AWS_REGION", "AWS_SHARED_CREDENTIALS_FILE", "TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"}

func TestThePartsAreThere(t *testing.T) {
	t.Parallel()

	services := compose(t).Services
	for _, name := range []string{
		"api", "worker", "setup", "mongodb", "postgresql", "temporal", "temporal-ui", "prometheus", "grafana",
	} {
		assert.Contains(t, services, name)
	}
	workers := services["worker"]
	require.Equal(t, 2, workers.GetScale())
}

// The environment must be one that the process starts on, with the secrets that `make secrets` makes.
func TestOurProcessesStartOnTheirEnvironment(t *testing.T) {
	t.Parallel()
	secrets := t.TempDir()
	makeSecrets(t, secrets)

	for name, process := range processes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			variables := map[string]string{}
			for variable, value := range compose(t).Services[name].Environment {
				require.NotNil(t, value, "%s is taken from the shell of whoever starts the stack", variable)
				variables[variable] = onHost(compose(t).Services[name], strings.Replace(*value, "/run/secrets", secrets, 1))
			}

			got, err := config.Parse(variables, process)

			require.NoError(t, err)
			require.Equal(t, config.MaxTrialDay, got.TrialDay, "in production a day is a day")
			require.Empty(t, got.SNSCertificateHost, "only Amazon's certificates are good in production")
		})
	}
}

// onHost is where a path within a container lies on the host, if it is mounted.
func onHost(service types.ServiceConfig, path string) string {
	for _, volume := range service.Volumes {
		if volume.Type == types.VolumeTypeBind && volume.Target == path {
			return volume.Source
		}
	}
	return path
}

// Whoever changes a copy of the plan, of the policies, of the alerts or of the brand names it in .env, and it is the copy that is read.
func TestThePlanThePoliciesTheAlertsAndTheBrandCanBeReplaced(t *testing.T) {
	t.Parallel()
	settings := filepath.Join(t.TempDir(), "env")
	text := strings.NewReplacer("./deploy/rollout-plan.yaml", "/etc/our-plan.yaml", "./deploy/policies.yaml", "/etc/our-policies.yaml",
		"./deploy/alerts.json", "/etc/our-alerts.json", "MAIL_TEMPLATES_FOLDER=", "MAIL_TEMPLATES_FOLDER=/etc/our-mail").Replace(read(t, "deploy/env.example"))
	require.NoError(t, os.WriteFile(settings, []byte(text), 0o600))

	project, err := load(settings)

	require.NoError(t, err)
	for name, files := range map[string]map[string]string{
		"api":    {"ROLLOUT_PLAN": "/etc/our-plan.yaml", "POLICIES": "/etc/our-policies.yaml", "ALERTS_CONFIG": "/etc/our-alerts.json", "MAIL_TEMPLATES": "/etc/our-mail"},
		"worker": {"POLICIES": "/etc/our-policies.yaml", "ALERTS_CONFIG": "/etc/our-alerts.json", "MAIL_TEMPLATES": "/etc/our-mail"},
	} {
		for variable, file := range files {
			service := project.Services[name]
			require.NotNil(t, service.Environment[variable], "%s: %s", name, variable)
			require.Equal(t, file, onHost(service, *service.Environment[variable]), name)
		}
	}
}

// The example's brand is nobody's: as long as no other is named, no e-mail and no page for vendors bears it.
func TestNoVendorGetsTheExamplesBrand(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"api", "worker"} {
		value := compose(t).Services[name].Environment["MAIL_TEMPLATES"]
		require.NotNil(t, value, name)
		require.Empty(t, *value, name)
	}
}

// Killed sooner, a process leaves requests without an answer, and does not store what it has counted. What the API takes
// follows from its own limits, and is held against its grace beside them.
func TestOurProcessesAreGivenTheTimeThatTheyTakeToStop(t *testing.T) {
	t.Parallel()
	for name, longest := range map[string]time.Duration{
		"worker": 5*time.Second + 10*time.Second + 3*time.Second + 5*time.Second, // health, what is under way, traces, the database
	} {
		grace := compose(t).Services[name].StopGracePeriod
		require.NotNil(t, grace, name)
		require.Greater(t, time.Duration(*grace), longest, name)
	}
}

func TestOurProcessesGetNoVariableThatNobodyReads(t *testing.T) {
	t.Parallel()

	known := map[string]bool{}
	for _, v := range config.Variables() {
		known[v.Name] = !v.Secret // secrets come from files only
		known[v.FileName()] = true
	}
	for _, name := range ofOthers {
		known[name] = true
	}
	for name := range processes {
		for variable := range compose(t).Services[name].Environment {
			assert.True(t, known[variable], "%s: %s", name, variable)
		}
	}
}

// A command that somebody types on the host must find the API, and be let in.
func TestTheCommandLineReachesTheAPIAsAdmin(t *testing.T) {
	t.Parallel()
	secrets := t.TempDir()
	makeSecrets(t, secrets)
	starter, api := compose(t).Services["starter"], compose(t).Services["api"]
	parse := func(service types.ServiceConfig, process config.Process) config.Config {
		variables := map[string]string{}
		for variable, value := range service.Environment {
			variables[variable] = onHost(service, strings.Replace(*value, "/run/secrets", secrets, 1))
		}
		c, err := config.Parse(variables, process)
		require.NoError(t, err)
		return c
	}

	tool, served := parse(starter, config.Client), parse(api, config.API)

	require.NotEmpty(t, tool.AdminToken)
	require.Equal(t, served.AdminToken, tool.AdminToken)
	require.Equal(t, served.ServiceToken, tool.ServiceToken)
	require.Equal(t, served.MongoDBURI, tool.MongoDBURI)
	require.Equal(t, served.MongoDBDatabase, tool.MongoDBDatabase)
	require.Equal(t, "http://api"+served.APIAddr, *starter.Environment["API_URL"])
	require.Contains(t, api.Networks, "backend")
	require.Contains(t, starter.Networks, "backend")
	require.Equal(t, []string{"/starter"}, stages(t)[starter.Build.Target].entrypoint)
	require.Empty(t, starter.Command, "the command is typed")
}

func TestSendersAreCounted(t *testing.T) {
	t.Parallel()

	worker := compose(t).Services["worker"]

	require.Equal(t, strconv.Itoa(worker.GetScale()), *worker.Environment["MAIL_SENDERS"],
		"the replicas share the account's rate")
}

func TestSettingsThatAreMissingAreNamed(t *testing.T) {
	t.Parallel()
	complete := strings.Split(read(t, "deploy/env.example"), "\n")

	for _, name := range []string{"AWS_REGION", "MAIL_FROM", "SES_CONFIGURATION_SET", "SNS_TOPIC_ARN", "PUBLIC_URL"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var kept []string
			for _, line := range complete {
				if !strings.HasPrefix(line, name+"=") {
					kept = append(kept, line)
				}
			}
			require.Len(t, kept, len(complete)-1, "deploy/env.example sets it once")
			settings := filepath.Join(t.TempDir(), "env")
			require.NoError(t, os.WriteFile(settings, []byte(strings.Join(kept, "\n")), 0o600))

			_, err := load(settings)

			require.ErrorContains(t, err, name)
		})
	}
}

var password = regexp.MustCompile(`(?i)(password|passwd|pwd|token|secret|credential|_uri|_key)`)

func TestSecretsComeFromFilesAndFromNowhereElse(t *testing.T) {
	t.Parallel()

	inFile := regexp.MustCompile(`^/run/secrets/[a-z_]+$`)
	each(t, func(t *testing.T, service types.ServiceConfig) {
		for name, value := range service.Environment {
			if password.MatchString(name) {
				assert.Regexp(t, `_FILE$`, name)
				assert.Regexp(t, inFile, *value, name)
			}
			assert.NotRegexp(t, `://[^/@]*:[^/@]*@`, *value, name)
		}
	})
}

func TestServicesSeeTheSecretsThatTheyReadAndNoOthers(t *testing.T) {
	t.Parallel()

	mounted := regexp.MustCompile(`/run/secrets/([a-z_]+)`)
	each(t, func(t *testing.T, service types.ServiceConfig) {
		text := strings.Join(append(service.Entrypoint, service.Command...), " ")
		for _, value := range service.Environment {
			text += " " + *value
		}
		for _, volume := range service.Volumes {
			text += " " + scripts(t, volume)
		}
		read := map[string]bool{}
		for _, match := range mounted.FindAllStringSubmatch(text, -1) {
			read[match[1]] = true
		}
		given := map[string]bool{}
		for _, secret := range service.Secrets {
			given[secret.Source] = true
		}
		// The scripts of temporal/ are one folder; each service runs one of them.
		if service.Name == "temporal-namespace" {
			delete(read, "postgres_password")
		}
		require.Equal(t, read, given)
	})
}

// scripts is the text of what a service is given from deploy/.
func scripts(t *testing.T, volume types.ServiceVolumeConfig) string {
	t.Helper()
	if volume.Type != types.VolumeTypeBind {
		return ""
	}
	info, err := os.Stat(volume.Source)
	require.NoError(t, err, "what is mounted must be in the repository")
	if !info.IsDir() {
		content, err := os.ReadFile(volume.Source)
		require.NoError(t, err)
		return string(content)
	}
	files, err := filepath.Glob(filepath.Join(volume.Source, "*.sh"))
	require.NoError(t, err)
	var text strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		text.Write(content)
	}
	return text.String()
}

func TestMakeSecretsMakesExactlyTheSecretsOfTheStack(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	makeSecrets(t, folder)

	made := map[string]bool{}
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, file := range files {
		made[file.Name()] = true
	}
	wanted := map[string]bool{}
	for name, secret := range compose(t).Secrets {
		wanted[name] = true
		absolute, err := filepath.Abs(filepath.Join(root, "secrets", name))
		require.NoError(t, err)
		assert.Equal(t, absolute, secret.File)
	}
	require.Equal(t, wanted, made)
}

func TestImagesArePinned(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, service types.ServiceConfig) {
		if builtHere(service) {
			require.Contains(t, stages(t), service.Build.Target)
			return
		}
		require.Regexp(t, `:v?[0-9]+\.[0-9]+(\.[0-9]+)?(-[a-z0-9.]+)?$`, service.Image)
	})
}

func TestNothingRunsWithMoreRightsThanItNeeds(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, service types.ServiceConfig) {
		assert.True(t, service.ReadOnly, "its file system can be written to")
		assert.Equal(t, []string{"ALL"}, service.CapDrop)
		assert.Empty(t, service.CapAdd)
		assert.False(t, service.Privileged)
		assert.Contains(t, service.SecurityOpt, "no-new-privileges:true")
		user := service.User
		if builtHere(service) {
			require.Empty(t, user, "the image says it")
			user = stages(t)[service.Build.Target].user
		}
		assert.Regexp(t, `^[1-9][0-9]*:`, user, "runs as root, or as a user that only the image knows")
		for _, volume := range service.Volumes {
			assert.True(t, volume.Type == types.VolumeTypeVolume || volume.ReadOnly, "can write to %s", volume.Source)
		}
	})
}

func TestOnlyThisMachineReachesThePorts(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, service types.ServiceConfig) {
		for _, port := range service.Ports {
			assert.Equal(t, "127.0.0.1", port.HostIP, "%d", port.Target)
		}
	})
}

func TestDatabasesAreOnInternalNetworksOnly(t *testing.T) {
	t.Parallel()

	for _, name := range []string{"mongodb", "postgresql", "temporal"} {
		networks := compose(t).Services[name].Networks
		require.NotEmpty(t, networks, name)
		for network := range networks {
			assert.True(t, compose(t).Networks[network].Internal, "%s is on %s", name, network)
		}
	}
}

func TestDataOutlivesItsContainer(t *testing.T) {
	t.Parallel()

	for service, folder := range map[string]string{
		"mongodb": "/data/db", "postgresql": "/var/lib/postgresql/data", "prometheus": "/prometheus", "grafana": "/var/lib/grafana",
	} {
		var kept bool
		for _, volume := range compose(t).Services[service].Volumes {
			kept = kept || volume.Target == folder && volume.Type == types.VolumeTypeVolume && volume.Source != ""
		}
		assert.True(t, kept, "%s keeps nothing of %s", service, folder)
	}
}

func TestEveryLastingServiceSaysHowItIs(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, service types.ServiceConfig) {
		if byHand(service) {
			require.Equal(t, types.RestartPolicyNo, service.Restart)
			return
		}
		if runsOnce(service) {
			require.Regexp(t, `^on-failure:[0-9]+$`, service.Restart)
			return
		}
		require.NotNil(t, service.HealthCheck)
		require.False(t, service.HealthCheck.Disable)
		require.Greater(t, len(service.HealthCheck.Test), 1)
	})
}

func TestOurHealthChecksAskTheBinaryItself(t *testing.T) {
	t.Parallel()

	for _, name := range []string{"api", "worker"} {
		service := compose(t).Services[name]
		stage := stages(t)[service.Build.Target]
		binary := stage.entrypoint[0]
		assert.Equal(t, []string{"CMD", binary, "-healthcheck"}, []string(service.HealthCheck.Test))
		assert.Equal(t, []string{binary, "-healthcheck"}, stage.healthcheck)
	}
}

func TestServicesStartWhenWhatTheyNeedIsReady(t *testing.T) {
	t.Parallel()

	each(t, func(t *testing.T, service types.ServiceConfig) {
		for name, dependency := range service.DependsOn {
			want := types.ServiceConditionHealthy
			if runsOnce(compose(t).Services[name]) {
				want = types.ServiceConditionCompletedSuccessfully
			}
			assert.Equal(t, want, dependency.Condition, name)
		}
	})
	for service, needed := range map[string][]string{
		"setup":              {"mongodb", "temporal", "temporal-namespace"},
		"api":                {"setup", "mongodb", "temporal"},
		"worker":             {"setup", "mongodb", "temporal"},
		"temporal":           {"postgresql", "temporal-schema"},
		"temporal-schema":    {"postgresql"},
		"temporal-namespace": {"temporal"},
	} {
		for _, name := range needed {
			assert.Contains(t, compose(t).Services[service].DependsOn, name, service)
		}
	}
}
