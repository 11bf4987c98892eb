// Package workflows holds the durable stories: a vendor's trial, and the
// sweep that starts what is missing. A workflow carries state and decides
// when; what to do is decided by the packages trial and rollout, and done by
// the activities.
package workflows
