package rollout

import (
	"fmt"
	"strconv"
	"strings"
)

// MessageFor is the stakeholders' message about an event that has just happened;
// s is the state after it. It is nil for events that nobody is notified of.
func MessageFor(s State, e Event) *Message {
	m := s.worded(e)
	if m == nil {
		return nil
	}
	m.Key, m.At = s.ID+"/"+strconv.Itoa(e.Seq), e.At
	m.Timeline = s.Timeline()
	if m.Figures == nil {
		m.Figures = e.Judgement.figures()
	}
	return m
}

func (s State) worded(e Event) *Message {
	switch e.Type {
	case EventStarted:
		return s.announcement()
	case EventEntered:
		return s.entered(e)
	case EventUpdate:
		return s.daily(e)
	case EventPaused:
		return s.paused(e)
	case EventRolledBack:
		return s.takenBack(e)
	case EventOverridden:
		return s.overriddenBy(e)
	case EventResumed:
		return &Message{
			Kind: NoticePhase, Subject: fmt.Sprintf("Trial rollout: resumed at %v %%", s.Percentage),
			Lead:  fmt.Sprintf("The rollout of trial automation continues since %s, at %v %% of new vendors.", s.formatTime(e.At), s.Percentage),
			Lines: []string{sentence(e.Reason), s.whatIsNext(e)}, Sections: s.stillOpen(e.Judgement, true),
		}
	case EventBackfill:
		return s.backfilled(e)
	case EventCompleted:
		return s.completed(e)
	case EventPreflight, EventTicked, EventWaived:
	}
	return nil
}

// announcement tells everybody before the first phase what will happen.
func (s State) announcement() *Message {
	calendar := s.calendar()
	first, last := calendar[1], calendar[1]
	dates := Section{Title: "Dates, each the earliest"}
	for _, at := range calendar[1:] {
		if at.admits() {
			last = at
		}
		dates.Items = append(dates.Items, Item{Label: s.formatTime(at.From), Text: s.Plan.longName(at.Stage)})
	}
	begins, verb := "Trial rollout begins on ", "begins on"
	if s.RestartOf != "" {
		begins, verb = "Trial rollout continues from ", "continues from"
	}
	m := &Message{
		Kind: NoticeAnnouncement, Subject: begins + s.formatTime(first.From),
		Lead: fmt.Sprintf("The rollout of trial automation %s %s and reaches %v %% of new vendors on %s at the earliest: their trials then get their e-mails and end by themselves.",
			verb, s.formatTime(first.From), s.Plan.percentage(last.Stage), s.formatTime(last.From)),
		Lines: []string{
			"A phase lasts at least as long as planned, and the next one begins only when the figures are good enough. With too few vendors to judge, a phase lasts up to twice as long and then waits for a decision.",
			fmt.Sprintf("The rollout rolls itself back one phase when less than %s of the e-mails are delivered or the API has become slower by more than %s. It switches the automation off when more than %s of the automated steps fail or less than %s of the ended trials convert.",
				percent(s.Plan.Triggers.EmailDelivery), percent(s.Plan.Triggers.Slowdown), percent(s.Plan.Triggers.ErrorRate), percent(s.Plan.Triggers.Conversion)),
		},
		Sections: []Section{dates, expectations(), contacts()},
	}
	if s.Plan.Backfill {
		m.Lines = append(m.Lines, fmt.Sprintf("After the last phase, vendors whose trials still run without automation are automated too, at most %d an hour.", s.Plan.BackfillPerHour))
	}
	return m
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
func (p Plan) longName(s Stage) string {
	switch s.Kind {
	case Stability:
		return fmt.Sprintf("stability: everything must hold at %v %%", p.percentage(s))
	case Guard:
		return "guard: watched until the last vendors' trials are over"
	case Notice, InPhase:
	}
	return p.name(s)
}

// entered is the message about a stage that has begun; for guard it is the final report.
func (s State) entered(e Event) *Message {
	switch s.Stage.Kind {
	case Guard:
		return s.finalReport(e)
	case Stability:
		return &Message{
			Kind: NoticePhase, Subject: fmt.Sprintf("Trial rollout: all phases are complete, stability begins at %v %%", s.Percentage),
			Lead:  fmt.Sprintf("All phases are complete: since %s everything must hold at %v %% of new vendors until %s.", s.formatTime(e.At), s.Percentage, s.formatTime(s.StageEnds())),
			Lines: []string{sentence(e.Reason), s.whatIsNext(e)}, Sections: s.stillOpen(e.Judgement, false),
		}
	case Notice, InPhase:
	}
	lead := fmt.Sprintf("Since %s the trials of %v %% of new vendors are automated.", s.formatTime(e.At), s.Percentage)
	if s.needsPreflight() {
		lead = fmt.Sprintf("Since %s the rollout of trial automation is being prepared: preflight checks run, and no vendor is automated yet.", s.formatTime(e.At))
	}
	return &Message{
		Kind:     NoticePhase,
		Subject:  fmt.Sprintf("Trial rollout: phase %d of %d, %v %% of new vendors", s.Stage.Phase+1, len(s.Plan.Phases), s.Percentage),
		Lead:     lead,
		Lines:    []string{sentence(e.Reason), s.whatIsNext(e)},
		Sections: s.stillOpen(e.Judgement, false),
	}
}

// daily is the daily update.
func (s State) daily(e Event) *Message {
	return &Message{
		Kind: NoticeDaily, Subject: fmt.Sprintf("Trial rollout, daily update: %v %%, %s", s.Percentage, s.Status),
		Lead: s.SentenceAt(e.Judgement, e.At), Lines: []string{tally(e.Judgement), s.whatIsNext(e)}, Sections: s.stillOpen(e.Judgement, true),
	}
}

// tally counts the figures by verdict.
func tally(j *Judgement) string {
	counts := map[Verdict]int{}
	for _, f := range j.figures() {
		counts[f.Verdict]++
	}
	switch {
	case j == nil:
		return "There are no figures yet."
	case counts[Fail] == 0 && counts[Insufficient] == 0:
		return "All figures are within their limits."
	case counts[Fail] == 0:
		return fmt.Sprintf("No figure is certainly beyond its limit; %d of %d are still open.", counts[Insufficient], len(j.figures()))
	}
	return fmt.Sprintf("Beyond their limits: %d of %d figures; %d are still open.", counts[Fail], len(j.figures()), counts[Insufficient])
}

// stillOpen are the sections on what is still open: figures without a verdict, if
// requested, and preflight checks.
func (s State) stillOpen(j *Judgement, figures bool) []Section {
	var sections []Section
	if items := s.undecided(j); figures && len(items) > 0 {
		sections = append(sections, Section{Title: "Not decidable yet", Items: items})
	}
	if checks := s.openChecks(); len(checks) > 0 {
		sections = append(sections, Section{Title: "Open preflight checks", Items: checks})
	}
	return sections
}

func (s State) openChecks() []Item {
	if !s.needsPreflight() {
		return nil
	}
	var items []Item
	for _, c := range s.Checks {
		if c.Verdict != Pass && c.WaivedBy == "" {
			items = append(items, Item{Label: c.ID, Text: c.Reason, Verdict: c.Verdict})
		}
	}
	return items
}

// whatIsNext says what happens next, and when.
func (s State) whatIsNext(e Event) string {
	switch {
	case s.Status.Final():
		return "Nothing more happens by itself."
	case s.Pause != nil && s.Pause.Cause == PausedByOutage:
		return "Next: the rollout resumes by itself once the outage is over."
	case s.Status == Paused:
		return "Next: it waits for a person, who can resume it, advance it anyway, or roll it back."
	}
	if what := s.awaited(e.Judgement); what != "" && !e.At.Before(s.StageEnds()) {
		return fmt.Sprintf("Next: it waits for %s, and pauses on %s if that is still open.", what, s.formatTime(s.stageLimit()))
	}
	next, more := s.following()
	if !more {
		return fmt.Sprintf("Next: the rollout is complete on %s, or up to %v days later if it is not certain by then whether enough trials convert.",
			s.formatTime(s.StageEnds()), s.Plan.GuardDays)
	}
	text := fmt.Sprintf("Next: %s, on %s at the earliest", s.Plan.longName(next), s.formatTime(s.StageEnds()))
	if s.Stage.Kind == InPhase || s.needsPreflight() {
		text += ", once " + s.mustHold()
	}
	return text + "."
}

func (s State) mustHold() string {
	if s.needsPreflight() {
		return "all preflight checks pass or are waived"
	}
	return "the figures are good enough"
}

// backfilled is the message about a finished backfill; batches on the way have none.
func (s State) backfilled(e Event) *Message {
	if e.Backfill == nil || !e.Backfill.Done {
		return nil
	}
	return &Message{
		Kind: NoticePhase, Subject: "Trial rollout: trials that ran without automation are now automated",
		Lead: fmt.Sprintf("Since %s every running trial is automated: %d that had run without automation were added.",
			s.formatTime(e.At), e.Backfill.Taken),
		Lines: []string{s.whatIsNext(e)},
	}
}
