package notice

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/rollout"
)

func TestDetailsMarkEveryStage(t *testing.T) {
	t.Parallel()
	rows := func(events ...rollout.Event) []string {
		s, _ := noticed(events...)
		var rows []string
		for line := range strings.SplitSeq(Details(s, nil, s.EnteredAt), "\n") {
			if strings.HasPrefix(line, "| ") {
				rows = append(rows, line)
			}
		}
		return rows[2:]
	}
	require.Equal(t, []string{
		"| validation | 0 % | done |  |",
		"| limited | 10 % | here | 5 March 2026 12:00 UTC |",
		"| expansion-25 | 25 % |  | 7 March 2026 12:00 UTC |",
	}, rows(enter(rollout.InPhase, 0), enter(rollout.InPhase, 1))[:3])
	guard := rows(enter(rollout.InPhase, 0), enter(rollout.Guard, 5))
	require.Equal(t, "| full | 100 % | done |  |", guard[5])
	require.Equal(t, "| stability | 100 % | done |  |", guard[6])
	require.Regexp(t, `^\| guard \| 100 % \| here \| .+ \|$`, guard[7])
	back := rows(enter(rollout.InPhase, 0), enter(rollout.InPhase, 1), rollout.Event{Type: rollout.EventRolledBack, Remedy: rollout.Immediate})
	require.Equal(t, []string{"| validation | 0 % | done |  |", "| limited | 10 % | ended here |  |", "| expansion-25 | 25 % | not reached |  |"}, back[:3])
}
