package dashboard_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/test/sample"
)

// Every variable is on the page, and of a secret nothing but that it is set.
func TestTheSettingsShowEveryVariableAndNoSecret(t *testing.T) {
	t.Parallel()
	var c config.Config
	environment, marks := map[string]string{}, map[string]string{}
	fields := reflect.ValueOf(&c).Elem()
	for i, v := range config.Variables() {
		mark := "zq-mark-of-" + v.Name + "-zq"
		environment[v.Name] = mark
		switch field := fields.Field(i); field.Kind() {
		case reflect.String:
			field.SetString(mark)
		case reflect.Slice:
			field.Set(reflect.ValueOf([]string{mark, mark}))
		default:
			mark = "" // a number or a length of time is no secret
		}
		require.True(t, mark != "" || !v.Secret, v.Name)
		marks[v.Name] = mark
	}
	s := newSite(t, sample.Busy(), func(o *dashboard.Options) { o.Settings = dashboard.Settings{Variables: c.SettingsFrom(environment)} })
	issue(t, s.world, access.Viewer)
	s.signIn(string(access.Viewer))
	a := s.get("/admin/settings")
	for _, v := range config.Variables() {
		require.Contains(t, a.body, `<tr id="`+v.Name+`">`)
		if v.Secret {
			require.NotContains(t, a.body, marks[v.Name])
			inOrder(t, a.text(), v.Name+" set, and not shown environment")
		} else if marks[v.Name] != "" {
			require.Contains(t, a.body, marks[v.Name])
		}
	}
}

func TestTheSettingsSayWhatRuns(t *testing.T) {
	t.Parallel()
	s := signedIn(t, sample.Busy())
	inOrder(t, s.get("/admin/settings").text(), "Version of this API 1.4.0", "Built with go1.26.11", "Temporal namespace default", "Task queue trials",
		"2 versions run at once", "api api-1 1.4.0", "worker worker-1 1.4.0", "worker worker-2 1.3.2", "worker worker-3 1.3.2", "gone",
		"MONGODB_URI set, and not shown the file /run/secrets/mongodb_uri", "SES_CONFIGURATION_SET – not set", "TRIAL_DAY 24h0m0s default")
	inOrder(t, signedIn(t, sample.Empty()).get("/admin/settings").text(), "No process has given a sign of life yet.", "API_ADDR")
	inOrder(t, signedIn(t, sample.Broken()).get("/admin/settings").text(), "Which processes run cannot be read now.", "API_ADDR")
}
