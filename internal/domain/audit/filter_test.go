package audit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/audit"
)

func TestFilterMeans(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC)
	e := audit.Entry{At: at, Actor: "paul", Action: "pauseRollout", Subject: "rollouts/r-1", Outcome: audit.Done}
	for name, c := range map[string]struct {
		filter audit.Filter
		want   bool
	}{
		"nothing asked for":           {audit.Filter{}, true},
		"all of it":                   {audit.Filter{Actor: "paul", Action: "pauseRollout", Subject: "rollouts/r-1", Outcome: audit.Done, From: at, To: at.Add(1)}, true},
		"another actor":               {audit.Filter{Actor: "ines"}, false},
		"another action":              {audit.Filter{Action: "resumeRollout"}, false},
		"another outcome":             {audit.Filter{Outcome: audit.Failed}, false},
		"the path above":              {audit.Filter{Subject: "rollouts"}, true},
		"the beginning of a word":     {audit.Filter{Subject: "rollouts/r"}, false},
		"a path below":                {audit.Filter{Subject: "rollouts/r-1/plan"}, false},
		"from a moment after it":      {audit.Filter{From: at.Add(1)}, false},
		"up to its moment, which not": {audit.Filter{To: at}, false},
	} {
		require.Equal(t, c.want, c.filter.Means(e), name)
	}
}
