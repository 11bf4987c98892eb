// Package workflows holds the durable processes: a vendor's trial, a rollout, a bulk operation, a notice, and what the
// schedules run. A workflow carries state and decides when. The domain packages decide what, and the activities do it.
package workflows
