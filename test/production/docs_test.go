package production

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"marketplace.example/trials/internal/platform/config"
)

// row is what docs/admin-documentation.md says of one variable.
type row struct{ names, fallback, neededBy string }

func TestTheAdminGuideDescribesEveryVariable(t *testing.T) {
	t.Parallel()

	var wanted []row
	for _, v := range config.Variables() {
		r := row{names: "`" + v.Name + "`"}
		if v.Secret {
			r.names += ", `" + v.FileName() + "`"
		}
		if v.Default != "" {
			r.fallback = "`" + v.Default + "`"
		}
		var processes []string
		for _, process := range v.NeededBy {
			processes = append(processes, string(process))
		}
		r.neededBy = strings.Join(processes, ", ")
		wanted = append(wanted, r)
	}

	require.Equal(t, wanted, settingsTable(t))
}

// settingsTable reads the rows of the table under "Settings"; each says something of its variable.
func settingsTable(t *testing.T) []row {
	t.Helper()
	_, section, found := strings.Cut(read(t, "docs/admin-documentation.md"), "\n## Settings\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []row
	for line := range strings.SplitSeq(section, "\n") {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		require.Len(t, cells, 4, line)
		require.Greater(t, len(strings.TrimSpace(cells[3])), 10, "says nothing: %s", line)
		rows = append(rows, row{
			names: strings.TrimSpace(cells[0]), fallback: strings.TrimSpace(cells[1]), neededBy: strings.TrimSpace(cells[2]),
		})
	}
	return rows
}

func TestTheAdminGuideDescribesEverySecret(t *testing.T) {
	t.Parallel()

	guide := read(t, "docs/admin-documentation.md")
	for name := range compose(t).Secrets {
		require.Contains(t, guide, "`"+name+"`")
	}
}

// A task that a page names must be there.
func TestPagesNameTasksThatExist(t *testing.T) {
	t.Parallel()

	tasks := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^\.PHONY: ([a-z-]+)$`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		tasks[match[1]] = true
	}
	named := regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)")
	for _, page := range []string{"README.md", "docs/admin-documentation.md", "docs/troubleshooting-guide.md", ".ci/run"} {
		found := named.FindAllStringSubmatch(read(t, page), -1)
		require.NotEmpty(t, found, page)
		for _, match := range found {
			require.True(t, tasks[match[1]], "%s names `make %s`", page, match[1])
		}
	}
}

var (
	linked  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile("(?m)^#+ (.+)$")
	code    = regexp.MustCompile("(?ms)^```.*?^```$")
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// A link to another page, or to a place in one, leads there.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	seen := 0
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		for _, link := range linked.FindAllStringSubmatch(textOf(t, page), -1) {
			target, place, _ := strings.Cut(link[1], "#")
			if strings.HasPrefix(target, "https://") {
				continue
			}
			seen++
			file := page
			if target != "" {
				file = filepath.Join(filepath.Dir(page), target)
				require.FileExists(t, file, page)
			}
			if place != "" {
				require.Contains(t, places(textOf(t, file)), place, "%s: %s", page, link[1])
			}
		}
	}
	require.Greater(t, seen, 20)
}

// textOf is a page without its code, in which brackets are no links and # begins a remark.
func textOf(t *testing.T, page string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	return code.ReplaceAllString(string(text), "")
}

// places are the headings of a page, as links name them.
func places(text string) []string {
	var all []string
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		all = append(all, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-"))
	}
	return all
}

// So must a service; no container engine runs these commands here.
func TestPagesNameServicesThatExist(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile("docker compose (?:logs|ps|run|up)((?: --(?:tail [0-9]+|entrypoint [a-z]+|[a-z-]+))*)((?: [a-z-]+)*)")
	for _, page := range []string{"docs/admin-documentation.md", "docs/troubleshooting-guide.md"} {
		found := named.FindAllStringSubmatch(read(t, page), -1)
		require.NotEmpty(t, found, page)
		for _, match := range found {
			services := strings.Fields(match[2])
			if strings.Contains(match[0], " run ") && len(services) > 1 {
				services = services[:1] // the others are the command
			}
			for _, service := range services {
				require.Contains(t, compose(t).Services, service, "%s: %s", page, match[0])
			}
		}
	}
}

func TestPrometheusAsksServicesThatExist(t *testing.T) {
	t.Parallel()
	var settings struct {
		ScrapeConfigs []struct {
			JobName       string                       `yaml:"job_name"`
			StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
			DNSConfigs    []struct {
				Names []string
				Port  int
			} `yaml:"dns_sd_configs"`
		} `yaml:"scrape_configs"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/prometheus/prometheus.yml")), &settings))
	require.NotEmpty(t, settings.ScrapeConfigs)

	prometheus := compose(t).Services["prometheus"]
	for _, job := range settings.ScrapeConfigs {
		var targets []string
		for _, c := range job.StaticConfigs {
			targets = append(targets, c.Targets...)
		}
		for _, c := range job.DNSConfigs {
			for _, name := range c.Names {
				targets = append(targets, fmt.Sprintf("%s:%d", name, c.Port))
				require.Equal(t, fmt.Sprintf(":%d", c.Port), *compose(t).Services[name].Environment["METRICS_ADDR"], name)
			}
		}
		require.NotEmpty(t, targets, job.JobName)
		for _, target := range targets {
			host, _, _ := strings.Cut(target, ":")
			if host == "localhost" {
				continue
			}
			service, ok := compose(t).Services[host]
			require.True(t, ok, target)
			var shared bool
			for network := range prometheus.Networks {
				_, there := service.Networks[network]
				shared = shared || there
			}
			require.True(t, shared, "%s cannot be reached", target)
		}
	}
}

// The metrics ask nobody who they are.
func TestMetricsAreNotPublished(t *testing.T) {
	t.Parallel()

	for _, name := range []string{"api", "worker"} {
		service := compose(t).Services[name]
		_, port, found := strings.Cut(*service.Environment["METRICS_ADDR"], ":")
		require.True(t, found, name)
		for _, published := range service.Ports {
			require.NotEqual(t, port, strconv.Itoa(int(published.Target)), name)
		}
	}
}

// Who is woken by an alert finds there what to do.
func TestTheMonitoringGuideDescribesEveryAlert(t *testing.T) {
	t.Parallel()
	var rules struct {
		Groups []struct {
			Rules []struct{ Alert string }
		}
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "deploy/prometheus/alerts.yml")), &rules))

	guide := read(t, "docs/monitoring-guide.md")
	require.NotEmpty(t, rules.Groups)
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			require.Contains(t, guide, "| `"+rule.Alert+"` |")
		}
	}
	for _, named := range regexp.MustCompile("(?m)^\\| `(Trials[A-Za-z]+)` \\|").FindAllStringSubmatch(guide, -1) {
		require.Contains(t, read(t, "deploy/prometheus/alerts.yml"), "alert: "+named[1]+"\n")
	}
}
