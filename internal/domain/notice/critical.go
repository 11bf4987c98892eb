package notice

import (
	"fmt"
	"slices"

	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/rollout"
)

// critical builds a message for everybody, at once: the lead says what happened
// and since when, then what it means, and what to do.
func critical(subject, lead, why, means, next string) *Message {
	return &Message{
		Kind: NoticeCritical, Subject: "Trial rollout: " + subject, Lead: lead,
		Page:     PageEvidence,
		Lines:    []string{"Why: " + sentence(why), "What it means: " + means, "What to do next: " + next},
		Sections: []Section{contacts()},
	}
}

func decidedOn(page string, m *Message) *Message {
	m.Page = page
	return m
}

// paused is the message about a pause. A pause by a person is no emergency.
func paused(s rollout.State, e rollout.Event) *Message {
	since := s.FormatTime(e.At)
	at := fmt.Sprintf("%v %%", s.Percentage)
	still := fmt.Sprintf("Nothing is rolled back: %v %% of new vendors are still automated, and so are those who were; only the next step is on hold.", s.Percentage)
	switch e.Cause {
	case rollout.PausedByGate:
		subject, because := gateInWords(s, e.Judgement)
		m := critical("paused at "+at+", "+subject,
			fmt.Sprintf("The rollout of trial automation has paused at %s of new vendors since %s, because %s.", at, since, because),
			e.Reason, still,
			"The lead developer looks for the cause. Then resume, which restarts the phase; advance anyway, which the product owner decides; or roll back.")
		m.Sections = append(forPerson(slices.DeleteFunc(s.Asked(e.Judgement), func(c rollout.Asked) bool { return !c.Holds })), m.Sections...)
		return m
	case rollout.PausedByPreflight:
		return decidedOn(PageOverview, critical("paused before the first vendor, a preflight check does not pass",
			fmt.Sprintf("The rollout of trial automation has paused before the first vendor since %s, because a preflight check does not pass.", since),
			e.Reason, "No vendor is affected: nobody is automated yet.",
			"Fix what the check names, or waive it with a reason if it does not matter; then resume."))
	case rollout.PausedByTriggers:
		return critical("paused at "+at+", another alarm",
			fmt.Sprintf("The rollout of trial automation has paused at %s of new vendors since %s, because another alarm was raised; earlier rollbacks by alarms: %s.", at, since, rollout.TimesInWords(s.PartialRollbacks)),
			e.Reason, "Rolling back one phase did not fix the problem. "+still,
			"The product owner and the lead developer decide: roll it back further or completely until the cause is found, or resume.")
	case rollout.PausedBySharedFate:
		return critical("paused at "+at+", too many API calls fail",
			fmt.Sprintf("The rollout of trial automation has paused at %s of new vendors since %s, because too many API calls fail, and as far as is known not those about automated vendors alone.", at, since),
			e.Reason, "The automation does not seem to be the cause. "+still,
			"The DevOps engineer looks for the cause in the API's health and log. Once calls succeed, resume: the evidence then begins anew.")
	case rollout.PausedByOutage:
		return decidedOn(PageOverview, critical("paused at "+at+", e-mail is down for all vendors",
			fmt.Sprintf("The rollout of trial automation has paused at %s of new vendors since %s, because no vendor's e-mail gets through, inside or outside the rollout.", at, since),
			e.Reason, "E-mails wait and are sent later. The automation is not the cause, so nothing is rolled back.",
			"The DevOps engineer checks the mail service account. The rollout resumes by itself once e-mail works again."))
	case rollout.PausedByAdmin, rollout.PausedByOverride:
	}
	return &Message{
		Kind: NoticePhase, Subject: "Trial rollout: paused by hand at " + at,
		Lead:  fmt.Sprintf("The rollout of trial automation was paused by hand at %s of new vendors on %s.", at, since),
		Lines: []string{sentence(e.Reason), still, whatIsNext(s, e)}, Sections: stillOpen(s, e.Judgement, false),
	}
}

// gateInWords says why a gate has paused the rollout: a figure is bad, there is too little
// data, or it is not certain yet whether enough trials convert.
func gateInWords(s rollout.State, j *rollout.Judgement) (subject, because string) {
	_, failed, insufficient := s.GatesNow(j)
	switch {
	case rollout.ForPerson(failed):
		return "a criterion is not met", "a person has judged that a criterion that the next step needs is not met"
	case len(failed) > 0:
		return "a figure is not good enough", "a figure that the next step needs is not good enough"
	case rollout.ForPerson(insufficient):
		return "nobody has judged a criterion", "after twice the phase's time nobody has ticked what the plan wants a person to judge"
	case len(insufficient) > 0:
		return "too little data to continue", "after at least twice the phase's time there is too little data to know whether the next step is safe"
	case s.Stage.Kind == rollout.Guard:
		return "not certain whether enough trials convert", "twice the guard's time has passed, and it is not certain whether enough trials convert"
	}
	return "a figure is not good enough", "a figure that the next step needs is not good enough"
}

// rolledBack is the message about a rollback, automatic or by hand.
func rolledBack(s rollout.State, e rollout.Event) *Message {
	how := "by hand"
	if e.Trigger != "" {
		how = "automatically, because " + triggerInWords[e.Trigger]
	}
	if e.Remedy == rollout.Immediate {
		return decidedOn(PageOverview, critical("automation was switched off for all vendors",
			fmt.Sprintf("Trial automation was switched off for all vendors on %s; it was rolled back %s.", s.FormatTime(e.At), how),
			e.Reason, offMeans(e.InFlight),
			"The lead developer looks for the cause, customer support answers vendors who ask about their trials. This rollout is over: once the cause is fixed, the product owner decides on a new one."))
	}
	means := fmt.Sprintf("%v %% of new vendors are automated from now on. ", s.Percentage)
	if s.Percentage == 0 {
		means = "No new vendor is automated from now on. "
	}
	if e.InFlight == flags.Release {
		means += handedOver
	} else {
		means += "Trials that were already automated stay automated."
	}
	next := fmt.Sprintf("The lead developer looks for the cause before %s: after that the rollout continues by itself if the figures are good enough. Pause it if that is too soon.", s.FormatTime(s.StageEnds()))
	if s.Status == rollout.Paused {
		next = "The lead developer looks for the cause. The rollout stays paused by hand until somebody resumes it."
	}
	return critical(fmt.Sprintf("rolled back to %v %% of new vendors", s.Percentage),
		fmt.Sprintf("The rollout of trial automation was rolled back to %v %% of new vendors on %s, %s.", s.Percentage, s.FormatTime(e.At), how),
		e.Reason, means, next)
}

// handedOver says what a handover means for running trials.
const handedOver = "Trials that were already automated continue without automation: they end on the same dates, without e-mail."

func offMeans(inFlight flags.InFlight) string {
	if inFlight == flags.Release {
		return "No new vendor is automated, and automated trials continue without automation: they end on the same dates, without e-mail."
	}
	return "No new vendor is automated, and automated trials are on hold: no e-mail is sent and no trial ends until the automation is enabled again."
}

var triggerInWords = map[rollout.Trigger]string{
	rollout.TriggerEmail:       "too few e-mails are delivered",
	rollout.TriggerErrors:      "too many automated steps fail",
	rollout.TriggerAPI:         "too many calls of the API fail",
	rollout.TriggerPerformance: "the API has become too slow",
	rollout.TriggerConversion:  "too few trials convert",
}

// overriddenBy is the message about a percentage that somebody set by hand.
func overriddenBy(s rollout.State, e rollout.Event) *Message {
	means := "The rollout does not follow its plan for now. Alarms still roll it back."
	if e.InFlight == flags.Release {
		means += " " + handedOver
	}
	return critical(fmt.Sprintf("percentage set by hand to %v %%, rollout holds", s.Percentage),
		fmt.Sprintf("The share of new vendors whose trials are automated was set by hand to %v %% on %s, and the rollout holds there.", s.Percentage, s.FormatTime(e.At)),
		e.Reason, means,
		"Whoever set it tells the others why. To follow the plan again, resume: the rollout continues from the phase that fits the percentage.")
}
