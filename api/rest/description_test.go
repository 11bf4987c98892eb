package rest_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/canary"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/feedback"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/report"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/internal/domain/trial"
)

// The generated code is what the generator makes of the description today.
func TestGeneratedCodeIsUpToDate(t *testing.T) {
	t.Parallel()
	generator := filepath.Join(t.TempDir(), "oapi-codegen")
	build := exec.CommandContext(t.Context(), "go", "build", "-modfile=../../tools/lint/go.mod", "-o", generator,
		"github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen")
	built, err := build.CombinedOutput()
	require.NoError(t, err, "%s", built)
	for folder, file := range map[string]string{".": "api.gen.go", "../../client": "client.gen.go"} {
		out := filepath.Join(t.TempDir(), file)
		generate := exec.CommandContext(t.Context(), generator, "-config", filepath.Join(folder, "oapi-codegen.yaml"), "-o", out, "openapi.yaml")
		said, err := generate.CombinedOutput()
		require.NoError(t, err, "%s", said)
		if readFile(t, out) != readFile(t, filepath.Join(folder, file)) { // thousands of lines would say no more
			t.Errorf("%s is not up to date: run make generate", file)
		}
	}
}

// What a flag does is said in one wording, here as on the pages and in the guides.
func TestTheDescriptionSaysOfEachFlagWhatThePagesSay(t *testing.T) {
	t.Parallel()
	spec, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	require.NoError(t, err)
	for _, f := range flags.Initial().Named() {
		group, name, _ := strings.Cut(f.Name, ".")
		want := "Off: " + f.Off
		if f.Name == flags.NamePercentage {
			want = f.Off
		}
		require.Equal(t, want, spec.Components.Schemas["FeatureFlags"].Value.Properties[group].Value.Properties[name].Value.Description, f.Name)
	}
}

// domainTypes are the schemas that are types of the domain, which the generator
// takes as they are; so nothing but this holds the two together.
var domainTypes = map[string]reflect.Type{
	"Trial":                        reflect.TypeFor[trial.Overview](),
	"Step":                         reflect.TypeFor[trial.Step](),
	"StepRecord":                   reflect.TypeFor[trial.StepRecord](),
	"Hold":                         reflect.TypeFor[trial.HeldStep](),
	"Policies":                     reflect.TypeFor[policy.Set](),
	"Policy":                       reflect.TypeFor[trial.Policy](),
	"Mailing":                      reflect.TypeFor[trial.Mailing](),
	"PolicyRule":                   reflect.TypeFor[policy.Rule](),
	"Timetable":                    reflect.TypeFor[trial.Timetable](),
	"TimetableEntry":               reflect.TypeFor[trial.TimetableEntry](),
	"Event":                        reflect.TypeFor[trial.Event](),
	"Registration":                 reflect.TypeFor[trial.Automation](),
	"Email":                        reflect.TypeFor[trial.Send](),
	"Erasure":                      reflect.TypeFor[trial.Erasure](),
	"FoundVendors":                 reflect.TypeFor[trial.FoundVendors](),
	"FoundVendor":                  reflect.TypeFor[trial.FoundVendor](),
	"FeatureFlags":                 reflect.TypeFor[flags.Flags](),
	"FeatureFlags.trialAutomation": reflect.TypeFor[flags.TrialAutomation](),
	"FeatureFlags.monitoring":      reflect.TypeFor[flags.Monitoring](),
	"FeatureFlags.adminTools":      reflect.TypeFor[flags.AdminTools](),
	"RolloutPlan":                  reflect.TypeFor[rollout.Plan](),
	"RolloutPlan.triggers":         reflect.TypeFor[rollout.Triggers](),
	"RolloutView":                  reflect.TypeFor[rollout.View](),
	"RolloutDecision":              reflect.TypeFor[rollout.Event](),
	"RolloutReport":                reflect.TypeFor[report.Report](),
	"RolloutReportEntry":           reflect.TypeFor[report.Entry](),
	"RolloutTally":                 reflect.TypeFor[report.Tally](),
	"RolloutCohortTally":           reflect.TypeFor[report.CohortTally](),
	"Assignment":                   reflect.TypeFor[trial.Assignment](),
	"Experiment":                   reflect.TypeFor[experiment.View](),
	"ExperimentJudgement":          reflect.TypeFor[experiment.Judgement](),
	"ExperimentFigures":            reflect.TypeFor[experiment.Figures](),
	"ExperimentDifference":         reflect.TypeFor[experiment.Interval](),
	"ExperimentForecast":           reflect.TypeFor[experiment.Outlook](),
	"ExperimentDuration":           reflect.TypeFor[experiment.Duration](),
	"RolloutReportExperiment":      reflect.TypeFor[report.Experiment](),
	"Forecast":                     reflect.TypeFor[rollout.Forecast](),
	"MonitoringReport":             reflect.TypeFor[monitoring.Report](),
	"FigureDefinition":             reflect.TypeFor[monitoring.Definition](),
	"Alerts":                       reflect.TypeFor[monitoring.AlertsView](),
	"Alert":                        reflect.TypeFor[monitoring.AlertView](),
	"AlertRule":                    reflect.TypeFor[monitoring.Rule](),
	"AlertEvent":                   reflect.TypeFor[monitoring.AlertEvent](),
	"Canary":                       reflect.TypeFor[canary.View](),
	"CanaryResult":                 reflect.TypeFor[canary.Result](),
	"CanaryPart":                   reflect.TypeFor[canary.Part](),
	"AuditEntry":                   reflect.TypeFor[audit.Entry](),
	"BulkView":                     reflect.TypeFor[bulk.View](),
	"BulkOperation":                reflect.TypeFor[bulk.Operation](),
	"BulkState":                    reflect.TypeFor[bulk.State](),
	"BulkCount":                    reflect.TypeFor[bulk.Count](),
	"BulkExample":                  reflect.TypeFor[bulk.Example](),
	"BulkControl":                  reflect.TypeFor[bulk.Control](),
	"EmailName":                    reflect.TypeFor[bulk.Email](),
	"BulkPart":                     reflect.TypeFor[bulk.Part](),
	"EmailFields":                  reflect.TypeFor[trial.MailFields](),
	"FeedbackAnswer":               reflect.TypeFor[feedback.Answer](),
	"FeedbackTally":                reflect.TypeFor[feedback.Tally](),
	"PhaseFeedback":                reflect.TypeFor[rollout.PhaseFeedback](),
	"SuppressedVendor":             reflect.TypeFor[trial.SuppressedVendor](),
	"StoppedFrom":                  reflect.TypeFor[trial.StoppedFrom](),
	"Lift":                         reflect.TypeFor[trial.Lift](),
	"KeptSuppression":              reflect.TypeFor[trial.Suppression](),
	"BulkItem":                     reflect.TypeFor[bulk.Item](),
	"BulkResult":                   reflect.TypeFor[bulk.Result](),
	"BulkChange":                   reflect.TypeFor[bulk.Change](),
}

func TestSchemasAreTheDomainsTypes(t *testing.T) {
	t.Parallel()
	spec := specification(t)
	for name, domain := range domainTypes {
		named, part, nested := strings.Cut(name, ".")
		schema := spec.Components.Schemas[named].Value
		if nested {
			schema = schema.Properties[part].Value
		}
		var all, required []string
		for _, member := range reflect.VisibleFields(domain) {
			field, options, _ := strings.Cut(member.Tag.Get("json"), ",")
			if field == "-" || member.Anonymous { // what it embeds is listed too
				continue
			}
			all = append(all, field)
			if !strings.Contains(options, "omitempty") {
				required = append(required, field)
			}
		}
		require.ElementsMatch(t, all, slices.Collect(maps.Keys(schema.Properties)), name)
		require.ElementsMatch(t, required, schema.Required, name)
	}
	for name, schema := range spec.Components.Schemas {
		if schema.Value.Extensions["x-go-type"] != nil && len(schema.Value.Enum) == 0 {
			require.Contains(t, domainTypes, name)
		}
	}
	require.ElementsMatch(t, anys(trial.Statuses()), spec.Components.Schemas["Status"].Value.Enum)
	require.ElementsMatch(t, anys(trial.Cohorts()), spec.Components.Schemas["Cohort"].Value.Enum)
}

func anys[T ~string](values []T) []any {
	var all []any
	for _, v := range values {
		all = append(all, string(v))
	}
	return all
}

// What is sent in is closed: the validator lets unknown fields pass elsewhere.
func TestRequestsAreClosed(t *testing.T) {
	t.Parallel()
	for path, item := range specification(t).Paths.Map() {
		for method, operation := range item.Operations() {
			if operation.RequestBody == nil {
				continue
			}
			if media := operation.RequestBody.Value.Content["application/json"]; media != nil {
				closed(t, method+" "+path, media.Schema.Value)
			}
		}
	}
}

func closed(t *testing.T, where string, schema *openapi3.Schema) {
	t.Helper()
	switch values := schema.AdditionalProperties.Schema; {
	case values != nil: // a map, with names of the caller's own
		require.NotNil(t, schema.MaxProps, where)
		closed(t, where+".*", values.Value)
	case schema.Type.Is(openapi3.TypeObject):
		require.NotNil(t, schema.AdditionalProperties.Has, where)
		require.False(t, *schema.AdditionalProperties.Has, where)
	}
	for name, property := range schema.Properties {
		closed(t, where+"."+name, property.Value)
	}
}

func TestDescriptionIsServed(t *testing.T) {
	t.Parallel()
	a := newAPI(t)
	source, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	served := a.get("/api/openapi.yaml", "")
	require.Equal(t, "application/yaml", served.header.Get("Content-Type"))
	require.Equal(t, string(source), string(served.body))

	page := string(a.get("/api/docs", "").body)
	has := func(text string) {
		t.Helper()
		if !strings.Contains(page, text) { // the page is too long to show
			t.Errorf("the page has no %s", text)
		}
	}
	for path, item := range a.spec.Paths.Map() {
		has(path)
		for _, operation := range item.Operations() {
			has(`id="` + operation.OperationID + `"`)
		}
	}
	for name := range a.spec.Components.Schemas {
		has(`id="schema-` + name + `"`)
	}
	for _, link := range strings.Split(page, `href="#`)[1:] {
		target, _, _ := strings.Cut(link, `"`)
		has(`id="` + target + `"`)
	}
}

// The guide speaks of every path and every schema of a request, as they are.
func TestGuideCoversTheDescription(t *testing.T) {
	t.Parallel()
	guide, spec := readFile(t, "../../docs/api-documentation.md"), specification(t)
	has := func(text, why string) {
		t.Helper()
		if !strings.Contains(guide, text) {
			t.Errorf("the guide has no %s: %s", text, why)
		}
	}
	for path, item := range spec.Paths.Map() {
		for method, operation := range item.Operations() {
			has("`"+method+" "+path+"`", "an operation")
			if operation.RequestBody == nil || operation.RequestBody.Value.Content["application/json"] == nil {
				continue
			}
			for name := range operation.RequestBody.Value.Content["application/json"].Schema.Value.Properties {
				has("`"+name+"`", "a field of "+method+" "+path)
			}
		}
	}
	for line := range strings.SplitSeq(guide, "\n") {
		for _, method := range []string{"GET", "POST", "PATCH", "DELETE"} {
			if rest, ok := strings.CutPrefix(line, "| `"+method+" "); ok {
				path, _, _ := strings.Cut(rest, "`")
				require.NotNil(t, spec.Paths.Value(path), "the guide speaks of %s, which there is not", path)
				require.NotNil(t, spec.Paths.Value(path).GetOperation(method), "%s %s", method, path)
			}
		}
	}
}
