// Package flags holds the feature flags, who is admitted by them, and what a change of them leaves behind.
// Everything here is pure.
package flags
