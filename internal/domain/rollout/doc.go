// Package rollout holds the rules by which trial automation is rolled out to
// vendors: feature flags, buckets, stages and judgements. Everything here is pure.
package rollout
