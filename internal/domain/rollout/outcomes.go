package rollout

import "marketplace.example/trials/internal/domain/trial"

// OutcomesOf is what an event of a trial tells of the rollout; after is the trial's state then. The times are left to whoever
// notes them.
//
// A control trial tells only what admins did to it. From its adoption on its steps count as an automated trial's do. Its
// conversion is no evidence: it had not converted when it was adopted, so its rate is lower than that of all.
func OutcomesOf(e trial.Event, after trial.State) (all []Outcome) {
	cohort := after.CountedAs()
	add := func(kind OutcomeKind, key string) {
		all = append(all, Outcome{Kind: kind, VendorID: after.VendorID, Key: key, Adopted: cohort == trial.Adopted})
	}
	counted := cohort != trial.Control
	switch {
	case e.Type == trial.EventCancelled && after.Status == trial.Expired: // of its mailings, after its end
	case steered[e.Type] != "":
		add(steered[e.Type], trial.EventKey(after.VendorID, e.Seq))
	case e.Type == trial.EventStarted && counted:
		add(Admitted, after.VendorID)
	case e.Type == trial.EventAdopted && cohort == trial.Adopted:
		add(Adopted, after.VendorID)
	case e.Type == trial.EventConverted && counted && !e.Late:
		add(converted(e), after.VendorID)
	case e.Type == trial.EventStep:
		if counted && after.Status == trial.Expired && !e.Step.Kind.IsOwn() { // a mailing comes after it
			add(Expired, after.VendorID)
		}
		if kind, ok := stepOutcome(e, after); ok {
			add(kind, e.Step.Key(after.VendorID))
		}
	}
	return all
}

func converted(e trial.Event) OutcomeKind {
	if e.Untracked {
		return Untracked
	}
	return Converted
}

// stepOutcome is what a step tells of the automation: that it was done, or failed for good. One that is late, was skipped or
// superseded tells nothing, and neither does one that was due before the trial was adopted.
func stepOutcome(e trial.Event, after trial.State) (OutcomeKind, bool) {
	switch {
	case !after.Automated || after.BeforeAdoption(*e.Step):
		return "", false
	case e.Decision.Reason == trial.ReasonAddressRefused, e.Decision.Reason == trial.ReasonNotRendered:
		return StepFailed, true
	}
	return StepDone, e.Decision.Action != trial.Skip
}

// steered are the events by which admins change a trial.
var steered = map[trial.EventType]OutcomeKind{
	trial.EventExtended: Extended, trial.EventShortened: Shortened, trial.EventCancelled: Cancelled, trial.EventRevived: Revived,
}
