package rollout

import (
	"fmt"
	"time"
)

// Outlook answers what people ask of a rollout that does not move. The zero value is that of one that is over.
type Outlook struct {
	// Why says what keeps the stage from ending.
	Why string
	// Until says when that ends at the latest, or what happens then; with no date it says so.
	Until string
	// Next is the stage that it goes on to; empty after the last.
	Next string
	// Needs are what would make it go on: all of them together.
	Needs []Need
	// Person says that nothing goes on unless a person decides.
	Person bool
}

// Need is one thing that a rollout lacks to go on.
type Need struct {
	// Name is a gate's or a check's; empty for what has none.
	Name, Text string
}

// OutlookAt returns the outlook now, given the last judgement (nil for none).
func (s State) OutlookAt(j *Judgement, now time.Time) Outlook {
	var o Outlook
	switch {
	case s.Status.Final():
		return o
	case s.Status == Paused:
		o = s.outlookPaused(j)
	case now.Before(s.StageEnds()):
		o = s.outlookBefore(j)
	default:
		o = s.outlookOver(j)
	}
	o.Next = "the end of the rollout"
	if next, more := s.Following(); more {
		o.Next = s.Plan.StageName(next)
	}
	if !o.Person && s.Stage.Kind == InPhase && j != nil && WatchMissed(j.At, now, s.Times.Day) {
		o.Needs = append(o.Needs, Need{Text: fmt.Sprintf("the watch must run again: it judged last on %s, and what is old opens no gate", s.FormatTime(j.At))})
	}
	return o
}

// outlookBefore is the outlook while the stage's time runs.
func (s State) outlookBefore(j *Judgement) Outlook {
	o := Outlook{
		Why: s.whyStage(), Until: s.FormatTime(s.StageEnds()) + " at the earliest",
		Needs: append([]Need{{Text: "time"}}, s.needs(j)...),
	}
	if s.CooldownUntil.Equal(s.StageEnds()) {
		o.Why = "After the rollback it does not advance for a while, so that the effect of the rollback is seen."
	}
	return o
}

func (s State) whyStage() string {
	length := fmt.Sprintf("%v days", s.Plan.soakDays(s.Stage))
	if length == "1 days" {
		length = "1 day"
	}
	switch s.Stage.Kind {
	case Notice:
		return "Stakeholders were notified of the rollout, and have " + length + " to object."
	case InPhase:
		return fmt.Sprintf("The phase lasts %s at least, so that something is seen of %v %% before more vendors are automated.", length, s.Percentage)
	case Stability:
		return fmt.Sprintf("Everything must hold at %v %% for %s before the final report.", s.Percentage, length)
	case Guard:
	}
	return "The last vendors' trials are not over: only then is it known how many convert."
}

// outlookOver is the outlook once the stage's time is over.
func (s State) outlookOver(j *Judgement) Outlook {
	over := "Its time was over on " + s.FormatTime(s.StageEnds())
	o := Outlook{Needs: s.needs(j)}
	if s.Awaited(j) == "" {
		o.Why, o.Until = over+", and nothing is open.", "the next check, within minutes"
		return o
	}
	o.Why = over + ", and the figures do not show yet that the next step is safe."
	if s.NeedsPreflight() && s.preflightOpen() != nil {
		o.Why = over + ", and a preflight check is open."
	}
	_, failed, insufficient := s.GatesNow(j)
	switch at, _ := s.PausesAt(j); {
	case ForPerson(append(failed, insufficient...)):
		o.Why = over + ", and nobody has ticked yet what the plan wants a person to judge."
		o.Until, o.Person = "a person ticks it; there is no date", true
	case s.Stage.Kind == Guard:
		o.Why = over + ", and it is not certain whether enough trials convert."
		o.Until = s.FormatTime(s.StageLimit()) + "; if that is still open then, it pauses for a decision"
	case at.IsZero():
		o.Until = "no date is set: it goes on by itself as soon as what is missing is there"
	default:
		o.Until = s.FormatTime(at) + "; if that is still open then, it pauses for a decision"
	}
	return o
}

// outlookPaused is the outlook of a rollout that is paused.
func (s State) outlookPaused(j *Judgement) Outlook {
	o := Outlook{Why: s.Pause.Reason, Until: "a person decides; there is no date", Person: true}
	switch s.Pause.Cause {
	case PausedByOutage:
		o.Person = false
		o.Until = "e-mail works again; there is no date"
		o.Needs = []Need{{Text: "the mail service must accept e-mail again; the rollout then resumes by itself"}}
		return o
	case PausedByGate:
		o.Needs = append(s.needs(j), Need{Text: "then resume it, which begins the phase anew; or advance it, whatever the figures say"})
	case PausedByPreflight:
		o.Needs = append(s.needs(j), Need{Text: "then resume it"})
	case PausedByTriggers, PausedBySharedFate:
		o.Needs = []Need{{Text: "find and fix the cause, then resume it; or roll it back further"}}
	case PausedByAdmin, PausedByOverride:
		open, resume := s.needs(j), "resume it"
		switch {
		case s.Pause.AtGate:
			resume += ", which begins the phase anew"
		case len(open) == 0:
			resume += ": nothing else is needed for it to go on from here"
		}
		o.Needs = append([]Need{{Text: resume}}, open...)
	}
	return o
}

// needs are the open checks and gates of the present stage, with what each lacks.
func (s State) needs(j *Judgement) []Need {
	var needs []Need
	if s.NeedsPreflight() && s.preflightOpen() != nil {
		if len(s.Checks) == 0 {
			needs = append(needs, Need{Text: "the preflight checks must run and pass"})
		}
		for _, c := range s.Checks {
			if c.Verdict != Pass && c.WaivedBy == "" {
				needs = append(needs, Need{Name: c.ID, Text: "must pass or be waived: " + c.Reason})
			}
		}
	}
	_, failed, insufficient := s.GatesNow(j)
	for _, r := range append(failed, insufficient...) {
		needs = append(needs, Need{Name: string(r.Gate), Text: r.Reason})
	}
	if doubt := j.doubt(); s.Stage.Kind == Guard && doubt != nil && s.Plan.GuardDays > 0 {
		needs = append(needs, Need{Name: string(doubt.Trigger), Text: doubt.Reason})
	}
	return needs
}
