// Package telemetry exposes measurements of a process: samples of itself in
// the database, metrics for Prometheus, and traces if somebody collects them. None of it
// contains an id, a name or an address.
package telemetry
