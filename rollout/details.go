package rollout

import (
	"fmt"
	"strings"
)

// Details is the rollout's story in Markdown, for the Web UI.
func (s State) Details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\nRollout %s, plan %s, started by %s at %s\n", s.Sentence(), s.ID, s.Plan.Name, s.StartedBy, s.StartedAt.UTC().Format(clock))
	b.WriteString("\n| phase | percentage | |\n| --- | --- | --- |\n")
	for i, phase := range s.Plan.Phases {
		mark := ""
		switch {
		case s.Stage.Kind == InPhase && s.Stage.Phase == i:
			mark = "here"
		case s.Stage.Kind != Notice && (s.Stage.Phase > i || s.Stage.Kind != InPhase):
			mark = "done"
		}
		fmt.Fprintf(&b, "| %s | %v %% | %s |\n", phase.Name, phase.Percentage, mark)
	}
	for _, c := range s.Checks {
		if c.Verdict != Pass {
			fmt.Fprintf(&b, "\nPreflight %s: %s, %s", c.ID, c.Verdict, c.Reason)
		}
	}
	return b.String()
}
