package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/internal/domain/access"
)

// operation is a row of docs/operations-table.md.
type operation struct {
	row                  string
	api, commands, pages []string
	role                 string
}

// Every operation of the API, every command and every page is in the table, with the role that it asks for; and what has no page says why.
func TestTheTableOfOperationsIsComplete(t *testing.T) {
	t.Parallel()
	table := readOperations(t)
	requests, commands, pages := map[string]string{}, map[string]bool{}, map[string]string{}
	for _, o := range table {
		for _, request := range o.api {
			require.NotContains(t, requests, request, "it is there twice")
			requests[request] = o.role
		}
		for _, command := range o.commands {
			commands[command] = true
		}
		for _, page := range o.pages {
			pages[page] = weakest(pages[page], o.role)
		}
	}
	require.Equal(t, describedRoles(t), requests)
	require.Equal(t, allCommands((&app{}).root(), ""), commands)
	for page, needed := range allPages() {
		require.Contains(t, pages, page, "a page that the table lacks")
		require.Equal(t, needed, pages[page], page)
		delete(pages, page)
	}
	for page := range pages {
		t.Errorf("the table has a page that there is not: %s", page)
	}
}

var quoted = regexp.MustCompile("`([^`]+)`")

// readOperations reads the table. A page is an address under /admin that stands before any word of explanation.
func readOperations(t *testing.T) []operation {
	t.Helper()
	raw, err := os.ReadFile("../docs/operations-table.md")
	require.NoError(t, err)
	var table []operation
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "|"), "|"), "|")
		if len(cells) != 4 || strings.Contains(line, "---") || strings.Contains(line, "| API |") {
			continue
		}
		o := operation{row: line, role: strings.TrimSpace(cells[3])}
		for i, into := range []*[]string{&o.api, &o.commands, &o.pages} {
			for _, m := range quoted.FindAllStringSubmatch(cells[i], -1) {
				*into = append(*into, m[1])
			}
		}
		o.pages = slices.DeleteFunc(o.pages, func(p string) bool { return strings.HasSuffix(p, "{token}") }) // the vendors' own
		require.NotEmpty(t, strings.TrimSpace(cells[2]), "neither a page nor why there is none: %s", line)
		table = append(table, o)
	}
	return table
}

// describedRoles are the roles that the API's description asks for, by request.
func describedRoles(t *testing.T) map[string]string {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromFile("../api/rest/openapi.yaml")
	require.NoError(t, err)
	roles := map[string]string{}
	for path, item := range spec.Paths.Map() {
		for method, o := range item.Operations() {
			var needed []string
			for _, requirement := range *o.Security {
				for scheme := range requirement {
					needed = append(needed, strings.TrimSuffix(scheme, "Token"))
				}
			}
			if len(needed) == 0 {
				needed = []string{"open"}
			}
			slices.Sort(needed)
			roles[method+" "+path] = strings.Join(needed, ", ")
		}
	}
	return roles
}

// allCommands are the commands that do something, without the program's name.
func allCommands(c *cobra.Command, path string) map[string]bool {
	if !c.HasSubCommands() {
		return map[string]bool{path: true}
	}
	all := map[string]bool{}
	for _, sub := range c.Commands() {
		for command := range allCommands(sub, strings.TrimSpace(path+" "+sub.Name())) {
			all[command] = true
		}
	}
	return all
}

// choice is one of some words, and pattern whatever looks like something, in a route's path.
var choice, pattern = regexp.MustCompile(`\{[a-z]+:([a-zA-Z.|-]+)\}`), regexp.MustCompile(`\{([a-z]+):[^|]+?\}+`)

// allPages are the pages under /admin and the weakest role that each asks for.
func allPages() map[string]string {
	pages := map[string]string{}
	for route, needed := range dashboard.Guarded() {
		_, path, _ := strings.Cut(route, " /admin")
		choices := []string{""}
		m := choice.FindStringSubmatch(path)
		if m != nil {
			choices = strings.Split(m[1], "|")
		}
		for _, c := range choices {
			page := pattern.ReplaceAllString(choice.ReplaceAllLiteralString(path, c), "{$1}")
			pages[page] = weakest(pages[page], string(needed))
		}
	}
	return pages
}

// weakest is the role that is covered by the other; one that no page asks for does not count.
func weakest(a, b string) string {
	if i := strings.LastIndex(b, ", "); i >= 0 {
		b = b[i+2:]
	}
	if !slices.Contains(access.Roles(), access.Role(b)) || access.Role(b).Covers(access.Role(a)) {
		return a
	}
	return b
}
