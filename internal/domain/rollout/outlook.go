package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"marketplace.example/trials/internal/domain/evidence"
)

// Outlook answers what people ask of a rollout that does not move. The zero value is that of one that is over.
type Outlook struct {
	// Why says what keeps the stage from ending.
	Why string
	// Until says when that ends at the earliest, and what happens then if not; with no date it says so. At is the moment that
	// it names, zero for none.
	Until string
	At    time.Time
	// Next is what it goes on to: a percentage, or the stage after the phases. Empty for one that is over.
	Next string
	// Needs are what would make it go on: all of them together.
	Needs []Need
	// Person says that nothing goes on unless a person decides.
	Person bool
}

// Need is one thing that a rollout lacks to go on.
type Need struct {
	// Name is a gate's, a trigger's or a check's; empty for what has none.
	Name, Text string
	// Page is the path of the dashboard's page on which a person gives it; empty for none.
	Page string
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
		o.Next = string(next.Kind)
		if next.IsPhase() {
			o.Next = fmt.Sprintf("%v %% (phase %d of %d)", s.Plan.PercentageIn(next), next.Phase+1, len(s.Plan.Phases))
		}
	}
	if !o.Person && s.Stage.Kind == InPhase && j != nil && WatchMissed(j.At, now, s.Times.Day) {
		o.Needs = append(o.Needs, Need{Text: fmt.Sprintf("the rollout must be watched again: it was judged last on %s, and no phase begins on an old judgement", s.FormatTime(j.At))})
	}
	return o
}

// outlookBefore is the outlook while the stage's time runs.
func (s State) outlookBefore(j *Judgement) Outlook {
	o := Outlook{
		Why: s.whyStage(), Until: s.FormatTime(s.StageEnds()) + " at the earliest", At: s.StageEnds(),
		Needs: s.needs(j),
	}
	if len(o.Needs) > 0 {
		o.Needs = append([]Need{{Text: "the time until then must pass"}}, o.Needs...)
	}
	if s.fails(j) {
		o.Until = s.FormatTime(s.StageEnds()) + "; if what fails now still fails then, it pauses for a decision"
	}
	if s.CooldownUntil.Equal(s.StageEnds()) {
		o.Why = "After the rollback it does not advance for a while, so that the effect of the rollback is seen."
	}
	return o
}

// fails reports whether the stage would pause at its end, were it over now.
func (s State) fails(j *Judgement) bool {
	_, failed, _ := s.GatesNow(j)
	check := s.preflightOpen()
	return len(failed) > 0 || s.NeedsPreflight() && check != nil && check.Verdict == Fail
}

func (s State) whyStage() string {
	length := evidence.Counted(s.Plan.soakDays(s.Stage), "day", "days")
	switch s.Stage.Kind {
	case InPhase:
		if s.Percentage == 0 {
			return fmt.Sprintf("The phase lasts %s at least, in which nobody is automated: the preflight runs, and the API's normal speed is measured.", length)
		}
		return fmt.Sprintf("The phase lasts %s at least, so that something is seen of %v %% before more vendors are automated.", length, s.Percentage)
	case Notice:
		return "Stakeholders were notified of the rollout, and have " + length + " to object."
	case Stability:
		return fmt.Sprintf("Everything must hold at %v %% for %s before the final report.", s.Percentage, length)
	case Guard:
	}
	return "The last vendors' trials are not over: only then is it known how many convert."
}

// whenItComes says until when a stage waits that nothing but what is missing keeps from ending.
const whenItComes = "no date is set: it goes on by itself as soon as what is missing is there"

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
	if needs := needsOf(append(failed, insufficient...)); len(needs) == 1 && strings.HasPrefix(needs[0].Text, canaryHolds) {
		o.Why = over + ", and a canary has found something broken."
	}
	switch at, _ := s.PausesAt(j); {
	case ForPerson(append(failed, insufficient...)):
		o.Why = over + ", and nobody has ticked yet what the plan wants a person to judge."
		o.Until, o.Person = "until a person ticks it; there is no date", true
	case s.Stage.Kind == Guard:
		o.Why = over + ", and it is not certain whether enough trials convert."
		o.Until, o.At = s.FormatTime(s.StageLimit())+"; if that is still open then, it pauses for a decision", s.StageLimit()
	case at.IsZero():
		o.Until = whenItComes
	default:
		o.Until, o.At = fmt.Sprintf("%s; if it is still missing on %s, the rollout pauses for a decision", whenItComes, s.FormatTime(at)), at
	}
	return o
}

// outlookPaused is the outlook of a rollout that is paused.
func (s State) outlookPaused(j *Judgement) Outlook {
	o := Outlook{Why: s.Pause.Reason, Until: "until a person decides; there is no date", Person: true}
	switch s.Pause.Cause {
	case PausedByOutage:
		o.Person = false
		o.Until = "until e-mail works again; there is no date"
		o.Needs = []Need{{Text: "the mail service must accept e-mail again; the rollout then resumes by itself"}}
		return o
	case PausedByGate:
		first := Need{Text: "find the cause of what is said under “Why”, and mend it"}
		if len(s.needs(j)) == 0 {
			first.Text = "what was missing is there now"
		}
		o.Needs = []Need{first, {Text: "then resume it, which begins the phase anew; or advance it, whatever the figures say"}}
	case PausedByPreflight:
		o.Needs = append(s.needs(j), Need{Text: "then resume it"})
	case PausedByTriggers:
		o.Needs = []Need{{Text: "find and fix the cause, then resume it; or roll it back further"}}
	case PausedBySharedFate:
		o.Needs = []Need{{Text: "find out from the API's health and log why calls fail, and resume it once they succeed"}}
	case PausedByAdmin, PausedByOverride:
		open := s.needs(j)
		o.Needs = append([]Need{{Text: s.resuming(len(open) == 0)}}, open...)
	}
	return o
}

// resuming says what becomes of the stage when a person's pause ends; ready says that nothing else is missing.
func (s State) resuming(ready bool) string {
	left := s.StageEnds().Sub(s.Pause.Since)
	switch {
	case s.Pause.AtGate:
		return "resume it, which begins the phase anew"
	case s.Pause.Cause == PausedByOverride:
		return "resume it: it then begins the phase that fits the percentage"
	case left > 0:
		return fmt.Sprintf("resume it: of the time of %s %.1f days are left then", s.StageName(), float64(left)/float64(s.Times.Day))
	case ready:
		return "resume it: it then goes on at the next check"
	}
	return "resume it"
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
	needs = append(needs, needsOf(append(failed, insufficient...))...)
	if doubt := j.doubt(); s.Stage.Kind == Guard && doubt != nil && s.Plan.GuardDays > 0 {
		needs = append(needs, Need{Name: doubt.Trigger.Name(), Text: doubt.Reason})
	}
	return needs
}

// needsOf are what gates lack; what holds several is said once.
func needsOf(results []GateResult) []Need {
	var needs []Need
	for _, r := range results {
		n := Need{Name: r.Gate.Name(), Text: r.Reason}
		if c, byPerson := CriterionByPerson(string(r.Gate)); byPerson && r.Verdict == Insufficient {
			n.Page = c.Page()
		}
		if strings.HasPrefix(r.Reason, canaryHolds) {
			n.Name = ""
		}
		if !slices.Contains(needs, n) {
			needs = append(needs, n)
		}
	}
	return needs
}
