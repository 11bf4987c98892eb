// Package prometheus holds what deploy/ says to Prometheus and Grafana against
// Prometheus' own parser. It is a module of its own, so that Prometheus stays out
// of the product's dependencies.
package prometheus

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/require"
)

const (
	rulesFile  = "../../deploy/prometheus/alerts.yml"
	dashboards = "../../deploy/grafana/dashboards/*.json"
)

func promQL() parser.Parser { return parser.NewParser(parser.Options{}) }

func parseRules(text []byte) (*rulefmt.RuleGroups, []error) {
	return rulefmt.Parse(text, false, model.UTF8Validation, promQL(), slog.New(slog.DiscardHandler))
}

// Prometheus takes the rules: their fields, expressions, labels and templates.
func TestPrometheusTakesTheAlertRules(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(rulesFile)
	require.NoError(t, err)
	groups, errs := parseRules(text)
	require.Empty(t, errs)
	rules := 0
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			rules++
			require.NotEmpty(t, rule.Alert, "%s records a series: who reads it?", rule.Record)
			require.Contains(t, []string{"critical", "warning"}, rule.Labels["severity"], rule.Alert)
			require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			require.NotEmpty(t, rule.Annotations["description"], rule.Alert)
			require.Equal(t, parser.ValueTypeVector, typeOf(t, rule.Expr), rule.Alert)
		}
	}
	require.Greater(t, rules, 8)

	for name, change := range map[string][2]string{
		"a bracket that is missing":  {"max by (part) (", "max by (part) "},
		"a function that is unknown": {"histogram_quantile(0.95", "histogram_quartile(0.95"},
		"a rate over no time":        {"[5m]", ""},
		"a field that is unknown":    {"        for: 1m", "        during: 1m"},
		"a template that is broken":  {"{{ $labels.part }}", "{{ $labels.part }"},
		"a time that is none":        {"for: 10m", "for: ten minutes"},
	} {
		broken := strings.Replace(string(text), change[0], change[1], 1)
		require.NotEqual(t, string(text), broken, name)
		_, errs := parseRules([]byte(broken))
		require.NotEmpty(t, errs, name)
	}
}

// A container that has ended has no series any more, so what runs is counted against how many there should be.
func TestMissingWorkersAreCountedAgainstHowManyThereShouldBe(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(rulesFile)
	require.NoError(t, err)
	groups, errs := parseRules(text)
	require.Empty(t, errs)
	found := false
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			parsed, err := promQL().ParseExpr(rule.Expr)
			require.NoError(t, err)
			running, expected := false, false
			for _, selected := range parser.ExtractSelectors(parsed) {
				running = running || takes(selected, model.MetricNameLabel, "up") && takes(selected, "job", "worker") && !takes(selected, "job", "api")
				expected = expected || takes(selected, model.MetricNameLabel, "trials_workers_expected")
			}
			comparison, compares := parsed.(*parser.BinaryExpr)
			found = found || running && expected && compares && comparison.Op == parser.LSS
		}
	}
	require.True(t, found)
}

func typeOf(t *testing.T, expression string) parser.ValueType {
	t.Helper()
	parsed, err := promQL().ParseExpr(expression)
	require.NoError(t, err, expression)
	return parsed.Type()
}

// Probes are many and answer fast: among them, calls of the marketplace that fail or take long would not be seen.
func TestAlertsAboutCallsLeaveProbesOut(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(rulesFile)
	require.NoError(t, err)
	groups, errs := parseRules(text)
	require.Empty(t, errs)
	asked := 0
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			parsed, err := promQL().ParseExpr(rule.Expr)
			require.NoError(t, err)
			for _, selected := range parser.ExtractSelectors(parsed) {
				if !ofCalls(selected) {
					continue
				}
				asked++
				for route, counts := range map[string]bool{
					"/api/vendors": true, "/api/vendors/{id}/conversion": true, "/api/admin/trials/{id}/extend": true, "/api/admin/audit": true,
					"/healthz": false, "/readyz": false, "/api/admin/monitoring/trials/health": false, "/api/webhooks/ses": false, "none": false,
				} {
					require.Equal(t, counts, takes(selected, "route", route), "%s: %s", rule.Alert, route)
				}
			}
		}
	}
	require.Equal(t, 3, asked)
}

// ofCalls tells whether series are of the API's calls.
func ofCalls(selected []*labels.Matcher) bool {
	return takes(selected, model.MetricNameLabel, "trials_http_request_duration_seconds_count") ||
		takes(selected, model.MetricNameLabel, "trials_http_request_duration_seconds_bucket")
}

// takes tells whether a series whose label has that value may be among those selected.
func takes(selected []*labels.Matcher, label, value string) bool {
	for _, m := range selected {
		if m.Name == label && !m.Matches(value) {
			return false
		}
	}
	return true
}

// panel is what a dashboard says of one of its panels.
type panel struct {
	Title   string
	Targets []struct{ Expr string }
	// Panels are those of a row that is folded.
	Panels []panel
}

// Grafana asks Prometheus nothing that it does not understand.
func TestPrometheusUnderstandsTheDashboards(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(dashboards)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var all panel
		require.NoError(t, json.Unmarshal(text, &all), file)
		require.Positive(t, check(t, file, all), "%s asks nothing", file)
	}
}

// check counts the questions of a panel and of those in it.
func check(t *testing.T, file string, p panel) (asked int) {
	t.Helper()
	for _, target := range p.Targets {
		require.Equal(t, parser.ValueTypeVector, typeOf(t, target.Expr), "%s, %s: %s", file, p.Title, target.Expr)
		asked++
	}
	for _, inner := range p.Panels {
		asked += check(t, file, inner)
	}
	return asked
}
