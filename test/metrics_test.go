package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/test/system"
)

// scrape reads the metrics of a process as Prometheus does, and tells their names.
func (s *scenario) scrape(address string) (names map[string]bool, text string) {
	s.t.Helper()
	a, err := system.Call(s.ctx, http.MethodGet, address+"/metrics", "", nil, nil)
	s.answered(http.StatusOK, a, err)
	names = map[string]bool{}
	for line := range strings.SplitSeq(string(a.Body), "\n") {
		if name := metricName.FindString(line); name != "" {
			names[name] = true
		}
	}
	return names, string(a.Body)
}

var metricName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*`)

// A real run has every metric that the rules and the dashboard name, and no id,
// name or address in any of them.
func TestMetricsOfARealRun(t *testing.T) {
	s := begin(t, system.Options{Day: 24 * time.Hour, Env: []string{"METRICS_ADDR=127.0.0.1:0"}})
	id := s.vendor("ada")
	s.register(id)
	s.awaitMail(soon, id, "welcome/0")
	s.known(id)

	var api, worker map[string]bool
	var text string
	eventually(t, soon, func() error { // the step's decision is stored after its e-mail has left
		var apiText, workerText string
		api, apiText = s.scrape(s.APIMetrics)
		worker, workerText = s.scrape(s.WorkerMetrics)
		text = apiText + workerText
		for _, line := range []string{
			`trials_steps_total{kind="welcome",outcome="run"} 1`, `trials_mails_total{outcome="sent"} 1`,
			`trials_http_request_duration_seconds_count{class="2xx",method="POST",route="/api/vendors"} 1`,
			`trials_part_state{part="mongodb",state="healthy"} 1`, `trials_sns_messages_refused_total{reason="bad-signature"} 0`,
		} {
			if !strings.Contains(text, line+"\n") {
				return fmt.Errorf("there is no %s", line)
			}
		}
		return nil
	})
	for _, private := range []string{id, s.mark + "@", "@vendors.example.com", s.Secrets.AdminToken} {
		require.NotContains(t, strings.ReplaceAll(text, s.Namespace, ""), private)
	}
	a, err := system.Call(s.ctx, http.MethodGet, s.API+"/metrics", "", nil, nil)
	s.answered(http.StatusNotFound, a, err) // strangers reach the API

	shown := maps.Clone(api)
	maps.Copy(shown, worker)
	shown["up"] = true // Prometheus makes it
	named := namedMetrics(t)
	require.Greater(t, len(named), 10)
	for _, metric := range slices.Sorted(maps.Keys(named)) {
		if !shown[metric] {
			t.Errorf("%s names %s, which nothing shows", named[metric], metric)
		}
	}
}

// namedMetrics are the metrics that the alert rules and the dashboard name, and where.
func namedMetrics(t *testing.T) map[string]string {
	t.Helper()
	root, err := stack.Root()
	require.NoError(t, err)
	named := map[string]string{}
	add := func(where, expression string) {
		found := metricsIn(expression)
		require.NotEmpty(t, found, "%s: %s", where, expression)
		for _, metric := range found {
			named[metric] = where
		}
	}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert string
				Expr  string
			}
		}
	}
	raw, err := os.ReadFile(filepath.Join(root, "deploy", "prometheus", "alerts.yml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(raw, &rules))
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			add(rule.Alert, rule.Expr)
		}
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	raw, err = os.ReadFile(filepath.Join(root, "deploy", "grafana", "dashboards", "trials.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &dashboard))
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			add(panel.Title, target.Expr)
		}
	}
	return named
}

var (
	// notMetrics are the parts of an expression in which names are labels or text.
	notMetrics = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]|"[^"]*"|\b(by|without|on|ignoring|group_left|group_right) *\([^)]*\)`)
	// word is a name, and the parenthesis after that of a function.
	word = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*( *\()?`)
)

// metricsIn are the metrics that an expression of PromQL names.
func metricsIn(expression string) []string {
	var found []string
	for _, name := range word.FindAllString(notMetrics.ReplaceAllString(expression, " "), -1) {
		if !strings.HasSuffix(name, "(") && !slices.Contains([]string{"and", "or", "unless", "bool", "offset"}, name) {
			found = append(found, name)
		}
	}
	return found
}

func TestMetricsInAnExpression(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string][]string{
		`up{job="x"} == 0 or absent(up)`: {"up", "up"},
		`histogram_quantile(0.95, sum by (le, route) (rate(a_bucket{le!="b", c=~"d|e"}[5m:1m]))) > 2`: {"a_bucket"},
		`a_total / on (job, instance) go_threads and b > bool 3`:                                      {"a_total", "go_threads", "b"},
	} {
		require.Equal(t, want, metricsIn(expression), expression)
	}
}
