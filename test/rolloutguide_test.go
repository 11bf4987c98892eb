package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/stack"
	"marketplace.example/trials/test/system"
)

// guide are the commands of a section of a guide. A scenario runs every one of them,
// as it stands there.
type guide struct {
	*scenario
	dir string
	// open are the commands that have not been run yet.
	open []string
	// id is what ROLLOUT stands for.
	id string
}

var (
	fenced = regexp.MustCompile("(?ms)^```bash\n(.*?)^```$")
	inline = regexp.MustCompile("`((?:starter rollout|curl|tctl) [^`]+)`")
	remark = regexp.MustCompile(`\s+# .*$`)
)

// guide reads a section of a page in docs/. Commands of the container engine are
// left out: there is none here.
func (s *scenario) guide(page, heading string) *guide {
	s.t.Helper()
	root, err := stack.Root()
	require.NoError(s.t, err)
	text, err := os.ReadFile(filepath.Join(root, "docs", page))
	require.NoError(s.t, err)
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	require.True(s.t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	g := &guide{scenario: s, dir: s.t.TempDir()}
	add := func(line string) {
		line = remark.ReplaceAllString(strings.TrimSpace(line), "")
		if line != "" && !strings.HasPrefix(line, "docker ") && !slices.Contains(g.open, line) {
			g.open = append(g.open, line)
		}
	}
	for _, block := range fenced.FindAllStringSubmatch(section, -1) {
		for line := range strings.Lines(block[1]) {
			add(line)
		}
	}
	for _, match := range inline.FindAllStringSubmatch(section, -1) {
		add(match[1])
	}
	return g
}

// run runs one command of the guide, which must succeed.
func (g *guide) run(command string) string {
	g.t.Helper()
	out, err := g.try(command)
	require.NoError(g.t, err)
	return out
}

// try runs one command of the guide, and crosses it off.
func (g *guide) try(command string) (string, error) {
	g.t.Helper()
	root, err := stack.Root()
	require.NoError(g.t, err)
	bin, err := system.Build(g.ctx)
	require.NoError(g.t, err)
	g.open = slices.DeleteFunc(g.open, func(line string) bool { return line == command })
	ctx, cancel := context.WithTimeout(g.ctx, soon)
	defer cancel()
	env := append(os.Environ(), "PATH="+bin+":"+filepath.Join(root, ".build")+":"+os.Getenv("PATH"),
		"API_URL="+g.API, "ADMIN_TOKEN="+g.Secrets.AdminToken, "MONGODB_URI="+embedded.MongoDB, "MONGODB_DATABASE="+g.Database,
		"TEMPORAL_CLI_ADDRESS="+embedded.Temporal, "TEMPORAL_CLI_NAMESPACE="+g.Namespace,
		"TEMPORAL_ADDRESS="+embedded.Temporal, "TEMPORAL_NAMESPACE="+g.Namespace)
	return system.Persist(ctx, func(more ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "bash", "-euc", strings.Join(append([]string{strings.ReplaceAll(command, "ROLLOUT", g.id)}, more...), " "))
		cmd.Dir, cmd.Env = g.dir, env
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%s: %w\n%s", command, err, out)
		}
		return string(out), err
	})
}

// line is the one command not run yet that begins with the first part and
// contains the others.
func (g *guide) line(parts ...string) string {
	g.t.Helper()
	var found []string
	for _, line := range g.open {
		if strings.HasPrefix(line, parts[0]) && !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) }) {
			found = append(found, line)
		}
	}
	require.Len(g.t, found, 1, "commands with %q", parts)
	return found[0]
}

// is waits until the rollout stands there.
func (g *guide) is(status rollout.Status, percentage float64) {
	g.t.Helper()
	g.id = g.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Status != status || v.Rollout.Percentage != percentage {
			return fmt.Errorf("%s at %v %%, not %s at %v %%", v.Rollout.Status, v.Rollout.Percentage, status, percentage)
		}
		return nil
	}).Rollout.ID
}

// start starts a rollout, once the one before has ended.
func (g *guide) start(command string) {
	g.t.Helper()
	before := g.id
	eventually(g.t, wholeLife, func() error {
		_, err := g.try(command)
		return err
	})
	g.id = g.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.ID == before {
			return errors.New("still the one before")
		}
		return nil
	}).Rollout.ID
}

// checked waits for the preflight.
func (g *guide) checked() {
	g.t.Helper()
	g.awaitRollout(wholeLife, func(v rollout.View) error {
		if len(v.Rollout.Checks) == 0 {
			return errors.New("no preflight yet")
		}
		return nil
	})
}

func TestTheGuideToTheRolloutDoesWhatItSays(t *testing.T) {
	s := begin(t, system.Options{})
	s.rollout(true, 0)
	g := s.guide("admin-documentation.md", "The rollout")
	plan := shortPlan()
	plan.NoticeDays = 4 // a restart makes its preflight then
	plan.Phases = []rollout.Phase{
		{Name: "nobody", Percentage: 0, SoakDays: 6, Gates: []rollout.Gate{}},
		{Name: "tenth", Percentage: 10, SoakDays: 60, Gates: []rollout.Gate{rollout.GateEmail}},
		{Name: "half", Percentage: 50, SoakDays: 60, Gates: []rollout.Gate{rollout.GateEmail}},
	}
	require.NoError(t, os.Rename(s.planFile(plan), filepath.Join(g.dir, "plan.yaml")))

	require.Regexp(t, `\* +0 +-/-/-/-`, g.run("starter rollout plan"), "nobody has registered")
	require.Regexp(t, `half, 50 % +30 +900 `, g.run("starter rollout plan --registrations 30 --plan plan.yaml"))
	start := g.line("starter rollout start --plan")
	g.start(start)
	g.checked()
	require.Regexp(t, `backup +INSUFFICIENT`, g.run("starter rollout status"))
	waive := g.line("starter rollout waive")
	g.run(waive)
	g.run(g.line("starter rollout tick dashboards", "--met"))
	g.run(g.line("starter rollout tick", "--not-met"))
	g.is(rollout.Running, 10)
	status := g.run("starter rollout status")
	require.Contains(t, status, "by admin: Dump of 6 March")
	require.Regexp(t, `dashboards-operational +PASS`, status)
	require.Regexp(t, `feedback-positive +FAIL`, status)
	require.Regexp(t, `email +INSUFFICIENT`, status)
	require.Contains(t, g.run(g.line("curl", "rollouts/current\"")), `"stageName":"phase 2 of 3, tenth (10 %)"`)
	require.Contains(t, g.run(g.line("tctl workflow query")), "phase")

	pause, resume := g.line("starter rollout pause"), g.line("starter rollout resume")
	g.run(pause)
	g.is(rollout.Paused, 10)
	g.run(resume)
	g.is(rollout.Running, 10)
	g.run(g.line("tctl workflow signal", "pause"))
	g.is(rollout.Paused, 10)
	require.Regexp(t, `paused \(admin\) +signal +Paused: The API is being moved`, g.run("starter rollout decisions"))
	_, err := g.try(pause)
	require.ErrorContains(t, err, "the rollout is paused already")
	g.run(resume)
	g.is(rollout.Running, 10)
	g.run(g.line("starter rollout set-percentage"))
	g.is(rollout.Paused, 15)
	g.run(resume)
	g.is(rollout.Running, 15)
	g.run(g.line("starter rollout advance"))
	g.is(rollout.Running, 50)
	g.run(g.line("starter rollout rollback --percentage 10"))
	g.is(rollout.Running, 10)
	g.run(g.line("curl", "rollback"))
	g.is(rollout.RolledBack, 0)
	require.Contains(t, g.run("starter rollout replay"), "All came to the same.")
	require.Contains(t, g.run("starter rollout replay ROLLOUT --plan plan.yaml"), "Entered phase 2 of 3, tenth (10 %).")
	require.Contains(t, g.run("starter rollout decisions --json"), `"remedy":"immediate"`)

	require.Contains(t, g.run("starter rollout reports"), "they begin once all phases are through")
	_, err = g.try(g.line("starter rollout report "))
	require.ErrorContains(t, err, "daily-1 has not been made")
	_, err = g.try(g.line("starter rollout tick daily-monitoring-review"))
	require.ErrorContains(t, err, "the rollout is rolled-back", "its tasks are over with it")

	g.start(g.line("starter rollout start --restart-of"))
	g.checked()
	g.run(waive)
	g.is(rollout.Running, 10)
	g.run("starter rollout rollback --percentage 0 --reason \"Wrong e-mails go out\"")
	g.is(rollout.RolledBack, 0)
	g.start(start)
	g.run(g.line("starter rollout rollback", "--release"))
	g.is(rollout.RolledBack, 0)
	g.start(start)
	g.run(g.line("tctl workflow signal", "rollback"))
	g.is(rollout.RolledBack, 0)
	require.Empty(t, g.open, "commands of the guide that this scenario does not run")
}
