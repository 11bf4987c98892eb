package policy

import (
	"cmp"
	"time"

	"marketplace.example/trials/internal/domain/trial"
)

// Rehearse returns what a vendor would get, and when, who registers at a moment in a time zone, empty for UTC, and gets the policy of a name,
// empty for the default one. A policy that is not offered, or a zone that is none, is a *trial.Error that names the field.
func (s Set) Rehearse(name, zone string, day time.Duration, at time.Time) ([]trial.Rehearsed, error) {
	name, zone = cmp.Or(name, s.Default), cmp.Or(zone, "UTC")
	p, known := s.Of(name)
	if !known {
		return nil, trial.Invalid("policy", "%.40q is not one of the policies", name)
	}
	if !trial.ValidZone(zone) {
		return nil, trial.Invalid("timezone", "%.80q is not an IANA time zone", zone)
	}
	return trial.NewState(trial.Registration{VendorID: "v-1001", Cohort: trial.Automated, Policy: p, Day: day, Zone: zone, At: at}).Rehearse(), nil
}
