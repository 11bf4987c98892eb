// Package activities gathers facts, lets the packages trial and rollout
// decide, and carries the decision out. Every effect is safe to repeat.
package activities
