package flags

import (
	"math"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Key names the flag that vendors are bucketed for.
const Key = "trialAutomation"

// Document is the one feature-flag document, as stored. It has the last word
// on whether automation is on.
type Document struct {
	FeatureFlags Flags `json:"featureFlags"`
	// Salt seeds the buckets; changing it reassigns every vendor.
	Salt string `json:"salt"`
	// Version counts changes.
	Version   int       `json:"version"`
	UpdatedAt time.Time `json:"updatedAt"`
	UpdatedBy string    `json:"updatedBy"`
	// DisabledVersion is the version in which somebody last switched the automation off, or asked for that while it
	// was off; 0 for never.
	DisabledVersion int `json:"disabledVersion,omitempty"`
	// HandVersion is the last version that somebody else than the rollout made.
	HandVersion int `json:"handVersion,omitempty"`
	// Rollback is the last rollback requested over the API. It is written together with the flags it
	// lowered, so that it holds even if the signal to the rollout is late or lost. Nil for none.
	Rollback *RollbackRequest `json:"rollback,omitempty"`
	// Write is a rollout's last write; whether its decision is stored is not known here. Nil for none.
	Write *Write `json:"write,omitempty"`
	// Dealing is that of the latest policy experiment; nil for none.
	Dealing *Dealing `json:"dealing,omitempty"`
}

// RollbackRequest is a requested rollback and the rollout it is for.
type RollbackRequest struct {
	// Version is the flags' version that came with it.
	Version   int     `json:"version"`
	RolloutID string  `json:"rolloutId"`
	Request   Request `json:"request"`
	// Overruled says that somebody has raised the flags by hand since.
	Overruled bool `json:"overruled,omitempty"`
	// Before are the ids of the last few earlier requests for this rollout that were overruled: their signals may
	// still arrive.
	Before []string `json:"before,omitempty"`
}

// mostOverruled bounds how many overruled rollbacks are remembered.
const mostOverruled = 20

// following is the request to keep for a new rollback written with a version of the flags.
func (r *RollbackRequest) following(before *RollbackRequest, version int) *RollbackRequest {
	kept := &RollbackRequest{Version: version, RolloutID: r.RolloutID, Request: r.Request}
	if before == nil || before.RolloutID != r.RolloutID {
		return kept
	}
	kept.Before = slices.Clone(before.Before)
	if before.Overruled {
		kept.Before = append(kept.Before, before.Request.ID)
	}
	kept.Before = kept.Before[max(len(kept.Before)-mostOverruled, 0):]
	return kept
}

// Write is what a rollout wrote for one of its decisions.
type Write struct {
	RolloutID string `json:"rolloutId"`
	// Seq is the decision's number, At its time.
	Seq        int       `json:"seq"`
	At         time.Time `json:"at"`
	Enabled    bool      `json:"enabled"`
	Percentage float64   `json:"percentage"`
	// Version is the flags' version that it made, even if their values did not change.
	Version int `json:"version"`
	// HandVersion is the decision's version of flags found set by hand.
	HandVersion int `json:"handVersion,omitempty"`
}

// Change is what a change of the flags sets.
type Change struct {
	Flags
	// Found is the document that is changed.
	Found Document
	// Off says that somebody wants the automation off; it counts even if it is off already.
	Off bool
	// Rollback is the request that lowers the flags, Write a rollout's write; nil for other changes.
	Rollback *RollbackRequest
	Write    *Write
	// Dealing is the latest experiment's, as it is to be.
	Dealing *Dealing
}

// Change returns a change of the document that changes nothing yet.
func (d Document) Change() Change { return Change{Flags: d.FeatureFlags, Found: d, Dealing: d.Dealing} }

// Changed returns the document after a change, and whether that changes anything.
func (d Document) Changed(c Change, by string, at time.Time) (after Document, changed bool) {
	dealing := c.dealingAfter(by, at)
	ofFlags := c.Flags != d.FeatureFlags || c.Off || c.Rollback != nil || c.Write != nil
	if !ofFlags && dealing == d.Dealing {
		return d, false
	}
	d.Dealing = dealing
	d.Version++
	if !ofFlags {
		return d, true // to the rollout, nobody has set the flags by hand
	}
	if c.Flags != d.FeatureFlags || c.Write == nil {
		d.FeatureFlags, d.UpdatedAt, d.UpdatedBy = c.Flags, at, by
	}
	if by != Automatic {
		d.HandVersion = d.Version
	}
	if c.Off {
		d.DisabledVersion = d.Version
	}
	if c.Write != nil {
		d.Write = c.Write
	}
	switch {
	case c.Rollback != nil:
		d.Rollback = c.Rollback.following(d.Rollback, d.Version)
	case d.Rollback != nil && by != Automatic && d.Rollback.Request.Exceeded(c.TrialAutomation.Enabled, c.TrialAutomation.RolloutPercentage):
		overruled := *d.Rollback
		overruled.Overruled = true
		d.Rollback = &overruled
	}
	return d, true
}

// Flags are the feature flags, shaped as the deployment strategy gives them.
type Flags struct {
	TrialAutomation TrialAutomation `json:"trialAutomation"`
	Monitoring      Monitoring      `json:"monitoring"`
	AdminTools      AdminTools      `json:"adminTools"`
}

// TrialAutomation controls the trials.
type TrialAutomation struct {
	// Enabled false holds every automated step, and admits nobody.
	Enabled bool `json:"enabled"`
	// EmailReminders false skips the reminders; other e-mails still go out.
	EmailReminders bool `json:"emailReminders"`
	// AutoExpiration false holds trials at their end and at the end of grace.
	AutoExpiration bool `json:"autoExpiration"`
	// ConversionTracking false keeps conversions out of the figures; a
	// conversion still ends the trial.
	ConversionTracking bool `json:"conversionTracking"`
	// RolloutPercentage is the share of new registrations to automate, 0 to
	// 100, in steps of 0.01.
	RolloutPercentage float64 `json:"rolloutPercentage"`
}

// Monitoring controls alerts and the figures that they judge.
type Monitoring struct {
	Enabled      bool `json:"enabled"`
	TrialMetrics bool `json:"trialMetrics"`
	Alerting     bool `json:"alerting"`
}

// AdminTools controls what admins may do.
type AdminTools struct {
	// Enabled false refuses every change by an admin, except for AdminsMaySet, pausing, rolling back
	// and acknowledging.
	Enabled bool `json:"enabled"`
	// TrialExtension false refuses extensions, shortenings and revivals.
	TrialExtension bool `json:"trialExtension"`
	BulkOperations bool `json:"bulkOperations"`
}

// Initial are the flags before a rollout: everything on, for nobody.
func Initial() Flags {
	return Flags{
		TrialAutomation: TrialAutomation{Enabled: true, EmailReminders: true, AutoExpiration: true, ConversionTracking: true},
		Monitoring:      Monitoring{Enabled: true, TrialMetrics: true, Alerting: true},
		AdminTools:      AdminTools{Enabled: true, TrialExtension: true, BulkOperations: true},
	}
}

// ValidPercentage checks a rollout percentage: 0 to 100, to 0.01.
func ValidPercentage(p float64) error {
	if math.IsNaN(p) || p < 0 || p > 100 {
		return trial.Invalid("rolloutPercentage", "must be 0 to 100, is %v", p)
	}
	if hundredths := p * 100; math.Abs(hundredths-math.Round(hundredths)) > 1e-9 {
		return trial.Invalid("rolloutPercentage", "must be a multiple of 0.01, is %v", p)
	}
	return nil
}

// LoweredTo reports whether flags to let the automation do no more than f does, and change nothing else. If the
// automation is off, the percentage has no effect.
func (f Flags) LoweredTo(to Flags) bool {
	a, b := f.TrialAutomation, to.TrialAutomation
	less := (a.Enabled || !b.Enabled) && (a.EmailReminders || !b.EmailReminders) && (a.AutoExpiration || !b.AutoExpiration) &&
		a.ConversionTracking == b.ConversionTracking && (b.RolloutPercentage <= a.RolloutPercentage || a.Enabled && !b.Enabled)
	to.TrialAutomation = a
	return less && to == f
}

// AdminsMaySet reports whether admins may replace f by to: while AdminTools.Enabled is false
// they may lower the automation, and switch that flag on again.
func (f Flags) AdminsMaySet(to Flags) bool {
	if f.AdminTools.Enabled {
		return true
	}
	to.AdminTools.Enabled = false
	return f.LoweredTo(to)
}

// StillSays reports whether the flags still have the values that were written.
func (w *Write) StillSays(d Document) bool {
	f := d.FeatureFlags.TrialAutomation
	return f.Enabled == w.Enabled && (f.RolloutPercentage == w.Percentage || !w.Enabled)
}
