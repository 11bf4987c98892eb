package notice

import (
	"fmt"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/rollout"
)

// marks label the stages that are not to come.
var marks = map[string]string{rollout.TimePast: "done", rollout.TimePresent: "here", rollout.TimeStopped: "ended here", rollout.TimeNotReached: "not reached"}

// Details describes the rollout at a time in Markdown, for the Web UI.
func Details(s rollout.State, j *rollout.Judgement, now time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\nRollout %s, plan %s, started by %s at %s\n", s.SentenceAt(j, now), s.ID, s.Plan.Name, s.StartedBy, s.StartedAt.UTC().Format(rollout.ClockFormat))
	b.WriteString("\n| stage | percentage | | from |\n| --- | --- | --- | --- |\n")
	for _, e := range s.Timeline(now) {
		from := ""
		if e.From != nil {
			from = s.FormatTime(*e.From)
		}
		fmt.Fprintf(&b, "| %s | %v %% | %s | %s |\n", e.Name, e.Percentage, marks[e.State], from)
	}
	for _, c := range s.Checks {
		if c.Verdict != rollout.Pass {
			fmt.Fprintf(&b, "\nPreflight %s: %s, %s", c.ID, c.Verdict, c.Reason)
		}
	}
	return b.String()
}
