// Package activities reads facts, lets the domain packages decide on them, and carries the decisions out. Every effect is
// safe to repeat.
package activities
