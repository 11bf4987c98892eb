package notice

import (
	"fmt"
	"strings"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// finalReport is the message about the whole rollout after its stability.
func finalReport(s rollout.State, e rollout.Event) *Message {
	lead := fmt.Sprintf("The rollout of trial automation has held at %v %% of new vendors through its %s of stability, which ended on %s.",
		s.Percentage, evidence.Counted(s.Plan.StabilityDays, "day", "days"), s.FormatTime(e.At))
	if e.By != flags.Automatic {
		lead = fmt.Sprintf("The rollout of trial automation is at %v %% of new vendors; its stability was ended by hand on %s.", s.Percentage, s.FormatTime(e.At))
	}
	return &Message{
		Kind: NoticeFinal, Subject: fmt.Sprintf("Trial rollout: final report at %v %% of new vendors", s.Percentage), Lead: lead,
		Lines: []string{
			criteriaTally(s, e), tally(e.Judgement),
			fmt.Sprintf("The guard still watches the rollout until %s: only then is it known whether the last vendors convert.", s.FormatTime(s.StageEnds())),
		},
		Sections: append(reportSections(s, e), Section{Title: "What comes next", Items: []Item{
			{Label: "Week 1", Text: "daily monitoring review, performance optimization, user feedback analysis"},
			{Label: "Weeks 2 to 4", Text: "feature usage analysis, conversion rate optimization, documentation updates"},
			{Label: "From month 1", Text: "long-term trend analysis, system optimizations, next feature planning"},
		}}),
	}
}

// completed is the message that the rollout is complete.
func completed(s rollout.State, e rollout.Event) *Message {
	return &Message{
		Kind: NoticeReport, Subject: fmt.Sprintf("Trial rollout: complete at %v %% of new vendors", s.Percentage),
		Lead:  fmt.Sprintf("The rollout of trial automation is complete since %s: the trials of %v %% of new vendors are and stay automated.", s.FormatTime(e.At), s.Percentage),
		Lines: []string{sentence(e.Reason), criteriaTally(s, e), tally(e.Judgement)}, Sections: reportSections(s, e),
	}
}

func reportSections(s rollout.State, e rollout.Event) []Section {
	criteria := Section{Title: "Success criteria"}
	for _, a := range rollout.JudgeCriteria(s, e.Judgement, e.At) {
		criteria.Items = append(criteria.Items, Item{Label: a.Text, Text: a.Reason, Verdict: a.Verdict})
	}
	sections := []Section{criteria, {Title: "Decisions", Items: decided(s, e)}}
	if items := undecided(s, e.Judgement); len(items) > 0 {
		sections = append(sections, Section{Title: "Not decidable yet", Items: items})
	}
	return sections
}

func criteriaTally(s rollout.State, e rollout.Event) string {
	counts := map[rollout.Verdict]int{}
	results := rollout.JudgeCriteria(s, e.Judgement, e.At)
	for _, a := range results {
		counts[a.Verdict]++
	}
	return fmt.Sprintf("Of %d success criteria %d are met, %d are not met, and %d are still open.",
		len(results), counts[rollout.Pass], counts[rollout.Fail], counts[rollout.Insufficient])
}

// decided are the decisions that the state still holds; the rollout's events hold all
// of them, with their inputs.
func decided(s rollout.State, e rollout.Event) []Item {
	started := "with plan " + s.Plan.Name
	if s.RestartOf != "" {
		started += ", continuing " + s.RestartOf
	}
	items := []Item{{Label: "Started " + s.FormatTime(s.StartedAt), Text: started}}
	for _, c := range s.Checks {
		if c.WaivedBy != "" {
			items = append(items, Item{Label: "Waived: preflight check " + c.ID, Text: c.WaiverReason})
		}
	}
	for _, c := range rollout.Criteria() {
		if tick, ticked := s.Criteria[c.ID]; ticked {
			items = append(items, Item{Label: "Judged by a person: " + c.Text, Text: tick.Reason, Verdict: rollout.VerdictOf(tick.Met)})
		}
	}
	items = append(items, Item{Label: "Rolled back by alarms", Text: rollout.TimesInWords(s.PartialRollbacks)})
	if s.Backfill != nil {
		text := evidence.Counted(s.Backfill.Taken, "trial", "trials") + " so far"
		if s.Backfill.Done {
			text = evidence.Counted(s.Backfill.Taken, "trial", "trials") + ", which is all"
		}
		items = append(items, Item{Label: "Automated while running", Text: text})
	}
	if j := e.Judgement; j != nil && j.Adopted != nil {
		items = append(items, Item{Label: "Adopted vendors", Text: strings.TrimSuffix(j.Adopted.Sentence(), ".")})
	}
	return append(items, Item{Label: "This step " + s.FormatTime(e.At), Text: strings.TrimSuffix(e.Reason, ".")})
}
