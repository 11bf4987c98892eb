package rollout

import "fmt"

// critical words what everybody must know at once: the lead says what happened
// and since when, then what it means, and what to do.
func critical(subject, lead, why, means, next string) *Message {
	return &Message{
		Kind: NoticeCritical, Subject: "Trial rollout: " + subject, Lead: lead,
		Lines:    []string{"Why: " + sentence(why), "What it means: " + means, "What to do next: " + next},
		Sections: []Section{contacts()},
	}
}

// paused tells of a pause. That by a person is no emergency.
func (s State) paused(e Event) *Message {
	since := s.formatTime(e.At)
	at := fmt.Sprintf("%v %%", s.Percentage)
	still := fmt.Sprintf("Nothing is rolled back: %v %% of new vendors are still automated, and so are those who were; only the next step waits.", s.Percentage)
	switch e.Cause {
	case PausedByGate:
		subject, because := s.gateInWords(e.Judgement)
		return critical("paused at "+at+", "+subject,
			fmt.Sprintf("The rollout of trial automation has paused at %s of new vendors since %s, because %s.", at, since, because),
			e.Reason, still,
			"The lead developer looks for the cause. Then resume, which begins the phase anew; go on all the same, which the product owner decides; or roll it back.")
	case PausedByPreflight:
		return critical("paused before the first vendor, a check does not pass",
			fmt.Sprintf("The rollout of trial automation has paused before the first vendor since %s, because a check of its preparations does not pass.", since),
			e.Reason, "No vendor is touched: nobody is automated yet.",
			"Mend what the check names, or waive it with a reason if it does not matter; then resume.")
	case PausedByTriggers:
		return critical("paused at "+at+", an alarm again",
			fmt.Sprintf("The rollout of trial automation has paused at %s of new vendors since %s, because an alarm was raised again; rolled back by alarms before: %s.", at, since, times(s.PartialRollbacks)),
			e.Reason, "Something is wrong that going back a phase does not cure. "+still,
			"The product owner and the lead developer decide: roll it back further or completely until the cause is found, or resume.")
	case PausedByOutage:
		return critical("paused at "+at+", e-mail is out for everybody",
			fmt.Sprintf("The rollout of trial automation has paused at %s of new vendors since %s, because no vendor's e-mail gets through, inside the rollout or outside.", at, since),
			e.Reason, "E-mails wait and are sent later. The automation is not the cause, so nothing is rolled back.",
			"The DevOps engineer looks at the account of the mail service. The rollout resumes by itself once e-mail works again.")
	case PausedByAdmin, PausedByOverride:
	}
	return &Message{
		Kind: NoticePhase, Subject: "Trial rollout: paused by hand at " + at,
		Lead:  fmt.Sprintf("The rollout of trial automation was paused by hand at %s of new vendors on %s.", at, since),
		Lines: []string{sentence(e.Reason), still, s.whatIsNext(e)}, Sections: s.stillOpen(e.Judgement, false),
	}
}

// gateInWords says why a gate has paused the rollout: a figure is bad, too little was
// seen, or nobody can tell yet whether enough trials convert.
func (s State) gateInWords(j *Judgement) (subject, because string) {
	_, failed, insufficient := s.gatesNow(j)
	switch {
	case len(failed) > 0:
		return "a figure is not good enough", "a figure that the next step needs is not good enough"
	case len(insufficient) > 0:
		return "too little was seen to go on", "too little was seen in twice the phase's time to know whether the next step is safe"
	case s.Stage.Kind == Guard:
		return "whether enough trials convert is not certain", "twice the guard's time has passed, and it is not certain whether enough trials convert"
	}
	return "a figure is not good enough", "a figure that the next step needs is not good enough"
}

// takenBack tells that the rollout went back, by itself or by hand.
func (s State) takenBack(e Event) *Message {
	how := "by hand"
	if e.Trigger != "" {
		how = "by itself, because " + triggerInWords[e.Trigger]
	}
	if e.Remedy == Immediate {
		return critical("automation is switched off for all vendors",
			fmt.Sprintf("Trial automation is switched off for all vendors since %s; it was rolled back %s.", s.formatTime(e.At), how),
			e.Reason, offMeans(e.InFlight),
			"The lead developer looks for the cause, customer support answers vendors who ask about their trials. This rollout is over: once the cause is mended, the product owner decides on a new one.")
	}
	means := fmt.Sprintf("%v %% of new vendors are automated from now on. ", s.Percentage)
	if s.Percentage == 0 {
		means = "No new vendor is automated from now on. "
	}
	if e.InFlight == Release {
		means += handedOver
	} else {
		means += "Trials that were automated already stay so."
	}
	next := fmt.Sprintf("The lead developer looks for the cause before %s: from then on the rollout goes on by itself if the figures are good enough. Pause it if that is too soon.", s.formatTime(s.StageEnds()))
	if s.Status == Paused {
		next = "The lead developer looks for the cause. The rollout stays paused by hand: it goes on no sooner than somebody resumes it."
	}
	return critical(fmt.Sprintf("rolled back to %v %% of new vendors", s.Percentage),
		fmt.Sprintf("The rollout of trial automation went back to %v %% of new vendors on %s; it was rolled back %s.", s.Percentage, s.formatTime(e.At), how),
		e.Reason, means, next)
}

// handedOver says what a handover means for trials that run.
const handedOver = "Trials that were automated already go on without: nobody is reminded, and no trial ends by itself."

func offMeans(inFlight InFlight) string {
	if inFlight == Release {
		return "No new vendor is automated, and trials that were go on without: nobody is reminded, and no trial ends by itself."
	}
	return "No new vendor is automated, and trials that are automated wait: no e-mail goes out and no trial ends until the automation is enabled again."
}

var triggerInWords = map[Trigger]string{
	TriggerEmail:       "too few e-mails are delivered",
	TriggerErrors:      "too many automated steps fail",
	TriggerPerformance: "the API has become too slow",
	TriggerConversion:  "too few trials convert",
}

// overriddenBy tells that somebody set the percentage by hand.
func (s State) overriddenBy(e Event) *Message {
	means := "The plan is not followed for now. Alarms still roll back the rollout."
	if e.InFlight == Release {
		means += " " + handedOver
	}
	return critical(fmt.Sprintf("percentage set by hand to %v %%, rollout holds", s.Percentage),
		fmt.Sprintf("The share of new vendors whose trials are automated was set by hand to %v %% on %s, and the rollout holds there.", s.Percentage, s.formatTime(e.At)),
		e.Reason, means,
		"Whoever set it tells the others why. To follow the plan again, resume: it goes on from the phase that fits the percentage.")
}
