// Package rollout holds the rules by which the automation is put in front of vendors: plan, ledger of what was seen,
// judgements, and what happens next. Everything here is pure.
package rollout
