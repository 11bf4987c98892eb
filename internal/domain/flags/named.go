package flags

import "fmt"

// Named is a flag by its name, which is its path in the document.
type Named struct {
	Name string
	// Value is a bool or, for the rollout percentage, a float64.
	Value any
}

// Named lists every flag, in the order of the document.
func (f Flags) Named() []Named {
	t, m, a := f.TrialAutomation, f.Monitoring, f.AdminTools
	return []Named{
		{"trialAutomation.enabled", t.Enabled},
		{"trialAutomation.emailReminders", t.EmailReminders},
		{"trialAutomation.autoExpiration", t.AutoExpiration},
		{"trialAutomation.conversionTracking", t.ConversionTracking},
		{"trialAutomation.rolloutPercentage", t.RolloutPercentage},
		{"monitoring.enabled", m.Enabled},
		{"monitoring.trialMetrics", m.TrialMetrics},
		{"monitoring.alerting", m.Alerting},
		{"adminTools.enabled", a.Enabled},
		{"adminTools.trialExtension", a.TrialExtension},
		{"adminTools.bulkOperations", a.BulkOperations},
	}
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
