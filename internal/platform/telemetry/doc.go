// Package telemetry tells the outside how a process does: samples of itself in
// the database, metrics for Prometheus, and traces where somebody collects them. None of it
// holds an id, a name or an address.
package telemetry
