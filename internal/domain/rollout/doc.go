// Package rollout holds the rules by which the automation is put in front of
// vendors: the feature flags and the buckets. Everything here is pure.
package rollout
