package notice

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"marketplace.example/trials/internal/domain/evidence"
	"marketplace.example/trials/internal/domain/rollout"
)

// MessageFor is the stakeholders' message about an event that has just happened;
// s is the state after it. It is nil for events that nobody is notified of.
func MessageFor(s rollout.State, e rollout.Event) *Message {
	m := worded(s, e)
	if m == nil {
		return nil
	}
	m.Key, m.At = s.ID+"/"+strconv.Itoa(e.Seq), e.At
	m.Timeline = s.Timeline(e.At)
	if m.Page != "" {
		m.RolloutID = s.ID
	}
	if m.Figures == nil {
		m.Figures = figures(e.Judgement)
	}
	return m
}

func worded(s rollout.State, e rollout.Event) *Message {
	switch e.Type {
	case rollout.EventStarted:
		return announcement(s)
	case rollout.EventEntered:
		return entered(s, e)
	case rollout.EventDelayed:
		return delayed(s, e)
	case rollout.EventUpdate:
		return daily(s, e)
	case rollout.EventPaused:
		return paused(s, e)
	case rollout.EventRolledBack:
		return rolledBack(s, e)
	case rollout.EventOverridden:
		return overriddenBy(s, e)
	case rollout.EventResumed:
		return &Message{
			Kind: NoticePhase, Subject: fmt.Sprintf("Trial rollout: resumed at %v %%", s.Percentage),
			Lead:  fmt.Sprintf("The rollout of trial automation continues since %s, at %v %% of new vendors.", s.FormatTime(e.At), s.Percentage),
			Lines: []string{sentence(e.Reason), whatIsNext(s, e)}, Sections: stillOpen(s, e.Judgement, true),
		}
	case rollout.EventBackfill:
		return backfilled(s, e)
	case rollout.EventCompleted:
		return completed(s, e)
	case rollout.EventPreflight, rollout.EventTicked, rollout.EventWaived:
	}
	return nil
}

// announcement tells everybody before the first phase what will happen.
func announcement(s rollout.State) *Message {
	calendar := s.Calendar()
	first, last := calendar[1], calendar[1]
	dates := Section{Title: "Dates, each the earliest"}
	for _, at := range calendar[1:] {
		if at.IsPhase() {
			last = at
		}
		dates.Items = append(dates.Items, Item{Label: s.FormatTime(at.From), Text: longName(s.Plan, at.Stage)})
	}
	begins, verb := "Trial rollout begins on ", "begins on"
	if s.RestartOf != "" {
		begins, verb = "Trial rollout continues from ", "continues from"
	}
	m := &Message{
		Kind: NoticeAnnouncement, Subject: begins + s.FormatTime(first.From),
		Lead: fmt.Sprintf("The rollout of trial automation %s %s and reaches %v %% of new vendors on %s at the earliest: their trials then get their e-mails.",
			verb, s.FormatTime(first.From), s.Plan.PercentageIn(last.Stage), s.FormatTime(last.From)),
		Lines: []string{
			patience(s.Plan),
			fmt.Sprintf("The rollout rolls itself back one phase when less than %s of the e-mails are delivered or the API has become slower by more than %s. It switches the automation off when more than %s of the automated steps or of the API calls fail, or less than %s of the ended trials convert.",
				evidence.Percent(s.Plan.Triggers.EmailDelivery), evidence.Percent(s.Plan.Triggers.Slowdown), evidence.Percent(s.Plan.Triggers.ErrorRate), evidence.Percent(s.Plan.Triggers.Conversion)),
		},
		Sections: []Section{dates, expectations(), contacts()},
	}
	if s.Plan.Backfill {
		m.Lines = append(m.Lines, fmt.Sprintf("After the last phase, vendors whose trials still run without automation are automated too, at most %d an hour.", s.Plan.BackfillPerHour))
	}
	return m
}

// patience says how long a phase may last.
func patience(p rollout.Plan) string {
	text := "A phase lasts at least as long as planned, and the next one begins only when the figures are good enough. "
	if p.Rule == rollout.RuleThreshold {
		return text + "With too few vendors to judge, a phase lasts up to twice as long and then waits for a decision."
	}
	return text + "Until then the phase lasts longer; after twice its planned time whoever is notified of phases is told what is missing. Where a figure is bad, or there is no data at all, the rollout pauses for a decision."
}

func expectations() Section {
	return Section{Title: "What you will be sent", Items: []Item{
		{Label: "At each phase", Text: titles(NoticePhase.Roles())},
		{Label: "Once a day", Text: titles(NoticeDaily.Roles())},
		{Label: "Immediately, when it stops or is rolled back", Text: "everybody"},
		{Label: "The final report, after the days of stability", Text: "everybody"},
	}}
}

func titles(roles []Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = strings.ToLower(r.Title()[:1]) + r.Title()[1:]
		if r == DevOps {
			names[i] = r.Title()
		}
	}
	return strings.Join(names, ", ")
}

func contacts() Section {
	section := Section{Title: "Whom to call"}
	for _, r := range Roles() {
		section.Items = append(section.Items, Item{Label: r.Title(), Text: r.calledFor()})
	}
	return section
}

// longName names a stage where its percentage is not shown otherwise.
func longName(p rollout.Plan, s rollout.Stage) string {
	switch s.Kind {
	case rollout.Stability:
		return fmt.Sprintf("stability: everything must hold at %v %%", p.PercentageIn(s))
	case rollout.Guard:
		return "guard: watched until the last vendors' trials are over"
	case rollout.Notice, rollout.InPhase:
	}
	return p.StageName(s)
}

// entered is the message about a stage that has begun; for guard it is the final report.
func entered(s rollout.State, e rollout.Event) *Message {
	switch s.Stage.Kind {
	case rollout.Guard:
		return finalReport(s, e)
	case rollout.Stability:
		return &Message{
			Kind: NoticePhase, Subject: fmt.Sprintf("Trial rollout: all phases are complete, stability begins at %v %%", s.Percentage),
			Lead:  fmt.Sprintf("All phases are complete: since %s everything must hold at %v %% of new vendors until %s.", s.FormatTime(e.At), s.Percentage, s.FormatTime(s.StageEnds())),
			Lines: []string{sentence(e.Reason), whatIsNext(s, e)}, Sections: stillOpen(s, e.Judgement, false),
		}
	case rollout.Notice, rollout.InPhase:
	}
	lead := fmt.Sprintf("Since %s the trials of %v %% of new vendors are automated.", s.FormatTime(e.At), s.Percentage)
	if s.NeedsPreflight() {
		lead = fmt.Sprintf("Since %s the rollout of trial automation is being prepared: preflight checks run, and no vendor is automated yet.", s.FormatTime(e.At))
	}
	return &Message{
		Kind:     NoticePhase,
		Subject:  fmt.Sprintf("Trial rollout: phase %d of %d, %v %% of new vendors", s.Stage.Phase+1, len(s.Plan.Phases), s.Percentage),
		Lead:     lead,
		Lines:    []string{sentence(e.Reason), whatIsNext(s, e)},
		Sections: stillOpen(s, e.Judgement, false),
	}
}

// daily is the daily update.
func daily(s rollout.State, e rollout.Event) *Message {
	return &Message{
		Kind: NoticeDaily, Subject: fmt.Sprintf("Trial rollout, daily update: %v %%, %s", s.Percentage, s.Status),
		Lead: s.SentenceAt(e.Judgement, e.At), Lines: []string{tally(e.Judgement), whatIsNext(s, e)}, Sections: stillOpen(s, e.Judgement, true),
	}
}

// tally counts the figures by verdict.
func tally(j *rollout.Judgement) string {
	counts, within := map[rollout.Verdict]int{}, true
	for _, f := range figures(j) {
		counts[f.Verdict]++
		within = within && f.Within()
	}
	switch {
	case j == nil:
		return "There are no figures yet."
	case counts[rollout.Fail] == 0 && counts[rollout.Insufficient] == 0 && within:
		return "All figures are within their limits."
	case counts[rollout.Fail] == 0:
		return fmt.Sprintf("No figure is certainly beyond its limit; %d of %d are still open.", counts[rollout.Insufficient], len(figures(j)))
	}
	return fmt.Sprintf("Beyond their limits: %d of %d figures; %d are still open.", counts[rollout.Fail], len(figures(j)), counts[rollout.Insufficient])
}

// delayed says that a phase takes more than twice its time, and that nothing stops.
func delayed(s rollout.State, e rollout.Event) *Message {
	page, awaited, because := PageEvidence, "the figures", "the figures do not show yet that the next step is safe"
	next := "What to do: nothing, as long as what is missing below can still come: the rollout advances by itself then. If it cannot, find out why."
	if at, _ := s.PausesAt(e.Judgement); !at.IsZero() {
		next = fmt.Sprintf("What to do: of some of what is missing below there is no data at all. The DevOps engineer finds out why before %s, when the rollout pauses. Either no vendor came, or the mail service's events or the API's calls are not counted.", s.FormatTime(at))
	}
	if _, _, open := s.GatesNow(e.Judgement); rollout.ForPerson(open) {
		c, _ := rollout.CriterionByPerson(string(open[0].Gate))
		page, awaited, because = c.Page(), "a person", "nobody has ticked yet what the plan wants a person to judge"
		next = "What to do: judge what is named below, and tick it on the dashboard's page: the rollout advances by itself then."
	}
	return &Message{
		Kind: NoticePhase, Page: page, Subject: fmt.Sprintf("Trial rollout: still at %v %%, waiting for %s", s.Percentage, awaited),
		Lead: fmt.Sprintf("The rollout of trial automation is still at %v %% of new vendors, in %s, after twice the time planned for it: %s.",
			s.Percentage, s.StageName(), because),
		Lines: []string{
			"What it means: nothing is stopped or rolled back. Vendors are automated at this percentage as before; only the next step waits.",
			next + " The product owner may also decide to advance it by hand.",
		},
		Sections: stillOpen(s, e.Judgement, true),
	}
}

// stillOpen are the sections on what is still open: figures without a verdict, if
// requested, preflight checks, and what a person is asked to tick.
func stillOpen(s rollout.State, j *rollout.Judgement, figures bool) []Section {
	var sections []Section
	if items := undecided(s, j); figures && len(items) > 0 {
		sections = append(sections, Section{Title: "Not decidable yet", Items: items})
	}
	if checks := openChecks(s); len(checks) > 0 {
		sections = append(sections, Section{Title: "Open preflight checks", Items: checks})
	}
	return append(sections, forPerson(s.Asked(j))...)
}

// forPerson is the section that asks for the criteria that a person ticks; none if there is nothing to ask for.
func forPerson(asked []rollout.Asked) []Section {
	var items []Item
	for _, c := range asked {
		text := "A reminder: nothing waits for it. Tick it here"
		if c.Holds {
			text = "This phase does not end before it is met. Tick it here"
		}
		items = append(items, Item{Label: c.Text, Text: text, Page: c.Page()})
	}
	if len(items) == 0 {
		return nil
	}
	return []Section{{Title: "For a person to judge", Items: items}}
}

func openChecks(s rollout.State) []Item {
	if !s.NeedsPreflight() {
		return nil
	}
	var items []Item
	for _, c := range s.Checks {
		if c.Verdict != rollout.Pass && c.WaivedBy == "" {
			items = append(items, Item{Label: c.ID, Text: c.Reason, Verdict: c.Verdict})
		}
	}
	return items
}

// whatIsNext says what happens next, and when.
func whatIsNext(s rollout.State, e rollout.Event) string {
	switch {
	case s.Status.Final():
		return "Nothing more happens by itself."
	case s.Pause != nil && s.Pause.Cause == rollout.PausedByOutage:
		return "Next: the rollout resumes by itself once the outage is over."
	case s.Status == rollout.Paused:
		return "Next: it waits for a person, who can resume it, advance it anyway, or roll it back."
	}
	if what := s.Awaited(e.Judgement); what != "" && !e.At.Before(s.StageEnds()) {
		at, _ := s.PausesAt(e.Judgement)
		if at.IsZero() {
			return fmt.Sprintf("Next: it waits for %s, and advances by itself once that is there.", what)
		}
		return fmt.Sprintf("Next: it waits for %s, and pauses on %s if that is still open.", what, s.FormatTime(at))
	}
	next, more := s.Following()
	if !more {
		return fmt.Sprintf("Next: the rollout is complete on %s, or up to %s later if it is not certain by then whether enough trials convert.",
			s.FormatTime(s.StageEnds()), evidence.Counted(s.Plan.GuardDays, "day", "days"))
	}
	text := fmt.Sprintf("Next: %s, on %s at the earliest", longName(s.Plan, next), s.FormatTime(s.StageEnds()))
	if s.Stage.Kind == rollout.InPhase || s.NeedsPreflight() {
		text += ", once " + mustHold(s, e.Judgement)
	}
	return text + "."
}

func mustHold(s rollout.State, j *rollout.Judgement) string {
	if s.NeedsPreflight() {
		return "all preflight checks pass or are waived"
	}
	if slices.ContainsFunc(s.Asked(j), func(c rollout.Asked) bool { return c.Holds }) {
		return "the figures are good enough and a person has ticked what is named below"
	}
	return "the figures are good enough"
}

// backfilled is the message about a finished backfill; batches on the way have none.
func backfilled(s rollout.State, e rollout.Event) *Message {
	if e.Backfill == nil || !e.Backfill.Done {
		return nil
	}
	return &Message{
		Kind: NoticePhase, Subject: "Trial rollout: trials that ran without automation are now automated",
		Lead: fmt.Sprintf("Since %s every running trial is automated: %d that had run without automation were added.",
			s.FormatTime(e.At), e.Backfill.Taken),
		Lines: []string{whatIsNext(s, e)},
	}
}
