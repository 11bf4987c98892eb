package rollout

import "strings"

// figures are all rates of a judgement against their limits: the gates', then
// the triggers'.
func (j *Judgement) figures() []Figure {
	if j == nil {
		return nil
	}
	figures := make([]Figure, 0, len(j.Gates)+len(j.Triggers))
	for _, r := range j.Gates {
		figures = append(figures, Figure{
			Name: gateNames[r.Gate], Use: ToGoOn, Estimate: r.Estimate, Limit: r.Limit,
			HighIsBad: r.Gate == GateAPI || r.Gate == GateErrors, Seen: r.Seen, Enough: r.Enough,
			Verdict: r.Verdict, Reason: r.Reason,
		})
	}
	for _, a := range j.Triggers {
		verdict, reason := a.verdict()
		figures = append(figures, Figure{
			Name: triggerNames[a.Trigger], Use: ToGoBack, Estimate: a.Estimate, Limit: a.Limit,
			HighIsBad: a.highIsBad(), Seen: a.Seen, Enough: a.enough(), Verdict: verdict, Reason: reason,
		})
	}
	return figures
}

var gateNames = map[Gate]string{
	GateEmail: "E-mails delivered", GateAutomation: "Automated steps that succeeded", GateAPI: "API calls over 2 s",
	GateErrors: "API calls that failed", GateConversion: "Ended trials that converted",
}

var triggerNames = map[Trigger]string{
	TriggerEmail: "E-mails delivered", TriggerErrors: "Automated steps that failed",
	TriggerPerformance: "API calls slower than before", TriggerConversion: "Ended trials that converted",
}

func (a TriggerResult) highIsBad() bool {
	return a.Trigger == TriggerErrors || a.Trigger == TriggerPerformance
}

// enough is how many observations the rate needs before it is shown; zero means one.
func (a TriggerResult) enough() int {
	if a.Trigger == TriggerConversion {
		return enoughMatured
	}
	return 0
}

// verdict turns a trigger's result into a verdict and its reason: a figure beyond
// its limit without an alarm may be chance, and stays open.
func (a TriggerResult) verdict() (Verdict, string) {
	beyond := a.Estimate < a.Limit
	if a.highIsBad() {
		beyond = a.Estimate > a.Limit
	}
	switch {
	case a.Firing:
		return Fail, a.Reason
	case a.undecidable():
		return Insufficient, a.Reason
	case beyond:
		return Insufficient, a.Reason + "; this may still be chance"
	}
	return Pass, a.Reason
}

// undecidable reports whether no verdict is possible yet, whatever the figures.
func (a TriggerResult) undecidable() bool {
	switch {
	case a.Firing:
		return false
	case a.Weighed != nil:
		return a.DecidableFrom != nil || a.Weighed.Vendors < LeastMatured(Null{Limit: a.Limit, Side: TooLow}, alphaConversion)
	case a.Seen == 0:
		return true
	case a.Trigger == TriggerConversion:
		return a.Seen < LeastMatured(Null{Limit: a.Limit, Side: TooLow}, alphaConversion)
	}
	// Evidence of exactly 1 was never weighed: there is no baseline.
	return a.Trigger == TriggerPerformance && a.Evidence == 1 && a.Needed == 1/alphaSlow
}

// undecided lists the figures that have no verdict yet, with what they wait for
// and until when.
func (s State) undecided(j *Judgement) []Item {
	if j == nil {
		return []Item{{Label: "All figures", Text: "there is no judgement yet"}}
	}
	var items []Item
	for _, a := range j.Triggers {
		if a.undecidable() {
			items = append(items, Item{Label: triggerNames[a.Trigger] + ", for rolling back", Text: a.Reason})
		}
	}
	if s.Stage.Kind != InPhase {
		return items
	}
	_, _, open := s.gatesNow(j)
	for _, r := range open {
		text := r.Reason
		if s.Status == Running {
			text += "; the rollout waits for it until " + s.formatTime(s.stageLimit()) + ", and pauses if it is still missing"
		}
		items = append(items, Item{Label: gateNames[r.Gate] + ", for advancing", Text: text})
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
