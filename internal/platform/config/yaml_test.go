package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/platform/config"
)

// Whatever a file holds within its size, reading it is soon over: the work must not grow with the square of its values.
func TestAFileOfAnotherKindIsRefusedBeforeItIsMuchWork(t *testing.T) {
	t.Parallel()
	var names strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&names, "n%d: 1\n", i)
	}
	for name, c := range map[string]struct{ text, problem string }{
		"deep":                {"policies: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000), "lies more than 20 levels deep"},
		"many names":          {names.String(), "has more than 1000 fields"},
		"a long name":         {"rules: [{when: {" + strings.Repeat("n", 201) + ": BR}, policy: x}]", "line 1: rules[0].when: has a field whose name is longer than 200 bytes"},
		"many values, wrong":  {"policies: [" + strings.Repeat("a,", 3000) + "a]", "line 1: policies: a value in it must be fields with values\nand 2981 more"},
		"many values, unlike": {"policies: [" + strings.Repeat("[],", 10_000) + "[]]", "and 9981 more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.ReadPolicies(strings.NewReader(c.text))
			require.ErrorContains(t, err, c.problem)
		})
	}
}
