// Package experiment compares two policies on the vendors who register while it runs: it deals each of them to one of two
// arms, and judges the arms' conversions by evidence that stays valid at every look. The formulas and their sources are in
// docs/decisions.md. Everything here is pure.
package experiment
