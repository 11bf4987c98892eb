package notice

import (
	"strings"

	"marketplace.example/trials/internal/domain/rollout"
)

// figures are all rates of a judgement against their limits: the gates', then
// the triggers'.
func figures(j *rollout.Judgement) []Figure {
	if j == nil {
		return nil
	}
	figures := make([]Figure, 0, len(j.Gates)+len(j.Triggers))
	for _, r := range j.Gates {
		figures = append(figures, Figure{
			Name: r.Gate.Name(), Use: ToGoOn, Estimate: r.Estimate, Limit: r.Limit,
			HighIsBad: r.HighIsBad(), Seen: r.Seen, Enough: r.LeastToCompare(),
			Verdict: r.Verdict, Reason: r.Reason,
		})
	}
	for _, a := range j.Triggers {
		verdict, reason := a.Verdict()
		figures = append(figures, Figure{
			Name: a.Trigger.Name(), Use: ToGoBack, Estimate: a.Estimate, Limit: a.Limit,
			HighIsBad: a.HighIsBad(), Seen: a.Seen, Enough: a.LeastToCompare(), Verdict: verdict, Reason: reason,
		})
	}
	return figures
}

// undecided lists the figures that have no verdict yet, with what they wait for
// and until when.
func undecided(s rollout.State, j *rollout.Judgement) []Item {
	if j == nil {
		return []Item{{Label: "All figures", Text: "there is no judgement yet"}}
	}
	var items []Item
	for _, a := range j.Triggers {
		if a.Undecidable() {
			items = append(items, Item{Label: a.Trigger.Name() + ", for rolling back", Text: a.Reason})
		}
	}
	if s.Stage.Kind != rollout.InPhase {
		return items
	}
	_, _, open := s.GatesNow(j)
	pauses, _ := s.PausesAt(j)
	for _, r := range open {
		text := r.Reason
		switch {
		case s.Status != rollout.Running:
		case pauses.IsZero():
			text += "; the rollout advances by itself once that is there"
		default:
			text += "; the rollout waits for it until " + s.FormatTime(pauses) + ", and pauses if it is still missing"
		}
		items = append(items, Item{Label: r.Gate.Name() + ", for advancing", Text: text})
	}
	return items
}

// sentence ends a text with a full stop unless it ends like a sentence.
func sentence(text string) string {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasSuffix(text, ".") || strings.HasSuffix(text, "!") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}
