// Package monitoring says how the trial system is, and what whoever runs it
// should do: pure functions of what was seen and of the moment.
package monitoring
