package rollout

import "cmp"

var gateNames = map[Gate]string{
	GateEmail: "E-mails delivered", GateAutomation: "Automated steps that succeeded", GateAPI: "API calls over 2 s",
	GateErrors: "API calls that failed", GateConversion: "Ended trials that converted",
}

var triggerNames = map[Trigger]string{
	TriggerEmail: "E-mails delivered", TriggerErrors: "Automated steps that failed",
	TriggerAPI: "API calls that failed", TriggerPerformance: "API calls slower than before", TriggerConversion: "Ended trials that converted",
}

// Name says what the gate measures, for people. A gate may be a criterion that a person ticks.
func (g Gate) Name() string {
	if c, byPerson := CriterionByPerson(string(g)); byPerson {
		return c.Text
	}
	return cmp.Or(gateNames[g], string(g))
}

// Name says what the trigger measures, for people.
func (t Trigger) Name() string { return cmp.Or(triggerNames[t], string(t)) }
