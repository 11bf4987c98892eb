package cost_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/api/dashboard"
	"marketplace.example/trials/test/cost"
)

// Each page, and whatever else the API's description lets one get, has an address, and none is of a route that is gone.
func TestEveryPageAndListHasAnAddress(t *testing.T) {
	t.Parallel()
	routes := map[string]bool{"/api/admin/vendors/search": true}
	for route := range dashboard.Guarded() {
		if path, isGet := strings.CutPrefix(route, "GET "); isGet {
			routes[path] = true
		}
	}
	description, err := os.ReadFile("../../api/rest/openapi.yaml")
	require.NoError(t, err)
	for _, path := range regexp.MustCompile(`(?m)^ {2}(/\S*):\n(?: {4}.*\n)*? {4}get:`).FindAllSubmatch(description, -1) {
		routes[string(path[1])] = true
	}
	have := map[string]bool{}
	for _, a := range cost.Addresses() {
		have[a.Route] = true
	}
	require.Equal(t, routes, have)
}
