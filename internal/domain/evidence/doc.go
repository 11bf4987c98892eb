// Package evidence holds the statistics by which a rollout judges few and late data: evidence that stays valid however
// often it is looked at, and conversions weighed by age. It knows numbers and curves only, no plan. The formulas and their
// sources are in docs/decisions.md. Everything here is pure.
package evidence
