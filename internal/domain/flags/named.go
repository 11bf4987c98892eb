package flags

import (
	"fmt"

	"marketplace.example/trials/internal/domain/trial"
)

// The flags that a rollout is steered with, by name.
const (
	NameEnabled    = Key + ".enabled"
	NamePercentage = Key + ".rolloutPercentage"
)

// known is one flag: where it lies in the document, and what it does. The tables of the guides say the same of each.
type known struct {
	name, off string
	// at points to a bool or, for the rollout percentage, to a float64.
	at func(*Flags) any
}

// all are the flags, in the order of the document.
var all = []known{
	{
		NameEnabled, "automated steps are held: no e-mail leaves, no automated trial ends, nobody is admitted; a running rollout rolls itself back",
		func(f *Flags) any { return &f.TrialAutomation.Enabled },
	},
	{
		"trialAutomation.emailReminders", "due reminders are skipped for good; other e-mails go out",
		func(f *Flags) any { return &f.TrialAutomation.EmailReminders },
	},
	{
		"trialAutomation.autoExpiration", "automated trials are held at their end and the end of their grace",
		func(f *Flags) any { return &f.TrialAutomation.AutoExpiration },
	},
	{
		"trialAutomation.conversionTracking", "conversions end trials but never count in figures",
		func(f *Flags) any { return &f.TrialAutomation.ConversionTracking },
	},
	{
		NamePercentage, "not a switch: the share of future vendors to automate",
		func(f *Flags) any { return &f.TrialAutomation.RolloutPercentage },
	},
	{
		"monitoring.enabled", "no evaluation; the list shows the last observations",
		func(f *Flags) any { return &f.Monitoring.Enabled },
	},
	{
		"monitoring.trialMetrics", "alerts about trials and e-mails are not measured",
		func(f *Flags) any { return &f.Monitoring.TrialMetrics },
	},
	{
		"monitoring.alerting", "no notifications; evaluation and history go on. Once it is on again, pending ones are sent",
		func(f *Flags) any { return &f.Monitoring.Alerting },
	},
	{
		"adminTools.enabled", "admins change only what stops something, and this flag",
		func(f *Flags) any { return &f.AdminTools.Enabled },
	},
	{
		"adminTools.trialExtension", "extend, shorten, revive, moves to another policy and undo are refused",
		func(f *Flags) any { return &f.AdminTools.TrialExtension },
	},
	{
		"adminTools.bulkOperations", "no bulk operation begins; running ones pause",
		func(f *Flags) any { return &f.AdminTools.BulkOperations },
	},
}

// Named is a flag by its name, which is its path in the document.
type Named struct {
	Name string
	// Value is a bool or, for the rollout percentage, a float64.
	Value any
	// Off says what happens while it is false; of the percentage, what it is.
	Off string
}

// Named lists every flag, in the order of the document.
func (f Flags) Named() []Named {
	named := make([]Named, 0, len(all))
	for _, k := range all {
		n := Named{Name: k.name, Off: k.off}
		switch at := k.at(&f).(type) {
		case *bool:
			n.Value = *at
		case *float64:
			n.Value = *at
		}
		named = append(named, n)
	}
	return named
}

// With returns the flags with one of them set, to a bool or, for the rollout percentage, to a float64. The error is a
// *trial.Error: CodeNotFound where there is no flag of that name, CodeInvalid with the field "value" where it cannot have that value.
func (f Flags) With(name string, value any) (Flags, error) {
	for _, k := range all {
		if k.name != name {
			continue
		}
		switch at := k.at(&f).(type) {
		case *bool:
			on, ok := value.(bool)
			if !ok {
				return f, trial.Invalid("value", "must be true or false")
			}
			*at = on
		case *float64:
			percentage, ok := value.(float64)
			if !ok || ValidPercentage(percentage) != nil {
				return f, trial.Invalid("value", "must be 0 to 100 in steps of 0.01")
			}
			*at = percentage
		}
		return f, nil
	}
	return f, &trial.Error{Code: trial.CodeNotFound, Field: "flag", Message: "there is no flag of this name"}
}

// Deviations says in words of each flag that is not as wanted how it is, and how it must be.
func (f Flags) Deviations(wanted Flags) []string {
	var deviations []string
	must := wanted.Named()
	for i, is := range f.Named() {
		if is != must[i] {
			deviations = append(deviations, fmt.Sprintf("%s is %v, must be %v", is.Name, is.Value, must[i].Value))
		}
	}
	return deviations
}
